//! `rhub watch`.

use std::ops::ControlFlow;

use super::{
    comfy,
    context::{Context, Settings},
    follow::{Following, follow, take_up},
};
use crate::{
    args,
    exit::{Error, Exit},
    target,
};

/// Follows a task that somebody has submitted.
pub(super) async fn watch(context: &mut Context, args: args::Watch) -> Result<Exit, Error> {
    let workflow = args.workflow.as_deref().map(|text| target::saved(text, "--workflow")).transpose()?;
    let (task, entry) = context.task(&args.task_id).await?;
    let of_entry = entry.as_ref().map(|entry| Settings::of(&entry.intent.place)).unwrap_or_default();
    if context.global.server.is_some() {
        return comfy::watch(context, args, task, of_entry).await;
    }
    let hub = context.connect(Settings {
        site: workflow.as_ref().and_then(|(_, site)| *site).or(of_entry.site),
        record: args.patience.record.clone(),
        previews: args.patience.previews.clone(),
        ..of_entry
    })?;
    let following = Following::new(args.saving, &args.patience, &hub)?;
    let mut signals = context.signals()?;
    context.outcome.task_id = Some(task.clone());
    let mut follow_task = hub.follow(task.clone());
    if let Some((id, _)) = workflow {
        follow_task = follow_task.workflow(id);
    }
    match take_up(context, &hub, &task, follow_task.start(), &mut signals).await? {
        ControlFlow::Continue(run) => follow(context, &hub, run, &mut signals, &following).await,
        ControlFlow::Break(exit) => Ok(exit),
    }
}
