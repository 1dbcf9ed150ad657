//! A run that is being prepared.

use std::{fmt, sync::Arc};

use runninghub_api::{Create, RunWorkflow};
use runninghub_core::{Graph, Kind, Learned, Plan, Untrusted, WorkflowId};
use serde_json::{Value, json};

use super::{
    change::{Changed, Changes, FileRules, changes},
    loader,
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
        let changes = self.changes(&workflow).await?;
        let paid = self.create(&workflow, &changes).await?;
        Ok(self.begin(&workflow, &changes, paid))
    }

    /// Checks everything first, and only then uploads files.
    async fn changes(&self, workflow: &Workflow) -> Result<Changed, Error> {
        let rules = FileRules::RUNNINGHUB;
        let checked = match self.own {
            Some(_) => self.changes.check_whole(workflow, rules)?,
            None => self.changes.check(workflow, rules)?,
        };
        for change in checked.all() {
            if loader::is_here(workflow.find(change.node.as_str())?, &change.field, &change.value) {
                self.terms.warn("not_uploaded", &local_file(change));
            }
        }
        checked.upload(|path| self.hub.upload(path)).await
    }

    async fn create(&self, workflow: &Workflow, changes: &Changed) -> Result<Paid, Error> {
        let id = self.workflow_id.as_ref();
        if let Some(saved) = id.filter(|_| self.is_v2) {
            let list = || self.list(changes);
            let build =
                |options| self.hub.client.run_workflow(saved.clone()).node_info_list(list()).options(options);
            return self
                .terms
                .pay(&self.hub, What::workflow(Kind::Workflow, id), build, RunWorkflow::body)
                .await;
        }
        let build = |options| self.request(workflow, changes).options(options);
        self.terms.pay(&self.hub, What::workflow(Kind::Workflow, id), build, Create::body).await
    }

    fn list(&self, changes: &Changed) -> Vec<Value> {
        let entry = |Override { node, field, value }: &Override| json!({ "nodeId": node, "fieldName": field, "fieldValue": value });
        changes.set.iter().map(entry).chain(self.changes.raw_list().iter().cloned()).collect()
    }

    fn request(&self, workflow: &Workflow, changes: &Changed) -> Create {
        let create = self.hub.client.create(self.workflow_id.clone());
        if self.own.is_some() {
            // The platform ignores a `nodeInfoList` beside a graph.
            create.workflow(changes.graph(workflow))
        } else {
            create.node_info_list(self.list(changes))
        }
    }

    fn begin(self, workflow: &Workflow, changes: &Changed, paid: Paid) -> Run {
        let outputs = paid.created.tips.outputs_to_execute.clone().unwrap_or_default();
        let instance = self.terms.options.instance_type.unwrap_or_default().as_str();
        let lesson = self.hub.lesson(self.workflow_id.as_ref(), instance);
        let kept = lesson.as_ref().filter(|_| self.learned.is_empty()).map(Lesson::learned);
        // Steps and sizes that were changed take another time.
        let changed = Graph::parse(&changes.graph(workflow)).ok();
        let graph = changed.as_ref().unwrap_or(workflow.graph());
        let plan = Plan::with_priors(graph, &outputs, &self.hub.priors)
            .with_learned(kept.as_ref().unwrap_or(&self.learned));
        let family = if self.is_v2 { Family::Unknown } else { Family::Workflow };
        paid.begin(&self.hub, self.workflow_id, Some(plan), family, lesson)
    }
}

/// What is said of a value that names a file in the current folder.
fn local_file(change: &Override) -> String {
    let (node, field, value) =
        (&change.node, &change.field, Untrusted::from(change.value.as_str().unwrap_or_default()));
    format!(
        "the file `{value}` in the current folder is not uploaded: `{node}.{field}` is only set to its name; `{node}.{field}=@{value}` uploads it"
    )
}

changes!(Submit);
terms!(all Submit);

impl fmt::Debug for Submit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Submit").finish_non_exhaustive()
    }
}
