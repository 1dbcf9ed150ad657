//! Formats the responses to single requests.

use std::{
    fmt::Write as _,
    mem::{Discriminant, discriminant},
};

use runninghub::{
    Event as RunEvent, Fact, Given, KeyKind, Line, Sentence, Untrusted,
    answer::{Queue, Task, Upload, Workflow, WorkflowNode},
    ledger::State,
    say,
};
use serde_json::Value;

use super::{account, app, batch, model, test, text};
use crate::{
    cells,
    event::{Change, Check, Event, Listening, Profile},
    lang::word,
    since, terminal,
};

/// Formats responses as lines in the selected language. A list has one header.
#[derive(Debug, Default)]
pub(super) struct Answers {
    last: Option<Discriminant<Event>>,
    /// The number of consecutive responses of this kind.
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
            Event::Run(RunEvent::Status { status, ahead, .. }) => vec![word(&text::status(status, *ahead))],
            Event::Listed(output) => {
                let head = is_first.then(|| say!("📄 Generation results:"));
                let result =
                    say!("  Result {number}: {output}", number = self.row, output = text::output(output));
                head.iter().chain([&result]).map(word).collect()
            }
            Event::Cancelled { .. } => {
                let task = line.task_id.as_ref().map(ToString::to_string).unwrap_or_default();
                vec![word(&say!("🛑 Task {task} cancelled", task))]
            }
            Event::Task(one) => is_first.then(tasks).into_iter().chain([task(one)]).collect(),
            Event::Settled(task) => vec![word(&match &task.task_id {
                Some(id) => say!(
                    "✅ Submit {attempt} is task {task} ({state})",
                    attempt = &task.attempt_id,
                    task = id,
                    state = state(task.state)
                ),
                None => say!("✅ Submit {attempt} did not create a task", attempt = &task.attempt_id),
            })],
            Event::Delivered(one) => vec![format!("📬 {}", task(one))],
            Event::Queue(queue) => self::queue(queue),
            Event::Workflow(Workflow { nodes, .. }) => nodes.iter().flat_map(node).collect(),
            Event::Model(model) => model::model(model),
            Event::Price(price) => vec![word(&model::price(price))],
            Event::App(app) => app::app(app),
            Event::Style(style) => vec![app::style(style)],
            Event::Webhook(webhook) => app::webhook(webhook),
            Event::Account(account) => account::account(account),
            Event::Slots(slots) => vec![word(&account::slots(slots))],
            Event::Key(key) => vec![account::key(key)],
            Event::Resource(resource) => account::resource(resource),
            Event::Asset(asset) => vec![account::asset(asset)],
            Event::AssetGroup(group) => vec![account::group(group)],
            Event::Upload(upload) => self::upload(upload),
            Event::Opened { path } => vec![Untrusted::from(path.as_str()).to_string()],
            Event::Converted { workflow } => workflow.lines().map(json).collect(),
            Event::Packed { path, files } => {
                let path = Untrusted::from(path.as_str()).to_string();
                let inside = word(&say!("  Contains {files}", files = files.join(", ")));
                vec![path, inside]
            }
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
            Event::Batch(one) => is_first.then(batch::heads).into_iter().chain([batch::row(one)]).collect(),
            Event::BatchPlan(plan) => batch::plan(plan),
            Event::BatchItem(item) => {
                is_first.then(batch::item_heads).into_iter().chain([batch::item(item)]).collect()
            }
            Event::BatchRow(row) => batch::fate(row),
            Event::BatchProgress(progress) => vec![word(&batch::progress(progress))],
            Event::BatchOver(batch) => batch::over(batch),
            Event::BatchProblem(problem) => batch::problem(problem),
            Event::Test(one) => test::test(one),
            Event::LiveTests(live) => test::live(live).iter().map(word).collect(),
            Event::Tests(all) => vec![word(&test::tests(all))],
            Event::Listening(Listening { base_url, about, .. }) => {
                let head = say!("Listening on {url}", url = base_url);
                std::iter::once(&head).chain(about).map(word).collect()
            }
            Event::Run(_) | Event::Notice { .. } => Vec::new(),
        }
    }
}

/// The columns of a list of submits: time, state, task, cost, description.
const TASK: [usize; 4] = [15, 10, 20, 8];

/// A line of JSON text, with JSON's own escapes for terminal control characters.
fn json(line: &str) -> String {
    let is_safe = |c: char| Untrusted::from(c.to_string()).to_string() == c.to_string();
    line.chars().fold(String::new(), |mut text, c| {
        if is_safe(c) {
            text.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                let _ = write!(text, "\\u{unit:04x}");
            });
        }
        text
    })
}

/// The header of a list of submits.
fn tasks() -> String {
    let heads = [say!("SUBMITTED"), say!("STATE"), say!("TASK"), say!("COST")];
    row(&heads.map(|head| word(&head)), &word(&say!("WHAT")))
}

/// One submit on one line, under [`tasks`], and further lines for its details if there are any.
fn task(task: &Task) -> String {
    let cost = task.cost.as_ref().and_then(text::cost).map_or_else(|| "-".to_owned(), |cost| word(&cost));
    let cells = [
        word(&since::ago(task.submitted_ms)),
        word(&state(task.state)),
        // `resolve` needs the name of a submit without a task.
        task.task_id.as_ref().map_or_else(|| task.attempt_id.clone(), ToString::to_string),
        cost,
    ];
    let mut line = row(&cells, &what(task));
    if let Some(note) = task.note.as_ref().filter(|note| !note.is_empty()) {
        let _ = write!(line, "\n  {}", word(&self::note(note)));
    }
    if task.state == State::Unknown {
        let digest = task.body_sha256.get(..12).unwrap_or_default();
        let _ = write!(line, "\n  {}", word(&say!("body {digest}", digest)));
    }
    if let Some(folder) = &task.saved {
        let _ = write!(line, "\n  {}", word(&say!("saved in {folder}", folder = Fact::of(folder))));
    }
    line
}

/// What a submit ran: its label, or else the longest value that it set, with its target.
fn what(task: &Task) -> String {
    let target = match (&task.workflow_id, &task.target) {
        (Some(workflow), _) => workflow.to_string(),
        (None, Some(target)) => format!("{} {target}", task.kind),
        (None, None) => task.kind.clone(),
    };
    let set = task.set.iter().flatten();
    let longest = set.max_by_key(|(_, value)| match value {
        Given::Text(text) | Given::Written(text) | Given::Json(Value::String(text)) => text.len(),
        _ => 0,
    });
    let text = match (&task.label, longest) {
        (Some(label), _) => label.clone(),
        (None, Some((name, value))) => format!("{name}={value}"),
        (None, None) => return Untrusted::from(target).to_string(),
    };
    format!("{}  {}", Untrusted::from(text), Untrusted::from(target))
}

/// A note from the ledger, which stores English. Most are a server's messages.
fn note(note: &Untrusted) -> Sentence {
    match note.raw() {
        "gave up: no slot became free" => say!("gave up: no slot became free"),
        "checked by hand: there is no task" => say!("checked by hand: there is no task"),
        "the process ended before the response" => say!("the process ended before the response"),
        "the process ended while it waited for a free slot" => {
            say!("the process ended while it waited for a free slot")
        }
        text => Sentence::verbatim(text),
    }
}

/// A line of the list; the last column fills the rest of the terminal's width.
fn row(cells: &[String; 4], what: &str) -> String {
    let cells = cells.iter().zip(TASK).map(|(cell, width)| cells::column(cell, width));
    let mut line = cells.collect::<Vec<_>>().join(" ");
    let used = cells::width(&line) + 1;
    let what = if terminal::is_terminal() {
        cells::fit(what, terminal::size().0.saturating_sub(used).max(20))
    } else {
        what.to_owned()
    };
    let _ = write!(line, " {what}");
    line.truncate(line.trim_end().len());
    line
}

fn state(state: State) -> Sentence {
    match state {
        State::Submitting => say!("submitting"),
        State::Waiting => say!("waiting"),
        State::Refused => say!("refused"),
        State::Unknown => say!("unknown"),
        State::Absent => say!("absent"),
        State::Accepted => say!("accepted"),
        State::Done => say!("done"),
        State::Failed => say!("failed"),
        State::Cancelled => say!("cancelled"),
        State::Gone => say!("gone"),
        other => Sentence::verbatim(other.as_str()),
    }
}

fn queue(queue: &Queue) -> Vec<String> {
    let running = queue.running.iter().map(|id| say!("running  {prompt}", prompt = id));
    let pending = (1..).zip(&queue.pending).map(|(at, id)| format!("{at:>7}  {id}"));
    let lines: Vec<String> = running.map(|words| word(&words)).chain(pending).collect();
    if lines.is_empty() { vec![word(&say!("the queue is empty"))] } else { lines }
}

/// `3  KSampler  (KSamplerAdvanced)`, and a line for each field.
fn node(node: &WorkflowNode) -> Vec<String> {
    let mut head = format!("{}  {}", node.id, node.title);
    if node.title != node.class_type {
        let _ = write!(head, "  ({})", node.class_type);
    }
    if !node.required {
        let _ = write!(head, "  {}", word(&say!("feeds no output")));
    }
    let fields = node.fields.iter().map(|(name, value)| {
        format!("    {} = {}", Untrusted::from(name.as_str()), Untrusted::from(value.to_string()))
    });
    std::iter::once(head).chain(fields).collect()
}

fn upload(upload: &Upload) -> Vec<String> {
    let (file, name) = (&upload.file, &upload.file_name);
    // Only LoRAs are looked up on the platform first.
    if upload.was_there && upload.kind.as_ref().is_some_and(|kind| kind.raw() == "lora") {
        return vec![word(&say!("✅ {file} is already on the platform: {name}", file, name))];
    }
    let link = upload.download_url.as_ref().map(|url| say!("   for models: {url}", url));
    std::iter::once(&say!("✅ Uploaded {file}: {name}", file, name)).chain(&link).map(word).collect()
}

fn profile(profile: &Profile) -> Vec<String> {
    let name = &profile.name;
    match &profile.change {
        Change::LoggedIn { at } => {
            let head = word(&say!("✅ Logged in at {at}, profile `{name}`", at, name));
            let kind = profile.key_type.as_ref().map(|kind| format!("   {}", word(&key_kind(kind))));
            std::iter::once(head).chain(kind).collect()
        }
        Change::Forgot => vec![word(&say!("✅ Removed the key of the profile `{name}`", name))],
        Change::None => vec![word(&say!("The profile `{name}` has no key", name))],
    }
}

/// The kind of a key, as the platform names it, and its meaning.
pub(crate) fn key_kind(kind: &Untrusted) -> Sentence {
    say!("{kind}: {meaning}", kind, meaning = KeyKind::of(kind.raw()))
}

fn check(check: &Check) -> Vec<String> {
    let (name, message) = (format!("{:<8}", check.name), &check.message);
    let found = if check.ok {
        say!("ok     {name} {message}", name, message)
    } else {
        say!("failed {name} {message}", name, message)
    };
    let cure = check.cure.as_ref().map(|cure| say!("                fix: {cure}", cure));
    std::iter::once(&found).chain(&cure).map(word).collect()
}
