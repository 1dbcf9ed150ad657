//! Formats apps and their fields, Quick Create, and webhooks.

use std::fmt::Write as _;

use runninghub::{
    Untrusted,
    answer::{App, AppField, Style, Webhook},
};

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
        lines.push(format!("{name}{}", if app.encrypted { " (encrypted: `--access-password`)" } else { "" }));
    }
    match fields {
        [] => lines.push("It tells no fields: name them as NODE.FIELD.".to_owned()),
        fields => lines.extend(fields.iter().flat_map(field)),
    }
    lines
}

/// `6.text  提示词 / prompt  (text)`, its value, and the choices.
pub(crate) fn field(field: &AppField) -> Vec<String> {
    let said = [&field.description, &field.description_en];
    let mut said: Vec<String> = said.into_iter().flatten().map(ToString::to_string).collect();
    said.dedup();
    let title = field.title.as_ref().map(|title| format!(", node {title}")).unwrap_or_default();
    let kind = Untrusted::from(field.kind.as_str());
    let range = match (field.min, field.max) {
        (None, None) => String::new(),
        (Some(min), Some(max)) => format!(" {min} to {max}"),
        (Some(min), None) => format!(" from {min}"),
        (None, Some(max)) => format!(" up to {max}"),
    };
    let mut lines = vec![format!(
        "{}  {}  ({kind}{range}{title})",
        Untrusted::from(field.name.as_str()),
        said.join(" / ")
    )];
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
        choices.push(format!("and {} more", field.choices.len() - CHOICES));
    }
    if !choices.is_empty() {
        lines.push(format!("    one of: {}", choices.join(", ")));
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
    let word = |text: &Option<Untrusted>| text.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    vec![
        format!("Event:    {}", word(&webhook.kind)),
        format!("Delivery: {}, repeated {} times", word(&webhook.status), webhook.retries.unwrap_or(0)),
        format!("Host:     {}", word(&webhook.host)),
        format!("Answer:   {}", word(&webhook.response)),
    ]
}
