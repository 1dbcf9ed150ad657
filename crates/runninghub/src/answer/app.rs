//! AI apps, Quick Create, and deliveries of webhooks.

use runninghub_api::{self as api, Choice, ListedApp, QuickStyle, WebhookDetail};
use runninghub_core::{TaskId, Untrusted, WebappId};
use serde::Serialize;

use crate::app;

/// An AI app.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct App {
    /// Its id; null where a list does not have it.
    pub webapp_id: Option<WebappId>,
    /// Its name.
    pub name: Option<Untrusted>,
    /// What it is for.
    pub description: Option<Untrusted>,
    /// Whether it requires a password.
    pub encrypted: bool,
    /// Its fields; null in a list.
    pub fields: Option<Vec<AppField>>,
}

/// A field of an app.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AppField {
    /// `NODE.FIELD`: the name that no other field has.
    pub name: String,
    /// The node's title.
    pub title: Option<Untrusted>,
    /// `text`, `list`, `int`, `float`, `boolean`, `image`, `audio`, `video`, `zip`, or a new word of the platform.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its default value.
    pub value: Option<Untrusted>,
    /// Empty where anything goes.
    pub choices: Vec<AppChoice>,
    /// The least number.
    pub min: Option<f64>,
    /// The largest number.
    pub max: Option<f64>,
    /// Its author's description.
    pub description: Option<Untrusted>,
    /// The same in English.
    pub description_en: Option<Untrusted>,
}

/// One of several values.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AppChoice {
    /// What is sent.
    pub value: String,
    /// Its name, which is accepted as well.
    pub name: Option<Untrusted>,
}

/// A model or a style of Quick Create.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Style {
    /// The value that chooses it.
    pub key: Option<Untrusted>,
    /// Its name.
    pub name: Option<Untrusted>,
    /// Its category.
    pub category: Option<Untrusted>,
    /// Trigger words for the prompt.
    pub trigger: Option<Untrusted>,
    /// An image of it.
    pub preview_url: Option<Untrusted>,
}

/// The state of a task's webhook.
#[derive(Clone, Debug, Default, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Webhook {
    /// The task.
    pub task_id: Option<TaskId>,
    /// `TASK_END`; null before it has happened.
    pub kind: Option<Untrusted>,
    /// The state of the delivery, in the platform's word.
    pub status: Option<Untrusted>,
    /// The receiver's response.
    pub response: Option<Untrusted>,
    /// The number of retries.
    pub retries: Option<u64>,
    /// The host of the URL; the rest of it is a secret.
    pub host: Option<Untrusted>,
}

impl Webhook {
    /// From the platform's answer.
    pub fn of(task: &TaskId, detail: &WebhookDetail) -> Self {
        let host = detail.url.as_ref().and_then(|url| {
            let (_, rest) = url.expose().split_once("://")?;
            rest.split(['/', '?', '#']).next()?.rsplit('@').next()
        });
        Self {
            task_id: Some(task.clone()),
            kind: detail.event.clone(),
            status: detail.callback_status.clone(),
            response: detail.callback_response.clone(),
            retries: detail.retry_count,
            host: host.map(Into::into),
        }
    }
}

impl App {
    /// An app with its fields.
    pub fn of(id: &WebappId, app: &api::App) -> Self {
        Self {
            webapp_id: Some(id.clone()),
            name: app.name.clone(),
            description: None,
            encrypted: app.access_encrypted,
            fields: Some(app.fields.iter().map(Into::into).collect()),
        }
    }
}

impl From<&ListedApp> for App {
    fn from(app: &ListedApp) -> Self {
        Self {
            webapp_id: app.webapp_id.clone(),
            name: app.title.clone(),
            description: app.description.clone(),
            ..Self::default()
        }
    }
}

impl From<&api::AppField> for AppField {
    fn from(field: &api::AppField) -> Self {
        Self {
            name: app::place(field),
            title: field.node_name.clone(),
            kind: field.kind.as_str().to_owned(),
            value: field.value.clone(),
            choices: field.choices.iter().map(Into::into).collect(),
            min: field.range.min,
            max: field.range.max,
            description: field.description.clone(),
            description_en: field.description_en.clone(),
        }
    }
}

impl From<&Choice> for AppChoice {
    fn from(choice: &Choice) -> Self {
        Self { value: choice.value.clone(), name: choice.name.clone() }
    }
}

impl From<&QuickStyle> for Style {
    fn from(style: &QuickStyle) -> Self {
        Self {
            key: style.model_key.clone(),
            name: style.model_name.clone(),
            category: style.model_category.clone(),
            trigger: style.model_trigger.clone(),
            preview_url: style.model_preview_url.clone(),
        }
    }
}
