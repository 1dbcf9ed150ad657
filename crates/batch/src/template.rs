//! Templates with `{name}`.

/// Fills in every `{name}` of a text. `{{name}}` stands for `{name}` itself; braces around anything that can't be a
/// name, as in JSON or in `{red|blue}`, stay as they are.
///
/// # Errors
/// The name for which `value` returns `None`.
pub(crate) fn fill(text: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.split_once('{') {
        out.push_str(before);
        let (doubled, from) = match from.strip_prefix('{') {
            Some(inner) => (true, inner),
            None => (false, from),
        };
        let name = from.split_once('}').filter(|(name, _)| is_name(name));
        rest = match (doubled, name) {
            (false, Some((name, after))) => {
                out.push_str(&value(name).ok_or_else(|| name.to_owned())?);
                after
            }
            (true, Some((name, after))) if after.starts_with('}') => {
                out.extend(["{", name, "}"]);
                after.get(1..).unwrap_or_default()
            }
            (true, _) => {
                out.push_str("{{");
                from
            }
            (false, None) => {
                out.push('{');
                from
            }
        };
    }
    out.push_str(rest);
    Ok(out)
}

/// The names that [`fill`] looks up.
pub(crate) fn names(text: &str) -> Vec<String> {
    let names = std::cell::RefCell::new(Vec::new());
    let found = fill(text, &|name| {
        names.borrow_mut().push(name.to_owned());
        Some(String::new())
    });
    drop(found);
    names.into_inner()
}

/// Letters and digits of any script, and the other characters of node ids and field names.
fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':'))
}

/// A value as part of a path: separators and characters that file systems reject become `_`.
pub(crate) fn as_part(value: &str) -> String {
    let safe = |c: char| {
        if c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|') {
            '_'
        } else {
            c
        }
    };
    let part: String = value.chars().map(safe).collect();
    match part.trim() {
        "" | "." | ".." => "_".into(),
        part => part.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_in_and_other_braces_stay() {
        let value = |name: &str| (name == "animal").then(|| "cat".to_owned());
        for (text, filled) in [
            ("a {animal} in {animal}s", "a cat in cats"),
            ("{{animal}} {animal}", "{animal} cat"),
            (r#"{"a":{"b":1}} {{"c":2}} {animal}"#, r#"{"a":{"b":1}} {{"c":2}} cat"#),
            ("{red|blue} {} { {animal}", "{red|blue} {} { cat"),
            ("{{animal} x", "{{animal} x"),
            ("}{", "}{"),
        ] {
            assert_eq!(fill(text, &value).as_deref(), Ok(filled), "{text}");
        }
        assert_eq!(fill("a {anmial}", &value), Err("anmial".to_owned()));
        assert_eq!(names("{a} {{b}} {c.d}"), ["a", "c.d"]);
    }

    #[test]
    fn a_value_stays_within_its_folder() {
        for (value, part) in
            [("a/b\\c", "a_b_c"), ("..", "_"), (" ", "_"), ("cat 1", "cat 1"), ("a\nb", "a_b")]
        {
            assert_eq!(as_part(value), part);
        }
    }
}
