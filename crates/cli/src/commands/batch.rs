//! `rhub batch …`: one file for each command, and shared code.

mod export;
mod list;
mod plan;
mod prepare;
mod progress;
mod resume;
mod run;
mod running;
mod source;
mod steer;
mod target;
mod watch;

use super::context::Context;
use crate::{
    args::{self, BatchCommand},
    exit::{Error, Exit},
};

pub(super) async fn batch(context: &mut Context, args: args::Batch) -> Result<Exit, Error> {
    match args.command {
        BatchCommand::Plan(args) => plan::plan(context, *args).await,
        BatchCommand::Run(args) => run::run(context, *args).await,
        BatchCommand::Watch(args) => watch::watch(context, &args.batch).await,
        BatchCommand::Pause(args) => steer::pause(context, &args.batch).await,
        BatchCommand::Resume(args) => steer::resume(context, *args).await,
        BatchCommand::Retry(args) => steer::retry(context, *args).await,
        BatchCommand::Cancel(args) => steer::cancel(context, &args.batch).await,
        BatchCommand::Ls(args) => list::list(context, &args).await,
        BatchCommand::Export(args) => export::export(context, &args).await,
    }
}
