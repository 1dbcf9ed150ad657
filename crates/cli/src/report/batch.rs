//! Formats batches: plans, the list of batches, and problems of rows.

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use runninghub::{Charge, Sentence, Untrusted, say};
use runninghub_batch::{Action, ItemState};

use super::text::{self, clock, size};
use crate::{
    cells,
    event::{BatchItem, BatchPlan, BatchProblem, BatchProgress, ListedBatch, PlannedCost, PlannedTime},
    lang::word,
};

/// Maximum number of fields listed.
const NAMED: usize = 8;
/// Column widths in the lists of rows and batches.
const ITEM: [usize; 5] = [9, 9, 5, 24, 0];
const LIST: [usize; 4] = [21, 16, 24, 0];

/// A problem with its fix.
pub(super) fn problem(problem: &BatchProblem) -> Vec<String> {
    let what = &problem.sentence;
    let what = if problem.fatal {
        say!("❌ {failure}", failure = what)
    } else {
        say!("⚠️ {message}", message = what)
    };
    let hint = problem.cure.as_ref().map(|cure| say!("   hint: {hint}", hint = cure));
    std::iter::once(&what).chain(&hint).map(word).collect()
}

/// The plan of a batch.
pub(super) fn plan(plan: &BatchPlan) -> Vec<String> {
    let (source, kind, target) = (&plan.source, &*plan.kind, &*plan.target_name);
    let mut lines = vec![say!("{source} → {kind} {target}", source, kind, target)];
    let (batch, url) = (&*plan.batch, &*plan.base_url);
    lines.push(if plan.is_known {
        say!("  batch `{batch}` at {url}, run before", batch, url)
    } else {
        say!("  batch `{batch}` at {url}, new", batch, url)
    });
    lines.push(say!("  {rows}, {fields}", rows = rows(plan.rows), fields = fields(&plan.fields)));
    if plan.files > 0 {
        lines.push(match plan.files {
            1 => say!("  1 file ({size})", size = size(plan.file_bytes)),
            count => say!("  {count} files ({size})", count, size = size(plan.file_bytes)),
        });
    }
    let mut lines: Vec<String> = lines.iter().map(word).collect();
    lines.extend(plan.lines.iter().map(|line| format!("  {}", word(line))));
    lines.push(word(&match plan.starts {
        0 => say!("Nothing would start"),
        count => say!("{rows} would start", rows = rows(count)),
    }));
    let unknown = (plan.starts > 0 && plan.cost.is_none()).then(|| say!("  cost unknown: no earlier runs"));
    let figures = [plan.cost.as_ref().map(cost), unknown, plan.time.as_ref().map(time)];
    lines.extend(figures.iter().flatten().map(word));
    lines
}

fn rows(count: usize) -> Sentence {
    if count == 1 { say!("1 row") } else { say!("{count} rows", count) }
}

fn fields(fields: &[String]) -> Sentence {
    let names = fields.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match fields.len().saturating_sub(NAMED) {
        _ if fields.is_empty() => say!("which set nothing"),
        0 => say!("which set {names}", names),
        more => say!("which set {names} and {more} more", names, more),
    }
}

/// Digests are shortened, other ids aren't.
fn short(target: &str) -> String {
    let is_digest = target.len() == 64 && target.bytes().all(|byte| byte.is_ascii_hexdigit());
    target.get(..12).filter(|_| is_digest).unwrap_or(target).to_owned()
}

fn cost(cost: &PlannedCost) -> Sentence {
    let (all, each, most) = (amount(&cost.all), amount(&cost.each), amount(&cost.most));
    match cost.runs {
        1 => say!("  about {all}: {each} each, like the only earlier run", all, each),
        runs => {
            say!(
                "  about {all}: {each} each, nine in ten up to {most}, by {runs} earlier runs",
                all,
                each,
                most,
                runs
            )
        }
    }
}

/// Coins and money, to two decimal places.
fn amount(charge: &Charge) -> Sentence {
    let rounded = |number: Option<f64>| {
        let shown = format!("{:.2}", number?);
        Some(shown.trim_end_matches('0').trim_end_matches('.').to_owned())
    };
    let numbers = &charge.numbers;
    let (coins, money) = (rounded(numbers.coins), rounded(numbers.money));
    text::cost(&Charge { coins, money, ..charge.clone() }).unwrap_or_else(|| say!("no cost"))
}

fn time(time: &PlannedTime) -> Sentence {
    let at = |seconds: f64| clock(Duration::from_secs_f64(seconds.clamp(0.0, 1e9).round()));
    let (low, high, slots) = (at(time.low_s), at(time.high_s), time.slots);
    if slots == 1 {
        say!("  {low} to {high} on 1 slot", low, high)
    } else {
        say!("  {low} to {high} on {slots} slots", low, high, slots)
    }
}

/// The header of a list of rows.
pub(super) fn item_heads() -> String {
    let heads = [say!("ACTION"), say!("STATE"), say!("ROW"), say!("ID"), say!("RESULTS")];
    columns(&heads.map(|head| word(&head)), ITEM)
}

/// A row of a batch.
pub(super) fn item(item: &BatchItem) -> String {
    let safe = |text: &str| Untrusted::from(text).to_string();
    let cells = [
        word(&action(item.action)),
        word(&state(item.state)),
        item.row.to_string(),
        safe(&item.item),
        safe(&item.out),
    ];
    columns(&cells, ITEM)
}

/// The header of a list of batches.
pub(super) fn heads() -> String {
    columns(&[say!("STARTED"), say!("BATCH"), say!("RUNS"), say!("ROWS")].map(|head| word(&head)), LIST)
}

/// A batch on one line, with its results on another.
pub(super) fn row(batch: &ListedBatch) -> String {
    let safe = |text: &str| Untrusted::from(text).to_string();
    let all: usize = batch.counts.values().sum();
    let states = std::iter::once(all.to_string()).chain(counts(&batch.counts)).collect::<Vec<_>>().join(", ");
    let target = safe(&format!("{} {}", batch.kind, short(&batch.target)));
    let mut line = columns(&[batch.opened_at.clone(), safe(&batch.batch), target, states], LIST);
    if let Some(folder) = &batch.folder {
        let _ = write!(line, "\n  {}", safe(folder));
    }
    line
}

/// The number of rows by state, without states that have none.
pub(super) fn counts(counts: &BTreeMap<&'static str, usize>) -> Vec<String> {
    let count = |state| counts.get(state).copied().unwrap_or_default();
    let [done, running, ready] = ["done", "running", "ready"].map(count);
    let [failed, cancelled, refused, unknown] = ["failed", "cancelled", "refused", "unknown"].map(count);
    let all = [
        (done, say!("done {n}", n = done)),
        (running, say!("running {n}", n = running)),
        (ready, say!("ready {n}", n = ready)),
        (failed, say!("failed {n}", n = failed)),
        (cancelled, say!("cancelled {n}", n = cancelled)),
        (refused, say!("refused {n}", n = refused)),
        (unknown, say!("unknown {n}", n = unknown)),
    ];
    all.iter().filter(|(count, _)| *count > 0).map(|(_, words)| word(words)).collect()
}

/// The planned action of a row.
fn action(action: Action) -> Sentence {
    match action {
        Action::Nothing => say!("no action"),
        Action::Fetch => say!("fetch"),
        Action::Adopt => say!("adopt"),
        Action::Hold => say!("hold"),
        Action::Leave => say!("leave"),
        Action::Run(_) => say!("run"),
        Action::Ask => say!("ask"),
    }
}

/// The state of a row.
fn state(state: ItemState) -> Sentence {
    match state {
        ItemState::Ready => say!("ready"),
        ItemState::Running => say!("running"),
        ItemState::Done => say!("done"),
        ItemState::Failed => say!("failed"),
        ItemState::Cancelled => say!("cancelled"),
        ItemState::Refused => say!("refused"),
        ItemState::Unknown => say!("unknown"),
    }
}

/// Cells in columns of these widths; the last one may be wider.
fn columns<const N: usize>(cells: &[String; N], widths: [usize; N]) -> String {
    let cells = cells.iter().zip(widths).map(|(cell, width)| cells::column(cell, width));
    cells.collect::<Vec<_>>().join(" ")
}

/// The outcome of a row.
pub(super) fn fate(row: &BatchItem) -> Vec<String> {
    let id = Untrusted::from(&*row.item).to_string();
    let cost = row.cost.as_ref().and_then(text::cost);
    let why = row.why.clone().unwrap_or_else(|| say!("no reason was given"));
    let with_cost = |words: Sentence| match cost.clone() {
        Some(cost) => say!("{what}, {cost}", what = words, cost),
        None => words,
    };
    let words = match row.state {
        ItemState::Running => say!("▶️ {id} started", id),
        ItemState::Done => {
            let saved = row.outputs.iter().filter(|output| output.path.is_some()).count();
            with_cost(match saved {
                0 => say!("✅ {id} done", id),
                1 => say!("✅ {id} done, 1 file saved", id),
                count => say!("✅ {id} done, {count} files saved", id, count),
            })
        }
        ItemState::Failed => with_cost(say!("❌ {id} failed: {why}", id, why)),
        ItemState::Refused => say!("❌ {id} refused: {why}", id, why),
        ItemState::Cancelled => with_cost(say!("🛑 {id} cancelled", id)),
        ItemState::Unknown => say!("❓ {id}: it is unknown whether it has a task: {why}", id, why),
        ItemState::Ready => say!("{id} is ready again", id),
    };
    let hint = row
        .failure
        .as_ref()
        .and_then(|failure| failure.hint.clone())
        .map(|hint| say!("   hint: {hint}", hint));
    std::iter::once(&words).chain(&hint).map(word).collect()
}

/// The progress of a batch, on one line.
pub(super) fn progress(progress: &BatchProgress) -> Sentence {
    let (over, rows) = (over_count(progress), progress.rows);
    let percent = text::percentage(progress.percent);
    let first = say!("📊 Batch progress: {percent} ({over}/{rows})", percent, over, rows);
    let counts = counts(&progress.counts).into_iter().map(Sentence::verbatim);
    let figures = [slots(progress), money(progress), time_left(progress)].into_iter().flatten();
    let parts = std::iter::once(first).chain(counts).chain(figures);
    parts.reduce(|first, next| say!("{first}, {next}", first, next)).unwrap_or_default()
}

/// The number of finished rows.
pub(super) fn over_count(progress: &BatchProgress) -> usize {
    ["done", "failed", "cancelled", "refused"].iter().filter_map(|state| progress.counts.get(state)).sum()
}

/// The slots of the key.
pub(super) fn slots(progress: &BatchProgress) -> Option<Sentence> {
    let busy = progress.slots_busy?;
    Some(match (progress.slots_limit, progress.slots_elsewhere) {
        (Some(limit), Some(elsewhere @ 1..)) => {
            say!("{busy} of {limit} slots, {elsewhere} elsewhere", busy, limit, elsewhere)
        }
        (Some(limit), _) => say!("{busy} of {limit} slots busy", busy, limit),
        (None, _) => say!("{busy} slots busy", busy),
    })
}

/// The cost of the batch so far.
pub(super) fn money(progress: &BatchProgress) -> Option<Sentence> {
    let spent = Some(&*progress.spent).filter(|spent| *spent != "0" || progress.max_cost.is_some())?;
    Some(match &progress.max_cost {
        Some(max) => say!("{spent} of {max} spent", spent, max = &**max),
        None => say!("{spent} spent", spent),
    })
}

/// The time left.
pub(super) fn time_left(progress: &BatchProgress) -> Option<Sentence> {
    let at = |seconds: f64| clock(Duration::from_secs_f64(seconds.clamp(0.0, 1e9).round()));
    progress.eta_s.map(|[low, high]| say!("{low}–{high} left", low = at(low), high = at(high)))
}

/// The outcome of a batch.
pub(super) fn over(batch: &ListedBatch) -> Vec<String> {
    let states = counts(&batch.counts).join(", ");
    let name = Untrusted::from(&*batch.batch).to_string();
    let mut lines = vec![word(&say!("Batch `{name}`: {states}", name, states))];
    if let Some(folder) = &batch.folder {
        lines.push(format!("  {}", Untrusted::from(&**folder)));
    }
    lines
}
