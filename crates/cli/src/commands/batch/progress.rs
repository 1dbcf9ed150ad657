//! The progress of a batch, and the time left.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use runninghub::{Busy, Handle, Phase, Sentence, Snapshot, TaskStatus, say};
use runninghub_batch::{
    Action, Amount, Band, Begin, Durations, Item, ItemId, ItemState, Limits, News, Overall, Past, Running,
    Tally, forecast,
};

use crate::{
    event::{BatchProgress, RowProgress},
    report::text::{clock, step},
};

/// How often the time left is estimated.
const ESTIMATE: Duration = Duration::from_secs(1);

/// The progress of a running batch.
pub(super) struct Progress {
    batch: String,
    rows: usize,
    /// The number of rows that this run doesn't handle, by state.
    others: BTreeMap<&'static str, usize>,
    overall: Overall,
    /// The number of each row in the overall figure, and its group.
    index: HashMap<ItemId, (usize, String)>,
    durations: Durations,
    /// Running rows, with their start times.
    running: HashMap<ItemId, (Instant, Handle)>,
    /// Rows that have not been started, in order, with their groups.
    ready: Vec<(ItemId, String)>,
    slots: Option<Busy>,
    /// What the next row waits for.
    wait: Option<Sentence>,
    /// The time left, and when it was estimated.
    eta: Option<(Instant, Option<Band>)>,
    /// The largest number of rows that ran at once.
    most: usize,
    /// Maximum number of slots that it uses.
    max_slots: Option<usize>,
}

impl Progress {
    pub(super) fn new(
        batch: &str,
        items: &[Item],
        states: &HashMap<&ItemId, ItemState>,
        begins: &[(Item, Action, Begin)],
        past: &Past,
        limits: &Limits,
    ) -> Self {
        let group = |item: &Item| item.instance.clone().unwrap_or_default();
        let mut overall = Overall::default();
        // Without a history all rows are assumed to take the same time.
        let seconds =
            |item: &Item| past.durations().mean(&group(item)).map_or(1.0, |mean| mean.as_secs_f64());
        overall.add(items.iter().map(seconds));
        let index: HashMap<ItemId, (usize, String)> =
            items.iter().enumerate().map(|(at, item)| (item.id.clone(), (at, group(item)))).collect();
        let mut others: BTreeMap<&'static str, usize> = BTreeMap::new();
        let is_started: HashMap<&ItemId, &Begin> =
            begins.iter().map(|(item, _, begin)| (&item.id, begin)).collect();
        for item in items {
            let begin = is_started.get(&item.id);
            if begin.is_none_or(|begin| matches!(begin, Begin::Fetch { .. })) {
                let state = states.get(&item.id).copied().unwrap_or(ItemState::Ready);
                *others.entry(state.as_str()).or_default() += 1;
                if let Some((at, _)) = index.get(&item.id) {
                    overall.finish(*at);
                }
            }
        }
        let ready = begins.iter().filter(|(.., begin)| matches!(begin, Begin::Run));
        Self {
            batch: batch.to_owned(),
            rows: items.len(),
            others,
            overall,
            ready: ready.map(|(item, ..)| (item.id.clone(), group(item))).collect(),
            index,
            durations: past.durations().clone(),
            running: HashMap::new(),
            slots: None,
            wait: None,
            eta: None,
            most: 1,
            max_slots: limits.slots.and_then(|slots| usize::try_from(slots).ok()),
        }
    }

    /// Handles an event.
    pub(super) fn see(&mut self, news: &News) {
        match news {
            News::Sending(item) => {
                self.ready.retain(|(ready, _)| ready != item);
                self.wait = None;
            }
            News::Slots { slots, .. } => {
                self.slots = slots.or(self.slots);
                self.wait = Some(say!("waiting for a slot"));
            }
            News::Accepted { item, handle } => {
                self.ready.retain(|(ready, _)| ready != item);
                self.running.insert(item.clone(), (Instant::now(), handle.clone()));
                self.most = self.most.max(self.running.len());
            }
            News::Over(over) => {
                let began = self.running.remove(&over.item);
                let Some((at, group)) = self.index.get(&over.item) else { return };
                self.overall.finish(*at);
                if let Some((began, _)) = began.filter(|_| over.state == ItemState::Done) {
                    self.durations.add(group, began.elapsed());
                }
            }
            News::Retry { item, .. } => {
                self.running.remove(item);
                if let Some((at, group)) = self.index.get(item) {
                    self.overall.restart(*at);
                    self.ready.push((item.clone(), group.clone()));
                }
            }
            _ => {}
        }
    }

    /// Nothing runs or waits any more.
    pub(super) fn stop(&mut self) {
        (self.slots, self.wait, self.eta) = (None, None, None);
        self.running.clear();
        self.ready.clear();
    }

    /// The number of rows by state.
    pub(super) fn counts(&self, tally: Tally) -> BTreeMap<&'static str, usize> {
        let mut counts = self.others.clone();
        for (state, count) in [
            (ItemState::Ready, tally.ready),
            (ItemState::Running, tally.running),
            (ItemState::Unknown, tally.unknown),
            (ItemState::Done, tally.done),
            (ItemState::Failed, tally.failed),
            (ItemState::Refused, tally.refused),
            (ItemState::Cancelled, tally.cancelled),
        ] {
            *counts.entry(state.as_str()).or_default() += count;
        }
        counts.retain(|_, count| *count > 0);
        counts
    }

    /// The current progress.
    pub(super) fn event(&mut self, tally: Tally, limits: &Limits) -> BatchProgress {
        for (item, (_, handle)) in &self.running {
            if let (Some((at, _)), Some(fraction)) =
                (self.index.get(item), handle.watch().borrow().progress.overall)
            {
                self.overall.set(*at, fraction);
            }
        }
        let eta = self.eta();
        let busy = self.slots.map(|slots| slots.busy);
        BatchProgress {
            batch: self.batch.clone(),
            percent: (self.overall.fraction() * 1_000.0).floor() / 10.0,
            rows: self.rows,
            counts: self.counts(tally),
            spent: tally.spent.to_string(),
            reserved: tally.reserved.to_string(),
            max_cost: limits.max_cost.as_ref().map(Amount::to_string),
            slots_busy: busy,
            slots_limit: self.slots.and_then(|slots| slots.limit),
            slots_elsewhere: self.slots.map(|slots| slots.elsewhere),
            running: self.rows_now(),
            wait: self.wait.clone().filter(|_| self.running.is_empty()),
            eta_s: eta.map(|Band { p10, p90, .. }| [p10.as_secs_f64(), p90.as_secs_f64()]),
        }
    }

    /// The running rows, the most advanced first.
    fn rows_now(&self) -> Vec<RowProgress> {
        let mut rows: Vec<RowProgress> = self
            .running
            .iter()
            .map(|(item, (began, handle))| {
                let snapshot = handle.watch();
                let snapshot = snapshot.borrow();
                let progress = &snapshot.progress;
                RowProgress {
                    item: item.as_str().to_owned(),
                    fraction: progress.overall.filter(|_| progress.phase != Phase::Queued),
                    stage: stage(&snapshot, began.elapsed()),
                    eta: progress.eta.map(|eta| eta.high),
                }
            })
            .collect();
        rows.sort_by(|one, other| {
            let by = |row: &RowProgress| row.fraction.unwrap_or(-1.0);
            by(other).total_cmp(&by(one)).then_with(|| one.item.cmp(&other.item))
        });
        rows
    }

    /// The time left, estimated once a second.
    fn eta(&mut self) -> Option<Band> {
        match self.eta {
            Some((at, band)) if at.elapsed() < ESTIMATE => band,
            _ => {
                let band = self.estimate();
                self.eta = Some((Instant::now(), band));
                band
            }
        }
    }

    /// The number of rows that run at once: as many as the platform allows, or else the largest number so far.
    fn lanes(&self) -> usize {
        let of_platform = self.slots.and_then(|slots| Some(slots.limit?.saturating_sub(slots.elsewhere)));
        let lanes = of_platform.map_or(self.most, |slots| usize::try_from(slots).unwrap_or(usize::MAX));
        lanes.min(self.max_slots.unwrap_or(usize::MAX)).max(1)
    }

    fn estimate(&self) -> Option<Band> {
        let running: Vec<Running<'_>> = self
            .running
            .iter()
            .filter_map(|(item, (began, _))| {
                let (_, group) = self.index.get(item)?;
                Some(Running { group, elapsed: began.elapsed() })
            })
            .collect();
        let ready: Vec<&str> = self.ready.iter().map(|(_, group)| group.as_str()).collect();
        if running.is_empty() && ready.is_empty() {
            return None;
        }
        forecast(&self.durations, &running, &ready, self.lanes(), 0)
    }
}

/// The current activity of a row, this long after its submit.
fn stage(snapshot: &Snapshot, since: Duration) -> Option<Sentence> {
    let Some(node) = snapshot.progress.current.first() else {
        let is_queued = snapshot.status == Some(TaskStatus::Queued);
        return is_queued.then(|| say!("queued {time}", time = clock(since)));
    };
    Some(Sentence::verbatim(step(node)))
}
