//! Builds request bodies from values, and checks everything it can before anything is paid for.

use std::fmt;

use runninghub_core::say;
use serde_json::{Map, Value};

use crate::{Error, Model, Param, file, name::closest, one_value};

/// Maximum number of parameters to list if a name is wrong.
const LISTED: usize = 16;

/// The value of a parameter.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub enum Input {
    /// A value. Text is parsed according to the parameter's type, and values of other types become text if text is
    /// sent.
    Json(Value),
    /// A local file that will be uploaded.
    File {
        /// Its name; the platform relies on the extension.
        name: String,
        /// Its size, in bytes.
        bytes: u64,
    },
    /// The URL of an uploaded file: `download_url`, never `fileName`.
    Address(String),
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(_) => f.write_str("Json(…)"),
            Self::File { name, bytes } => {
                f.debug_struct("File").field("name", name).field("bytes", bytes).finish()
            }
            // The URL is signed.
            Self::Address(_) => f.write_str("Address(…)"),
        }
    }
}

impl Model {
    /// Builds the body of a request. A parameter that takes several values accepts them one by one, or as a list. A
    /// missing required parameter gets its default; other defaults are left to the platform.
    ///
    /// A file is an empty string in the body: upload it, then build the body again with its URL.
    ///
    /// # Errors
    /// The first problem, with a hint.
    pub fn body<'a>(
        &self,
        inputs: impl IntoIterator<Item = (&'a str, &'a Input)>,
    ) -> Result<Map<String, Value>, Error> {
        let mut body = Map::new();
        for (name, input) in inputs {
            let (param, values) = self.fit(name, input)?;
            put(&mut body, param, values)?;
        }
        for param in self.params.iter().filter(|param| param.required) {
            if body.contains_key(&param.name) {
                continue;
            }
            let Some(default) = &param.default else { return Err(missing(param)) };
            let value = if param.multiple { Value::Array(items(default)) } else { default.clone() };
            body.insert(param.name.clone(), value);
        }
        // In the catalog's order, so that equal requests have identical bytes.
        let order = |name: &str| self.params.iter().position(|param| param.name == name);
        let mut fields: Vec<_> = body.into_iter().collect();
        fields.sort_by_key(|(name, _)| order(name));
        Ok(fields.into_iter().collect())
    }

    /// Checks a single value: whether the parameter exists and accepts it.
    ///
    /// # Errors
    /// The problem, with a hint.
    pub fn check(&self, name: &str, input: &Input) -> Result<(), Error> {
        let (param, values) = self.fit(name, input)?;
        put(&mut Map::new(), param, values)
    }

    /// Checks that parameters with these names are all that a request needs.
    ///
    /// # Errors
    /// The first required parameter without a value and without a default.
    pub fn check_complete(&self, names: &[&str]) -> Result<(), Error> {
        let is_open = |param: &&Param| param.required && param.default.is_none();
        match self.params.iter().filter(is_open).find(|param| !names.contains(&&*param.name)) {
            Some(param) => Err(missing(param)),
            None => Ok(()),
        }
    }

    /// The parameter with this name, and the values to send.
    fn fit(&self, name: &str, input: &Input) -> Result<(&Param, Vec<Value>), Error> {
        let param = self.find_param(name)?;
        let values = match input {
            Input::Json(value) => {
                let all = if param.multiple { items(value) } else { vec![value.clone()] };
                all.into_iter().map(|value| one_value::fit(param, value)).collect::<Result<_, _>>()?
            }
            Input::File { name, bytes } => {
                file::check(param, name, *bytes)?;
                vec![Value::String(String::new())]
            }
            Input::Address(address) => vec![one_value::fit(param, address.as_str().into())?],
        };
        Ok((param, values))
    }

    /// The parameter with exactly this name.
    ///
    /// # Errors
    /// When there is none; the hint has a similar name.
    pub fn find_param(&self, name: &str) -> Result<&Param, Error> {
        self.param(name).ok_or_else(|| self.unknown(name))
    }

    fn unknown(&self, name: &str) -> Error {
        let names = || self.params.iter().map(|param| param.name.as_str());
        // `text` means `12##text`.
        let part = || names().find(|known| known.rsplit_once("##").is_some_and(|(_, field)| field == name));
        let hint = match part().or_else(|| closest(name, names())) {
            Some(close) => say!("did you mean `{close}`?", close),
            None if self.params.is_empty() => say!("it takes no values"),
            None => {
                let mut list: Vec<_> = names().take(LISTED).map(|name| format!("`{name}`")).collect();
                if self.params.len() > LISTED {
                    list.push("…".to_owned());
                }
                say!("parameters: {names}", names = list.join(", "))
            }
        };
        Error::new(say!("`{model}` has no parameter `{name}`", model = &self.endpoint, name)).with_hint(hint)
    }
}

/// A single value, or the items of a list, which may be JSON text.
fn items(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items.clone(),
        Value::String(text) if text.trim_start().starts_with('[') => {
            serde_json::from_str(text).unwrap_or_else(|_| vec![value.clone()])
        }
        value => vec![value.clone()],
    }
}

fn put(body: &mut Map<String, Value>, param: &Param, mut values: Vec<Value>) -> Result<(), Error> {
    let place = &param.name;
    let value = if param.multiple {
        if let Some(Value::Array(before)) = body.get_mut(place) {
            values.splice(0..0, std::mem::take(before));
        }
        if let Some(most) = param.max_items.filter(|most| values.len() > *most) {
            return Err(Error::new(say!("`{place}` has {count} values", place, count = values.len()))
                .with_hint(say!("it takes at most {most}", most)));
        }
        if values.is_empty() && param.required {
            return Err(missing(param));
        }
        Value::Array(values)
    } else if body.contains_key(place) {
        return Err(Error::new(say!("`{place}` is set twice", place)).with_hint(say!("it takes one value")));
    } else {
        values.pop().unwrap_or_default()
    };
    body.insert(place.clone(), value);
    Ok(())
}

fn missing(param: &Param) -> Error {
    let hint = if param.kind.is_media() {
        say!("upload a file for `{name}`: it takes {kind}", name = &param.name, kind = param.kind.noun())
    } else {
        say!("set `{name}`: it takes {kind}", name = &param.name, kind = param.kind.noun())
    };
    Error::new(say!("`{name}` is missing", name = &param.name)).with_hint(hint)
}
