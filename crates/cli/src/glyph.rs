//! Characters of the display. Terminals draw some of them one or two cells wide, and some fonts and code pages lack them.

use std::{borrow::Cow, env, sync::OnceLock};

static ASCII: OnceLock<bool> = OnceLock::new();

/// The characters of the display that aren't ASCII, and what replaces each of them.
const GLYPHS: [(char, char); 11] = [
    ('━', '='),
    ('─', '-'),
    ('…', '~'),
    ('–', '-'),
    ('·', '|'),
    ('×', 'x'),
    ('•', '*'),
    ('✓', '+'),
    ('✗', 'x'),
    ('›', '>'),
    ('↓', 'v'),
];

/// Sets whether the display is ASCII only: if requested, or if the system's character set has nothing else.
pub(crate) fn begin(is_wanted: bool) {
    let _ = ASCII.set(is_wanted || is_legacy(|name| env::var(name).ok()));
}

/// Whether the character set of the locale isn't UTF-8. A locale without a character set decides nothing.
fn is_legacy(variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(set).unwrap_or_default();
    let charset = locale.split_once('.').map(|(_, charset)| charset.to_lowercase());
    charset.is_some_and(|charset| !charset.starts_with("utf-8") && !charset.starts_with("utf8"))
}

/// Whether the display is ASCII only.
pub(crate) fn is_ascii() -> bool {
    *ASCII.get().unwrap_or(&false)
}

/// The text with characters that this terminal draws in one cell each.
pub(crate) fn sure(text: &str) -> Cow<'_, str> {
    if is_ascii() { replaced(text).into() } else { text.into() }
}

fn replaced(text: &str) -> String {
    let ascii = |c| GLYPHS.iter().find(|(glyph, _)| *glyph == c).map_or(c, |(_, ascii)| *ascii);
    text.chars().map(ascii).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_names_the_character_set() {
        let legacy = |all: &str, lang: &str| {
            is_legacy(|name| match name {
                "LC_ALL" => Some(all.to_owned()),
                "LANG" => Some(lang.to_owned()),
                _ => None,
            })
        };
        assert!(!legacy("", "zh_CN.UTF-8"));
        assert!(!legacy("", "en_US.utf8@euro"));
        assert!(!legacy("C", ""), "it names no character set");
        assert!(legacy("zh_CN.GBK", "zh_CN.UTF-8"), "the first variable decides");
        assert!(legacy("", "ru_RU.KOI8-R"));
    }

    #[test]
    fn every_glyph_has_a_replacement_of_one_cell() {
        let glyphs: String = GLYPHS.iter().map(|(glyph, _)| *glyph).collect();
        assert_eq!(replaced(&glyphs), "=-~-|x*+x>v");
        assert_eq!(replaced("采样 5"), "采样 5");
    }
}
