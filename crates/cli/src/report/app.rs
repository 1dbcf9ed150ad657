//! Wording of apps and their fields.

use std::fmt::Write as _;

use runninghub::Untrusted;

use crate::schema::{App, AppField, Style};

/// Choices that are shown; a list of models can have thousands.
const CHOICES: usize = 40;

/// One app of a list.
pub(crate) fn listed(app: &App) -> String {
    let id = Untrusted::from(app.webapp_id.as_deref().unwrap_or("-"));
    let mut line = format!("{id:<20} {}", app.name.as_ref().map(ToString::to_string).unwrap_or_default());
    if let Some(description) = &app.description {
        let _ = write!(line, "  {description}");
    }
    line
}

/// An app with its fields.
pub(crate) fn shown(app: &App) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(name) = &app.name {
        lines.push(format!("{name}{}", if app.encrypted { " (encrypted: `--access-password`)" } else { "" }));
    }
    match app.fields.as_deref().unwrap_or_default() {
        [] => lines.push("It tells no fields: name them as NODE.FIELD.".to_owned()),
        fields => lines.extend(fields.iter().flat_map(field)),
    }
    lines
}

/// `6.text  提示词 / prompt  (text)`, its value, and what can be chosen.
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
pub(crate) fn style(style: &Style) -> String {
    let shown = |text: &Option<Untrusted>| text.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    let mut line = format!("{:<20} {}", shown(&style.key), shown(&style.name));
    if let Some(category) = &style.category {
        let _ = write!(line, "  ({category})");
    }
    line
}
