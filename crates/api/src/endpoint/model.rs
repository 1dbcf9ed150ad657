//! The paths of models of the Standard Model API.

/// The path before a model's endpoint.
const FAMILY: &str = "/openapi/v2/";
/// The path before it when only the price is requested.
const PREVIEW: &str = "/openapi/v2/price-preview/";

/// The path that creates a paid task.
pub(super) fn run_path(endpoint: &str) -> String {
    format!("{FAMILY}{endpoint}")
}

/// The path that returns only the price.
pub(super) fn preview_path(endpoint: &str) -> String {
    format!("{PREVIEW}{endpoint}")
}

/// Whether an endpoint is a safe path: segments of letters, digits and a few symbols, none of them only dots.
pub(super) fn is_path(endpoint: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.[]".contains(c);
    endpoint.split('/').all(|part| part.chars().all(fits) && !part.trim_matches('.').is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_leads_nowhere_else() {
        for fine in
            ["vidu/text-to-video-q2", "cinematic-video-generator", "rhart-image-g-1.5/edit-[Deprecated]"]
        {
            assert!(is_path(fine), "{fine}");
        }
        for bad in ["", "/", "a//b", "../query", "a/..", "a?b=1", "a#b", "a%2e", "a b", "a\\b", "https://h/a"]
        {
            assert!(!is_path(bad), "{bad}");
        }
    }
}
