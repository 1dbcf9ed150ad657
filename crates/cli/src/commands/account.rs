//! `rhub account`, `rhub queue`.

use runninghub::answer::{Account, Key, Slots};

use super::{
    comfy,
    context::{Context, Settings},
};
use crate::{
    args,
    event::Event,
    exit::{Error, Exit},
};

/// Shows balance, kind of key, and slots.
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

/// Shows how busy the key is, or the server where one is named.
pub(super) async fn queue(context: &mut Context) -> Result<Exit, Error> {
    if context.global.server.is_some() {
        return comfy::queue(context).await;
    }
    let hub = context.connect(Settings::default())?;
    context.show(Event::Slots(Slots::from(hub.api().queue_status().await?)));
    Ok(Exit::Done)
}
