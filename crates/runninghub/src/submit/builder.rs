//! A run that is being prepared.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use runninghub_api::{Create, InstanceType, NodeInput, UploadSource};
use runninghub_core::{Event, Learned, Plan, Untrusted, WorkflowId};
use runninghub_ledger::{Digest, Secret};
use serde_json::Value;

use super::{
    change::Changes,
    check,
    pay::{OnWait, Paid, Payment},
};
use crate::{Error, Run, Workflow, follow::Start, hub::Hub, workflow::Override};

/// Stands for the secret of this one submit in a webhook's address.
const SECRET: &str = "{secret}";
/// A fresh task may be unknown to `outputs` for a moment, and a good key is refused at times.
const PATIENCE: u32 = 3;

/// A run that is being prepared. Nothing is sent and nothing is paid before [`Submit::submit`].
#[must_use = "nothing is submitted until `submit` is called"]
pub struct Submit {
    hub: Arc<Hub>,
    workflow_id: Option<WorkflowId>,
    own: Option<String>,
    changes: Changes,
    node_info_list: Vec<Value>,
    options: Options,
    learned: Vec<Learned>,
    queue_timeout: Option<Duration>,
    on_wait: Option<OnWait>,
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
            changes: Changes::default(),
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
        self.changes.set(node.into(), field.into(), value.into());
        self
    }

    /// Uploads a file and puts its name into a field.
    pub fn set_file(
        mut self,
        node: impl Into<String>,
        field: impl Into<String>,
        path: impl Into<PathBuf>,
    ) -> Self {
        self.changes.set_file(node.into(), field.into(), path.into());
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

    /// An address that the platform calls when the task is over. It is not signed; `{secret}` in it stands for a random
    /// secret of this submit, by which a delivery can be told from a forged one, and settles a submit whose answer was
    /// lost ([`RunningHub::settle`](crate::RunningHub::settle)).
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
    /// With a ledger the intent is on disk before anything is sent, and the task's id before this answers.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage), [`Refused`](crate::ErrorKind::Refused),
    /// [`Network`](crate::ErrorKind::Network) and [`Io`](crate::ErrorKind::Io): nothing was created.
    /// [`SubmitUnknown`](crate::ErrorKind::SubmitUnknown): nobody knows; it is not sent again.
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
        check::list(&workflow, &self.node_info_list)?;
        let changes = self.changes(&workflow).await?;
        let paid = self.create(&workflow, &changes).await?;
        Ok(self.begin(&workflow, paid))
    }

    /// All changes checked first, and only then files uploaded.
    async fn changes(&self, workflow: &Workflow) -> Result<Vec<Override>, Error> {
        let mut checked = self.changes.check(workflow)?;
        for (path, value) in self.changes.files(&mut checked) {
            let uploaded = self.hub.client.upload(UploadSource::path(path)).await;
            let uploaded = uploaded.map_err(|error| Error::api("cannot upload the file", error))?;
            *value = uploaded.file_name.as_str().into();
        }
        Ok(checked)
    }

    async fn create(&self, workflow: &Workflow, changes: &[Override]) -> Result<Paid, Error> {
        let secret = match &self.options.webhook {
            Some(url) if url.contains(SECRET) => Some(
                Secret::random()
                    .map_err(|error| Error::ledger("a webhook's secret cannot be drawn", error))?,
            ),
            _ => None,
        };
        if let (Some(recorder), Some(secret)) = (&self.hub.recorder, &secret) {
            recorder.secret(secret.expose());
        }
        // Without the secret, so that the same request has the same digest every time.
        let body = self
            .request(workflow, changes, None)
            .body()
            .map_err(|error| Error::api("the task was not created", error))?;
        let payment = Payment {
            hub: &self.hub,
            kind: "workflow",
            workflow: self.workflow_id.as_ref(),
            body: Digest::of(body),
            secret: secret.as_ref(),
            queue_timeout: self.queue_timeout,
            on_wait: self.on_wait.as_ref(),
        };
        payment.make(|| self.request(workflow, changes, secret.as_ref())).await
    }

    fn request(&self, workflow: &Workflow, changes: &[Override], secret: Option<&Secret>) -> Create {
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
            create = create.webhook_url(match secret {
                Some(secret) => url.replace(SECRET, secret.expose()),
                None => url.clone(),
            });
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
        create
    }

    fn begin(self, workflow: &Workflow, paid: Paid) -> Run {
        let Paid { created, page, unwritten } = paid;
        let outputs = created.tips.outputs_to_execute.unwrap_or_default();
        let plan = Plan::new(workflow.graph(), &outputs).with_learned(&self.learned);
        let unwritten = unwritten.map(|error| {
            let what = format!("keep the id {}: {}", created.task_id, crate::chain(&error));
            Event::Warning { code: "not_written", message: what.into() }
        });
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
            first: unwritten.into_iter().chain(first).collect(),
            page,
            patience: PATIENCE,
            first_contact: None,
        };
        self.hub.run(start)
    }
}

impl fmt::Debug for Submit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submit").finish_non_exhaustive()
    }
}
