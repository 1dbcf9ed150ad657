//! `rhub webhook listen`.

use futures_util::StreamExt as _;

use super::context::{Context, Settings, Writes};
use crate::{
    args,
    exit::{Error, Exit},
    report::text,
    schema::{self, End, Event},
    signals::Signal,
};

/// Receives deliveries until it is told to stop.
pub(super) async fn listen(context: &mut Context, args: args::Webhook) -> Result<Exit, Error> {
    let args::WebhookCommand::Listen(args) = args.command;
    let hub = context.connect(Settings { ledger: Writes::Must, ..Settings::default() })?;
    let mut signals = context.signals()?;
    let mut webhooks = hub.webhooks(args.listen).await?;
    let url = format!("http://{}", webhooks.address());
    let lines = [
        format!("Listening on {url}"),
        "Submit with: rhub run … --webhook 'https://YOUR-HOST/{secret}'".to_owned(),
    ];
    context.answer(&Event::Listening(schema::Listening { base_url: url, api_key: None }), &lines);
    loop {
        let received = tokio::select! {
            biased;
            signal = signals.next() => match signal {
                Signal::Interrupt | Signal::Terminate => break,
                Signal::Suspend | Signal::Resize => continue,
            },
            received = webhooks.next() => received,
        };
        match received {
            Some(Ok(entry)) => {
                let submit = schema::Submit::from(&entry);
                let line = format!("📬 {}", text::task(&submit));
                context.answer(&Event::Task(submit), &[line]);
            }
            Some(Err(error)) => context.warn("delivery", Error::from(error).message),
            None => break,
        }
    }
    context.outcome.status = End::Success;
    Ok(Exit::Done)
}
