//! A run that is being prepared.

use std::{fmt, sync::Arc};

use runninghub_api::{Create, RunWorkflow};
use runninghub_core::{Graph, Learned, Plan, WorkflowId};
use serde_json::{Value, json};

use super::{
    change::{Changes, changes},
    check,
    pay::Paid,
    terms::{Terms, terms},
};
use crate::{
    Error, Run, Workflow, book::What, history::Lesson, hub::Hub, platform::Family, workflow::Override,
};

/// A run that is being prepared. Nothing is sent and nothing is paid before [`Submit::submit`].
#[must_use = "nothing is submitted until `submit` is called"]
pub struct Submit {
    hub: Arc<Hub>,
    workflow_id: Option<WorkflowId>,
    own: Option<String>,
    changes: Changes,
    node_info_list: Vec<Value>,
    is_v2: bool,
    terms: Terms,
    learned: Vec<Learned>,
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
            is_v2: false,
            terms: Terms::default(),
            learned: Vec::new(),
        }
    }

    /// The saved workflow that a workflow of one's own is submitted under; some sites insist on one.
    pub fn under(mut self, id: impl Into<WorkflowId>) -> Self {
        self.workflow_id = Some(id.into());
        self
    }

    /// Changes in the API's own words: objects with `nodeId`, `fieldName` and `fieldValue`, sent as they are.
    pub fn node_info_list(mut self, list: Vec<Value>) -> Self {
        self.node_info_list.extend(list);
        self
    }

    /// Whether result images carry the workflow.
    pub fn add_metadata(mut self, add: bool) -> Self {
        self.terms.options.add_metadata = Some(add);
        self
    }

    /// Submits by the newer endpoint, for a saved workflow without the key in the body.
    pub fn v2(mut self) -> Self {
        self.is_v2 = true;
        self
    }

    /// How long each node took in earlier runs, instead of what the history has.
    pub fn learned(mut self, learned: Vec<Learned>) -> Self {
        self.learned = learned;
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
        if self.is_v2 && self.own.is_some() {
            return Err(Error::usage("the newer endpoint runs saved workflows only"));
        }
        check::list(&workflow, &self.node_info_list)?;
        let changes = self.changes(&workflow).await?;
        let paid = self.create(&workflow, &changes).await?;
        Ok(self.begin(&workflow, &changes, paid))
    }

    /// All changes checked first, and only then files uploaded.
    async fn changes(&self, workflow: &Workflow) -> Result<Vec<Override>, Error> {
        let checked = self.changes.check(workflow, check::upload_to, check::value_of)?;
        checked.upload(|path| self.hub.upload(path)).await
    }

    async fn create(&self, workflow: &Workflow, changes: &[Override]) -> Result<Paid, Error> {
        let id = self.workflow_id.as_ref();
        if let Some(saved) = id.filter(|_| self.is_v2) {
            let list = || self.list(changes);
            let build =
                |options| self.hub.client.run_workflow(saved.clone()).node_info_list(list()).options(options);
            return self.terms.pay(&self.hub, What::workflow("workflow", id), build, RunWorkflow::body).await;
        }
        let build = |options| self.request(workflow, changes).options(options);
        self.terms.pay(&self.hub, What::workflow("workflow", id), build, Create::body).await
    }

    fn list(&self, changes: &[Override]) -> Vec<Value> {
        let entry = |Override { node, field, value }: &Override| json!({ "nodeId": node, "fieldName": field, "fieldValue": value });
        changes.iter().map(entry).chain(self.node_info_list.iter().cloned()).collect()
    }

    fn request(&self, workflow: &Workflow, changes: &[Override]) -> Create {
        let create = self.hub.client.create(self.workflow_id.clone());
        if self.own.is_some() {
            // A graph of one's own is sent whole: whether `nodeInfoList` is honoured beside it is not certain.
            create.workflow(workflow.with(changes)).node_info_list(self.node_info_list.clone())
        } else {
            create.node_info_list(self.list(changes))
        }
    }

    fn begin(self, workflow: &Workflow, changes: &[Override], paid: Paid) -> Run {
        let outputs = paid.created.tips.outputs_to_execute.clone().unwrap_or_default();
        let instance = self.terms.options.instance_type.unwrap_or_default().as_str();
        let lesson = self.hub.lesson(self.workflow_id.as_ref(), instance);
        let kept = lesson.as_ref().filter(|_| self.learned.is_empty()).map(Lesson::learned);
        // Steps and sizes that were changed take another time.
        let changed = Graph::parse(&workflow.with(changes)).ok();
        let graph = changed.as_ref().unwrap_or(workflow.graph());
        let plan = Plan::with_priors(graph, &outputs, &self.hub.priors)
            .with_learned(kept.as_ref().unwrap_or(&self.learned));
        let family = if self.is_v2 { Family::Unknown } else { Family::Workflow };
        paid.begin(&self.hub, self.workflow_id, Some(plan), family, lesson)
    }
}

changes!(Submit);
terms!(all Submit);

impl fmt::Debug for Submit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submit").finish_non_exhaustive()
    }
}
