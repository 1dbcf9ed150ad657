//! The paths of models of the Standard Model API.

/// What stands before a model's endpoint.
const FAMILY: &str = "/openapi/v2/";
/// What stands before it where only the price is asked for.
const PREVIEW: &str = "/openapi/v2/price-preview/";

/// Where a paid task is made.
pub(super) fn run_path(endpoint: &str) -> String {
    format!("{FAMILY}{endpoint}")
}

/// Where only the price is asked for.
pub(super) fn preview_path(endpoint: &str) -> String {
    format!("{PREVIEW}{endpoint}")
}

/// Whether an endpoint stays where it is put: parts of letters, digits and a few signs, none of them dots alone.
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
