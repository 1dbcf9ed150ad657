//! Formats accounts, slots, keys, resources and assets.

use std::fmt::Write as _;

use runninghub::{
    Fact, Sentence, Untrusted,
    answer::{Account, Asset, AssetGroup, Key, Resource, Slots},
    say,
};

use crate::lang::word;

fn shown(text: Option<&Untrusted>) -> String {
    text.map_or_else(|| "-".to_owned(), ToString::to_string)
}

/// Amounts, the kind of key, and slots.
pub(super) fn account(account: &Account) -> Vec<String> {
    let unknown = || Fact::from(say!("unknown"));
    let text = |text: &Option<Untrusted>| text.as_ref().map_or_else(unknown, Fact::from);
    let number = |number: Option<u64>| number.map_or_else(unknown, Fact::from);
    let wallet = match &account.currency {
        Some(currency) => say!("Wallet: {money} {currency}", money = text(&account.money), currency),
        None => say!("Wallet: {money}", money = text(&account.money)),
    };
    let lines = [
        say!("Coins:  {coins}", coins = text(&account.coins)),
        wallet,
        say!("Key:    {key}", key = text(&account.key_type)),
        say!(
            "Slots:  {used} used, {free} free, {all} total; {waiting} waiting",
            used = number(account.running),
            free = number(account.free),
            all = number(account.slots),
            waiting = number(account.queued)
        ),
    ];
    lines.iter().map(word).collect()
}

/// `2 of 3 slots used; 1 waiting`.
pub(super) fn slots(slots: &Slots) -> Sentence {
    let number = |number: Option<u64>| number.map_or_else(|| Fact::from("?"), Fact::from);
    say!(
        "{used} of {all} slots used, {waiting} waiting (key: {key})",
        used = number(slots.running),
        all = number(slots.slots),
        waiting = number(slots.queued),
        key = shown(slots.key_type.as_ref())
    )
}

/// `0123****cdef  build  on  2.5 of 100 used`.
pub(super) fn key(key: &Key) -> String {
    let state = match key.on {
        Some(true) => say!("on"),
        Some(false) => say!("off"),
        None => Sentence::verbatim("?"),
    };
    let quota = match (&key.used, &key.quota) {
        (Some(used), Some(quota)) => Some(say!("{used} of {quota} used", used, quota)),
        (Some(used), None) => Some(say!("{used} used", used)),
        _ => None,
    };
    let ends = key.expires.as_ref().map(|date| say!("until {date}", date));
    let words = [Some(state), quota, ends];
    let mut cells = vec![shown(key.key.as_ref()), shown(key.name.as_ref())];
    cells.extend(words.iter().flatten().map(word));
    cells.join("  ")
}

/// One line for each of its files.
pub(super) fn resource(resource: &Resource) -> Vec<String> {
    let name = shown(resource.name.as_ref());
    let lines = resource.versions.iter().map(|version| {
        let mut line = format!("{:<40} {name}", shown(version.file.as_ref()));
        if let Some(version) = &version.version {
            let _ = write!(line, " {version}");
        }
        if let Some(family) = &version.family {
            let _ = write!(line, "  ({family})");
        }
        if let Some(words) = &version.trigger_words {
            let _ = write!(line, "  {}", word(&say!("say: {words}", words)));
        }
        line
    });
    lines.collect()
}

/// `asset://7  sea.png  (Image, ACTIVE)`.
pub(super) fn asset(asset: &Asset) -> String {
    let what: Vec<String> =
        [&asset.kind, &asset.status].into_iter().flatten().map(ToString::to_string).collect();
    let what = if what.is_empty() { String::new() } else { format!("  ({})", what.join(", ")) };
    format!("asset://{}  {}{what}", shown(asset.id.as_ref()), shown(asset.name.as_ref()))
}

/// `3  seaside  what it is for`.
pub(super) fn group(group: &AssetGroup) -> String {
    let about = group.description.as_ref().map(|text| format!("  {text}")).unwrap_or_default();
    let gone = if group.deleted { format!("  ({})", word(&say!("deleted"))) } else { String::new() };
    format!("{}  {}{about}{gone}", shown(group.id.as_ref()), shown(group.name.as_ref()))
}
