//! AI apps and Quick Create: the form is sent back with changed values.

use std::collections::HashMap;

use runninghub_api::{App, AppField, Class};
use runninghub_core::{Kind, NodeId, Untrusted, WebappId, say};
use serde_json::{Value, json};

use super::{
    Ready,
    change::{NewValue, USE_TEXT},
    check, loader,
    workflow::warn_of_file,
};
use crate::{Error, Submit, app, attempts::Subject, hub::Hub, platform::Family};

/// An entry of the list of changes to send.
#[derive(PartialEq)]
pub(crate) struct ChangedField {
    node: String,
    field: String,
}

/// An app, or with `code` its Quick Create.
pub(super) async fn ready(
    hub: &Hub,
    submit: &Submit,
    id: &WebappId,
    code: Option<&String>,
) -> Result<Ready, Error> {
    let form = match hub.form(id).await {
        // Not every Quick Create app has its own form.
        Err(error) if code.is_some() && error.class() == Some(Class::BadRequest) => App::default(),
        form => form?,
    };
    let raw_list = submit.changes.raw_list();
    check::entries(raw_list)?;
    for entry in raw_list.iter().filter(|_| !form.fields.is_empty()) {
        if let Some(field) = form.fields.iter().find(|field| ChangedField::of(field).is_of(entry)) {
            app::fit_name(field, &entry["fieldValue"])?;
            warn_if_here(submit, field, entry["fieldValue"].as_str().unwrap_or_default());
        } else {
            let text = |name: &str| match &entry[name] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            app::find(&form, &format!("{}.{}", text("nodeId"), text("fieldName")))?;
        }
    }
    let list = list(hub, submit, &form).await?;
    let (kind, request) = match code {
        Some(code) => (Kind::Quick, hub.client.quick_run(id, code)),
        None if submit.is_v2 => (Kind::App, hub.client.run_app_v2(id.clone())),
        None => (Kind::App, hub.client.run_app(id)),
    };
    Ok(Ready {
        subject: Subject::named(kind, id.as_str()),
        request: request.node_info_list(list),
        graph: None,
        names: node_names(&form),
        family: Family::Unknown,
    })
}

/// The titles of the nodes that a form shows.
pub(crate) fn node_names(form: &App) -> HashMap<NodeId, Untrusted> {
    let named = form.fields.iter().filter_map(|field| {
        let names = [&field.node_name, &field.description, &field.description_en];
        let name = names.into_iter().flatten().find(|name| !name.raw().trim().is_empty())?;
        Some((field.node_id.clone(), name.clone()))
    });
    // Of several fields of a node, the first one.
    named.rev().collect()
}

/// The whole form including the changes, as the platform's own clients send it. Checks everything before any file is
/// uploaded.
async fn list(hub: &Hub, submit: &Submit, form: &App) -> Result<Vec<Value>, Error> {
    let changes = &submit.changes;
    let mut checked = Vec::new();
    for (name, value) in changes.named() {
        let (field, place, value) = value.fit(name, form)?;
        let twice = changes.raw_list().iter().find(|entry| place.is_of(entry));
        if twice.is_some_and(|entry| entry["fieldValue"].as_str() != Some(&*value)) {
            return Err(Error::usage(say!(
                "`{name}` is set, and has another value in the nodeInfoList",
                name
            ))
            .with_hint(say!("remove one of the two")));
        }
        if let Some(field) = field {
            warn_if_here(submit, field, &value);
        }
        checked.push((field, place, value));
    }
    for ((_, value), (_, _, text)) in changes.named().iter().zip(&mut checked) {
        if let NewValue::File(path) = value {
            *text = hub.upload(path.clone()).await?;
        }
    }
    let is_set = |field: &&AppField| {
        let raw = changes.raw_list().iter().any(|entry| ChangedField::of(field).is_of(entry));
        raw || checked.iter().any(|(_, place, _)| *place == ChangedField::of(field))
    };
    let rest = form.fields.iter().filter(|field| !is_set(field)).map(AppField::unchanged);
    let set = checked.iter().map(|(field, place, value)| match field {
        Some(field) => field.with(value.as_str()),
        None => json!({ "nodeId": place.node, "fieldName": place.field, "fieldValue": value }),
    });
    Ok(rest.chain(set).chain(changes.raw_list().iter().cloned()).collect())
}

/// Warns if a field for an upload gets the name of a file in the current folder.
fn warn_if_here(submit: &Submit, field: &AppField, value: &str) {
    if !field.kind.extensions().is_empty() && loader::is_file(value) {
        warn_of_file(submit, &app::place(field), value);
    }
}

impl NewValue {
    /// The field of an app, if the app lists its fields, and the value to send; empty for a file, which has no name
    /// until it is uploaded.
    ///
    /// # Errors
    /// When there is no such field, or it does not take the value.
    pub(crate) fn fit<'f>(
        &self,
        name: &str,
        form: &'f App,
    ) -> Result<(Option<&'f AppField>, ChangedField, String), Error> {
        let field = if form.fields.is_empty() { None } else { Some(app::find(form, name)?) };
        let place = match field {
            Some(field) => ChangedField::of(field),
            None => ChangedField::parse(name)?,
        };
        let value = match (self, field) {
            (Self::Written(text), field) => {
                let text = match serde_json::from_str(text) {
                    Ok(Value::String(inner)) => inner,
                    _ => text.clone(),
                };
                field.map_or(Ok(text.clone()), |field| app::fit(field, &text.into()))?
            }
            (Self::Text(text), Some(field)) => app::fit(field, &text.as_str().into())?,
            (Self::Json(value), Some(field)) => app::fit(field, value)?,
            (Self::Text(text) | Self::Json(Value::String(text)), None) => text.clone(),
            (Self::Json(value), None) => value.to_string(),
            (Self::File(path), field) => {
                check::file(path).map_err(|error| {
                    let takes_file = field.is_some_and(|field| !field.kind.extensions().is_empty());
                    if takes_file { error } else { error.with_hint(USE_TEXT) }
                })?;
                field.map_or_else(|| check::upload(path), |field| app::fit_file(field, path))?;
                String::new()
            }
        };
        Ok((field, place, value))
    }
}

impl ChangedField {
    fn of(field: &AppField) -> Self {
        Self { node: field.node_id.as_str().to_owned(), field: field.field_name.clone() }
    }

    /// Parses a name without a form, so nothing can be looked up.
    fn parse(name: &str) -> Result<Self, Error> {
        // The names of fields may have points, and so may ids, but few do.
        let is_id = |node: &str| node.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
        let parts = name.split_once('.').filter(|(node, _)| is_id(node)).or_else(|| name.rsplit_once('.'));
        let parts = parts.filter(|(node, field)| !node.is_empty() && !field.is_empty());
        let (node, field) = parts.ok_or_else(|| {
            Error::usage(say!("the app does not list its fields, so `{name}` cannot be looked up", name))
                .with_hint(say!("give the node's id and the field, as in `6.text`"))
        })?;
        Ok(Self { node: node.to_owned(), field: field.to_owned() })
    }

    fn is_of(&self, entry: &Value) -> bool {
        let node = entry.get("nodeId").map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
        node.as_ref() == Some(&self.node)
            && entry.get("fieldName").and_then(Value::as_str) == Some(&self.field)
    }
}

impl Hub {
    pub(crate) async fn form(&self, id: &WebappId) -> Result<App, Error> {
        self.client.app(id).await.map_err(|error| Error::api(say!("cannot get the app"), error))
    }
}
