//! The events of the command line: those of runs, and the results of single requests. Reporters show them, and
//! `--format json` writes them.

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

/// An event. A kind of JSON line that is worded in several ways has several variants.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum Event {
    /// A warning about this command. Unlike a run's warning, it is also shown with `--quiet`.
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
    /// A submit that was resolved (`resolve`).
    #[serde(rename = "task")]
    #[schemars(skip)]
    Settled(answer::Task),
    /// A submit that a webhook reported (`webhook listen`).
    #[serde(rename = "task")]
    #[schemars(skip)]
    Delivered(answer::Task),
    /// The running and waiting prompts of a ComfyUI (`queue`).
    Queue(answer::Queue),
    /// The nodes of a workflow and their settable fields (`workflow show`).
    Workflow(answer::Workflow),
    /// A workflow in API format (`workflow convert`).
    Converted {
        /// JSON text.
        workflow: String,
    },
    /// A model (`model list`, `model show`).
    Model(Model),
    /// The price of a model run (`model price`).
    Price(answer::Price),
    /// An AI app; with its fields if it was requested by itself (`app list`, `app show`).
    App(answer::App),
    /// A model or a style of Quick Create (`quick styles`).
    Style(answer::Style),
    /// The state of a webhook (`webhook show`).
    Webhook(answer::Webhook),
    /// The account (`account`).
    Account(answer::Account),
    /// The load of the key (`queue`).
    Slots(answer::Slots),
    /// A key of the account (`account --keys`).
    Key(answer::Key),
    /// A model or a LoRA that workflows can load (`resources`).
    Resource(answer::Resource),
    /// A media asset for models (`assets`).
    Asset(answer::Asset),
    /// A group of assets (`assets group`).
    AssetGroup(answer::AssetGroup),
    /// An uploaded file (`upload`, `lora upload`).
    Upload(answer::Upload),
    /// The saved results of a task (`open`).
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
    /// A setting of which only the value is printed (`config get`, `config path`).
    #[serde(rename = "setting")]
    #[schemars(skip)]
    Value(Setting),
    /// A profile with its key (`login`, `logout`).
    Profile(Profile),
    /// The result of a check (`doctor`).
    Check(Check),
    /// A batch of this machine (`batch ls`).
    Batch(ListedBatch),
    /// What a run of a batch would do (`batch plan`).
    BatchPlan(Box<BatchPlan>),
    /// A row of a batch, and its planned action (`batch plan --rows`).
    #[serde(rename = "item")]
    BatchItem(BatchItem),
    /// The same, when its state has changed (`batch run`).
    #[serde(rename = "item")]
    #[schemars(skip)]
    BatchRow(Box<BatchItem>),
    /// The progress of a batch (`batch run`).
    BatchProgress(BatchProgress),
    /// The outcome of a batch (`batch run`).
    #[serde(rename = "batch")]
    #[schemars(skip)]
    BatchOver(ListedBatch),
    /// A problem or a warning about the rows of a batch (`batch plan`).
    #[serde(rename = "problem")]
    BatchProblem(BatchProblem),
    /// A recording, compared with its snapshot (`test`).
    Test(Box<Test>),
    /// The runs to repeat (`test --live`).
    LiveTests(LiveTests),
    /// The number of tests that passed (`test`).
    Tests(Tests),
    /// The URL of a server (`simulate`, `webhook listen`).
    Listening(Listening),
    /// An event of a run.
    #[serde(untagged)]
    #[schemars(skip, !untagged)]
    Run(RunEvent),
}

/// A model; with its parameters if it was requested by itself.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Model {
    /// Its endpoint, which runs it.
    pub(crate) endpoint: String,
    /// Its other name.
    pub(crate) names: Vec<String>,
    /// What it makes.
    pub(crate) kind: catalog::Kind,
    /// Its task, for example `image-to-video`.
    pub(crate) task: Option<String>,
    /// Who made it.
    pub(crate) family: Option<String>,
    /// Newer lists no longer have it.
    pub(crate) retired: bool,
    /// Its listed price; null if unknown.
    pub(crate) list_price: Option<catalog::Price>,
    /// Its parameters (`model show`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) params: Option<Vec<catalog::Param>>,
    /// The width of the longest endpoint in its list, in cells.
    #[serde(skip)]
    pub(crate) width: usize,
}

/// A setting of a profile.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Setting {
    pub(crate) profile: String,
    pub(crate) name: String,
    /// A key is only shown as `set` or `not set`.
    pub(crate) value: Untrusted,
}

/// A profile and its key, which is not shown.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Profile {
    pub(crate) name: String,
    /// Whether it has a key.
    pub(crate) has_key: bool,
    /// `cn` or `ai`; null for another base URL.
    pub(crate) site: Option<String>,
    /// The kind of key, as the platform names it.
    pub(crate) key_type: Option<Untrusted>,
    /// The configuration file.
    pub(crate) path: String,
    #[serde(skip)]
    pub(crate) change: Change,
}

/// The change to a profile.
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

/// The result of a check.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Check {
    /// A short, stable name, such as `key` or `clock`.
    pub(crate) name: &'static str,
    pub(crate) ok: bool,
    /// What was found.
    pub(crate) message: Sentence,
    /// How to fix it, if it failed.
    pub(crate) cure: Option<Sentence>,
    /// The resulting exit code; 0 if it is fine.
    pub(crate) exit_code: u8,
}

/// The address of the simulator or the webhook receiver.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Listening {
    /// For `--base-url`.
    pub(crate) base_url: String,
    /// A key that the simulator accepts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) api_key: Option<&'static str>,
    /// Additional notes.
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

/// Events of runs and results of requests as one list.
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
