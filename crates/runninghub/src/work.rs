//! Submits: the work, and its settings.

use std::{
    collections::HashMap,
    fmt,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use runninghub_api::{InstanceType, RunOptions};
use runninghub_catalog::Catalog;
use runninghub_core::{Kind, Learned, Sentence, WebappId, WorkflowId, say};
use runninghub_ledger::{Digest, Once};
use serde_json::{Map, Value};
use tokio::sync::{OnceCell, watch};

use crate::{
    Error, Recipe,
    submit::{BatchItem, Changes, OnStep, SubmitStep},
};

/// The work to run.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Work {
    /// A workflow that is saved on the platform.
    Workflow(WorkflowId),
    /// A workflow in API format, as JSON text.
    Graph(String),
    /// An AI app.
    App(WebappId),
    /// Quick Create of an app; the code (`001`, `002`, `006`) selects the kind of result.
    Quick {
        /// The app.
        app: WebappId,
        /// The code.
        code: String,
    },
    /// A model of the Standard Model API: by its endpoint, or by a name in the catalog.
    Model(String),
}

impl Work {
    /// The kind of task that RunningHub creates for this.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Workflow(_) | Self::Graph(_) => Kind::Workflow,
            Self::App(_) => Kind::App,
            Self::Quick { .. } => Kind::Quick,
            Self::Model(_) => Kind::Model,
        }
    }
}

/// A run that is being prepared: plain data, until [`Service::submit`](crate::Service::submit) takes it.
///
/// A setting that this kind of work or the service does not support is refused before anything is sent.
///
/// ```
/// use runninghub::Submit;
///
/// let submit = Submit::workflow("1904136902449209346").set("6.text", "a cat").set_file("10.image", "cat.png");
/// ```
#[derive(Clone)]
#[must_use = "nothing is submitted until a service takes it"]
pub struct Submit {
    pub(crate) work: Work,
    pub(crate) under: Option<WorkflowId>,
    pub(crate) changes: Changes,
    /// Known digests of files.
    pub(crate) digests: HashMap<PathBuf, Digest>,
    pub(crate) extra_pnginfo: Option<Value>,
    pub(crate) body: Option<Map<String, Value>>,
    pub(crate) catalog: Option<Arc<Catalog>>,
    pub(crate) max_cost: Option<f64>,
    pub(crate) options: RunOptions,
    pub(crate) is_v2: bool,
    pub(crate) queue_timeout: Option<Duration>,
    pub(crate) withdrawn: Option<watch::Receiver<bool>>,
    pub(crate) item: Option<BatchItem>,
    pub(crate) learned: Vec<Learned>,
    pub(crate) label: Option<String>,
    /// The key that the user chose, and what the ledger records of it.
    pub(crate) once_key: Option<String>,
    pub(crate) once: Option<Once>,
    pub(crate) is_private: bool,
    /// Its settings, computed on demand because files are read for them.
    pub(crate) recipe: OnceCell<Recipe>,
    /// The seeds that were drawn, by the names of their fields.
    pub(crate) drawn: OnceLock<Vec<(String, Value)>>,
    pub(crate) on_step: Option<OnStep>,
}

impl Submit {
    /// Prepares a run with default settings.
    pub fn new(work: Work) -> Self {
        Self {
            work,
            under: None,
            changes: Changes::default(),
            digests: HashMap::new(),
            extra_pnginfo: None,
            body: None,
            catalog: None,
            max_cost: None,
            options: RunOptions::default(),
            is_v2: false,
            queue_timeout: None,
            withdrawn: None,
            item: None,
            learned: Vec::new(),
            label: None,
            once_key: None,
            once: None,
            is_private: false,
            recipe: OnceCell::new(),
            drawn: OnceLock::new(),
            on_step: None,
        }
    }

    /// Prepares a run of a workflow that is saved on the platform.
    pub fn workflow(id: impl Into<WorkflowId>) -> Self {
        Self::new(Work::Workflow(id.into()))
    }

    /// Prepares a run of a workflow in API format.
    pub fn graph(json: impl Into<String>) -> Self {
        Self::new(Work::Graph(json.into()))
    }

    /// Prepares a run of an AI app.
    ///
    /// The platform usually doesn't return an app's workflow. Then the run reports which nodes run and how far each of
    /// them is, but no overall percentage before the end.
    pub fn app(id: impl Into<WebappId>) -> Self {
        Self::new(Work::App(id.into()))
    }

    /// Prepares a run of Quick Create; the code (`001`, `002`, `006`) selects the kind of result.
    pub fn quick(app: impl Into<WebappId>, code: impl Into<String>) -> Self {
        Self::new(Work::Quick { app: app.into(), code: code.into() })
    }

    /// Prepares a run of a model: by its endpoint, or by a name in the catalog. The run has no graph: its overall
    /// percentage is unknown until it is over.
    pub fn model(name: impl Into<String>) -> Self {
        Self::new(Work::Model(name.into()))
    }

    /// The work to run.
    pub fn work(&self) -> &Work {
        &self.work
    }

    /// Sets a value.
    ///
    /// * Workflows: `NODE.FIELD`, with the node's id or a unique title.
    /// * Apps: `NODE.FIELD`, or a name unique to one field: its own name, its node's title, or its description. A
    ///   field with choices accepts the value or the displayed name.
    /// * Models: a parameter. Text is converted to the parameter's type. A parameter with several values can be set
    ///   several times.
    pub fn set(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.changes.set(name.into(), value.into());
        self
    }

    /// Sets a value as a user writes it: the field's type decides the meaning of the text. A text field takes it
    /// verbatim, without the quotes of a JSON string; other fields of a workflow take JSON; `random` draws a seed,
    /// which is reported as a [`SubmitStep::Warning`].
    pub fn set_written(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.changes.set_written(name.into(), text.into());
        self
    }

    /// Sets a value as verbatim text, such as a table's cell. If the field doesn't hold text, it is parsed as in
    /// [`set_written`](Self::set_written).
    pub fn set_text(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.changes.set_text(name.into(), text.into());
        self
    }

    /// Uploads a file and sets a field to its name, or for a model to its URL.
    pub fn set_file(mut self, name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.changes.set_file(name.into(), path.into());
        self
    }

    /// The known digest of a file's content, so that the ledger can store it without reading the file.
    pub fn digest(mut self, path: impl Into<PathBuf>, sha256: Digest) -> Self {
        self.digests.insert(path.into(), sha256);
        self
    }

    /// The workflow in the editor's format, for nodes of a ComfyUI that read it and for the metadata of saved images
    /// (`extra_pnginfo`).
    pub fn extra_pnginfo(self, workflow: Value) -> Self {
        Self { extra_pnginfo: Some(workflow), ..self }
    }

    /// Adds changes in the API's own format: objects with `nodeId`, `fieldName` and `fieldValue`. They are sent
    /// unchanged, except with a graph: the platform would ignore them there, so they are written into the graph.
    pub fn node_info_list(mut self, list: Vec<Value>) -> Self {
        self.changes.node_info_list(list);
        self
    }

    /// Submits a graph under this saved workflow; some sites require one.
    pub fn under(self, id: impl Into<WorkflowId>) -> Self {
        Self { under: Some(id.into()), ..self }
    }

    /// The whole body of a model's request, sent unchanged and unchecked: for a model that is missing or wrong in
    /// the catalog.
    pub fn body(self, body: Map<String, Value>) -> Self {
        Self { body: Some(body), ..self }
    }

    /// Replaces the built-in catalog of models.
    pub fn catalog(self, catalog: Arc<Catalog>) -> Self {
        Self { catalog: Some(catalog), ..self }
    }

    /// Requests a model's price first, and submits nothing that costs more or has no known price. The amount is in
    /// the currency of the platform's response.
    pub fn max_cost(self, amount: f64) -> Self {
        Self { max_cost: Some(amount), ..self }
    }

    /// Whether result images contain the workflow. By default, the platform includes it.
    pub fn add_metadata(mut self, add: bool) -> Self {
        self.options.add_metadata = Some(add);
        self
    }

    /// The machine type to run on.
    pub fn instance_type(mut self, instance: InstanceType) -> Self {
        self.options.instance_type = Some(instance);
        self
    }

    /// The password of an encrypted workflow or app.
    pub fn access_password(mut self, password: impl Into<String>) -> Self {
        self.options.access_password = Some(password.into());
        self
    }

    /// Queues on the dedicated machines of an exclusive key.
    pub fn use_personal_queue(mut self, wanted: bool) -> Self {
        self.options.use_personal_queue = Some(wanted);
        self
    }

    /// Keeps the machine warm afterwards, 10–180 s; billed.
    pub fn retain_seconds(mut self, seconds: u32) -> Self {
        self.options.retain_seconds = Some(seconds);
        self
    }

    /// A URL that the platform calls when the task is over. The call is not signed. `{secret}` in the URL stands for a
    /// random secret of this submit: it distinguishes a delivery from a forged one, and resolves a submit whose
    /// response was lost ([`RunningHub::resolve_from_webhook`](crate::RunningHub::resolve_from_webhook)).
    pub fn webhook(mut self, url: impl Into<String>) -> Self {
        self.options.webhook_url = Some(url.into());
        self
    }

    /// Submits with the newer endpoint, without the key in the body: for saved workflows and apps.
    pub fn v2(mut self) -> Self {
        self.is_v2 = true;
        self
    }

    /// Gives up if no slot has been free for this long. By default, waits until one is free.
    pub fn queue_timeout(self, timeout: Duration) -> Self {
        Self { queue_timeout: Some(timeout), ..self }
    }

    /// Gives up as soon as the value is true, unless the request was sent already: with
    /// [`ErrorKind::Withdrawn`](crate::ErrorKind::Withdrawn), and nothing was created.
    pub fn withdrawn(self, withdrawn: watch::Receiver<bool>) -> Self {
        Self { withdrawn: Some(withdrawn), ..self }
    }

    /// Runs an item of a batch in the ledger.
    pub fn item(self, item: BatchItem) -> Self {
        Self { item: Some(item), ..self }
    }

    /// The user's label for the run, for the ledger.
    pub fn label(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    /// Creates one task only, however often it is submitted with this key: in the same ledger, a later submit follows the
    /// task of the first one. A submit that created nothing frees its key. If it is unknown whether the first one created
    /// a task, a later one fails with [`ErrorKind::SubmitUnknown`](crate::ErrorKind::SubmitUnknown); if it set
    /// anything else, or ran something else, with [`ErrorKind::Usage`](crate::ErrorKind::Usage). The key has 1 to 255
    /// bytes.
    pub fn once(self, key: impl Into<String>) -> Self {
        Self { once_key: Some(key.into()), ..self }
    }

    /// The ledger stores only digests of the settings, and not the graph. Such a run can't be repeated from the ledger.
    pub fn private(self) -> Self {
        Self { is_private: true, ..self }
    }

    /// How long each node took in earlier runs, instead of the [`History`](crate::History)'s data.
    pub fn learned(self, learned: Vec<Learned>) -> Self {
        Self { learned, ..self }
    }

    /// Calls this when the request is sent, before each wait for a free slot, and with warnings. Until the request
    /// is sent, the submit can be dropped and nothing was created.
    pub fn on_step(self, call: impl Fn(SubmitStep<'_>) + Send + Sync + 'static) -> Self {
        Self { on_step: Some(Arc::new(call)), ..self }
    }

    /// Reports a probable mistake, before anything is paid.
    pub(crate) fn warn(&self, code: &'static str, message: &Sentence) {
        if let Some(on_step) = &self.on_step {
            on_step(SubmitStep::Warning { code, message });
        }
    }

    /// Refuses settings that RunningHub doesn't take for this kind of work.
    pub(crate) fn check_settings(&self) -> Result<(), Error> {
        let (work, is_model) = match self.work {
            Work::Workflow(_) => (say!("a saved workflow"), false),
            Work::Graph(_) => (say!("a graph"), false),
            Work::App(_) => (say!("an AI app"), false),
            Work::Quick { .. } => (say!("Quick Create"), false),
            Work::Model(_) => (say!("a model"), true),
        };
        self.refuse(work, |of| match of {
            Of::Models => is_model,
            Of::Runs | Of::Changes => !is_model,
            Of::Graphs => matches!(self.work, Work::Graph(_)),
            Of::NewerEndpoint => matches!(self.work, Work::Workflow(_) | Work::App(_)),
            Of::Platform => true,
            Of::Servers => false,
        })
    }

    /// The graph, for a ComfyUI. Refuses all other work, and settings of RunningHub's API.
    pub(crate) fn graph_for_comfyui(&self) -> Result<&str, Error> {
        let Work::Graph(json) = &self.work else {
            return Err(Error::usage(say!("a ComfyUI server runs workflow files only"))
                .with_hint(say!("submit the workflow's JSON in API format")));
        };
        self.refuse(say!("a ComfyUI"), |of| matches!(of, Of::Changes | Of::Servers))?;
        Ok(json)
    }

    /// Refuses the first setting that isn't taken.
    fn refuse(&self, work: Sentence, takes: impl Fn(Of) -> bool) -> Result<(), Error> {
        let options = &self.options;
        let settings = [
            (say!("a request body"), Of::Models, self.body.is_some()),
            (say!("a catalog"), Of::Models, self.catalog.is_some()),
            (say!("a cost limit"), Of::Models, self.max_cost.is_some()),
            (say!("a `nodeInfoList`"), Of::Changes, !self.changes.raw_list().is_empty()),
            (say!("metadata"), Of::Runs, options.add_metadata.is_some()),
            (say!("an instance type"), Of::Runs, options.instance_type.is_some()),
            (say!("a password"), Of::Runs, options.access_password.is_some()),
            (say!("a personal queue"), Of::Runs, options.use_personal_queue.is_some()),
            (say!("instance retention"), Of::Runs, options.retain_seconds.is_some()),
            (say!("a workflow to submit under"), Of::Graphs, self.under.is_some()),
            (say!("a newer endpoint"), Of::NewerEndpoint, self.is_v2),
            (say!("a workflow in the editor's format"), Of::Servers, self.extra_pnginfo.is_some()),
            (say!("a webhook"), Of::Platform, options.webhook_url.is_some()),
            (say!("a time limit for a slot"), Of::Platform, self.queue_timeout.is_some()),
        ];
        match settings.into_iter().find(|(_, of, is_given)| *is_given && !takes(*of)) {
            Some((setting, ..)) => Err(no_place(work, setting)),
            None => Ok(()),
        }
    }
}

/// The error for a setting that this kind of work doesn't have.
pub(crate) fn no_place(work: Sentence, setting: Sentence) -> Error {
    Error::usage(say!("{work} does not take {setting}", work, setting))
}

/// The owner of a setting.
#[derive(Clone, Copy, PartialEq)]
enum Of {
    Models,
    /// Workflows, graphs and apps on the platform.
    Runs,
    /// The same, and a ComfyUI.
    Changes,
    Graphs,
    NewerEndpoint,
    /// Everything on the platform.
    Platform,
    /// A ComfyUI.
    Servers,
}

impl fmt::Debug for Submit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be private; the webhook's URL and the password are secrets.
        f.debug_struct("Submit").field("kind", &self.work.kind()).finish_non_exhaustive()
    }
}
