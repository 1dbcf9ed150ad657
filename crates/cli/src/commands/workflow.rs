//! `rhub workflow show`.

use std::fmt::Write as _;

use runninghub::{Plan, Untrusted, Workflow, link};

use super::{context::Context, service::Settings};
use crate::{
    args,
    exit::{Error, Exit},
    schema::{self, End, Event, WorkflowNode},
    target::Target,
};

/// Lists nodes, titles, and fields that can be set.
pub(super) async fn show(context: &mut Context, args: args::Workflow) -> Result<Exit, Error> {
    let args::Show::Show { workflow } = args.command;
    let (id, workflow) = match Target::parse(&workflow)? {
        Target::Own(text) => (None, Workflow::parse(text)?),
        Target::Saved(id, site) => {
            let hub = context.connect(Settings { site, ..Settings::default() })?;
            let workflow = hub.graph(&id).await?;
            (Some(id.to_string()), workflow)
        }
    };
    let plan = Plan::new(workflow.graph(), &[]);
    let nodes: Vec<WorkflowNode> = workflow
        .graph()
        .nodes()
        .iter()
        .zip(plan.nodes())
        .map(|(node, planned)| WorkflowNode {
            id: node.id.to_string(),
            title: node.name(),
            class_type: node.class_type.clone(),
            required: planned.required,
            fields: node
                .inputs
                .iter()
                .filter(|(_, value)| link(value).is_none())
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        })
        .collect();
    let lines: Vec<String> = nodes.iter().flat_map(lines).collect();
    context.answer(&Event::Workflow(schema::Workflow { workflow_id: id, nodes }), &lines);
    context.outcome.status = End::Success;
    Ok(Exit::Done)
}

/// `3  KSampler  (KSamplerAdvanced)`, and a line for each field.
fn lines(node: &WorkflowNode) -> Vec<String> {
    let mut head = format!("{}  {}", Untrusted::from(node.id.as_str()), node.title);
    if node.title != node.class_type {
        let _ = write!(head, "  ({})", node.class_type);
    }
    if !node.required {
        head.push_str("  feeds no output");
    }
    let fields = node.fields.iter().map(|(name, value)| {
        format!("    {} = {}", Untrusted::from(name.as_str()), Untrusted::from(value.to_string()))
    });
    std::iter::once(head).chain(fields).collect()
}
