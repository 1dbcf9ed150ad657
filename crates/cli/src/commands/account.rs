//! `rhub account`, `rhub queue`.

use runninghub::answer::{Account, Key, Slots};

use super::{context::Context, service::Settings};
use crate::{
    args::{self, Server},
    event::Event,
    exit::{Error, Exit},
};

/// Shows the balance, the kind of key, and the task slots.
pub(super) async fn account(context: &mut Context, args: &args::Account) -> Result<Exit, Error> {
    let hub = context.connect(Settings::default())?;
    let (account, queue) = hub.account().await?;
    context.show(Event::Account(Account::new(account, queue)));
    if args.keys {
        for key in hub.api().api_keys().await? {
            context.show(Event::Key(Key::from(key)));
        }
    }
    Ok(Exit::Done)
}

/// Shows the load of the key, or of the server if one is given.
pub(super) async fn queue(context: &mut Context) -> Result<Exit, Error> {
    if let Some(server) = context.global.server.clone() {
        return server_queue(context, server).await;
    }
    let hub = context.connect(Settings::default())?;
    context.show(Event::Slots(Slots::from(hub.api().queue_status().await?)));
    Ok(Exit::Done)
}

/// Shows the running and the queued prompts.
async fn server_queue(context: &mut Context, server: Server) -> Result<Exit, Error> {
    let comfy = context.server(server, Settings::default())?;
    context.show(Event::Queue(comfy.queue().await?.into()));
    Ok(Exit::Done)
}
