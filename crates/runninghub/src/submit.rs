//! Submitting: check everything that can be checked, then pay once.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use runninghub_api::{Class, CreateOutcome, Created, InstanceType, NodeInput, Retry, UploadSource};
use runninghub_core::{Event, Learned, Plan, Untrusted, WorkflowId};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{Error, ErrorKind, Run, Workflow, follow::Start, hub::Hub, workflow::Override};

/// Shortest wait before a create that was refused for lack of a free slot is sent again, where nobody says more.
const CAPACITY_WAIT: Duration = Duration::from_secs(5);
/// A fresh task may be unknown to `outputs` for a moment, and a good key is refused at times.
const PATIENCE: u32 = 3;

/// A run that is being prepared. Nothing is sent and nothing is paid before [`Submit::submit`].
#[must_use = "nothing is submitted until `submit` is called"]
pub struct Submit {
    hub: Arc<Hub>,
    workflow_id: Option<WorkflowId>,
    own: Option<String>,
    changes: Vec<Change>,
    node_info_list: Vec<Value>,
    options: Options,
    learned: Vec<Learned>,
    queue_timeout: Option<Duration>,
    on_wait: Option<OnWait>,
}

type OnWait = Box<dyn Fn(Duration, &Error) + Send + Sync>;

struct Change {
    node: String,
    field: String,
    value: NewValue,
}

enum NewValue {
    Json(Value),
    File(PathBuf),
}

#[derive(Default)]
struct Options {
    instance_type: Option<InstanceType>,
    webhook: Option<String>,
    add_metadata: Option<bool>,
    access_password: Option<String>,
    use_personal_queue: Option<bool>,
    retain_seconds: Option<u32>,
}

impl Submit {
    pub(crate) fn saved(hub: Arc<Hub>, id: WorkflowId) -> Self {
        Self::new(hub, Some(id), None)
    }

    pub(crate) fn own(hub: Arc<Hub>, text: String) -> Self {
        Self::new(hub, None, Some(text))
    }

    fn new(hub: Arc<Hub>, workflow_id: Option<WorkflowId>, own: Option<String>) -> Self {
        Self {
            hub,
            workflow_id,
            own,
            changes: Vec::new(),
            node_info_list: Vec::new(),
            options: Options::default(),
            learned: Vec::new(),
            queue_timeout: None,
            on_wait: None,
        }
    }

    /// The saved workflow that a workflow of one's own is submitted under; some sites insist on one.
    pub fn under(mut self, id: impl Into<WorkflowId>) -> Self {
        self.workflow_id = Some(id.into());
        self
    }

    /// Changes a field of a node, named by its id or by a title that only it has.
    pub fn set(mut self, node: impl Into<String>, field: impl Into<String>, value: impl Into<Value>) -> Self {
        self.changes.push(Change {
            node: node.into(),
            field: field.into(),
            value: NewValue::Json(value.into()),
        });
        self
    }

    /// Uploads a file and puts its name into a field.
    pub fn set_file(
        mut self,
        node: impl Into<String>,
        field: impl Into<String>,
        path: impl Into<PathBuf>,
    ) -> Self {
        self.changes.push(Change {
            node: node.into(),
            field: field.into(),
            value: NewValue::File(path.into()),
        });
        self
    }

    /// Changes in the API's own words: objects with `nodeId`, `fieldName` and `fieldValue`, sent as they are.
    pub fn node_info_list(mut self, list: Vec<Value>) -> Self {
        self.node_info_list.extend(list);
        self
    }

    /// The machine to run on.
    pub fn instance_type(mut self, instance: InstanceType) -> Self {
        self.options.instance_type = Some(instance);
        self
    }

    /// An address that the platform calls when the task is over.
    pub fn webhook(mut self, url: impl Into<String>) -> Self {
        self.options.webhook = Some(url.into());
        self
    }

    /// Whether result images carry the workflow.
    pub fn add_metadata(mut self, add: bool) -> Self {
        self.options.add_metadata = Some(add);
        self
    }

    /// The password of an encrypted workflow.
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

    /// How long each node took in an earlier run.
    pub fn learned(mut self, learned: Vec<Learned>) -> Self {
        self.learned = learned;
        self
    }

    /// Gives up when the account has had no free slot for this long. The default is to wait for one.
    pub fn queue_timeout(mut self, timeout: Duration) -> Self {
        self.queue_timeout = Some(timeout);
        self
    }

    /// Is told before each wait for a free slot: how long, and what the platform said.
    pub fn on_wait(mut self, call: impl Fn(Duration, &Error) + Send + Sync + 'static) -> Self {
        self.on_wait = Some(Box::new(call));
        self
    }

    /// Checks, uploads, and creates the task, exactly once.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`] and [`ErrorKind::Refused`] and [`ErrorKind::Network`]: nothing was created.
    /// [`ErrorKind::SubmitUnknown`]: nobody knows; it is not sent again.
    pub async fn submit(self) -> Result<Run, Error> {
        let workflow = match (&self.own, &self.workflow_id) {
            (Some(text), _) => Workflow::parse(text.clone())?,
            (None, Some(id)) => self.hub.workflow(id).await?,
            (None, None) => return Err(Error::usage("no workflow was named")),
        };
        self.hub.record_workflow(&workflow);
        if let Some(recorder) = &self.hub.recorder {
            // An answer may repeat them.
            if let Some(url) = &self.options.webhook {
                recorder.address(url);
            }
            if let Some(password) = &self.options.access_password {
                recorder.secret(password);
            }
        }
        check_list(&workflow, &self.node_info_list)?;
        let changes = self.changes(&workflow).await?;
        let created = self.create(&workflow, &changes).await?;
        Ok(self.begin(&workflow, created))
    }

    /// All changes checked first, and only then files uploaded.
    async fn changes(&self, workflow: &Workflow) -> Result<Vec<Override>, Error> {
        let mut checked = Vec::new();
        for change in &self.changes {
            let value = match &change.value {
                NewValue::Json(value) => value.clone(),
                NewValue::File(path) => {
                    if !path.is_file() {
                        return Err(Error::usage(format!("there is no file {}", path.display())));
                    }
                    Value::String(String::new())
                }
            };
            checked.push(workflow.check(&change.node, &change.field, value)?);
        }
        for (change, checked) in self.changes.iter().zip(&mut checked) {
            if let NewValue::File(path) = &change.value {
                let uploaded = self
                    .hub
                    .client
                    .upload(UploadSource::path(path))
                    .await
                    .map_err(|error| Error::api("cannot upload the file", error))?;
                checked.value = Value::String(uploaded.file_name.as_str().to_owned());
            }
        }
        Ok(checked)
    }

    async fn create(&self, workflow: &Workflow, changes: &[Override]) -> Result<Created, Error> {
        let started = Instant::now();
        loop {
            let error = match self.request(workflow, changes).await {
                Ok(created) => return Ok(created),
                Err(error) => error,
            };
            if error.create_outcome() != Some(CreateOutcome::Refused) {
                return Err(Error::new(
                    ErrorKind::SubmitUnknown,
                    "nobody knows whether the task was created: it may run, and it may be charged",
                )
                .with_hint("look at the tasks on the RunningHub page before you submit it again")
                .because(error));
            }
            if !matches!(error.class(), Class::Capacity | Class::Rate) {
                return Err(Error::api("the task was not created", error));
            }
            let least = match error.retry() {
                Retry::Safe { after } => after.unwrap_or(CAPACITY_WAIT),
                _ => CAPACITY_WAIT,
            };
            // Up to twice as long, so that many clients do not ask in step.
            let wait = least.mul_f64((1.0 + fastrand::f64()) * self.hub.time_scale);
            let error = Error::api("the task was not created: no slot is free", error);
            if self.queue_timeout.is_some_and(|limit| started.elapsed() + wait > limit) {
                return Err(error);
            }
            if let Some(on_wait) = &self.on_wait {
                on_wait(wait, &error);
            }
            sleep(wait).await;
        }
    }

    async fn request(
        &self,
        workflow: &Workflow,
        changes: &[Override],
    ) -> Result<Created, runninghub_api::Error> {
        let mut create = self.hub.client.create(self.workflow_id.clone());
        if self.own.is_some() {
            // A graph of one's own is sent whole: whether `nodeInfoList` is honoured beside it is not certain.
            create = create.workflow(workflow.with(changes));
        } else {
            for change in changes {
                create = create.node(NodeInput::new(
                    change.node.clone(),
                    change.field.clone(),
                    change.value.clone(),
                ));
            }
        }
        if !self.node_info_list.is_empty() {
            create = create.node_info_list(self.node_info_list.clone());
        }
        let options = &self.options;
        if let Some(instance) = options.instance_type {
            create = create.instance_type(instance);
        }
        if let Some(url) = &options.webhook {
            create = create.webhook_url(url.clone());
        }
        if let Some(add) = options.add_metadata {
            create = create.add_metadata(add);
        }
        if let Some(password) = &options.access_password {
            create = create.access_password(password.clone());
        }
        if let Some(wanted) = options.use_personal_queue {
            create = create.use_personal_queue(wanted);
        }
        if let Some(seconds) = options.retain_seconds {
            create = create.retain_seconds(seconds);
        }
        create.await
    }

    fn begin(self, workflow: &Workflow, created: Created) -> Run {
        let outputs = created.tips.outputs_to_execute.unwrap_or_default();
        let plan = Plan::new(workflow.graph(), &outputs).with_learned(&self.learned);
        let first = created.tips.node_errors.iter().map(|(node, errors)| {
            let errors: Vec<&str> = errors.iter().map(Untrusted::raw).collect();
            let message = format!("node {node} was refused and will not run: {}", errors.join("; "));
            Event::Warning { code: "node_error", message: message.into() }
        });
        let start = Start {
            task: created.task_id,
            workflow: self.workflow_id,
            plan: Some(Arc::new(plan)),
            address: created.socket,
            first: first.collect(),
            patience: PATIENCE,
            first_contact: None,
        };
        self.hub.run(start)
    }
}

/// A raw list is sent as it is, but what it names has to exist.
fn check_list(workflow: &Workflow, list: &[Value]) -> Result<(), Error> {
    for entry in list {
        let node = match entry.get("nodeId") {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => return Err(Error::usage("an entry of the nodeInfoList has no `nodeId`").with_hint(SHAPE)),
        };
        let field = entry.get("fieldName").and_then(Value::as_str);
        let (Some(field), Some(value)) = (field, entry.get("fieldValue")) else {
            return Err(Error::usage(format!("the nodeInfoList entry for node `{node}` is not complete"))
                .with_hint(SHAPE));
        };
        if workflow.graph().node(&node).is_none() {
            workflow.find(&node)?;
            return Err(Error::usage(format!("`{node}` in the nodeInfoList is a title"))
                .with_hint("name nodes by their ids there"));
        }
        // Values in the list are text as a rule, whatever the field holds.
        if !value.is_string() {
            workflow.check(&node, field, value.clone())?;
        } else if let Some(old) = workflow.find(&node)?.inputs.get(field) {
            if runninghub_core::link(old).is_some() {
                workflow.check(&node, field, value.clone())?;
            }
        } else {
            workflow.check(&node, field, value.clone())?;
        }
    }
    Ok(())
}

const SHAPE: &str = "each entry is `{\"nodeId\": \"6\", \"fieldName\": \"text\", \"fieldValue\": \"…\"}`";

impl fmt::Debug for Submit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submit").finish_non_exhaustive()
    }
}
