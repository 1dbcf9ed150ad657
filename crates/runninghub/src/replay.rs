//! Plays a recording through the same machine, session and events as a live run, or plays event lines verbatim.

use std::{
    path::Path,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use futures_util::{StreamExt as _, stream::BoxStream};
use runninghub_comfyui::{Product, read_finished, view_path};
use runninghub_core::{
    Action, Confirm, Event, Graph, Input, Learned, Line, Machine, Message, NodeFile, NodeId, Observation,
    Pace, Plan, Priors, PromptId, Session, TaskId, decode_text, repair, say,
};
pub use runninghub_transport::Speed;
use runninghub_transport::{Body, HttpRow, Recording, Row, RowKind};
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use crate::{Error, ErrorKind, event_file, native::output};

/// A recording or a file of events, and the selection to play.
#[derive(Debug)]
#[must_use = "nothing is played until `runs` is called"]
pub struct Replay {
    recording: Recording,
    /// The lines of each run, if this is a file of events.
    written: Option<Vec<Vec<Line>>>,
    stream: Option<String>,
    prompt: Option<PromptId>,
    workflow: Option<String>,
    speed: Speed,
    previews: bool,
    learned: Vec<Learned>,
    priors: Priors,
}

/// One run: the stream of its lines. For a recording it ends with [`Event::Finished`], for a file as the file does.
pub struct ReplayRun {
    prompt_id: Option<PromptId>,
    task_id: Option<TaskId>,
    lines: BoxStream<'static, Line>,
}

/// A recorded event, with its time since the start.
#[derive(Clone, Debug)]
struct Step {
    at: Duration,
    kind: StepKind,
}

#[derive(Clone, Debug)]
enum StepKind {
    Frame(Body),
    Opened,
    Lost,
    Answer(Box<Observation>),
}

impl Replay {
    /// Opens a recording, which is a folder or a single tape, or a file of [`Line`]s.
    ///
    /// # Errors
    /// When it cannot be read, or is neither.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let written = event_file::read(path)?;
        Ok(Self { written, ..Self::new(Recording::open(path)?) })
    }

    /// Plays a recording that is already open.
    pub fn new(recording: Recording) -> Self {
        Self {
            recording,
            written: None,
            stream: None,
            prompt: None,
            workflow: None,
            speed: Speed::Max,
            previews: false,
            learned: Vec::new(),
            priors: Priors::default(),
        }
    }

    /// Plays the tapes of this client; the default is `a`, or the only one there is.
    pub fn stream(self, name: impl Into<String>) -> Self {
        Self { stream: Some(name.into()), ..self }
    }

    /// Plays this run only.
    pub fn prompt(self, prompt: impl Into<PromptId>) -> Self {
        Self { prompt: Some(prompt.into()), ..self }
    }

    /// The workflow in API format, instead of the one in the recording.
    pub fn workflow(self, text: impl Into<String>) -> Self {
        Self { workflow: Some(text.into()), ..self }
    }

    /// The speed; without any wait by default.
    pub fn speed(self, speed: Speed) -> Self {
        Self { speed, ..self }
    }

    /// Emits preview images as events.
    pub fn previews(self, enabled: bool) -> Self {
        Self { previews: enabled, ..self }
    }

    /// Replaces the built-in table of expected seconds.
    pub fn priors(self, priors: Priors) -> Self {
        Self { priors, ..self }
    }

    /// How long each node took in other runs of the same workflow.
    pub fn learned(self, learned: Vec<Learned>) -> Self {
        Self { learned, ..self }
    }

    /// The runs in the recording, in order.
    ///
    /// # Errors
    /// When the stream, the run or the workflow does not exist, or a tape is broken. Event lines are played verbatim,
    /// so selecting any of these is an error for a file.
    pub fn runs(mut self) -> Result<Vec<ReplayRun>, Error> {
        if let Some(written) = self.written.take() {
            if self.stream.is_some() || self.prompt.is_some() || self.workflow.is_some() {
                return Err(Error::usage(say!("an event file has nothing to select"))
                    .with_hint(say!("stream, prompt and workflow are for recordings: leave them out")));
            }
            return Ok(written.into_iter().map(|lines| ReplayRun::written(lines, self.speed)).collect());
        }
        let steps: Arc<[Step]> = self.steps()?.into();
        let mut selected = self.selected(&steps);
        if let Some(prompt) = &self.prompt {
            let there: Vec<_> =
                selected.iter().filter_map(|run| Some(run.prompt.as_ref()?.as_str())).collect();
            let hint = say!("available: {names}", names = there.join(", "));
            selected.retain(|run| run.prompt.as_ref() == Some(prompt));
            if selected.is_empty() {
                return Err(Error::usage(say!("the recording has no run `{prompt}`", prompt)).with_hint(hint));
            }
        }
        let sole = selected.len() == 1 && self.prompt.is_none();
        let paid = steps.iter().any(|step| matches!(step.kind, StepKind::Answer(_)));
        let confirm = if paid { Confirm::Http } else { Confirm::Frames };
        selected
            .into_iter()
            .map(|run| {
                let text = match &self.workflow {
                    Some(text) => Some(text.clone()),
                    None => run.meta.map(|index| self.recording.workflow_text(index)).transpose()?.flatten(),
                };
                let graph = text.map(|text| Graph::parse(&text)).transpose()?;
                let plan = graph.map(|graph| {
                    let plan = Plan::with_priors(&graph, &self.outputs(&run, &graph), &self.priors);
                    Arc::new(plan.with_learned(&self.learned))
                });
                let mut machine = Machine::new(plan, confirm).with_previews(self.previews);
                if let Some(prompt) = &run.prompt {
                    machine = machine.only(prompt.clone(), sole);
                }
                let events = play(Arc::clone(&steps), first_step(&steps, &run), machine, self.speed);
                let task_id = self.recording.task_id().cloned();
                let (mut t, about) = (Duration::ZERO, task_id.clone());
                let mut products =
                    (confirm == Confirm::Frames).then(|| Products::new(self.products(&run), self.server()));
                let lines = events.map(move |mut event| {
                    if let Event::Progress(progress) = &event {
                        t = t.max(progress.elapsed);
                    }
                    if let Some(products) = &mut products {
                        products.see(&mut event);
                    }
                    Line { t, task_id: about.clone(), event }
                });
                Ok(ReplayRun { prompt_id: run.prompt, task_id, lines: lines.boxed() })
            })
            .collect()
    }

    /// All events of one client, in order.
    fn steps(&self) -> Result<Vec<Step>, Error> {
        let streams: Vec<&str> = self.recording.streams().collect();
        let stream = match &self.stream {
            Some(name) if streams.contains(&name.as_str()) => Some(name.as_str()),
            Some(name) => {
                return Err(Error::usage(say!("the recording has no stream `{name}`", name))
                    .with_hint(say!("available: {names}", names = streams.join(", "))));
            }
            None => streams.iter().find(|name| **name == "a").or(streams.first()).copied(),
        };
        let mut steps = Vec::new();
        if let Some(stream) = stream {
            for tape in self.recording.tapes(stream)? {
                let mut open = false;
                for row in tape.rows {
                    steps.extend(step(&row, &mut open));
                }
            }
        }
        for row in self.recording.http()? {
            steps.extend(answer(&row));
        }
        if steps.is_empty() {
            return Err(Error::new(ErrorKind::Recording, say!("the recording is empty")));
        }
        // Stable: simultaneous events stay in the order of the tape.
        steps.sort_by_key(|step| step.at);
        Ok(steps)
    }

    /// The runs in the recording's list, or else those found in the frames.
    fn selected(&self, steps: &[Step]) -> Vec<Selected> {
        let prompts = self.recording.prompts();
        let mut runs: Vec<Selected> = Vec::new();
        let add = |runs: &mut Vec<Selected>, prompt: Option<PromptId>, meta: Option<usize>| {
            let repeat = runs.iter().filter(|run| run.prompt == prompt).count();
            runs.push(Selected { prompt, meta, repeat });
        };
        for (index, prompt) in prompts.iter().enumerate() {
            if prompt.prompt_id.is_some() {
                add(&mut runs, prompt.prompt_id.clone(), Some(index));
            }
        }
        if runs.is_empty() && prompts.is_empty() {
            let mut seen = Vec::new();
            for prompt in steps.iter().filter_map(started) {
                if !seen.contains(&prompt) {
                    seen.push(prompt.clone());
                    add(&mut runs, Some(prompt), None);
                }
            }
        }
        if runs.is_empty() {
            // A recording of a single task: the socket carries nothing else, so the prompt id is learned from it.
            runs.push(Selected { prompt: None, meta: (!prompts.is_empty()).then_some(0), repeat: 0 });
        }
        runs
    }

    /// The history file of the run's workflow: `history-2.json` for `workflow-2.json`.
    fn history(&self, run: &Selected) -> Option<Value> {
        let workflow = self.recording.prompts().get(run.meta?)?.workflow.as_deref()?;
        self.recording.read_json(&workflow.replacen("workflow", "history", 1)).ok()?
    }

    /// The run's results, according to the recorded history of a ComfyUI.
    fn products(&self, run: &Selected) -> Option<Vec<Product>> {
        let prompt = run.prompt.as_ref()?.as_str();
        let http = self.recording.http().unwrap_or_default();
        let histories =
            self.history(run).into_iter().chain(http.iter().rev().filter_map(|row| json(&row.text)));
        let mut finished = histories.filter_map(|history| read_finished(prompt, &history));
        finished.next().map(|finished| finished.products)
    }

    /// The URL of the ComfyUI that was recorded; empty if the recording does not have it.
    fn server(&self) -> String {
        let mut streams = self.recording.streams();
        let tapes = streams.next().and_then(|stream| self.recording.tapes(stream).ok()).unwrap_or_default();
        let rows = tapes.first().map_or(&[][..], |tape| &tape.rows);
        let opened = rows.iter().find_map(|row| match &row.body {
            Some(Body::Text(text)) if row.kind == RowKind::Open => Some(text),
            _ => None,
        });
        let socket = opened.and_then(|text| text.split('?').next()?.strip_suffix("/ws"));
        match socket.and_then(|socket| socket.strip_prefix("ws")) {
            Some(rest) => format!("http{rest}"),
            None => String::new(),
        }
    }

    /// The outputs that the server announced it would execute.
    fn outputs(&self, run: &Selected, graph: &Graph) -> Vec<NodeId> {
        let http = self.recording.http().unwrap_or_default();
        let answers = http.iter().filter_map(|row| json(&row.text)).chain(self.history(run));
        let mut created = Vec::new();
        let mut histories = Vec::new();
        for answer in answers {
            let tips = answer.pointer("/data/promptTips").and_then(Value::as_str).and_then(json);
            if let Some(ids) = tips.as_ref().and_then(|tips| tips.get("outputs_to_execute")).and_then(ids) {
                created.push(ids);
            }
            let history = run.prompt.as_ref().and_then(|prompt| answer.get(prompt.as_str()));
            if let Some(ids) = history.and_then(|entry| entry.pointer("/prompt/4")).and_then(ids) {
                histories.push(ids);
            }
        }
        if let Some(ids) = created.pop().or_else(|| histories.into_iter().nth(run.repeat)) {
            return ids;
        }
        let Some(classes) = self.recording.read_json::<Value>("object_info.json").ok().flatten() else {
            return Vec::new();
        };
        let is_output =
            |class: &str| classes.get(class).and_then(|c| c.get("output_node")) == Some(&Value::Bool(true));
        graph
            .nodes()
            .iter()
            .filter(|node| is_output(node.class_type.raw()))
            .map(|node| node.id.clone())
            .collect()
    }
}

/// The results of a run on a ComfyUI: from its history, or from the files that nodes name. (The platform lists results
/// in a response.)
#[derive(Debug)]
struct Products {
    history: Option<Vec<Product>>,
    named: Vec<(NodeId, NodeFile)>,
    server: String,
}

impl Products {
    fn new(history: Option<Vec<Product>>, server: String) -> Self {
        Self { history, named: Vec::new(), server }
    }

    /// Collects the files that nodes name, and adds the results to the end of the run.
    fn see(&mut self, event: &mut Event) {
        match event {
            Event::Files { node_id, files } => {
                self.named.extend(files.iter().map(|file| (node_id.clone(), file.clone())));
            }
            Event::Finished(end) if end.phase.is_final() => {
                let named = self.named.drain(..).filter(|(_, file)| file.folder() != "input");
                let named = named.map(|(node, file)| Product::File { node, file });
                let products = self.history.take().unwrap_or_else(|| named.collect());
                let view = |file: &NodeFile| format!("{}{}", self.server, view_path(file));
                end.outputs.splice(..0, products.into_iter().map(|product| output(product, view)));
            }
            _ => {}
        }
    }
}

/// A run to play.
#[derive(Debug)]
struct Selected {
    prompt: Option<PromptId>,
    /// Its position in the recording's list.
    meta: Option<usize>,
    /// Number of earlier runs with the same id.
    repeat: usize,
}

/// JSON as Python writes it, including histories.
fn json(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&repair(text)?).ok())
}

fn ids(value: &Value) -> Option<Vec<NodeId>> {
    Some(value.as_array()?.iter().filter_map(Value::as_str).map(NodeId::from).collect())
}

fn step(row: &Row, open: &mut bool) -> Option<Step> {
    let at = Duration::try_from_secs_f64(row.at_ms / 1000.0).unwrap_or_default();
    let kind = match row.kind {
        RowKind::Open => {
            *open = true;
            StepKind::Opened
        }
        RowKind::Close | RowKind::Abort | RowKind::Eof if std::mem::take(open) => StepKind::Lost,
        _ => StepKind::Frame(row.frame()?.body),
    };
    Some(Step { at, kind })
}

fn answer(row: &HttpRow) -> Option<Step> {
    let at = Duration::try_from_secs_f64((row.at_ms + row.took_ms) / 1000.0).unwrap_or_default();
    let observation = runninghub_api::read_observation(&row.path, row.status, &row.text)?;
    Some(Step { at, kind: StepKind::Answer(Box::new(observation)) })
}

/// The run that the step starts.
fn started(step: &Step) -> Option<PromptId> {
    let StepKind::Frame(Body::Text(text)) = &step.kind else { return None };
    match decode_text(text, &mut String::new()) {
        Message::ExecutionStart { prompt_id } => Some((*prompt_id?).into()),
        _ => None,
    }
}

/// The first step of the run: an id can be used for several runs, and a later one begins with its own start.
fn first_step(steps: &[Step], run: &Selected) -> usize {
    let starts =
        steps.iter().enumerate().filter(|(_, step)| run.prompt.is_some() && started(step) == run.prompt);
    let mut starts = starts.map(|(at, _)| at);
    if run.repeat == 0 { 0 } else { starts.nth(run.repeat).unwrap_or(steps.len()) }
}

fn play(steps: Arc<[Step]>, from: usize, machine: Machine, speed: Speed) -> impl Stream<Item = Event> + Send {
    let begin = steps.get(from).map_or(Duration::ZERO, |step| step.at);
    let player = Player {
        session: Session::new(machine, Pace::default(), 1),
        steps,
        next: from,
        begin,
        clock: Clock { started: None, speed },
        stopped: false,
    };
    futures_util::stream::unfold(player, |mut player| async move {
        let event = player.next().await?;
        Some((event, player))
    })
}

struct Player {
    session: Session,
    steps: Arc<[Step]>,
    next: usize,
    begin: Duration,
    clock: Clock,
    stopped: bool,
}

/// The speed of a run. Its time starts with the first wait.
struct Clock {
    started: Option<Instant>,
    speed: Speed,
}

impl Clock {
    async fn wait_until(&mut self, at: Duration) {
        if let Speed::Times(times) = self.speed {
            let times = if times.is_finite() && times > 0.0 { times } else { 1.0 };
            sleep_until(*self.started.get_or_insert_with(Instant::now) + at.div_f64(times)).await;
        }
    }
}

impl Player {
    async fn next(&mut self) -> Option<Event> {
        loop {
            while let Some(action) = self.session.next_action() {
                // The recording has its own responses and connections: only emitted events matter.
                if let Action::Emit(event) = action {
                    return Some(event);
                }
            }
            if self.session.is_over() || self.stopped {
                return None;
            }
            let step = self.steps.get(self.next).map(|step| step.at.saturating_sub(self.begin));
            match (step, self.session.deadline()) {
                (Some(at), deadline) if deadline.is_none_or(|deadline| at <= deadline) => {
                    self.clock.wait_until(at).await;
                    self.step(at);
                }
                (Some(_), Some(deadline)) => {
                    self.clock.wait_until(deadline).await;
                    self.session.handle(deadline, Input::Tick);
                }
                _ => {
                    let end =
                        self.steps.last().map_or(Duration::ZERO, |step| step.at.saturating_sub(self.begin));
                    self.session.stop(end);
                    self.stopped = true;
                }
            }
        }
    }

    fn step(&mut self, at: Duration) {
        let Some(step) = self.steps.get(self.next) else { return };
        self.next += 1;
        match &step.kind {
            StepKind::Frame(Body::Text(text)) => self.session.handle(at, Input::Text(text)),
            StepKind::Frame(Body::Binary(bytes)) => self.session.handle(at, Input::Binary(bytes)),
            StepKind::Frame(_) => {}
            StepKind::Opened => self.session.handle(at, Input::Connected),
            StepKind::Lost => self.session.handle(at, Input::Disconnected),
            StepKind::Answer(answer) => self.session.handle(at, Input::Answer(Observation::clone(answer))),
        }
    }
}

impl ReplayRun {
    /// Verbatim event lines, at their recorded times.
    fn written(lines: Vec<Line>, speed: Speed) -> Self {
        let prompt_id = lines.iter().rev().find_map(|line| match &line.event {
            Event::Result(outcome) => outcome.prompt_id.clone(),
            _ => None,
        });
        let task_id = lines.iter().rev().find_map(|line| line.task_id.clone());
        let clock = Clock { started: None, speed };
        let lines =
            futures_util::stream::unfold((clock, lines.into_iter()), async |(mut clock, mut lines)| {
                let line = lines.next()?;
                clock.wait_until(line.t).await;
                Some((line, (clock, lines)))
            });
        Self { prompt_id, task_id, lines: lines.boxed() }
    }

    /// The run's prompt id, if the recording names it.
    pub fn prompt_id(&self) -> Option<&PromptId> {
        self.prompt_id.as_ref()
    }

    /// The task's id, if the recording is of a task.
    pub fn task_id(&self) -> Option<&TaskId> {
        self.task_id.as_ref()
    }
}

impl Stream for ReplayRun {
    type Item = Line;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Line>> {
        self.lines.poll_next_unpin(context)
    }
}

impl std::fmt::Debug for ReplayRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReplayRun").field("prompt_id", &self.prompt_id).finish_non_exhaustive()
    }
}
