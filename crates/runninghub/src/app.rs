//! The form of an AI app: finds the field for a name and checks values against it.

use std::path::Path;

use runninghub_api::{App, AppField, Choice, FieldKind, List, ListedApp, Page, QuickStyle};
use runninghub_core::{Fact, Sentence, Untrusted, WebappId, half_width, say};
use serde_json::Value;

use crate::{
    Error, RunningHub,
    submit::{check_upload, has_extension, upload_name},
    workflow::{quoted, suggest},
};

/// Maximum number of choices in a hint; a list of models can have thousands.
const NAMED: usize = 12;

impl RunningHub {
    /// Fetches the form of an AI app.
    ///
    /// # Errors
    /// When the app does not exist, or there is no response.
    pub async fn form(&self, id: &WebappId) -> Result<App, Error> {
        self.0.form(id).await
    }

    /// Lists AI apps, page by page: `hub.apps(|list| list.page(2))`.
    ///
    /// # Errors
    /// When the page number is invalid, or there is no response.
    pub async fn apps(
        &self,
        which: impl FnOnce(List<ListedApp>) -> List<ListedApp>,
    ) -> Result<Page<ListedApp>, Error> {
        which(self.0.client.apps()).await.map_err(|error| Error::api(say!("cannot list the apps"), error))
    }

    /// Lists the models and styles of a Quick Create app; `kind` is the platform's number for the kind of
    /// list.
    ///
    /// # Errors
    /// When the app does not exist, or there is no response.
    pub async fn quick_styles(&self, id: &WebappId, kind: u32) -> Result<Vec<QuickStyle>, Error> {
        let styles = self.0.client.quick_styles(id, kind).await;
        styles.map_err(|error| Error::api(say!("cannot list the styles"), error))
    }
}

/// Finds a field by `NODE.FIELD`, or by a name unique to it: its own name, its node's title, or its author's
/// description. Case-insensitive.
///
/// # Errors
/// When no field matches, or several do.
pub fn find<'a>(app: &'a App, name: &str) -> Result<&'a AppField, Error> {
    let same = |text: &str| text.trim().to_lowercase() == name.trim().to_lowercase();
    let exact = app.fields.iter().find(|field| same(&place(field)));
    if let Some(field) = exact {
        return Ok(field);
    }
    let found: Vec<&AppField> =
        app.fields.iter().filter(|field| names(field).any(|text| same(&text))).collect();
    match found.as_slice() {
        [field] => Ok(field),
        [] => {
            let all = app.fields.iter().flat_map(|field| std::iter::once(place(field)).chain(names(field)));
            let fields = quoted(app.fields.iter().take(NAMED).map(place));
            Err(Error::usage(say!("the app has no field `{name}`", name)).with_hint(suggest(
                name,
                all,
                say!("fields: {fields}", fields),
            )))
        }
        several => {
            let fields = quoted(several.iter().copied().map(place));
            Err(Error::usage(say!("several fields are named `{name}`", name))
                .with_hint(say!("use one of {fields}", fields)))
        }
    }
}

/// `NODE.FIELD`: the unique name of the field.
#[must_use]
pub fn place(field: &AppField) -> String {
    format!("{}.{}", field.node_id.as_str(), field.field_name)
}

fn names(field: &AppField) -> impl Iterator<Item = String> {
    let title = field.node_name.as_ref().map(Untrusted::raw);
    let titled = title.map(|title| format!("{title}.{}", field.field_name));
    let descriptions = [&field.description, &field.description_en].into_iter().flatten().map(Untrusted::raw);
    let all = std::iter::once(field.field_name.as_str()).chain(title).chain(descriptions);
    all.filter(|text| !text.is_empty()).map(str::to_owned).chain(titled)
}

/// The value to send, always as text.
///
/// # Errors
/// When the field does not accept it.
pub fn fit(field: &AppField, value: &Value) -> Result<String, Error> {
    let error = match fit_to_the_letter(field, value) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    let half = value.as_str().and_then(half_width);
    match half.filter(|half| fit_to_the_letter(field, &half.as_str().into()).is_ok()) {
        Some(close) => Err(error.with_hint(say!("did you mean `{close}`?", close))),
        None => Err(error),
    }
}

fn fit_to_the_letter(field: &AppField, value: &Value) -> Result<String, Error> {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let is_upload = !field.kind.extensions().is_empty();
    fit_name(field, value)?;
    if !field.choices.is_empty() && !is_upload {
        return choose(field, &text);
    }
    let wants = |what: Sentence| {
        let present = field.value.as_ref().map_or("", Untrusted::raw);
        Error::usage(say!("`{place}` takes {what}, not `{text}`", place = place(field), what, text = &text))
            .with_hint(say!("its current value is `{value}`", value = present))
    };
    match field.kind {
        FieldKind::Int => {
            // Seeds use all of 64 bits, signed or unsigned.
            let number = text.trim().parse::<i128>().map_err(|_| wants(say!("a whole number")))?;
            #[expect(clippy::cast_precision_loss, reason = "limits are given in the same precision")]
            within(field, number as f64, &text)?;
            Ok(number.to_string())
        }
        FieldKind::Float => {
            let number = text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
            within(field, number.ok_or_else(|| wants(say!("a number")))?, &text)?;
            Ok(text.trim().to_owned())
        }
        FieldKind::Boolean => match text.trim().to_lowercase().as_str() {
            word @ ("true" | "false") => Ok(word.to_owned()),
            _ => Err(wants(say!("`true` or `false`"))),
        },
        _ => Ok(text),
    }
}

/// Checks that the value can be the name of an upload, if the field expects one.
pub(crate) fn fit_name(field: &AppField, value: &Value) -> Result<(), Error> {
    if field.kind.extensions().is_empty() { Ok(()) } else { upload_name(&place(field), value) }
}

/// Checks that the field accepts the file.
///
/// # Errors
/// When the field takes no file, or none of this type.
pub fn fit_file(field: &AppField, path: impl AsRef<Path>) -> Result<(), Error> {
    let path = path.as_ref();
    let allowed = field.kind.extensions();
    if allowed.is_empty() {
        return match field.kind {
            FieldKind::Text | FieldKind::Other(_) => check_upload(path),
            _ => Err(Error::usage(say!("`{place}` does not take a file", place = place(field)))
                .with_hint(say!("it is of type `{kind}`", kind = field.kind.as_str()))),
        };
    }
    if has_extension(path, allowed) {
        return check_upload(path);
    }
    let what = say!(
        "`{place}` does not take files like {path}",
        place = place(field),
        path = Fact::of(path.display())
    );
    Err(Error::usage(what).with_hint(say!("the platform accepts {types} there", types = allowed.join(", "))))
}

fn within(field: &AppField, number: f64, text: &str) -> Result<(), Error> {
    let range = &field.range;
    let fits = range.min.is_none_or(|min| number >= min) && range.max.is_none_or(|max| number <= max);
    if fits {
        return Ok(());
    }
    let limits = match (range.min, range.max) {
        (Some(min), Some(max)) => say!("it takes a number from {min} to {max}", min, max),
        (Some(min), None) => say!("it takes a number of at least {min}", min),
        (_, max) => say!("it takes a number of at most {max}", max = max.unwrap_or_default()),
    };
    let what = say!("`{text}` is outside the range of `{place}`", text, place = place(field));
    Err(Error::usage(what).with_hint(limits))
}

/// Accepts the value that is sent or the name that is displayed.
fn choose(field: &AppField, text: &str) -> Result<String, Error> {
    let named = |choice: &&Choice| choice.name.as_ref().is_some_and(|name| name.raw() == text);
    let same = |choice: &&Choice| {
        [
            Some(choice.value.as_str()),
            choice.name.as_ref().map(Untrusted::raw),
            choice.description.as_ref().map(Untrusted::raw),
        ]
        .into_iter()
        .flatten()
        .any(|word| word.trim().to_lowercase() == text.trim().to_lowercase())
    };
    let choices = || field.choices.iter();
    let found = choices()
        .find(|choice| choice.value == text)
        .or_else(|| choices().find(named))
        .or_else(|| choices().find(same));
    if let Some(choice) = found {
        return Ok(choice.value.clone());
    }
    let words = choices().flat_map(|choice| {
        [Some(choice.value.clone()), choice.name.as_ref().map(|name| name.raw().to_owned())]
            .into_iter()
            .flatten()
    });
    let mut some: Vec<String> = choices().take(NAMED).map(shown).collect();
    if field.choices.len() > NAMED {
        some.push("…".to_owned());
    }
    let otherwise = say!("choices: {choices}", choices = some.join(", "));
    Err(Error::usage(say!("`{place}` has no choice `{text}`", place = place(field), text))
        .with_hint(suggest(text, words, otherwise)))
}

fn shown(choice: &Choice) -> String {
    let value = &choice.value;
    match choice.name.as_ref().map(Untrusted::raw) {
        Some(name) if name != value => format!("`{value}` ({name})"),
        _ => format!("`{value}`"),
    }
}
