//! Characters of East Asian keyboards that stand for ASCII ones.

/// The text with its full-width letters, digits and signs replaced by those of ASCII, and Chinese quotes and periods
/// too; `None` if it has none. Only for suggestions: in a prompt such characters are intentional.
pub fn half_width(text: &str) -> Option<String> {
    let half: String = text
        .chars()
        .map(|c| match c {
            // The same order as in ASCII.
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xff01 + 0x21).unwrap_or(c),
            '\u{3000}' => ' ',
            '。' => '.',
            '“' | '”' => '"',
            '‘' | '’' => '\'',
            _ => c,
        })
        .collect();
    (half != text).then_some(half)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_another_width_are_found() {
        for (wide, half) in [
            ("16：9", "16:9"),
            ("６．text", "6.text"),
            ("６。text", "6.text"),
            ("２０", "20"),
            ("ｔｒｕｅ", "true"),
            ("（ａ，ｂ）\u{3000}！～", "(a,b) !~"),
            ("“a”", "\"a\""),
        ] {
            assert_eq!(half_width(wide).as_deref(), Some(half));
        }
        for plain in ["16:9", "", "猫、狗", "café"] {
            assert_eq!(half_width(plain), None, "{plain}");
        }
    }
}
