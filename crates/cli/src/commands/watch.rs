//! `rhub watch`.

use std::ops::ControlFlow;

use runninghub::{Follow, Place, say};

use super::{
    context::Context,
    follow::{Following, follow, take_up},
    service::{RecordTo, Settings},
    task, watch_many,
};
use crate::{
    args,
    exit::{Error, Exit},
    target,
};

/// Follows tasks submitted earlier.
pub(super) async fn watch(context: &mut Context, mut args: args::Watch) -> Result<Exit, Error> {
    let ids = if args.all { task::open(context).await? } else { std::mem::take(&mut args.tasks.task_ids) };
    match &*ids {
        [] => Ok(Exit::Done),
        [id] => watch_one(context, id, args).await,
        ids => watch_many::watch(context, ids, args).await,
    }
}

async fn watch_one(context: &mut Context, id: &str, args: args::Watch) -> Result<Exit, Error> {
    let workflow = args.workflow.as_deref().map(|text| target::saved(text, "--workflow")).transpose()?;
    let found = context.task(id).await?;
    let known = found.settings();
    let service = context.service(Settings {
        site: workflow.as_ref().and_then(|(_, site)| *site).or(known.site),
        record: RecordTo::new(&args.follow, false),
        record_previews: args.follow.recording.record_previews,
        previews: args.follow.previews.clone(),
        ..known
    })?;
    context.notifies = args.follow.notify;
    let mut wanted = Follow::task(found.task);
    if let Some((id, _)) = workflow {
        if !matches!(service.place(), Place::RunningHub { .. }) {
            return Err(Error::usage(say!(
                "`--workflow` is for RunningHub: a ComfyUI server reports the workflow itself"
            )));
        }
        wanted = wanted.workflow(id);
    }
    let following = Following::new(args.saving, &args.follow, &*service)?;
    let mut signals = context.signals()?;
    match take_up(context, &*service, wanted, &mut signals).await? {
        ControlFlow::Continue(run) => follow(context, &*service, run, &mut signals, &following).await,
        ControlFlow::Break(exit) => Ok(exit),
    }
}
