//! `POST /openapi/v2/run/workflow/{workflowId}`: makes a paid task of a saved workflow, by the newer family.

use runninghub_core::WorkflowId;
use serde::Serialize;
use serde_json::Value;

use super::{create::read_bare, run_builder::run_builder, run_options::check_id};
use crate::{Client, Created, Error, RunOptions, http::Call};

/// Makes a paid task of a saved workflow. Made by [`Client::run_workflow`].
///
/// The same as [`Create`](crate::Create) with the key in the header only, and without a graph of one's own: sent once, with the same
/// three outcomes. The list of changes may be empty and is sent all the same. The answer names no socket and no outputs.
#[must_use = "a request does nothing until it is awaited"]
pub struct RunWorkflow {
    client: Client,
    workflow_id: WorkflowId,
    fields: Fields,
    options: RunOptions,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    node_info_list: Vec<Value>,
}

impl RunWorkflow {
    pub(crate) fn new(client: Client, workflow_id: WorkflowId) -> Self {
        Self {
            client,
            workflow_id,
            fields: Fields { node_info_list: Vec::new() },
            options: RunOptions::default(),
        }
    }

    async fn send(self) -> Result<Created, Error> {
        let call =
            Call::create("run workflow", format!("/openapi/v2/run/workflow/{}", self.workflow_id.as_str()));
        check_id(&call, self.workflow_id.as_str())?;
        self.options.check(&call)?;
        self.client.post_v2(call, &self.json()?, read_bare).await
    }
}

run_builder!(RunWorkflow, "run workflow");
