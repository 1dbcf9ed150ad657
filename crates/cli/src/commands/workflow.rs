//! `rhub workflow …`.

use runninghub::{Workflow, answer, say};

use super::{context::Context, service::Settings};
use crate::{
    args::{self, WorkflowCommand},
    event::Event,
    exit::{Error, Exit},
    target::Target,
};

pub(super) async fn workflow(context: &mut Context, args: args::Workflow) -> Result<Exit, Error> {
    match args.command {
        WorkflowCommand::Show { workflow } => show(context, &workflow).await,
        WorkflowCommand::Convert { workflow } => convert(context, &workflow).await,
    }
}

/// Converts a file with the node classes of a server.
async fn convert(context: &mut Context, file: &str) -> Result<Exit, Error> {
    let Target::Own(text) = Target::parse(file)? else {
        return Err(Error::usage(say!("`workflow convert` takes a file")));
    };
    let Some(server) = context.global.server.clone() else {
        return Err(Error::usage(say!("the conversion needs a ComfyUI that has the workflow's nodes")).hint(
            say!("give one with `--server URL`, or export the workflow from the editor: `Workflow > Export (API)`"),
        ));
    };
    let comfy = context.server(server, Settings::default())?;
    let workflow = comfy.convert(text).await?;
    context.show(Event::Converted { workflow });
    Ok(Exit::Done)
}

/// Lists nodes, titles, and settable fields.
async fn show(context: &mut Context, workflow: &str) -> Result<Exit, Error> {
    let (id, workflow) = match Target::parse(workflow)? {
        Target::Own(text) => (None, Workflow::parse(text)?),
        Target::Saved(id, site) => {
            let hub = context.connect(Settings { site, ..Settings::default() })?;
            let workflow = hub.graph(&id).await?;
            (Some(id), workflow)
        }
    };
    context.show(Event::Workflow(answer::Workflow::of(id, &workflow)));
    Ok(Exit::Done)
}
