//! `rhub watch`.

use std::ops::ControlFlow;

use runninghub::{Follow, Place, say};

use super::{
    context::Context,
    follow::{Following, follow, take_up},
    service::Settings,
};
use crate::{
    args,
    exit::{Error, Exit},
    target,
};

/// Follows a task submitted earlier.
pub(super) async fn watch(context: &mut Context, args: args::Watch) -> Result<Exit, Error> {
    let workflow = args.workflow.as_deref().map(|text| target::saved(text, "--workflow")).transpose()?;
    let found = context.task(&args.task_id).await?;
    let known = found.settings();
    let service = context.service(Settings {
        site: workflow.as_ref().and_then(|(_, site)| *site).or(known.site),
        record: args.patience.record.clone(),
        record_previews: args.patience.record_previews,
        previews: args.patience.previews.clone(),
        ..known
    })?;
    let mut wanted = Follow::task(found.task);
    if let Some((id, _)) = workflow {
        if !matches!(service.place(), Place::RunningHub { .. }) {
            return Err(Error::usage(say!(
                "`--workflow` is for RunningHub: a ComfyUI server reports the workflow itself"
            )));
        }
        wanted = wanted.workflow(id);
    }
    let following = Following::new(args.saving, &args.patience, &*service)?;
    let mut signals = context.signals()?;
    match take_up(context, &*service, wanted, &mut signals).await? {
        ControlFlow::Continue(run) => follow(context, &*service, run, &mut signals, &following).await,
        ControlFlow::Break(exit) => Ok(exit),
    }
}
