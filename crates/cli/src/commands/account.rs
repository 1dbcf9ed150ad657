//! `rhub account`.

use runninghub::{Account, QueueStatus, Untrusted};

use super::context::{Context, Settings};
use crate::{
    exit::{Error, Exit},
    schema::{self, End, Event},
};

/// Shows balance, kind of key, and slots.
pub(super) async fn account(context: &mut Context) -> Result<Exit, Error> {
    let hub = context.connect(Settings::default())?;
    let (account, queue) = hub.account().await?;
    let account = convert(account, queue);
    let lines = lines(&account);
    context.answer(&Event::Account(account), &lines);
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
