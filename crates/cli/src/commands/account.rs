//! `rhub account`, `rhub queue`.

use runninghub::{Account, QueueStatus, Queued, Untrusted};

use super::{context::Context, service::Settings};
use crate::{
    args::{self, Server},
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
    if let Some(server) = context.global.server.clone() {
        return server_queue(context, server).await;
    }
    let hub = context.connect(Settings::default())?;
    let slots = schema::Load::from(hub.api().queue_status().await?);
    let lines = [text::slots(&slots)];
    context.answer(&Event::Slots(slots), &lines);
    context.outcome.status = End::Success;
    Ok(Exit::Done)
}

/// Shows what runs and what waits.
async fn server_queue(context: &mut Context, server: Server) -> Result<Exit, Error> {
    let comfy = context.server(server, Settings::default())?;
    let queue = comfy.queue().await?;
    let ids = |list: &[Queued]| list.iter().map(|one| one.prompt_id.to_string()).collect();
    let event = schema::Queue { running: ids(&queue.running), pending: ids(&queue.pending) };
    let mut lines: Vec<String> = event.running.iter().map(|id| format!("running  {id}")).collect();
    lines.extend((1..).zip(&event.pending).map(|(at, id)| format!("{at:>7}  {id}")));
    if lines.is_empty() {
        lines.push("the queue is empty".to_owned());
    }
    context.answer(&Event::Queue(event), &lines);
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
