//! The requests that create a paid task: of a workflow, an AI app, Quick Create or a model.

use std::fmt;

use runninghub_core::{NodeId, WebappId, WorkflowId, say};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    created::{read, read_bare},
    into_future, model,
    run_options::check_id,
};
use crate::{Client, CreatedTask, Error, RunOptions, http::Call};

/// Creates a paid task. Created by [`Client::create`], [`Client::run_workflow`], [`Client::run_app`],
/// [`Client::run_app_v2`], [`Client::quick_run`] and [`Client::run_model`].
///
/// It is sent once, over its own connection, and never again: the platform cannot detect a duplicate, so a lost
/// response may hide a task that costs money. [`Error::create_outcome`] says whether that is possible.
///
/// The platform randomizes seeds unless they are set with [`CreateTask::node`].
#[derive(Clone)]
#[must_use = "a request does nothing until it is awaited"]
pub struct CreateTask {
    client: Client,
    route: Route,
    fields: Map<String, Value>,
    node_info_list: Vec<Value>,
    options: RunOptions,
}

/// The endpoint, with the id in its path.
#[derive(Clone)]
enum Route {
    /// `POST /task/openapi/create`.
    Workflow,
    /// `POST /openapi/v2/run/workflow/{workflowId}`.
    WorkflowV2(WorkflowId),
    /// `POST /task/openapi/ai-app/run`.
    App,
    /// `POST /openapi/v2/run/ai-app/{webappId}`.
    AppV2(WebappId),
    /// `POST /task/openapi/quick-ai-app/run`.
    Quick,
    /// `POST /openapi/v2/{endpoint}`.
    Model(String),
}

/// A value for one field of one node.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "camelCase")]
pub struct NodeInput {
    /// The node in the workflow.
    pub node_id: NodeId,
    /// The input's name, for example `text` or `seed`.
    pub field_name: String,
    /// The value, sent unchanged.
    pub field_value: Value,
}

impl NodeInput {
    /// A value for one field of one node.
    pub fn new(
        node_id: impl Into<NodeId>,
        field_name: impl Into<String>,
        field_value: impl Into<Value>,
    ) -> Self {
        Self { node_id: node_id.into(), field_name: field_name.into(), field_value: field_value.into() }
    }
}

impl Client {
    /// Creates a paid task of a workflow. Without a workflow id, [`CreateTask::workflow`] has to be called.
    pub fn create(&self, workflow_id: Option<WorkflowId>) -> CreateTask {
        let create = CreateTask::new(self, Route::Workflow);
        match workflow_id {
            Some(id) => create.field("workflowId", id.as_str()),
            None => create,
        }
    }

    /// Like [`Client::create`] for a saved workflow, with the v2 endpoint and the key in the header only. The
    /// response contains no socket URL and no outputs.
    pub fn run_workflow(&self, workflow_id: WorkflowId) -> CreateTask {
        CreateTask::new(self, Route::WorkflowV2(workflow_id))
    }

    /// Creates a paid task of an AI app.
    ///
    /// Clients send the whole list of [`Client::app`] back with changed values
    /// ([`AppField::with`](crate::AppField::with)); the values are text. The results do not contain the workflow,
    /// and the workflow id in the socket's URL is not the app's id. An unknown app is code 901.
    pub fn run_app(&self, webapp_id: &WebappId) -> CreateTask {
        CreateTask::new(self, Route::App).field("webappId", webapp_id.as_str())
    }

    /// Like [`Client::run_app`], with the v2 endpoint and the key in the header only. The response contains no
    /// socket URL.
    pub fn run_app_v2(&self, webapp_id: WebappId) -> CreateTask {
        CreateTask::new(self, Route::AppV2(webapp_id))
    }

    /// Creates a paid task by Quick Create; the code (`001`, `002`, `006`) selects the kind of result. Its models and
    /// styles are listed by [`Client::quick_styles`].
    pub fn quick_run(&self, webapp_id: &WebappId, code: impl Into<String>) -> CreateTask {
        CreateTask::new(self, Route::Quick)
            .field("webappId", webapp_id.as_str())
            .field("quickCreateCode", code.into())
    }

    /// Creates a paid task of a model: `endpoint` is the path after `/openapi/v2/`, and [`CreateTask::params`] sets the
    /// parameters.
    ///
    /// Both are sent verbatim; a catalog defines their valid values. Only enterprise-shared keys may use models,
    /// others get code 1014. Some responses report a task that is already over; [`Client::query`] reliably knows
    /// tasks of models.
    pub fn run_model(&self, endpoint: impl Into<String>) -> CreateTask {
        CreateTask::new(self, Route::Model(endpoint.into()))
    }
}

impl CreateTask {
    fn new(client: &Client, route: Route) -> Self {
        Self {
            client: client.clone(),
            route,
            fields: Map::new(),
            node_info_list: Vec::new(),
            options: RunOptions::default(),
        }
    }

    fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// Sets one field of one node.
    pub fn node(mut self, input: NodeInput) -> Self {
        let NodeInput { node_id, field_name, field_value } = input;
        self.node_info_list.push(json!({
            "nodeId": node_id, "fieldName": field_name, "fieldValue": field_value,
        }));
        self
    }

    /// Appends entries of `nodeInfoList` unchanged, including keys that this crate does not know.
    pub fn node_info_list(mut self, entries: Vec<Value>) -> Self {
        self.node_info_list.extend(entries);
        self
    }

    /// Sends a whole workflow in API format, as JSON text, instead of the saved one.
    ///
    /// Sources disagree on which other fields then apply. Also give a valid workflow id, and put every change into
    /// the text instead of using [`CreateTask::node`].
    pub fn workflow(self, json: String) -> Self {
        self.field("workflow", json)
    }

    /// All parameters of a model. Media are URLs: public ones, `data:`, or the [`DownloadUrl`](crate::DownloadUrl)
    /// of an upload.
    pub fn params(mut self, params: Map<String, Value>) -> Self {
        self.fields.extend(params);
        self
    }

    /// Sets the run options. A model supports only the webhook.
    pub fn options(self, options: RunOptions) -> Self {
        Self { options, ..self }
    }

    /// The body to send, without the key: only for a digest, since it may contain secrets.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for values that JSON cannot represent.
    pub fn body(&self) -> Result<String, Error> {
        Ok(Value::Object(self.json()?).to_string())
    }

    fn json(&self) -> Result<Map<String, Value>, Error> {
        let mut body = self.fields.clone();
        // The documentation is contradictory on whether an empty list may be sent with a saved workflow, so it is
        // left out there.
        let takes_no_list = matches!(self.route, Route::Workflow | Route::Model(_));
        if !(takes_no_list && self.node_info_list.is_empty()) {
            body.insert("nodeInfoList".to_owned(), self.node_info_list.clone().into());
        }
        body.extend(self.options.fields()?);
        Ok(body)
    }

    /// Checks everything that can be checked before anything is sent.
    fn check(&self, call: &Call) -> Result<(), Error> {
        let text = |name: &str| self.fields.get(name).and_then(Value::as_str);
        match &self.route {
            Route::Workflow => {
                let id = text("workflowId");
                let blank = id.is_some_and(|id| id.trim().is_empty());
                if blank || id.is_none() && text("workflow").is_none() {
                    return Err(call.usage(say!("neither a workflow id nor a workflow was given")));
                }
            }
            Route::App | Route::Quick => check_id(call, text("webappId").unwrap_or_default())?,
            Route::WorkflowV2(id) => check_id(call, id.as_str())?,
            Route::AppV2(id) => check_id(call, id.as_str())?,
            Route::Model(endpoint) if !model::is_path(endpoint) => {
                return Err(call
                    .usage(say!("the endpoint of the model is not a path such as `vidu/text-to-video-q2`")));
            }
            Route::Model(_) => {}
        }
        self.options.check(call)
    }

    async fn send(self) -> Result<CreatedTask, Error> {
        let call = match &self.route {
            Route::Workflow => Call::create("create", "/task/openapi/create"),
            Route::WorkflowV2(id) => {
                Call::create("run workflow", format!("/openapi/v2/run/workflow/{}", id.as_str()))
            }
            Route::App => Call::create("run app", "/task/openapi/ai-app/run"),
            Route::AppV2(id) => Call::create("run app", format!("/openapi/v2/run/ai-app/{}", id.as_str())),
            Route::Quick => Call::create("quick run", "/task/openapi/quick-ai-app/run"),
            Route::Model(endpoint) => Call::create("model", model::run_path(endpoint)),
        };
        self.check(&call)?;
        let body = self.json()?;
        match self.route {
            Route::Workflow | Route::App | Route::Quick => self.client.post_legacy(call, &body, read).await,
            Route::WorkflowV2(_) | Route::AppV2(_) | Route::Model(_) => {
                self.client.post_v2(call, &body, read_bare).await
            }
        }
    }
}

into_future!(CreateTask => CreatedTask);

impl fmt::Debug for CreateTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be private; the webhook's URL and the password are secrets.
        f.debug_struct("CreateTask")
            .field("workflow_id", &self.fields.get("workflowId"))
            .finish_non_exhaustive()
    }
}
