//! A run of an AI app that is being prepared.

use std::{fmt, path::PathBuf, sync::Arc};

use runninghub_api::{App, AppField, Class, QuickRun, RunApp, RunAppV2};
use runninghub_core::{Kind, WebappId};
use serde_json::{Value, json};

use super::{
    check,
    pay::Paid,
    terms::{NewValue, Terms, terms},
};
use crate::{Error, Run, app, book::What, hub::Hub, platform::Family};

/// A run of an AI app, or by Quick Create, that is being prepared. Nothing is sent and nothing is paid before
/// [`AppSubmit::submit`].
///
/// An app does not tell its workflow: its run shows which nodes run and how far each of them is, and no overall figure
/// before the end, unless the platform gives the workflow out.
#[must_use = "nothing is submitted until `submit` is called"]
pub struct AppSubmit {
    hub: Arc<Hub>,
    id: WebappId,
    way: Way,
    changes: Vec<(String, NewValue)>,
    node_info_list: Vec<Value>,
    terms: Terms,
}

/// The endpoint that runs it.
enum Way {
    App,
    V2,
    Quick(String),
}

/// A place in the list of changes that is sent.
#[derive(PartialEq)]
struct Place {
    node: String,
    field: String,
}

impl AppSubmit {
    pub(crate) fn app(hub: Arc<Hub>, id: WebappId) -> Self {
        Self::new(hub, id, Way::App)
    }

    pub(crate) fn quick(hub: Arc<Hub>, id: WebappId, code: String) -> Self {
        Self::new(hub, id, Way::Quick(code))
    }

    fn new(hub: Arc<Hub>, id: WebappId, way: Way) -> Self {
        Self { hub, id, way, changes: Vec::new(), node_info_list: Vec::new(), terms: Terms::default() }
    }

    /// Sets a field, named as `NODE.FIELD` or by a name that only it has: its own, its node's title, or its description. Of a
    /// list either the value or the name that people see will do.
    pub fn set(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.changes.push((name.into(), NewValue::Json(value.into())));
        self
    }

    /// Uploads a file and puts its name into a field.
    pub fn set_file(mut self, name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.changes.push((name.into(), NewValue::File(path.into())));
        self
    }

    /// Changes in the API's own words: objects with `nodeId`, `fieldName` and `fieldValue`, sent as they are.
    pub fn node_info_list(mut self, list: Vec<Value>) -> Self {
        self.node_info_list.extend(list);
        self
    }

    /// Submits by the newer endpoint, without the key in the body. Quick Create has none.
    pub fn v2(mut self) -> Self {
        if let Way::App = self.way {
            self.way = Way::V2;
        }
        self
    }

    /// Checks, uploads, and creates the task, exactly once.
    ///
    /// With a ledger the intent is on disk before anything is sent, and the task's id before this answers.
    ///
    /// # Errors
    /// Those of [`Submit::submit`](crate::Submit::submit).
    pub async fn submit(self) -> Result<Run, Error> {
        let form = match (self.hub.form(&self.id).await, &self.way) {
            // Not every app of Quick Create has a form of its own.
            (Err(error), Way::Quick(_)) if error.class() == Some(Class::BadRequest) => App::default(),
            (form, _) => form?,
        };
        check::entries(&self.node_info_list)?;
        for entry in self.node_info_list.iter().filter(|_| !form.fields.is_empty()) {
            if let Some(field) = form.fields.iter().find(|field| Place::of(field).is_of(entry)) {
                app::fit_name(field, &entry["fieldValue"])?;
            } else {
                let text = |name: &str| match &entry[name] {
                    Value::String(text) => text.clone(),
                    other => other.to_string(),
                };
                app::find(&form, &format!("{}.{}", text("nodeId"), text("fieldName")))?;
            }
        }
        let list = self.list(&form).await?;
        let paid = self.create(&list).await?;
        Ok(paid.begin(&self.hub, None, None, Family::Unknown, None))
    }

    /// The whole form with the changes in it, as the platform's own clients send it. All is checked first, and only then files
    /// are uploaded.
    async fn list(&self, form: &App) -> Result<Vec<Value>, Error> {
        let mut checked = Vec::new();
        for (name, value) in &self.changes {
            let field = if form.fields.is_empty() { None } else { Some(app::find(form, name)?) };
            let place = match field {
                Some(field) => Place::of(field),
                None => Place::parse(name)?,
            };
            let value = match (value, field) {
                (NewValue::Json(value), Some(field)) => app::fit(field, value)?,
                (NewValue::Json(Value::String(text)), None) => text.clone(),
                (NewValue::Json(value), None) => value.to_string(),
                (NewValue::File(path), field) => {
                    check::file(path)?;
                    field.map_or_else(|| check::upload(path), |field| app::fit_file(field, path))?;
                    String::new()
                }
            };
            let twice = self.node_info_list.iter().find(|entry| place.is_of(entry));
            if twice.is_some_and(|entry| entry["fieldValue"].as_str() != Some(&*value)) {
                return Err(Error::usage(format!(
                    "`{name}` is set, and has another value in the nodeInfoList"
                ))
                .with_hint("leave one of the two out"));
            }
            checked.push((field, place, value));
        }
        for ((_, value), (_, _, text)) in self.changes.iter().zip(&mut checked) {
            if let NewValue::File(path) = value {
                *text = self.hub.upload(path.clone()).await?;
            }
        }
        let is_set = |field: &&AppField| {
            let raw = self.node_info_list.iter().any(|entry| Place::of(field).is_of(entry));
            raw || checked.iter().any(|(_, place, _)| *place == Place::of(field))
        };
        let rest = form.fields.iter().filter(|field| !is_set(field)).map(AppField::unchanged);
        let set = checked.iter().map(|(field, place, value)| match field {
            Some(field) => field.with(value.as_str()),
            None => json!({ "nodeId": place.node, "fieldName": place.field, "fieldValue": value }),
        });
        Ok(rest.chain(set).chain(self.node_info_list.iter().cloned()).collect())
    }

    async fn create(&self, list: &[Value]) -> Result<Paid, Error> {
        let (hub, client) = (&*self.hub, &self.hub.client);
        let (id, list) = (|| self.id.clone(), || list.to_vec());
        match &self.way {
            Way::App => {
                let build = |options| client.run_app(id()).node_info_list(list()).options(options);
                self.terms.pay(hub, What::named(Kind::App, self.id.as_str()), build, RunApp::body).await
            }
            Way::V2 => {
                let build = |options| client.run_app_v2(id()).node_info_list(list()).options(options);
                self.terms.pay(hub, What::named(Kind::App, self.id.as_str()), build, RunAppV2::body).await
            }
            Way::Quick(code) => {
                let build = |options| client.quick_run(id(), code).node_info_list(list()).options(options);
                self.terms.pay(hub, What::named(Kind::Quick, self.id.as_str()), build, QuickRun::body).await
            }
        }
    }
}

terms!(all AppSubmit);

impl Place {
    fn of(field: &AppField) -> Self {
        Self { node: field.node_id.as_str().to_owned(), field: field.field_name.clone() }
    }

    /// Without a form nothing can be looked up.
    fn parse(name: &str) -> Result<Self, Error> {
        let parts = name.rsplit_once('.').filter(|(node, field)| !node.is_empty() && !field.is_empty());
        let (node, field) = parts.ok_or_else(|| {
            Error::usage(format!("the app does not tell its fields, so `{name}` cannot be looked up"))
                .with_hint("name the node's id and the field, as in `6.text`")
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
        self.client.app(id).await.map_err(|error| Error::api("cannot get the app", error))
    }
}

impl fmt::Debug for AppSubmit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppSubmit").field("id", &self.id).finish_non_exhaustive()
    }
}
