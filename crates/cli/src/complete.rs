//! Completions for a shell: `COMPLETE=bash rhub -- rhub watch …`.

use std::{env, path::PathBuf};

use clap_complete::{CompleteEnv, CompletionCandidate};
use runninghub::{
    Untrusted,
    catalog::{Catalog, Model},
    is_task_id,
    ledger::{BatchEntry, Entry, Error, Filter, Ledger as _, SqliteLedger, State},
};

use crate::{commands::state_dir, help};

/// The variable by which a shell requests completions.
pub(crate) const VARIABLE: &str = "COMPLETE";
/// Maximum number of candidates; a longer list isn't useful.
const OFFERED: usize = 50;

/// Prints completions if a shell requests them.
pub(crate) fn answered() -> bool {
    if env::var_os(VARIABLE).is_none() {
        return false;
    }
    // An error message must not end up in the user's command line.
    CompleteEnv::with_factory(help::command).try_complete(env::args_os(), None).unwrap_or(true)
}

/// The most recent tasks, newest first.
pub(crate) fn tasks() -> Vec<CompletionCandidate> {
    let offer = |entry: Entry| {
        let help = format!(
            "{}, {}",
            entry.state,
            entry
                .intent
                .workflow
                .as_ref()
                .map(AsRef::<str>::as_ref)
                .or(entry.intent.target.as_deref())
                .unwrap_or("no workflow")
        );
        let task = entry.task.filter(|task| is_task_id(task.as_str()))?;
        Some(CompletionCandidate::new(task.as_str()).help(Some(Untrusted::from(help).to_string().into())))
    };
    let last =
        CompletionCandidate::new("last").help(Some("the task submitted last from this machine".into()));
    std::iter::once(last)
        .chain(submits(&Filter::all().limit(OFFERED)).into_iter().filter_map(offer))
        .collect()
}

/// The batches, the newest first.
pub(crate) fn batches() -> Vec<CompletionCandidate> {
    let all = read(async |ledger| ledger.batches().await);
    let offer =
        |entry: BatchEntry| CompletionCandidate::new(entry.batch.name).help(Some(entry.batch.origin.into()));
    all.into_iter().take(OFFERED).map(offer).collect()
}

/// The models of the built-in catalog.
pub(crate) fn models() -> Vec<CompletionCandidate> {
    let current = Catalog::embedded().models().iter().filter(|model| !model.retired);
    let offer = |model: &Model| {
        CompletionCandidate::new(&model.endpoint).help(model.names.first().map(|name| name.clone().into()))
    };
    current.map(offer).collect()
}

/// The submits of unknown outcome.
pub(crate) fn attempts() -> Vec<CompletionCandidate> {
    let unknown =
        submits(&Filter::all().limit(OFFERED)).into_iter().filter(|entry| entry.state == State::Unknown);
    unknown.map(|entry| CompletionCandidate::new(entry.attempt.to_string())).collect()
}

fn submits(filter: &Filter) -> Vec<Entry> {
    let filter = filter.clone();
    read(async |ledger| ledger.entries(filter).await)
}

/// Empty on any error: completion must not print errors.
fn read<T>(ask: impl AsyncFnOnce(SqliteLedger) -> Result<Vec<T>, Error>) -> Vec<T> {
    let read = || {
        let dir = state_dir(env::var_os("RUNNINGHUB_STATE_DIR").map(PathBuf::from))?;
        // Opening the ledger would create it.
        if !dir.is_dir() {
            return None;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().ok()?;
        runtime.block_on(ask(SqliteLedger::open_to_read(&dir).ok()?)).ok()
    };
    read().unwrap_or_default()
}
