//! `rhub account`, `rhub queue`.

use runninghub::{Account, QueueStatus, Untrusted};

use super::{
    comfy,
    context::{Context, Settings},
};
use crate::{
    args,
    exit::{Error, Exit},
    report::account as text,
    schema::{self, End, Event},
};

/// Shows balance, kind of key, and slots.
pub(super) async fn account(context: &mut Context, args: &args::Account) -> Result<Exit, Error> {
    let hub = context.connect(Settings::default())?;
    let (account, queue) = hub.account().await?;
    let account = convert(account, queue);
    let lines = lines(&account);
    context.answer(&Event::Account(account), &lines);
    if args.keys {
        for key in hub.api().api_keys().await? {
            let key = schema::ListedKey::from(key);
            let lines = [text::key(&key)];
            context.answer(&Event::Key(key), &lines);
        }
    }
    context.outcome.status = End::Success;
    Ok(Exit::Done)
}

/// Shows how busy the key is, or the server where one is named.
pub(super) async fn queue(context: &mut Context) -> Result<Exit, Error> {
    if context.global.server.is_some() {
        return comfy::queue(context).await;
    }
    let hub = context.connect(Settings::default())?;
    let slots = schema::Load::from(hub.api().queue_status().await?);
    let lines = [text::slots(&slots)];
    context.answer(&Event::Slots(slots), &lines);
    context.outcome.status = End::Success;
    Ok(Exit::Done)
}

fn convert(account: Account, queue: QueueStatus) -> schema::Account {
    let text = |text: Option<Untrusted>| text.map(|text| text.raw().to_owned());
    let running = queue.running_count.or(account.current_task_counts);
    schema::Account {
        coins: text(account.remain_coins),
        money: text(account.remain_money),
        currency: text(account.currency),
        key_type: text(queue.api_key_type.or(account.api_type)),
        running,
        queued: queue.queued_count,
        slots: queue.concurrent_limit,
        free: queue.concurrent_limit.map(|slots| slots.saturating_sub(running.unwrap_or(0))),
    }
}

fn lines(account: &schema::Account) -> Vec<String> {
    let text = |text: &Option<String>| Untrusted::from(text.as_deref().unwrap_or("unknown")).to_string();
    let number =
        |number: Option<u64>| number.map_or_else(|| "unknown".to_owned(), |number| number.to_string());
    let currency =
        account.currency.as_deref().map(|name| format!(" {}", Untrusted::from(name))).unwrap_or_default();
    vec![
        format!("Coins:  {}", text(&account.coins)),
        format!("Wallet: {}{currency}", text(&account.money)),
        format!("Key:    {}", text(&account.key_type)),
        format!(
            "Slots:  {} used, {} free, {} in all; {} waiting",
            number(account.running),
            number(account.free),
            number(account.slots),
            number(account.queued)
        ),
    ]
}
