//! `rhub watch`.

use super::{
    context::{Context, Settings},
    follow::{Following, follow},
    save::Destination,
};
use crate::{
    args,
    exit::{Error, Exit},
    target,
};

/// Follows a task that somebody has submitted.
pub(super) async fn watch(context: &mut Context, args: args::Watch) -> Result<Exit, Error> {
    let task = target::task_id(&args.task_id)?;
    let workflow = args.workflow.as_deref().map(|text| target::saved(text, "--workflow")).transpose()?;
    let hub = context.connect(Settings {
        site: workflow.as_ref().and_then(|(_, site)| *site),
        record: args.patience.record,
        ..Settings::default()
    })?;
    let following = Following {
        destination: args.saving.out.map(|dir| Destination { dir, template: args.saving.name }),
        timeout: args.patience.timeout,
        cancel_on_interrupt: args.patience.cancel_on_interrupt,
        outlives: true,
    };
    if let Some(destination) = &following.destination {
        destination.check(&hub)?;
    }
    let mut signals = context.signals()?;
    context.outcome.task_id = Some(task.to_string());
    let mut follow_task = hub.follow(task);
    if let Some((id, _)) = workflow {
        let learned = context.history().map(|history| history.learned(&id)).unwrap_or_default();
        follow_task = follow_task.workflow(id).learned(learned);
    }
    let run = follow_task.start().await?;
    follow(context, &hub, run, &mut signals, &following).await
}
