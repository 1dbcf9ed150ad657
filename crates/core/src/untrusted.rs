//! Text that somebody else wrote.

use std::{fmt, fmt::Write as _};

use serde::{Deserialize, Serialize};

/// Text from a server, a workflow or a file: it may hold terminal commands, line breaks or invisible characters.
///
/// `Display` shows it on one line with every such character escaped, so it is safe for a terminal and a log.
/// [`Untrusted::raw`] is for data formats that escape by themselves (JSON).
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// The text as it came.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Into<String>> From<T> for Untrusted {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if is_dangerous(c) => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// Control characters (C0, DEL, C1), line separators, and everything that changes the direction of text or is
/// invisible. `char::is_control` alone knows only the first group. The joiner U+200D stays: emoji are made with it.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shown_text_is_one_line_without_commands(text in "\\PC*|[\\x00-\\x1f\\x7f-\\x9f\\u{2028}-\\u{202e}\\u{2066}a]*") {
            let shown = Untrusted::from(text).to_string();
            prop_assert!(!shown.chars().any(is_dangerous), "{shown:?}");
        }
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        let text = "Ｋサンプラー — 采样器 👩‍🎨 \"x\"";
        assert_eq!(Untrusted::from(text).to_string(), text);
        assert_eq!(Untrusted::from("a\x1b[2Jb\nc").to_string(), "a\\u{1b}[2Jb\\nc");
    }
}
