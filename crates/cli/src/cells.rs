//! Text measured in terminal cells.

use unicode_width::UnicodeWidthChar;

/// The number of cells a text may take. Never too low: text that terminals draw at different widths (joined emoji,
/// emoji variants) counts as wide, so that a line never wraps.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(cell).sum()
}

/// The text, shortened with an ellipsis if it doesn't fit.
pub(crate) fn fit(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    let mut left = cells.saturating_sub(1);
    let mut cut = String::new();
    for c in text.chars() {
        let Some(rest) = left.checked_sub(cell(c)) else { break };
        left = rest;
        cut.push(c);
    }
    // A joiner with nothing to join would swallow the ellipsis.
    cut.truncate(cut.trim_end_matches(['\u{200d}', '\u{fe0f}']).len());
    if cells > 0 {
        cut.push('…');
    }
    cut
}

/// The text, cut or padded with spaces to exactly `cells` cells.
pub(crate) fn pad(text: &str, cells: usize) -> String {
    column(&fit(text, cells), cells)
}

/// The text, padded with spaces to at least `cells` cells: a column of a table.
pub(crate) fn column(text: &str, cells: usize) -> String {
    text.to_owned() + &" ".repeat(cells.saturating_sub(width(text)))
}

/// The maximum number of cells of a character.
pub(crate) fn cell(c: char) -> usize {
    match c {
        // In some terminals it turns the preceding character into an emoji of two cells.
        '\u{fe0f}' => 1,
        c => c.width().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_are_cut_in_time() {
        assert_eq!(fit("采样器节点", 10), "采样器节点");
        assert_eq!(fit("采样器节点", 9), "采样器节…");
        assert_eq!(fit("采样器节点", 8), "采样器…");
        assert_eq!(fit("👩\u{200d}🎨 paint", 4), "👩…");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(fit("abc", 1), "…");
        for cells in 0..12 {
            assert!(width(&fit("a采❤\u{fe0f}👩\u{200d}🎨b", cells)) <= cells);
            assert_eq!(width(&pad("采x", cells)), cells);
        }
    }
}
