//! Formats the responses to single requests.

use std::{
    fmt::Write as _,
    mem::{Discriminant, discriminant},
};

use runninghub::{
    Event as RunEvent, KeyKind, Line, Untrusted,
    answer::{Queue, Task, Upload, Workflow, WorkflowNode},
    ledger::State,
};

use super::{account, app, model, text};
use crate::event::{Change, Check, Event, Listening, Profile};

/// Formats responses as lines. A list has one header.
#[derive(Debug, Default)]
pub(super) struct Answers {
    last: Option<Discriminant<Event>>,
    /// How many responses of this kind came in a row.
    row: usize,
    /// The profile whose settings are listed.
    profile: Option<String>,
}

impl Answers {
    /// The lines of a response; empty for other events.
    pub(super) fn lines(&mut self, line: &Line<Event>) -> Vec<String> {
        let kind = Some(discriminant(&line.event));
        self.row = if self.last == kind { self.row + 1 } else { 1 };
        self.last = kind;
        let is_first = self.row == 1;
        match &line.event {
            Event::Run(RunEvent::Status { status, ahead, .. }) => vec![text::status(status, *ahead)],
            Event::Listed(output) => {
                let head = is_first.then(|| "📄 Generation results:".to_owned());
                let result = format!("  Result {}: {}", self.row, text::output(output));
                head.into_iter().chain([result]).collect()
            }
            Event::Cancelled { .. } => {
                let task = line.task_id.as_ref().map(ToString::to_string).unwrap_or_default();
                vec![format!("🛑 Task {task} cancelled")]
            }
            Event::Task(one) => is_first.then(|| TASKS.to_owned()).into_iter().chain([task(one)]).collect(),
            Event::Settled(task) => vec![match &task.task_id {
                Some(id) => format!("✅ Submit {} is task {id} ({})", task.attempt_id, task.state),
                None => format!("✅ Submit {} has created no task", task.attempt_id),
            }],
            Event::Delivered(one) => vec![format!("📬 {}", task(one))],
            Event::Queue(queue) => self::queue(queue),
            Event::Workflow(Workflow { nodes, .. }) => nodes.iter().flat_map(node).collect(),
            Event::Model(model) => model::model(model),
            Event::Price(price) => vec![model::price(price)],
            Event::App(app) => app::app(app),
            Event::Style(style) => vec![app::style(style)],
            Event::Webhook(webhook) => app::webhook(webhook),
            Event::Account(account) => account::account(account),
            Event::Slots(slots) => vec![account::slots(slots)],
            Event::Key(key) => vec![account::key(key)],
            Event::Resource(resource) => account::resource(resource),
            Event::Asset(asset) => vec![account::asset(asset)],
            Event::AssetGroup(group) => vec![account::group(group)],
            Event::Upload(upload) => self::upload(upload),
            Event::Setting(setting) => {
                let is_new = self.profile.as_ref() != Some(&setting.profile);
                self.profile = Some(setting.profile.clone());
                let head = is_new.then(|| format!("[{}]", Untrusted::from(setting.profile.as_str())));
                let value = format!("{} = {}", Untrusted::from(setting.name.as_str()), setting.value);
                head.into_iter().chain([value]).collect()
            }
            Event::Value(setting) => vec![setting.value.to_string()],
            Event::Profile(profile) => self::profile(profile),
            Event::Check(check) => self::check(check),
            Event::Listening(Listening { base_url, about, .. }) => {
                std::iter::once(format!("Listening on {base_url}")).chain(about.iter().cloned()).collect()
            }
            Event::Run(_) | Event::Notice { .. } => Vec::new(),
        }
    }
}

/// The header of a list of submits.
const TASKS: &str =
    "SUBMITTED             STATE       TASK                 WORKFLOW             ATTEMPT   COST";

/// One submit on one line, under [`TASKS`], and a second line for its details if there are any.
fn task(task: &Task) -> String {
    let cost = task.cost.as_ref().and_then(text::cost).unwrap_or_else(|| "-".to_owned());
    let id = task.task_id.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    let workflow = match (&task.workflow_id, &task.target) {
        (Some(workflow), _) => workflow.to_string(),
        (None, Some(target)) => Untrusted::from(format!("{} {target}", task.kind)).to_string(),
        (None, None) if task.kind == "workflow" => "-".to_owned(),
        (None, None) => Untrusted::from(task.kind.as_str()).to_string(),
    };
    let mut line = format!(
        "{:<21} {:<11} {id:<20} {workflow:<20} {:<9} {cost}",
        task.submitted_at, task.state, task.attempt_id,
    );
    if let Some(note) = task.note.as_ref().filter(|note| !note.is_empty()) {
        let _ = write!(line, "\n  {note}");
    }
    if task.state == State::Unknown {
        let _ = write!(line, "\n  body {}", task.body_sha256.get(..12).unwrap_or_default());
    }
    line
}

fn queue(queue: &Queue) -> Vec<String> {
    let running = queue.running.iter().map(|id| format!("running  {id}"));
    let pending = (1..).zip(&queue.pending).map(|(at, id)| format!("{at:>7}  {id}"));
    let lines: Vec<String> = running.chain(pending).collect();
    if lines.is_empty() { vec!["the queue is empty".to_owned()] } else { lines }
}

/// `3  KSampler  (KSamplerAdvanced)`, and a line for each field.
fn node(node: &WorkflowNode) -> Vec<String> {
    let mut head = format!("{}  {}", node.id, node.title);
    if node.title != node.class_type {
        let _ = write!(head, "  ({})", node.class_type);
    }
    if !node.required {
        head.push_str("  feeds no output");
    }
    let fields = node.fields.iter().map(|(name, value)| {
        format!("    {} = {}", Untrusted::from(name.as_str()), Untrusted::from(value.to_string()))
    });
    std::iter::once(head).chain(fields).collect()
}

fn upload(upload: &Upload) -> Vec<String> {
    let name = Untrusted::from(upload.file.as_str());
    let file_name = Untrusted::from(upload.file_name.as_str());
    // Only LoRAs are looked up on the platform first.
    if upload.was_there && upload.kind.as_ref().is_some_and(|kind| kind.raw() == "lora") {
        return vec![format!("✅ The platform has {name} already: {file_name}")];
    }
    let mut lines = vec![format!("✅ Uploaded {name}: {file_name}")];
    lines
        .extend(upload.download_url.as_deref().map(|url| format!("   for models: {}", Untrusted::from(url))));
    lines
}

fn profile(profile: &Profile) -> Vec<String> {
    let name = &profile.name;
    match &profile.change {
        Change::LoggedIn { at } => {
            let mut lines = vec![format!("✅ Logged in at {at}, profile `{name}`")];
            lines.extend(
                profile.key_type.as_ref().map(|kind| format!("   {kind}: {}", KeyKind::of(kind.raw()))),
            );
            lines
        }
        Change::Forgot => vec![format!("✅ Forgot the key of the profile `{name}`")],
        Change::None => vec![format!("The profile `{name}` has no key")],
    }
}

fn check(check: &Check) -> Vec<String> {
    let (word, Check { name, message, .. }) = (if check.ok { "ok    " } else { "failed" }, check);
    let mut lines = vec![format!("{word} {name:<8} {message}")];
    lines.extend(check.cure.iter().map(|cure| format!("       {:<8} cure: {cure}", "")));
    lines
}
