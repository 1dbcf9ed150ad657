//! What `app` and `quick` tell.

use runninghub::{Choice, ListedApp, QuickStyle, TaskId, Untrusted, WebappId, WebhookDetail, app};
use schemars::JsonSchema;
use serde::Serialize;

/// An AI app.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct App {
    /// Null where a list does not tell it.
    pub(crate) webapp_id: Option<String>,
    #[schemars(with = "Option<String>")]
    pub(crate) name: Option<Untrusted>,
    #[schemars(with = "Option<String>")]
    pub(crate) description: Option<Untrusted>,
    /// Whether it wants a password.
    pub(crate) encrypted: bool,
    /// What can be filled in; null in a list.
    pub(crate) fields: Option<Vec<AppField>>,
}

/// A field of an app.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct AppField {
    /// `NODE.FIELD`, for `--set`.
    pub(crate) name: String,
    /// The node's title.
    #[schemars(with = "Option<String>")]
    pub(crate) title: Option<Untrusted>,
    /// `text`, `list`, `int`, `float`, `boolean`, `image`, `audio`, `video`, `zip`, or a word of the platform that is new.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// What it has if nothing is set.
    #[schemars(with = "Option<String>")]
    pub(crate) value: Option<Untrusted>,
    /// Empty where anything goes.
    pub(crate) choices: Vec<AppChoice>,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    #[schemars(with = "Option<String>")]
    pub(crate) description: Option<Untrusted>,
    #[schemars(with = "Option<String>")]
    pub(crate) description_en: Option<Untrusted>,
}

/// One of several values.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct AppChoice {
    /// What is sent.
    pub(crate) value: String,
    /// What people call it; `--set` takes it as well.
    #[schemars(with = "Option<String>")]
    pub(crate) name: Option<Untrusted>,
}

/// A model or a style of Quick Create.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct Style {
    /// The value that chooses it.
    #[schemars(with = "Option<String>")]
    pub(crate) key: Option<Untrusted>,
    #[schemars(with = "Option<String>")]
    pub(crate) name: Option<Untrusted>,
    #[schemars(with = "Option<String>")]
    pub(crate) category: Option<Untrusted>,
    /// Words for the prompt that bring it out.
    #[schemars(with = "Option<String>")]
    pub(crate) trigger: Option<Untrusted>,
    #[schemars(with = "Option<String>")]
    pub(crate) preview_url: Option<Untrusted>,
}

/// What became of a webhook.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub(crate) struct Webhook {
    pub(crate) task_id: String,
    /// `TASK_END`; null before it has happened.
    #[schemars(with = "Option<String>")]
    pub(crate) kind: Option<Untrusted>,
    /// What became of the delivery, in the platform's word.
    #[schemars(with = "Option<String>")]
    pub(crate) status: Option<Untrusted>,
    /// What the receiver answered.
    #[schemars(with = "Option<String>")]
    pub(crate) response: Option<Untrusted>,
    pub(crate) retries: Option<u64>,
    /// Of the address; the rest of it is a secret.
    #[schemars(with = "Option<String>")]
    pub(crate) host: Option<Untrusted>,
}

impl Webhook {
    pub(crate) fn of(task: &TaskId, detail: &WebhookDetail) -> Self {
        let host = detail.url.as_ref().and_then(|url| {
            let (_, rest) = url.expose().split_once("://")?;
            rest.split(['/', '?', '#']).next()?.rsplit('@').next()
        });
        Self {
            task_id: task.to_string(),
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
    pub(crate) fn of(id: &WebappId, app: &runninghub::App) -> Self {
        Self {
            webapp_id: Some(id.as_str().to_owned()),
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
            webapp_id: app.webapp_id.as_ref().map(|id| id.as_str().to_owned()),
            name: app.title.clone(),
            description: app.description.clone(),
            ..Self::default()
        }
    }
}

impl From<&runninghub::AppField> for AppField {
    fn from(field: &runninghub::AppField) -> Self {
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
