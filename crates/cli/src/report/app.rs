//! Formats apps and their fields, Quick Create, and webhooks.

use std::fmt::Write as _;

use runninghub::{
    Fact, Sentence, Untrusted,
    answer::{App, AppField, Style, Webhook},
    say,
};

use crate::lang::word;

/// Maximum number of choices shown; a list of models can have thousands.
const CHOICES: usize = 40;

/// An app: one line within a list, all details if it was requested by itself.
pub(super) fn app(app: &App) -> Vec<String> {
    match &app.fields {
        Some(fields) => shown(app, fields),
        None => vec![listed(app)],
    }
}

fn listed(app: &App) -> String {
    let id = Untrusted::from(app.webapp_id.as_ref().map_or("-", |id| id.as_str()));
    let mut line = format!("{id:<20} {}", app.name.as_ref().map(ToString::to_string).unwrap_or_default());
    if let Some(description) = &app.description {
        let _ = write!(line, "  {description}");
    }
    line
}

fn shown(app: &App, fields: &[AppField]) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(name) = &app.name {
        lines.push(if app.encrypted {
            word(&say!("{name} (encrypted: `--access-password`)", name))
        } else {
            name.to_string()
        });
    }
    match fields {
        [] => lines.push(word(&say!("It does not list its fields: write them as NODE.FIELD."))),
        fields => lines.extend(fields.iter().flat_map(field)),
    }
    lines
}

/// `6.text  提示词 / prompt  (text)`, its value, and the choices.
pub(crate) fn field(field: &AppField) -> Vec<String> {
    let description = [&field.description, &field.description_en];
    let mut description: Vec<String> = description.into_iter().flatten().map(ToString::to_string).collect();
    description.dedup();
    let kind = &field.kind;
    let mut about = match (field.min.map(Fact::of), field.max.map(Fact::of)) {
        (None, None) => Sentence::verbatim(kind),
        (Some(min), Some(max)) => say!("{kind} {min} to {max}", kind, min, max),
        (Some(min), None) => say!("{kind} from {min}", kind, min),
        (None, Some(max)) => say!("{kind} up to {max}", kind, max),
    };
    if let Some(title) = &field.title {
        about = say!("{about}, node {title}", about, title);
    }
    let name = Untrusted::from(field.name.as_str());
    let mut lines = vec![format!("{name}  {}  ({})", description.join(" / "), word(&about))];
    if let Some(value) = field.value.as_ref().filter(|value| !value.is_empty()) {
        lines.push(format!("    = {value}"));
    }
    let mut choices: Vec<String> = field
        .choices
        .iter()
        .take(CHOICES)
        .map(|choice| match &choice.name {
            Some(name) if name.raw() != choice.value => {
                format!("{} ({name})", Untrusted::from(choice.value.as_str()))
            }
            _ => Untrusted::from(choice.value.as_str()).to_string(),
        })
        .collect();
    if field.choices.len() > CHOICES {
        choices.push(word(&say!("and {count} more", count = field.choices.len() - CHOICES)));
    }
    if !choices.is_empty() {
        lines.push(word(&say!("    one of: {choices}", choices = choices.join(", "))));
    }
    lines
}

/// A model or a style of Quick Create.
pub(super) fn style(style: &Style) -> String {
    let shown = |text: &Option<Untrusted>| text.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    let mut line = format!("{:<20} {}", shown(&style.key), shown(&style.name));
    if let Some(category) = &style.category {
        let _ = write!(line, "  ({category})");
    }
    line
}

/// The state of a webhook delivery.
pub(super) fn webhook(webhook: &Webhook) -> Vec<String> {
    let shown = |text: &Option<Untrusted>| text.as_ref().map_or_else(|| Fact::from("-"), Fact::from);
    let lines = [
        say!("Event:    {kind}", kind = shown(&webhook.kind)),
        say!(
            "Delivery: {status}, repeated {count} times",
            status = shown(&webhook.status),
            count = webhook.retries.unwrap_or(0)
        ),
        say!("Host:     {host}", host = shown(&webhook.host)),
        say!("Response: {answer}", answer = shown(&webhook.response)),
    ];
    lines.iter().map(word).collect()
}
