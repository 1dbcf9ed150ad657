//! Text from untrusted sources.

use std::{fmt, fmt::Write as _};

use serde::{Deserialize, Serialize};

/// Maximum displayed length in characters: the longest prompt or traceback is shorter, and a megabyte would scroll
/// everything else out of sight.
const SHOWN: usize = 10_000;

/// Text from a server, a workflow or a file: it may contain terminal commands, line breaks or invisible characters.
///
/// `Display` shows it on one line with every such character escaped, limited to 10 000 characters, so it is safe for a
/// terminal and a log. [`Untrusted::raw`] is for data formats with their own escaping (JSON).
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Untrusted(String);

impl Untrusted {
    /// The raw text.
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// Whether a character can be shown unescaped; formats with their own escaping (JSON) use this to decide what to
    /// escape.
    pub fn is_safe(character: char) -> bool {
        !is_dangerous(character)
    }

    /// Whether the text is empty.
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
        let mut characters = self.0.chars();
        for character in characters.by_ref().take(SHOWN) {
            match character {
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if is_dangerous(c) => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        match characters.count() {
            0 => Ok(()),
            more => write!(f, "… ({more} more characters)"),
        }
    }
}

/// Control characters (C0, DEL, C1), line separators, and all characters that change the text direction or are
/// invisible (Unicode's default-ignorable characters). `char::is_control` covers only the first group. The joiner
/// U+200D and the variation selector U+FE0F are allowed because emoji need them.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0e}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Written independently of the table, from the threats: characters that terminals obey, that reverse text, and
    /// that hide in it.
    fn harms(c: char) -> bool {
        let code = u32::from(c);
        code < 0x20
            || (0x7f..=0x9f).contains(&code)
            || [0x202a..=0x202e, 0x2066..=0x2069, 0x200b..=0x200c, 0x200e..=0x200f, 0x2028..=0x2029]
                .iter()
                .any(|range| range.contains(&code))
            || [0xad, 0x61c, 0x180e, 0x2060, 0x3164, 0xfeff, 0xe0001, 0xe007f, 0xe0100].contains(&code)
    }

    /// Eight characters, most of them from the harmful ranges. An array, for speed in 100 000 cases.
    fn hostile() -> impl Strategy<Value = String> {
        any::<[u32; 8]>().prop_map(|numbers| {
            let pick = |number: u32| match number % 8 {
                0 | 1 => number / 8 % 0xa0,
                2 | 3 => 0x2000 + number / 8 % 0x70,
                4 => 0xe0000 + number / 8 % 0x200,
                5 => *[0xad, 0x61c, 0x180e, 0x3164, 0xfeff, 0x5c].get(number as usize / 8 % 6).unwrap_or(&0),
                _ => number / 8 % 0x11_0000,
            };
            numbers.into_iter().filter_map(|number| char::from_u32(pick(number))).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100_000))]

        #[test]
        fn shown_text_is_one_line_without_commands(text in hostile()) {
            let shown = Untrusted::from(text).to_string();
            prop_assert!(!shown.chars().any(harms), "{shown:?}");
            prop_assert_eq!(Untrusted::from(&*shown).to_string(), shown);
        }
    }

    #[test]
    fn every_harmful_character_is_escaped_and_no_letter_is() {
        for c in ('\0'..=char::MAX).filter(|c| harms(*c)) {
            assert!(is_dangerous(c), "{c:?}");
        }
        for c in ('\0'..=char::MAX).filter(|c| c.is_alphanumeric() && is_dangerous(*c)) {
            // Letters by category, but invisible.
            assert!("\u{115f}\u{1160}\u{3164}\u{ffa0}".contains(c), "{c:?}");
        }
    }

    #[test]
    fn a_flood_is_cut() {
        assert_eq!(Untrusted::from("x".repeat(SHOWN)).to_string().len(), SHOWN);
        let shown = Untrusted::from("é".repeat(16 << 20)).to_string();
        assert!(shown.ends_with("é… (16767216 more characters)"), "{}", shown.len());
        assert!(shown.chars().count() < SHOWN + 40);
    }

    #[test]
    fn ordinary_text_is_not_redacted() {
        let text = "Ｋサンプラー — 采样器 👩‍🎨 \"x\"";
        assert_eq!(Untrusted::from(text).to_string(), text);
        let text = Untrusted::from("a\x1b[2Jb\r\n\tc");
        assert_eq!(text.to_string(), "a\\u{1b}[2Jb\\r\\n\\tc");
        assert_eq!(text.raw(), "a\x1b[2Jb\r\n\tc");
        assert!(!text.is_empty() && Untrusted::default().is_empty());
    }
}
