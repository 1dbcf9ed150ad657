//! `--set NODE.FIELD=VALUE`, `--node-info-list`, and `-p NAME=VALUE` and `--body` of models.

use std::path::PathBuf;

use runninghub::{Fact, Submit, half_width, rounded_number, say};
use serde_json::{Map, Value};

use crate::{exit::Error, input};

/// The new value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NewValue {
    Json(Value),
    /// As written: the field's type decides its meaning.
    Written(String),
    /// Verbatim, for fields that hold text.
    Text(String),
    /// A file to upload.
    File(PathBuf),
}

impl NewValue {
    /// Sets a field of a submit.
    pub(crate) fn put(self, submit: Submit, name: String) -> Submit {
        match self {
            Self::Json(value) => submit.set(name, value),
            Self::Written(text) => submit.set_written(name, text),
            Self::Text(text) => submit.set_text(name, text),
            Self::File(path) => submit.set_file(name, path),
        }
    }
}

/// Sets fields of a submit, in order.
pub(crate) fn put_all(submit: Submit, changes: Vec<(String, NewValue)>) -> Submit {
    changes.into_iter().fold(submit, |submit, (name, value)| value.put(submit, name))
}

/// A value as written on the command line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Written<'a> {
    Plain(&'a str),
    /// After the first of two `@`: literal text.
    Text(&'a str),
    /// After a single `@`: the path of a file to upload, possibly empty.
    File(&'a str),
}

impl<'a> Written<'a> {
    pub(crate) fn of(value: &'a str) -> Self {
        match value.strip_prefix('@') {
            Some(text) if text.starts_with('@') => Self::Text(text),
            Some(path) => Self::File(path),
            None => Self::Plain(value),
        }
    }
}

/// The file that an option names.
///
/// # Errors
/// Usage, if the path is missing after the `@`.
pub(crate) fn named(option: &str, given: &str, path: &str) -> Result<PathBuf, Error> {
    if path.is_empty() {
        return Err(Error::usage(say!("`{option} {given}` names no file", option, given))
            .hint(say!("write `@FILE`, or `@@` for a literal `@`")));
    }
    Ok(path.into())
}

/// Reads `NODE.FIELD=VALUE`: the name of a field and its new value. `@@` stands for a literal `@`.
///
/// # Errors
/// Usage, if a part is missing.
pub(crate) fn parse(text: &str) -> Result<(String, NewValue), Error> {
    fn split(text: &str) -> Option<(&str, &str)> {
        let (place, value) = text.split_once('=')?;
        let (node, field) = place.rsplit_once('.')?;
        (!node.is_empty() && !field.is_empty()).then_some((place, value))
    }
    let Some((place, value)) = split(text) else {
        let hint = match narrower(text).filter(|meant| split(meant).is_some()) {
            Some(close) => say!("did you mean `{close}`?", close),
            None => say!("write `--set NODE.FIELD=VALUE`, for example `--set 6.text=\"a cat\"`"),
        };
        return Err(Error::usage(say!("`--set {text}` needs a node, a field and a value", text)).hint(hint));
    };
    let value = match Written::of(value) {
        Written::Plain(value) => NewValue::Written(value.to_owned()),
        Written::Text(value) => NewValue::Json(value.into()),
        Written::File(path) => NewValue::File(named("--set", text, path)?),
    };
    Ok((place.to_owned(), value))
}

/// Reads `NODE.FIELD=TEXT` of `--set-text`.
///
/// # Errors
/// Usage, if a part is missing.
pub(crate) fn text(given: &str) -> Result<(String, NewValue), Error> {
    match given.split_once('=') {
        Some((place, value)) if place.contains('.') => {
            Ok((place.to_owned(), NewValue::Text(value.to_owned())))
        }
        _ => Err(Error::usage(say!("`--set-text {text}` needs a node, a field and a text", text = given))
            .hint(say!("write `--set-text NODE.FIELD=TEXT`, for example `--set-text 6.text=null`"))),
    }
}

/// Replaces full-width signs up to the first `=` with ASCII ones; the value is left unchanged.
fn narrower(text: &str) -> Option<String> {
    let at = text.find(['=', '＝'])?;
    let (place, rest) = text.split_at_checked(at)?;
    let value = rest.strip_prefix(['=', '＝'])?;
    let meant = format!("{}={value}", half_width(place).as_deref().unwrap_or(place));
    (meant != text).then_some(meant)
}

/// Rejects JSON that would change on the way.
///
/// # Errors
/// Usage, for a whole number of more than 64 bits.
pub(crate) fn exact(json: &str) -> Result<(), Error> {
    match rounded_number(json) {
        Some(number) => {
            Err(Error::usage(say!("{number} does not fit into 64 bits and would be rounded", number))
                .hint(say!("write it as text, in quotes, if the field takes text")))
        }
        None => Ok(()),
    }
}

/// Reads a list of changes in the API's format, inline or from a file.
///
/// # Errors
/// Usage, if it isn't a list of objects.
pub(crate) fn node_info_list(text: &str) -> Result<Vec<Value>, Error> {
    let wrong = |message| {
        Error::usage(message).hint(say!(
            "it must be a list such as `[{{\"nodeId\": \"6\", \"fieldName\": \"text\", \"fieldValue\": \"a cat\"}}]`"
        ))
    };
    let text = match text.strip_prefix('@') {
        Some(path) => input::read(path.as_ref())
            .map_err(|why| wrong(say!("cannot read the node info list {path}: {why}", path, why)))?,
        None => text.to_owned(),
    };
    exact(&text)?;
    let list: Vec<Value> = serde_json::from_str(text.trim())
        .map_err(|why| wrong(say!("the node info list is not a JSON list: {why}", why)))?;
    if let Some(entry) = list.iter().find(|entry| !entry.is_object()) {
        return Err(wrong(say!(
            "the node info list contains {entry}, which is not an object",
            entry = Fact::of(entry)
        )));
    }
    Ok(list)
}

/// Reads `NAME=VALUE` for a model's parameter: literal text, parsed later by the parameter's type, or the file after
/// an `@`. `@@` stands for a literal `@`.
///
/// # Errors
/// Usage, if a part is missing.
pub(crate) fn param(text: &str) -> Result<(String, NewValue), Error> {
    fn split(text: &str) -> Option<(&str, &str)> {
        text.split_once('=').filter(|(name, _)| !name.is_empty())
    }
    let Some((name, value)) = split(text) else {
        let hint = match narrower(text).filter(|meant| split(meant).is_some()) {
            Some(close) => say!("did you mean `{close}`?", close),
            None => say!("write `-p NAME=VALUE`, for example `-p prompt=\"a cat\"`"),
        };
        return Err(Error::usage(say!("`-p {text}` needs a parameter and a value", text)).hint(hint));
    };
    let value = match Written::of(value) {
        Written::Plain(value) | Written::Text(value) => NewValue::Json(value.into()),
        Written::File(path) => NewValue::File(named("-p", text, path)?),
    };
    Ok((name.to_owned(), value))
}

/// Reads a request body, inline or from a file.
///
/// # Errors
/// Usage, if it isn't an object.
pub(crate) fn body(text: &str) -> Result<Map<String, Value>, Error> {
    let wrong = |message| {
        Error::usage(message).hint(say!("it must be an object such as `{{\"prompt\": \"a cat\"}}`"))
    };
    let text = match text.strip_prefix('@') {
        Some(path) => input::read(path.as_ref())
            .map_err(|why| wrong(say!("cannot read the body {path}: {why}", path, why)))?,
        None => text.to_owned(),
    };
    exact(&text)?;
    serde_json::from_str(text.trim()).map_err(|why| wrong(say!("the body is not a JSON object: {why}", why)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_is_a_name_and_a_value() {
        let written = |name: &str, text: &str| (name.to_owned(), NewValue::Written(text.to_owned()));
        for (text, expected) in [
            ("6.text=a cat", written("6.text", "a cat")),
            ("57:8.seed=42", written("57:8.seed", "42")),
            ("Load v1.5.ckpt_name=a.b=c", written("Load v1.5.ckpt_name", "a.b=c")),
            ("3.text=", written("3.text", "")),
            ("3.text=\"@x\"", written("3.text", "\"@x\"")),
            ("3.text=@@x", ("3.text".to_owned(), NewValue::Json(json!("@x")))),
            ("3.size=[1, 2]", written("3.size", "[1, 2]")),
            ("正面.text=猫", written("正面.text", "猫")),
        ] {
            assert_eq!(parse(text).map_err(|error| error.message), Ok(expected), "{text}");
        }
        let file = parse("10.image=@a b.png").map(|(_, value)| value).map_err(|error| error.message);
        assert_eq!(file, Ok(NewValue::File("a b.png".into())));
        for text in ["", "6", "6.text", "text=1", ".text=1", "6.=1", "10.image=@"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_list_of_changes_holds_objects() {
        assert_eq!(node_info_list(" [] ").map(|list| list.len()).ok(), Some(0));
        assert_eq!(node_info_list(r#"[{"nodeId": "6"}]"#).map(|list| list.len()).ok(), Some(1));
        for text in ["", "{}", "[1]", "nonsense", "@/nowhere/at/all"] {
            assert!(node_info_list(text).is_err(), "{text}");
        }
    }
}
