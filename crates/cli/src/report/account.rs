//! Formats accounts, slots, keys, resources and assets.

use runninghub::{
    Untrusted,
    answer::{Account, Asset, AssetGroup, Key, Resource, Slots},
};

fn shown(text: Option<&Untrusted>) -> String {
    text.map_or_else(|| "-".to_owned(), ToString::to_string)
}

/// Amounts, the kind of key, and slots.
pub(super) fn account(account: &Account) -> Vec<String> {
    let text = |text: &Option<Untrusted>| text.as_ref().map_or("unknown".to_owned(), ToString::to_string);
    let number =
        |number: Option<u64>| number.map_or_else(|| "unknown".to_owned(), |number| number.to_string());
    let currency = account.currency.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
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

/// `2 of 3 slots used; 1 waiting`.
pub(super) fn slots(slots: &Slots) -> String {
    let number = |number: Option<u64>| number.map_or_else(|| "?".to_owned(), |number| number.to_string());
    format!(
        "{} of {} slots used, {} waiting (key: {})",
        number(slots.running),
        number(slots.slots),
        number(slots.queued),
        shown(slots.key_type.as_ref())
    )
}

/// `0123****cdef  build  on  2.5 of 100 used`.
pub(super) fn key(key: &Key) -> String {
    let state = key.on.map_or("?", |on| if on { "on" } else { "off" });
    let quota = match (&key.used, &key.quota) {
        (Some(used), Some(quota)) => format!("  {used} of {quota} used"),
        (Some(used), None) => format!("  {used} used"),
        _ => String::new(),
    };
    let ends = key.expires.as_ref().map(|date| format!("  until {date}")).unwrap_or_default();
    format!("{}  {}  {state}{quota}{ends}", shown(key.key.as_ref()), shown(key.name.as_ref()))
}

/// One line for each of its files.
pub(super) fn resource(resource: &Resource) -> Vec<String> {
    let name = shown(resource.name.as_ref());
    let lines = resource.versions.iter().map(|version| {
        let mut line = format!("{:<40} {name}", shown(version.file.as_ref()));
        for (before, text, after) in [
            (" ", &version.version, ""),
            ("  (", &version.family, ")"),
            ("  say: ", &version.trigger_words, ""),
        ] {
            if let Some(text) = text {
                line = format!("{line}{before}{text}{after}");
            }
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
    let gone = if group.deleted { "  (deleted)" } else { "" };
    format!("{}  {}{about}{gone}", shown(group.id.as_ref()), shown(group.name.as_ref()))
}
