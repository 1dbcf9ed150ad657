//! Reading responses.

use reqwest::Response;

/// Maximum length of a page title in messages, characters.
const TITLE: usize = 80;

/// Reads at most `limit` bytes of a response as text; the flag is true if that was all. Counts received bytes, so
/// that neither a length header nor compression can bypass the limit.
///
/// # Errors
/// When the connection breaks.
pub async fn read_text(response: &mut Response, limit: usize) -> Result<(String, bool), reqwest::Error> {
    let (mut body, mut is_whole) = (Vec::new(), true);
    while is_whole && let Some(chunk) = response.chunk().await? {
        let room = limit - body.len();
        body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        is_whole = chunk.len() <= room;
    }
    let text = String::from_utf8(body);
    Ok((text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()), is_whole))
}

/// The title of an HTML page, if the text is one.
pub fn page_title(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let tag = lower.find("<title")?;
    let start = tag + lower.get(tag..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find("</title")?;
    let title: String = text.get(start..end)?.split_whitespace().collect::<Vec<_>>().join(" ");
    (!title.is_empty()).then(|| title.chars().take(TITLE).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_a_page_has_a_title() {
        let page = "<!DOCTYPE html>\n<HTML><Title lang=x>\n 502 Bad\tGateway </TITLE>";
        assert_eq!(page_title(page).as_deref(), Some("502 Bad Gateway"));
        for text in ["", "<title>", "<title></title>", "{}"] {
            assert_eq!(page_title(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_looked_at_without_a_panic(text in "\\PC*|(<title>|<TITLE |>|é|</title)*") {
            page_title(&text);
        }
    }
}
