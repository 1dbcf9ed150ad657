//! Everything that is said: of runs as the library says it, and answers to single requests. It is what reporters show, and
//! what `--format json` writes.

mod batch;
mod test;

use std::borrow::Cow;

use runninghub::{Event as RunEvent, Line, Sentence, TaskStatus, Untrusted, answer, catalog};
use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde::Serialize;
use serde_json::Value;

pub(crate) use self::batch::{
    BatchChange, BatchItem, BatchPlan, BatchProblem, BatchProgress, Counts, FieldChange, ListedBatch,
    PlannedCost, PlannedTime, RowProgress, Unknown,
};
pub(crate) use self::test::{
    DiffLine, Difference, LiveTest, LiveTests, PictureTest, PictureVerdict, Test, TestVerdict, Tests,
};

/// One thing that is said. Where one kind of line is worded in several ways, it has several variants.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// Something about this command that is worth knowing. Unlike a warning of a run it is also said when quiet.
    #[serde(rename = "warning")]
    #[schemars(skip)]
    Notice { code: &'static str, message: Sentence },
    /// A result that is only listed (`outputs`).
    #[serde(rename = "output")]
    #[schemars(skip)]
    Listed(runninghub::Output),
    /// The task was cancelled (`cancel`).
    #[serde(rename = "status")]
    #[schemars(skip)]
    Cancelled { status: TaskStatus, waited_s: f64 },
    /// A submit of this machine (`tasks`, `resolve`).
    Task(answer::Task),
    /// The same, settled (`resolve`).
    #[serde(rename = "task")]
    #[schemars(skip)]
    Settled(answer::Task),
    /// The same, of which a webhook has told (`webhook listen`).
    #[serde(rename = "task")]
    #[schemars(skip)]
    Delivered(answer::Task),
    /// What runs and what waits on a ComfyUI (`queue`).
    Queue(answer::Queue),
    /// The nodes of a workflow and what can be set (`workflow show`).
    Workflow(answer::Workflow),
    /// A workflow in API format (`workflow convert`).
    Converted {
        /// JSON text.
        workflow: String,
    },
    /// A model (`model list`, `model show`).
    Model(Model),
    /// What a run of a model would cost (`model price`).
    Price(answer::Price),
    /// An AI app, with its fields where one was asked for (`app list`, `app show`).
    App(answer::App),
    /// A model or a style of Quick Create (`quick styles`).
    Style(answer::Style),
    /// What became of a webhook (`webhook show`).
    Webhook(answer::Webhook),
    /// The account (`account`).
    Account(answer::Account),
    /// How busy the key is (`queue`).
    Slots(answer::Slots),
    /// A key of the account (`account --keys`).
    Key(answer::Key),
    /// A model or a LoRA that workflows can load (`resources`).
    Resource(answer::Resource),
    /// A medium that models can take (`assets`).
    Asset(answer::Asset),
    /// A group of them (`assets group`).
    AssetGroup(answer::AssetGroup),
    /// A file that the platform has (`upload`, `lora upload`).
    Upload(answer::Upload),
    /// What a task has saved (`open`).
    Opened {
        /// The file or the folder.
        path: String,
    },
    /// The archive of a recording (`report`).
    Packed {
        /// The archive.
        path: String,
        /// The names of the files in it.
        files: Vec<String>,
    },
    /// A setting of a profile (`config`).
    Setting(Setting),
    /// A setting whose value alone is wanted (`config get`, `config path`).
    #[serde(rename = "setting")]
    #[schemars(skip)]
    Value(Setting),
    /// A profile with its key (`login`, `logout`).
    Profile(Profile),
    /// Something that was looked at (`doctor`).
    Check(Check),
    /// A batch of this machine (`batch ls`).
    Batch(ListedBatch),
    /// What a run of a batch would do (`batch plan`).
    BatchPlan(Box<BatchPlan>),
    /// A row of a batch, and what happens to it (`batch plan --rows`).
    #[serde(rename = "item")]
    BatchItem(BatchItem),
    /// The same, when its state has changed (`batch run`).
    #[serde(rename = "item")]
    #[schemars(skip)]
    BatchRow(Box<BatchItem>),
    /// How far a batch is (`batch run`).
    BatchProgress(BatchProgress),
    /// A batch that has run (`batch run`).
    #[serde(rename = "batch")]
    #[schemars(skip)]
    BatchOver(ListedBatch),
    /// What is wrong with the rows of a batch, or worth knowing (`batch plan`).
    #[serde(rename = "problem")]
    BatchProblem(BatchProblem),
    /// A recording, and how it compares with its snapshot (`test`).
    Test(Box<Test>),
    /// What runs again (`test --live`).
    LiveTests(LiveTests),
    /// How many passed (`test`).
    Tests(Tests),
    /// The URL that is listened on (`simulate`, `webhook listen`).
    Listening(Listening),
    /// What is said about a run.
    #[serde(untagged)]
    #[schemars(skip, !untagged)]
    Run(RunEvent),
}

/// A model, with what it takes where one was asked for.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Model {
    /// What it is run by.
    pub(crate) endpoint: String,
    /// What else it is called.
    pub(crate) names: Vec<String>,
    /// What it makes.
    pub(crate) kind: catalog::Kind,
    /// What it does, for example `image-to-video`.
    pub(crate) task: Option<String>,
    /// Who made it.
    pub(crate) family: Option<String>,
    /// Newer lists do not have it any more.
    pub(crate) retired: bool,
    /// What it was said to cost; null where nothing is known.
    pub(crate) list_price: Option<catalog::Price>,
    /// What it takes (`model show`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) params: Option<Vec<catalog::Param>>,
    /// How wide the longest endpoint of its list is, cells.
    #[serde(skip)]
    pub(crate) width: usize,
}

/// A setting of a profile.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Setting {
    pub(crate) profile: String,
    pub(crate) name: String,
    /// A key is `set` or `not set`, and nothing more is told of it.
    pub(crate) value: Untrusted,
}

/// A profile and its key, which is not shown.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Profile {
    pub(crate) name: String,
    /// Whether it has a key.
    pub(crate) has_key: bool,
    /// `cn` or `ai`; null for an address of its own.
    pub(crate) site: Option<String>,
    /// The kind of key, as the platform names it.
    pub(crate) key_type: Option<Untrusted>,
    /// The configuration file.
    pub(crate) path: String,
    #[serde(skip)]
    pub(crate) change: Change,
}

/// What was done to a profile.
#[derive(Clone, Debug, Default)]
pub(crate) enum Change {
    LoggedIn {
        at: Untrusted,
    },
    Forgot,
    /// There was no key.
    #[default]
    None,
}

/// Something that was looked at.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Check {
    /// A short, stable name, such as `key` or `clock`.
    pub(crate) name: &'static str,
    pub(crate) ok: bool,
    /// What was found.
    pub(crate) message: Sentence,
    /// What helps, where it is not well.
    pub(crate) cure: Option<Sentence>,
    /// The exit code that it leads to; 0 where it is well.
    pub(crate) exit_code: u8,
}

/// Where the simulator or the receiver of webhooks listens.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Listening {
    /// For `--base-url`.
    pub(crate) base_url: String,
    /// A key that the simulator accepts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api_key: Option<&'static str>,
    /// What else there is to know.
    #[serde(skip)]
    pub(crate) about: Vec<Sentence>,
}

impl From<&catalog::Model> for Model {
    fn from(model: &catalog::Model) -> Self {
        Self {
            endpoint: model.endpoint.clone(),
            names: model.names.clone(),
            kind: model.kind,
            task: model.task.clone(),
            family: model.family.clone(),
            retired: model.retired,
            list_price: model.price.clone(),
            params: None,
            width: 0,
        }
    }
}

impl From<RunEvent> for Event {
    fn from(event: RunEvent) -> Self {
        Self::Run(event)
    }
}

/// The JSON Schema of every line.
pub(crate) fn json_schema() -> Schema {
    SchemaSettings::default().for_serialize().into_generator().into_root_schema_for::<Line<All>>()
}

/// Events of runs and answers as one list.
struct All;

impl JsonSchema for All {
    fn schema_name() -> Cow<'static, str> {
        "event".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut all = RunEvent::json_schema(generator);
        let answers = Event::json_schema(generator).remove("oneOf");
        if let (Some(Value::Array(all)), Some(Value::Array(answers))) = (all.get_mut("oneOf"), answers) {
            all.extend(answers);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_the_common_fields_in_the_schema() {
        let schema = json_schema();
        let variants = schema.get("oneOf").and_then(Value::as_array).expect("one schema an event");
        assert_eq!(variants.len(), 42);
        for variant in variants {
            assert_eq!(variant["properties"]["schema"]["const"], runninghub::FORMAT);
            assert!(variant["properties"].get("task_id").is_some(), "{variant}");
            for name in ["schema", "t", "event"] {
                assert!(
                    variant["required"].as_array().is_some_and(|all| all.contains(&name.into())),
                    "{name}"
                );
            }
        }
    }
}
