//! The fields of a workflow, an app or a model, for checking many values before anything is sent.

use std::path::Path;

use runninghub_api::{App, Class, FieldKind, InstanceType};
use runninghub_catalog::{Catalog, Model, ParamKind};
use runninghub_core::{Node, say};
use serde_json::Value;

use crate::{
    Comfy, Error, RunningHub, Work, Workflow, app,
    submit::{FileRules, NewValue, check_webhook, takes_file},
    work::no_place,
    workflow::{links, place_of},
};

/// Prefixes of the platform's names for uploaded files. Only models take URLs.
const UPLOADED: [&str; 2] = ["api/", "openapi/"];
const ADDRESSES: [&str; 4] = ["https://", "http://", "data:", "asset://"];

/// The fields of a workflow, an app or a model. Values are checked as [`Service::submit`](crate::Service::submit) checks
/// them, without a request.
#[derive(Clone, Debug)]
pub struct Fields(Takes);

#[derive(Clone, Debug)]
enum Takes {
    Workflow {
        workflow: Box<Workflow>,
        rules: FileRules,
        /// It is sent as a whole, including its own file names.
        is_whole: bool,
    },
    App(Box<App>),
    Model(Box<Model>),
}

/// A field that exists.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct Field {
    /// Its own name, whatever it was called: `6.text`, or a parameter of a model.
    pub name: String,
    /// Whether it takes files.
    pub takes_files: bool,
    /// Whether it takes any text, including an empty one.
    pub takes_text: bool,
    /// Whether a text in it can only be the name of an upload, so that other texts are paths on this machine.
    uploads_only: bool,
}

impl RunningHub {
    /// Fetches the fields of some work: from the workflow, or the form of the app. Models are looked up in the catalog,
    /// the built-in one by default.
    ///
    /// # Errors
    /// When it does not exist, or there is no response.
    pub async fn fields(&self, work: &Work, catalog: Option<&Catalog>) -> Result<Fields, Error> {
        let saved = |workflow| {
            Fields(Takes::Workflow {
                workflow: Box::new(workflow),
                rules: FileRules::RUNNINGHUB,
                is_whole: false,
            })
        };
        Ok(match work {
            Work::Workflow(id) => saved(self.graph(id).await?),
            Work::Graph(json) => Fields::of_graph(Workflow::parse(json)?),
            Work::App(id) => Fields(Takes::App(Box::new(self.form(id).await?))),
            Work::Quick { app, .. } => match self.form(app).await {
                // Not every Quick Create app has its own form.
                Err(error) if error.class() == Some(Class::BadRequest) => Fields(Takes::App(Box::default())),
                form => Fields(Takes::App(Box::new(form?))),
            },
            Work::Model(name) => {
                Fields(Takes::Model(Box::new(catalog.unwrap_or(Catalog::embedded()).find(name)?.clone())))
            }
        })
    }
}

impl Comfy {
    /// The fields of a graph on this server.
    pub fn fields(&self, graph: Workflow) -> Fields {
        Fields(Takes::Workflow { workflow: Box::new(graph), rules: self.0.file_rules, is_whole: true })
    }
}

impl Fields {
    /// The fields of a graph on RunningHub.
    pub fn of_graph(graph: Workflow) -> Self {
        Self(Takes::Workflow { workflow: Box::new(graph), rules: FileRules::RUNNINGHUB, is_whole: true })
    }

    /// The fields of a model.
    pub fn of_model(model: Model) -> Self {
        Self(Takes::Model(Box::new(model)))
    }

    /// Finds a field by any of its names, as in [`Submit::set`](crate::Submit::set).
    ///
    /// # Errors
    /// When there is no such field, or several have the name.
    pub fn find(&self, name: &str) -> Result<Field, Error> {
        let uploads_only = true;
        match &self.0 {
            Takes::Workflow { workflow, rules, .. } => {
                let (node, field) = workflow.place(name)?;
                let holds_text = workflow.field(node, field)?.is_string();
                let node: &Node = workflow.find(node)?;
                let takes_files = takes_file(node, field);
                Ok(Field {
                    name: place_of(&node.id, field),
                    takes_files,
                    takes_text: holds_text && !takes_files,
                    uploads_only: rules.uploads_only,
                })
            }
            // An app that doesn't list its fields takes any.
            Takes::App(form) if form.fields.is_empty() => {
                Ok(Field { name: name.to_owned(), takes_files: false, takes_text: true, uploads_only })
            }
            Takes::App(form) => {
                let field = app::find(form, name)?;
                let takes_files = !field.kind.extensions().is_empty();
                let is_text = matches!(field.kind, FieldKind::Text | FieldKind::Other(_));
                let takes_text = is_text && field.choices.is_empty();
                Ok(Field { name: app::place(field), takes_files, takes_text, uploads_only })
            }
            Takes::Model(model) => {
                let kind = model.find_param(name)?.kind;
                let takes_text = matches!(kind, ParamKind::String | ParamKind::Any);
                Ok(Field { name: name.to_owned(), takes_files: kind.is_media(), takes_text, uploads_only })
            }
        }
    }

    /// Checks a text for [`Submit::set_text`](crate::Submit::set_text).
    ///
    /// # Errors
    /// When the field does not exist or does not take it.
    pub fn check_text(&self, name: &str, text: &str) -> Result<(), Error> {
        self.check(name, &NewValue::Text(text.to_owned()))
    }

    /// Checks a value for [`Submit::set`](crate::Submit::set).
    ///
    /// # Errors
    /// When the field does not exist or does not take it.
    pub fn check_value(&self, name: &str, value: &Value) -> Result<(), Error> {
        self.check(name, &NewValue::Json(value.clone()))
    }

    /// Checks the type and size of a file for [`Submit::set_file`](crate::Submit::set_file).
    ///
    /// # Errors
    /// When the field does not exist or does not take it, or the file cannot be read.
    pub fn check_file(&self, name: &str, path: &Path) -> Result<(), Error> {
        self.check(name, &NewValue::File(path.to_owned()))
    }

    fn check(&self, name: &str, value: &NewValue) -> Result<(), Error> {
        match &self.0 {
            Takes::Workflow { workflow, rules, .. } => value.check(name, workflow, *rules).map(drop),
            Takes::App(form) => value.fit(name, form).map(drop),
            Takes::Model(model) => Ok(model.check(name, &value.unsent()?)?),
        }
    }

    /// Checks the instance type of a run.
    ///
    /// # Errors
    /// When the type doesn't exist, or can't be chosen, as for a model or a server.
    pub fn check_instance(&self, instance: &str) -> Result<(), Error> {
        let work = match &self.0 {
            Takes::Workflow { rules, .. } if !rules.few_types => say!("a ComfyUI"),
            Takes::Model(_) => say!("a model"),
            Takes::Workflow { .. } | Takes::App(_) => {
                return instance.parse::<InstanceType>().map(drop).map_err(|_| {
                    Error::usage(say!("unknown instance type `{instance}`", instance))
                        .with_hint(say!("it is `default`, `plus` or `ultra`"))
                });
            }
        };
        Err(no_place(work, say!("an instance type")))
    }

    /// Checks the webhook of a run.
    ///
    /// # Errors
    /// When the URL is invalid, or there are no webhooks here.
    pub fn check_webhook(&self, url: &str) -> Result<(), Error> {
        match &self.0 {
            Takes::Workflow { rules, .. } if !rules.few_types => {
                Err(no_place(say!("a ComfyUI"), say!("a webhook")))
            }
            _ => check_webhook(url),
        }
    }

    /// Checks that a run needs no other fields than these.
    ///
    /// # Errors
    /// The missing field: a required parameter of a model, or a file in the graph that only exists elsewhere.
    pub fn check_complete(&self, names: &[&str]) -> Result<(), Error> {
        match &self.0 {
            Takes::Workflow { workflow, rules, is_whole: true } => {
                links(workflow)?;
                let set: Vec<_> = names.iter().filter_map(|name| self.find(name).ok()).collect();
                rules.loaders(workflow, |node, field| {
                    set.iter().any(|set| set.name == place_of(&node.id, field))
                })
            }
            Takes::Model(model) => Ok(model.check_complete(names)?),
            Takes::Workflow { .. } | Takes::App(_) => Ok(()),
        }
    }
}

impl Field {
    /// Whether a text in this field names a file on this machine: the field takes files, and the text isn't the name or
    /// URL of an upload. `exists` says whether there is such a file.
    pub fn names_file(&self, text: &str, exists: impl FnOnce(&str) -> bool) -> bool {
        let is_upload = || UPLOADED.iter().chain(&ADDRESSES).any(|start| text.starts_with(start));
        self.takes_files && if self.uploads_only { !is_upload() } else { exists(text) }
    }
}
