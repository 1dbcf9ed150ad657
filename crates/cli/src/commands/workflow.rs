//! `rhub workflow show`.

use runninghub::{Workflow, answer};

use super::{context::Context, service::Settings};
use crate::{
    args,
    event::Event,
    exit::{Error, Exit},
    target::Target,
};

/// Lists nodes, titles, and settable fields.
pub(super) async fn show(context: &mut Context, args: args::Workflow) -> Result<Exit, Error> {
    let args::Show::Show { workflow } = args.command;
    let (id, workflow) = match Target::parse(&workflow)? {
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
