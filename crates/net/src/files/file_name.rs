//! Names of result files, none of which are chosen by the server.

use runninghub_core::{NodeId, TaskId};
use url::Url;

/// Maximum name length, bytes: every file system accepts 255, and a number or a temporary suffix has to fit as well.
const LONGEST: usize = 200;
/// Maximum extension length.
const EXTENSION: usize = 8;
/// Device names on Windows, reserved with any extension.
const RESERVED: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// Converts any text to a safe path component.
///
/// Letters and digits of any script are kept, and `-_.()[]+,=@` and spaces; everything else becomes `_`. The result
/// does not start with a dot or a dash or end with a dot or a space, is not a Windows device name, is at most 200
/// bytes long (truncated before the extension) and never empty.
pub fn sanitize(name: &str) -> String {
    let safe: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let safe = safe.trim_start_matches(['.', ' ', '-']).trim_end_matches(['.', ' ']);
    let safe = shorten(safe);
    if safe.is_empty() || is_device(&safe) { shorten(&format!("_{safe}")) } else { safe }
}

/// The name of a result: `<task>-<node>-<index>.<extension>`, without the node if there is none.
pub fn result_name(task_id: &TaskId, node_id: Option<&NodeId>, index: usize, extension: &str) -> String {
    let node = node_id.map(|node| format!("-{node}")).unwrap_or_default();
    sanitize(&format!("{task_id}{node}-{index}.{extension}"))
}

/// The name for a file if `number - 1` earlier names exist: `name-2.ext`, `name-3.ext`, …
pub fn numbered(name: &str, number: usize) -> String {
    match name.rsplit_once('.') {
        _ if number <= 1 => name.to_owned(),
        Some((stem, extension)) => format!("{stem}-{number}.{extension}"),
        None => format!("{name}-{number}"),
    }
}

/// The extension for a result: the one in its URL's path, or else its type if that is an extension, or else `bin`
/// (`txt` for a result without a URL). Lower case, at most eight letters and digits.
pub fn extension(url: Option<&str>, file_type: Option<&str>) -> String {
    let parsed = url.and_then(|url| Url::parse(url).ok());
    let from_path =
        parsed.as_ref().and_then(|url| url.path().rsplit('/').next()?.rsplit_once('.')).map(|(_, ext)| ext);
    from_path
        .filter(|text| is_extension(text))
        // Some responses contain the kind here instead of the extension.
        .or_else(|| file_type.filter(|text| is_extension(text) && !is_kind(text)))
        .unwrap_or(if url.is_some() { "bin" } else { "txt" })
        .to_ascii_lowercase()
}

fn is_plain(c: char) -> bool {
    // The Hangul fillers count as letters but are invisible.
    let is_unseen = matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}');
    c.is_alphanumeric() && !is_unseen || "-_.()[]+,=@ ".contains(c)
}

fn is_device(name: &str) -> bool {
    let device = name.split('.').next().unwrap_or_default().trim_end().to_lowercase();
    // COM1, LPT1 and the like, also with superscript digits.
    let is_port = (device.starts_with("com") || device.starts_with("lpt"))
        && device.chars().count() == 4
        && device.ends_with(|c: char| c.is_ascii_digit() || "¹²³".contains(c));
    is_port || RESERVED.contains(&device.as_str())
}

fn is_extension(text: &str) -> bool {
    (1..=EXTENSION).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn is_kind(text: &str) -> bool {
    ["image", "video", "audio", "string", "text", "3d", "file"]
        .iter()
        .any(|kind| text.eq_ignore_ascii_case(kind))
}

/// Truncates before the extension, at a character boundary.
fn shorten(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let extension = name.rsplit_once('.').map(|(_, ext)| ext).filter(|ext| is_extension(ext));
    let suffix = extension.map(|extension| format!(".{extension}")).unwrap_or_default();
    let room = LONGEST - suffix.len();
    let end = (0..=room).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    format!("{}{suffix}", name.get(..end).unwrap_or_default().trim_end_matches(['.', ' ']))
}

#[cfg(test)]
mod tests {
    use std::path::{Component, Path};

    use proptest::prelude::*;

    use super::*;

    fn is_hidden(c: char) -> bool {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_safe_component(
            name in "\\PC*|.*|(\\.|/|\\\\|:|~|-| |\0|\u{202e}|\u{85}|con|COM¹|lpt9|nul|é|a{90})*",
        ) {
            let safe = sanitize(&name);
            prop_assert!(!safe.is_empty() && safe.len() <= LONGEST, "{safe:?}");
            let parts: Vec<_> = Path::new(&safe).components().collect();
            prop_assert!(matches!(parts.as_slice(), [Component::Normal(_)]), "{safe:?}");
            prop_assert!(!safe.contains(['/', '\\', ':', '\0', '<', '>', '"', '|', '?', '*']), "{safe:?}");
            prop_assert!(!safe.chars().any(is_hidden), "{safe:?}");
            prop_assert!(!safe.starts_with(['.', '-', ' ']) && !safe.ends_with(['.', ' ']), "{safe:?}");
            prop_assert!(!is_device(&safe), "{safe:?}");
            prop_assert_eq!(sanitize(&safe), safe.clone(), "a safe name stays");
        }

        #[test]
        fn an_extension_is_short_and_plain(url in proptest::option::of(".*"), kind in proptest::option::of(".*")) {
            prop_assert!(is_extension(&extension(url.as_deref(), kind.as_deref())));
        }
    }

    /// Whether a name is unsafe, written without the helpers of the code under test.
    fn escapes(name: &str) -> bool {
        let stem = name.split('.').next().unwrap_or_default().trim_end_matches(' ').to_uppercase();
        let is_port = ["COM", "LPT"].iter().any(|port| {
            stem.strip_prefix(port)
                .is_some_and(|rest| rest.chars().count() == 1 && "0123456789¹²³".contains(rest))
        });
        let ends = |c: char| matches!(c, '.' | ' ');
        name.is_empty()
            || name.len() > 200
            || is_port
            || matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
            || name.starts_with(['.', '-', ' '])
            || name.ends_with(ends)
            || name.chars().any(|c| {
                c <= '\u{1f}'
                    || ('\u{7f}'..='\u{9f}').contains(&c)
                    || "/\\:*?\"<>|\u{115f}\u{1160}\u{3164}\u{ffa0}\u{61c}\u{2028}\u{2029}\u{feff}"
                        .contains(c)
                    || ('\u{200b}'..='\u{200f}').contains(&c)
                    || ('\u{202a}'..='\u{202e}').contains(&c)
                    || ('\u{2060}'..='\u{206f}').contains(&c)
            })
    }

    #[test]
    fn none_of_a_million_names_escapes() {
        const PIECES: [&str; 32] = [
            "..", "/", "\\", "C:", "~", "-", " ", ".", "\0", "\n", "\x1b[2J", "\u{9b}", "\u{202e}",
            "\u{2066}", "\u{200b}", "\u{feff}", "con", "PRN", "aux", "Nul", "com1", "LPT9", "COM²", "conin$",
            ".png", ".tar.gz", "图", "é", "\u{3164}", "$(id)", "`", "*?<>|\"",
        ];
        let mut rng = fastrand::Rng::with_seed(7);
        let mut name = String::new();
        for _ in 0..1_000_000 {
            name.clear();
            for _ in 0..rng.usize(..8) {
                match rng.u8(..4) {
                    0 => name.extend(std::iter::repeat_n(rng.char(..), rng.usize(..3))),
                    1 => name.push(rng.alphanumeric()),
                    _ => name.push_str(PIECES[rng.usize(..PIECES.len())]),
                }
            }
            if rng.u8(..200) == 0 {
                name = name.repeat(40);
            }
            let safe = sanitize(&name);
            assert!(!escapes(&safe), "{name:?} became {safe:?}");
        }
    }

    #[test]
    fn ordinary_names_stay() {
        for name in ["a.png", "图像 (1).webp", "2000000000000000001-57_8-1.mp4", "e\u{301}.txt"] {
            assert_eq!(sanitize(name), name.replace('\u{301}', "_"));
        }
        for (name, safe) in [
            ("../../etc/passwd", "_.._etc_passwd"),
            ("C:\\boot.ini", "C__boot.ini"),
            (".ssh", "ssh"),
            ("-rf", "rf"),
            ("CON.png", "_CON.png"),
            ("com1", "_com1"),
            ("Lpt³.x", "_Lpt³.x"),
            ("", "_"),
            ("...", "_"),
            ("a\u{202e}gnp.exe", "a_gnp.exe"),
        ] {
            assert_eq!(sanitize(name), safe, "{name}");
        }
        let long = sanitize(&format!("{}.png", "图".repeat(300)));
        assert!(long.len() <= LONGEST && Path::new(&long).extension().is_some_and(|ext| ext == "png"));
    }

    #[test]
    fn a_result_is_named_by_its_task() {
        let (task, node) = (TaskId::from("20"), NodeId::from("57:8"));
        assert_eq!(result_name(&task, Some(&node), 1, "png"), "20-57_8-1.png");
        assert_eq!(result_name(&task, None, 2, "mp4"), "20-2.mp4");
        for (url, kind, expected) in [
            (Some("https://h/a/b.PNG?sign=x.exe"), Some("jpg"), "png"),
            (Some("https://h/a/b"), Some("mp4"), "mp4"),
            (Some("https://h/a.b/c"), Some("image"), "bin"),
            (Some("https://h/a.notanextension"), Some("../x"), "bin"),
            (Some("not a url.png"), None, "bin"),
            (None, Some("string"), "txt"),
            (None, Some("json"), "json"),
        ] {
            assert_eq!(extension(url, kind), expected, "{url:?} {kind:?}");
        }
    }
}
