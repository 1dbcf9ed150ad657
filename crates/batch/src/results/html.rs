//! Text and paths in HTML.

use std::fmt::Write as _;

/// Text in an element or in an attribute with double quotes.
pub(super) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            character if character.is_control() && character != '\n' => out.push('\u{fffd}'),
            character => out.push(character),
        }
    }
    out
}

/// A relative path as a URL that is relative to the page.
pub(super) fn url(path: &str) -> String {
    // Without the `./` the first part could be parsed as a scheme.
    let mut out = String::from("./");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_place() {
        assert_eq!(
            text("<a href=\"x\">'&'\u{7}</a>"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;\u{fffd}&lt;/a&gt;"
        );
        assert_eq!(url("cat 1/a\"b#c?.png"), "./cat%201/a%22b%23c%3F.png");
        assert_eq!(url("猫/javascript:x"), "./%E7%8C%AB/javascript%3Ax");
    }
}
