//! A running batch: reports, signals, and the end.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use runninghub::{Output, Sentence, TaskId, Verdict, say};
use runninghub_batch::{Action, BatchRun, Item, ItemId, ItemState, Keeper, Limits, News, Over, Paused};
use tokio::time::{MissedTickBehavior, interval};

use super::{super::context::Context, prepare, progress::Progress};
use crate::{
    args::Format,
    bug,
    event::{BatchItem, Event},
    exit::{Error, Exit},
    secrets,
    signals::Signal,
};

/// How often progress is reported: in a live block, and in lines.
const FRAME: Duration = Duration::from_millis(200);
const TICK: Duration = Duration::from_secs(1);

/// A running batch.
pub(super) struct Running<'i> {
    pub(super) batch: BatchRun,
    pub(super) name: String,
    pub(super) items: &'i [Item],
    /// The planned action of each row that this run handles.
    pub(super) actions: HashMap<ItemId, Action>,
    pub(super) keeper: Option<Keeper>,
    pub(super) progress: Progress,
    /// Whether the events of each run are reported.
    pub(super) events: bool,
    pub(super) limits: Limits,
}

/// The state of the run.
#[derive(Default)]
struct State {
    has_lost_files: bool,
    is_key_refused: bool,
    /// The signal that has paused it.
    paused_by: Option<Signal>,
}

impl Running<'_> {
    /// Runs the batch to its end, or until signals arrive. The first one pauses it and follows the running rows, the
    /// second one detaches at once.
    pub(super) async fn run(mut self, context: &mut Context) -> Result<Exit, Error> {
        let mut signals = context.signals()?;
        bug::runs_batch();
        let mut tick = interval(if context.format == Format::Human { FRAME } else { TICK });
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut state = State::default();
        let items: HashMap<&ItemId, &Item> = self.items.iter().map(|item| (&item.id, item)).collect();
        loop {
            tokio::select! {
                biased;
                signal = signals.next() => match signal {
                    Signal::Suspend => context.suspend(),
                    Signal::Resize => context.reporter.tick(context.clock.now()),
                    signal if state.paused_by.is_some() => {
                        self.finish(context);
                        self.batch.detach().await;
                        context.outcome.status = Verdict::Detached;
                        context.advice.push(say!("the tasks keep running; run the same command to continue"));
                        return Ok(Exit::from(signal));
                    }
                    signal => {
                        state.paused_by = Some(signal);
                        self.batch.pause();
                        context.warn("draining", say!("no more rows start; press Ctrl-C again to leave the running rows"));
                    }
                },
                _ = tick.tick() => {
                    let progress = self.progress.event(self.batch.tally(), &self.limits);
                    context.show(Event::BatchProgress(progress));
                    if let Some(error) = self.keeper.as_mut().and_then(Keeper::write_if_due) {
                        context.warn("results", error.sentence());
                    }
                }
                transfer = context.transfers.next() => drop(transfer),
                news = self.batch.next() => {
                    let Some(news) = news else { break };
                    if let Some(error) = self.keeper.as_mut().and_then(|keeper| keeper.see(&news)) {
                        context.warn("results", error.sentence());
                    }
                    self.progress.see(&news);
                    self.show(context, &items, news, &mut state);
                }
            }
        }
        self.progress.stop();
        let progress = self.progress.event(self.batch.tally(), &self.limits);
        context.show(Event::BatchProgress(progress));
        self.finish(context);
        let exit = self.exit(context, &state);
        Ok(state.paused_by.map_or(exit, Exit::from))
    }

    /// Writes the folder of the results.
    fn finish(&mut self, context: &mut Context) {
        if let Some(error) = self.keeper.as_mut().and_then(|keeper| keeper.finish().err()) {
            context.warn("results", error.sentence());
        }
    }

    /// How it ended, and how to continue.
    fn exit(&self, context: &mut Context, state: &State) -> Exit {
        let counts = self.progress.counts(self.batch.tally());
        let count = |state: ItemState| counts.get(state.as_str()).copied().unwrap_or_default();
        let has_failed =
            [ItemState::Failed, ItemState::Refused, ItemState::Cancelled].map(count).iter().sum::<usize>()
                > 0;
        let go_on = |paused: Option<&Paused>| match paused {
            Some(Paused::Cost { .. }) => say!("run the same command with a higher `--max-cost` to continue"),
            Some(Paused::CostUnknown) => say!("run the same command with `--max-cost none` to continue"),
            None => say!(
                "`rhub tasks` lists submits with an unknown outcome; record the outcomes with `rhub resolve`"
            ),
            _ => say!("run the same command to continue"),
        };
        let (exit, status) = match (self.batch.paused(), verdict(&counts)) {
            (Some(Paused::Keys(_)), _) => (Exit::Refused, Verdict::Error),
            _ if state.is_key_refused && count(ItemState::Ready) > 0 => (Exit::Refused, Verdict::Error),
            (_, unknown @ (Exit::SubmitUnknown, _)) => unknown,
            (Some(Paused::Unsaved(_)), _) => (Exit::Results, Verdict::Interrupted),
            (Some(_), _) => (Exit::StillRunning, Verdict::Interrupted),
            // Others hold all slots.
            (None, _) if count(ItemState::Ready) > 0 => (Exit::StillRunning, Verdict::Interrupted),
            (None, (Exit::Done, status)) if state.has_lost_files => (Exit::Results, status),
            (None, verdict) => verdict,
        };
        context.outcome.status = status;
        if matches!(exit, Exit::Refused | Exit::StillRunning) {
            context.advice.push(go_on(self.batch.paused()));
        }
        if has_failed {
            context.advice.push(say!(
                "`rhub batch retry {name}` reruns rows that failed, were cancelled or refused",
                name = &*self.name
            ));
        }
        if state.has_lost_files {
            context.advice.push(say!("run the same command to download the missing results"));
        }
        exit
    }

    fn show(
        &mut self,
        context: &mut Context,
        items: &HashMap<&ItemId, &Item>,
        news: News,
        state: &mut State,
    ) {
        match news {
            News::Accepted { item, handle } => {
                let snapshot = handle.snapshot();
                let attempt_id = snapshot.attempt.as_ref().map(ToString::to_string);
                self.row(context, items, (&item, ItemState::Running), Some(snapshot.task), |row| {
                    row.attempt_id = attempt_id;
                });
            }
            News::Line { line, .. } if self.events => {
                context.show_of(line.task_id.clone(), Event::Run(line.event.clone()));
            }
            News::Over(over) => {
                state.has_lost_files |= over.has_lost_files();
                let task = over.outcome.as_ref().and_then(|outcome| outcome.task_id.clone());
                self.row(context, items, (&over.item, over.state), task, |row| end(row, &over));
            }
            News::Unknown { item, attempt, why } => {
                if let Some(attempt) = &attempt {
                    context.advice.push(prepare::how_to_resolve(item.as_str(), attempt));
                }
                self.row(context, items, (&item, ItemState::Unknown), None, |row| {
                    row.attempt_id = attempt.map(|attempt| attempt.to_string());
                    row.why = Some(clean(why));
                });
            }
            News::Retry { item, why } => {
                let message = say!("row `{item}` is retried: {why}", item = &item, why = clean(why));
                context.warn("retry", message);
            }
            News::Warning { item, code, message } => {
                let message = clean(message);
                context.warn(
                    code,
                    match item {
                        Some(item) => say!("row `{item}`: {message}", item = &item, message),
                        None => message,
                    },
                );
            }
            News::Key { key, why, hint } => {
                state.is_key_refused = true;
                let why = clean(why);
                context.warn("key", say!("the key `{key}` pauses: {why}", key = &*key, why));
                context.advice.extend(hint);
            }
            // Reported when the signal arrives.
            News::Paused(Paused::Asked) if state.paused_by.is_some() => {}
            News::Paused(why) => context.warn("paused", why.sentence()),
            _ => {}
        }
    }

    fn row(
        &self,
        context: &mut Context,
        items: &HashMap<&ItemId, &Item>,
        (id, state): (&ItemId, ItemState),
        task: Option<TaskId>,
        fill: impl FnOnce(&mut BatchItem),
    ) {
        let Some(item) = items.get(id) else { return };
        let action = self.actions.get(id).copied().unwrap_or(Action::Nothing);
        let mut row = BatchItem::new(&self.name, item, state, action);
        fill(&mut row);
        context.show_of(task, Event::BatchRow(Box::new(row)));
    }
}

/// The result that follows from the states of the rows.
pub(super) fn verdict(counts: &BTreeMap<&'static str, usize>) -> (Exit, Verdict) {
    let is_any = |states: &[ItemState]| states.iter().any(|state| counts.contains_key(state.as_str()));
    if is_any(&[ItemState::Unknown]) {
        (Exit::SubmitUnknown, Verdict::Unknown)
    } else if is_any(&[ItemState::Failed, ItemState::Refused, ItemState::Cancelled]) {
        (Exit::PartialFailure, Verdict::Failed)
    } else {
        (Exit::Done, Verdict::Success)
    }
}

/// Adds the outcome of a row.
fn end(row: &mut BatchItem, over: &Over) {
    let outcome = over.outcome.as_ref();
    let saved = over.saved.as_deref().and_then(|saved| saved.as_ref().ok());
    row.outputs = match (outcome, saved) {
        (Some(outcome), _) => outcome.outputs.clone(),
        (None, Some(saved)) => saved.results.iter().map(Output::from).collect(),
        (None, None) => Vec::new(),
    };
    row.attempt_id = over.attempt.as_ref().map(ToString::to_string);
    row.cost = outcome.and_then(|outcome| outcome.cost.clone());
    row.failure.clone_from(&over.failure);
    row.class = over.class.as_deref().filter(|class| !class.is_empty()).map(str::to_owned);
    row.why = over.why.clone().map(clean);
}

/// A server's text may quote the key.
fn clean(sentence: Sentence) -> Sentence {
    sentence.map(&secrets::clean)
}
