//! Submits a workflow: saved on the platform, or sent whole.

use std::collections::HashMap;

use runninghub_core::{Graph, Kind, WorkflowId, say};
use serde_json::{Value, json};

use super::{Changed, FileRules, Ready, change::Checked, loader};
use crate::{
    Error, Submit, Workflow,
    attempts::Subject,
    hub::Hub,
    platform::Family,
    workflow::{Override, place_of, previews_only, quoted},
};

/// A workflow that is saved on the platform.
pub(super) async fn saved(hub: &Hub, submit: &Submit, id: &WorkflowId) -> Result<Ready, Error> {
    let workflow = hub.workflow(id).await?;
    hub.record_workflow(&workflow);
    warn_of_previews(submit, &workflow);
    let checked = submit.changes.check(&workflow, FileRules::RUNNINGHUB)?;
    let changes = upload(hub, submit, &workflow, checked).await?;
    let entry = |Override { node, field, value }: &Override| json!({ "nodeId": node, "fieldName": field, "fieldValue": value });
    let list: Vec<Value> =
        changes.set.iter().map(entry).chain(submit.changes.raw_list().iter().cloned()).collect();
    let (request, family) = if submit.is_v2 {
        (hub.client.run_workflow(id.clone()), Family::Unknown)
    } else {
        (hub.client.create(Some(id.clone())), Family::Workflow)
    };
    Ok(Ready {
        subject: Subject::workflow(Kind::Workflow, Some(id.clone())),
        request: request.node_info_list(list),
        graph: Some(graph(&workflow, &changes)),
        names: HashMap::new(),
        family,
    })
}

/// A graph that is sent whole. The platform ignores a `nodeInfoList` sent with it.
pub(super) async fn whole(hub: &Hub, submit: &Submit, json: &str) -> Result<Ready, Error> {
    let workflow = Workflow::parse(json)?;
    hub.record_workflow(&workflow);
    warn_of_keys(submit, &workflow);
    warn_of_previews(submit, &workflow);
    let checked = submit.changes.check_whole(&workflow, FileRules::RUNNINGHUB)?;
    let changes = upload(hub, submit, &workflow, checked).await?;
    Ok(Ready {
        subject: Subject::workflow(Kind::Workflow, submit.under.clone()),
        request: hub.client.create(submit.under.clone()).workflow(changes.graph(&workflow)),
        graph: Some(graph(&workflow, &changes)),
        names: HashMap::new(),
        family: Family::Workflow,
    })
}

/// Warns about keys that are not sent.
pub(crate) fn warn_of_keys(submit: &Submit, workflow: &Workflow) {
    for key in workflow.left_out() {
        submit.warn("not_a_node", &say!("`{key}` is not a node and is left out", key));
    }
}

/// Warns of a workflow without results, before it is paid for. A ComfyUI lists previews as results.
fn warn_of_previews(submit: &Submit, workflow: &Workflow) {
    if let Some(previews) = previews_only(workflow) {
        let nodes = quoted(previews.iter());
        submit.warn(
            "saves_nothing",
            &say!(
                "the workflow saves nothing: its only outputs are previews (node {nodes}); a node such as SaveImage saves",
                nodes
            ),
        );
    }
}

async fn upload(hub: &Hub, submit: &Submit, workflow: &Workflow, checked: Checked) -> Result<Changed, Error> {
    checked.report_seeds(submit);
    for change in checked.all() {
        if loader::is_here(workflow.find(change.node.as_str())?, &change.field, &change.value) {
            let place = place_of(&change.node, &change.field);
            warn_of_file(submit, &place, change.value.as_str().unwrap_or_default());
        }
    }
    checked.upload(|path| hub.upload(path)).await
}

/// Changed steps and sizes change the expected time.
fn graph(workflow: &Workflow, changes: &Changed) -> Graph {
    Graph::parse(&changes.graph(workflow)).unwrap_or_else(|_| workflow.graph().clone())
}

/// Warns of a value that names a file in the current folder.
pub(super) fn warn_of_file(submit: &Submit, place: &str, value: &str) {
    submit.warn(
        "not_uploaded",
        &say!(
            "the file `{value}` in the current folder is not uploaded: `{place}` is set to its name only",
            value = value.trim(),
            place
        ),
    );
}
