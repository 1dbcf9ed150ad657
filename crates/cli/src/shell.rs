//! Words of commands that users copy into a shell.

use runninghub::Untrusted;

/// Characters without a special meaning in shells.
const PLAIN: &str = "_-./:";

/// Quotes a word for a shell: ids and URLs come from servers, paths from anywhere. Control characters are escaped, so
/// the worst such a word can do is nothing.
pub(crate) fn word(text: &str) -> String {
    let text = Untrusted::from(text).to_string();
    let is_plain = |c: char| c.is_alphanumeric() || PLAIN.contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text;
    }
    // PowerShell doubles a quote; other shells need one outside of the quotes.
    let quote = if cfg!(windows) { "''" } else { r"'\''" };
    format!("'{}'", text.replace('\'', quote))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_a_shell_would_not_change_stays_readable() {
        for text in ["2000000000000000001", "https://h:8188/a_b", "/home/me/猫.png", "9b354dcf-8f10"] {
            assert_eq!(word(text), text);
        }
        for text in ["", "https://h/a?b", "~", "$(id)", "a b", "@x", "a\nb"] {
            assert!(word(text).starts_with('\''), "{text}");
        }
    }

    #[cfg(unix)]
    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_shell_reads_the_word_to_the_letter(text in r"[ -~猫\n\t]{0,12}") {
            let script = format!("printf %s {}", word(&text));
            let output = std::process::Command::new("sh").args(["-c", &script]).output().expect("a shell");
            prop_assert_eq!(String::from_utf8_lossy(&output.stdout), Untrusted::from(text).to_string());
            prop_assert!(output.stderr.is_empty());
        }
    }
}
