//! `rhub webhook listen`.

use futures_util::StreamExt as _;

use runninghub::{
    Verdict,
    answer::{Task, Webhook},
    say,
};

use super::{
    context::Context,
    hook::Hook,
    service::{Settings, Writes},
};
use crate::{
    args,
    event::{Event, Listening},
    exit::{Error, Exit},
    secrets,
    signals::{Signal, suspend},
    writer,
};

pub(super) async fn webhook(context: &mut Context, args: args::Webhook) -> Result<Exit, Error> {
    match args.command {
        args::WebhookCommand::Listen(args) => listen(context, args).await,
        args::WebhookCommand::Show(args) => show(context, &args.task_id).await,
        args::WebhookCommand::Resend(args) => resend(context, args).await,
    }
}

/// Shows the state of a delivery. Only the host of the URL is shown, since the rest is a secret.
async fn show(context: &mut Context, task: &str) -> Result<Exit, Error> {
    let found = context.task(task).await?;
    let hub = context.connect(found.settings())?;
    let task = found.task;
    let detail = hub.webhook_detail(&task).await?;
    context.show(Event::Webhook(Webhook::of(&task, &detail)));
    context.outcome.task_id = Some(task);
    Ok(Exit::Done)
}

/// Requests another delivery.
async fn resend(context: &mut Context, args: args::Resend) -> Result<Exit, Error> {
    let found = context.task(&args.task_id).await?;
    let hub = context.connect(found.settings())?;
    let task = found.task;
    let url = args.webhook.as_ref().map(args::Hidden::expose);
    if let Some(url) = url {
        secrets::learn_address(url);
    }
    hub.resend_webhook(&task, url).await?;
    context.advice.push(say!("requested another webhook delivery for task {task}", task = &task));
    context.outcome.task_id = Some(task);
    Ok(Exit::Done)
}

/// Receives deliveries until stopped.
async fn listen(context: &mut Context, args: args::Listen) -> Result<Exit, Error> {
    let hub = context.connect(Settings { ledger: Writes::Must, ..Settings::default() })?;
    let mut signals = context.signals()?;
    let mut webhooks = hub.webhooks(args.listen).await?;
    let url = format!("http://{}", webhooks.address());
    let command = "rhub run … --webhook 'https://YOUR-HOST/{secret}'";
    let about = vec![say!("Submit with: {command}", command)];
    context.show(Event::Listening(Listening { base_url: url, api_key: None, about }));
    let mut hook = Hook::new(args.exec);
    let mut leaving = None;
    while leaving.is_none() || !hook.is_idle() {
        let now = context.clock.now();
        tokio::select! {
            biased;
            signal = signals.next() => match signal {
                Signal::Suspend => suspend(),
                Signal::Resize => {}
                signal if leaving.is_some() || hook.is_idle() => {
                    leaving = Some(signal);
                    break;
                }
                signal => {
                    leaving = Some(signal);
                    context.warn("leaving", match hook.give_up() {
                        0 => say!("waiting for the running commands; press Ctrl-C again to stop them"),
                        count => say!(
                            "waiting for the running commands ({count} queued ones are skipped); press Ctrl-C again to stop them",
                            count
                        ),
                    });
                }
            },
            ended = hook.next(now) => if let Err(what) = ended {
                context.warn("exec", what);
            },
            // The platform repeats deliveries that are not accepted.
            received = async { writer::room().await; webhooks.next().await }, if leaving.is_none() && hook.has_room() => match received {
                Some(Ok(entry)) => {
                    let submit = Task::from(&entry);
                    hook.run(now, &submit);
                    context.show(Event::Delivered(submit));
                }
                Some(Err(error)) => context.warn("delivery", Error::from(error).message),
                None => break,
            },
        }
    }
    context.outcome.status = Verdict::Success;
    Ok(leaving.map_or(Exit::Done, Exit::from))
}
