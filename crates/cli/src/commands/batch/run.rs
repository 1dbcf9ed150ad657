//! `rhub batch run`.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::{ToSpan as _, ZonedDateTime, civil::Time};
use runninghub::{
    ApiKey, Fact, Place, Service, Submit,
    ledger::{Batch, Entry, Ledger, State},
    say,
};
use runninghub_batch::{
    Action, BatchRun, Begin, Clock, Item, ItemId, ItemState, JobLimits, Keeper, Key, Limits, Results, Setup,
    Version,
};

use super::{
    super::{
        context::Context,
        service::{Settings, Writes},
    },
    prepare::{self, Prepared, Reused},
    progress::Progress,
    resume::{self, Before},
    running::Running,
    target::{Chosen, Reached},
};
use crate::{
    args, config,
    event::{Event, ListedBatch},
    exit::{Error, Exit},
    key, prompt, speed,
};

/// Maximum number of rows in the queue of a ComfyUI: a running one, and the next one. Rows in the queue can't be
/// paused.
const SERVER_SLOTS: u32 = 2;
/// The name of the key from the options.
const NO_PROFILE: &str = "default";

/// Runs or resumes a batch.
pub(super) async fn run(context: &mut Context, args: args::BatchRun) -> Result<Exit, Error> {
    let args::BatchRun { rows, resume, limits, events } = args;
    let ledger = context.workspace()?.ledger()?;
    let mut prepared = prepare::prepare(context, &*ledger, &rows, &resume).await?;
    if prepared.compared.summary.asked > 0
        && prompt::is_possible()
        && let Some(changed) = prepared.ask(context.printer)
    {
        prepared = prepared.decided(&resume, changed);
    }
    start(context, &prepared, StartOptions { reuse: resume.reuse, limits, events, only: None }).await
}

/// Options for starting a batch.
pub(super) struct StartOptions {
    /// Whether to reuse results of equal rows of other batches.
    pub(super) reuse: bool,
    pub(super) limits: args::Limits,
    pub(super) events: bool,
    /// The rows to handle; `None` for all.
    pub(super) only: Option<HashSet<ItemId>>,
}

/// Starts the pending rows, and follows them.
pub(super) async fn start(
    context: &mut Context,
    prepared: &Prepared,
    StartOptions { reuse, limits, events, only }: StartOptions,
) -> Result<Exit, Error> {
    let workspace = context.workspace()?.clone();
    let ledger = workspace.ledger()?;
    let Prepared { read, chosen, items, before, recorded, compared } = prepared;
    prepare::advise(context, before, compared);
    if compared.summary.asked > 0 {
        let rows = compared.summary.asked;
        return Err(Error::usage(match rows {
            1 => say!("the values of 1 row differ from those that ran; nothing was sent"),
            _ => say!("the values of {rows} rows differ from those that ran; nothing was sent", rows),
        }));
    }
    let keys = keys(context, &*ledger, &chosen.target.place, items)?;
    let folder = before.results.as_ref().map(|results| results.folder().to_owned());
    let limits = merged(context, &limits, prepared)?;
    open(&*ledger, prepared, folder.as_deref(), &limits).await?;
    let limits = in_effect(&limits, chosen)?;
    let entries: BTreeMap<&str, &Entry> =
        before.kept.iter().filter_map(|kept| Some((&*kept.item.id, kept.entry.as_ref()?))).collect();
    let reused = prepare::reused(&*ledger, items, compared, reuse && folder.is_some()).await?;
    let (mut begins, mut taken) = (Vec::new(), Vec::new());
    let is_meant = |item: &Item| only.as_ref().is_none_or(|only| only.contains(&item.id));
    for (item, action) in items.iter().zip(&compared.actions).filter(|(item, _)| is_meant(item)) {
        if let (Action::Run(_), Some(reused)) = (action, reused.get(&item.fingerprint)) {
            taken.push((item, reused));
            continue;
        }
        let item = kept_version(before, item, *action);
        if let Some(begin) = begin(*action, entries.get(item.id.as_str()).copied()) {
            begins.push((item, *action, begin));
        }
    }
    let submit = submit(chosen);
    let mut setup = Setup::new(&workspace, &*before.name, keys, submit)
        .limits(limits)
        .files_below(&read.base)
        .time_scale(speed::time_scale()?);
    if let Some(folder) = &folder {
        setup = setup.folder(folder);
    }
    let past = before.past(&*ledger, &chosen.target).await?;
    let mut states: HashMap<&ItemId, ItemState> =
        recorded.iter().map(|known| (&known.id, known.state)).collect();
    states.extend(taken.iter().map(|(item, _)| (&item.id, ItemState::Done)));
    let progress = Progress::new(&before.name, items, &states, &begins, &past, &limits);
    let actions = begins.iter().map(|(item, action, _)| (item.id.clone(), *action)).collect();
    let batch = BatchRun::open(setup, begins.into_iter().map(|(item, _, begin)| (item, begin))).await?;
    let mut keeper = match folder {
        Some(folder) => Some(keeper(prepared, folder)?),
        None => None,
    };
    if let Some(keeper) = &mut keeper {
        take(context, keeper, &taken)?;
    }
    let running =
        Running { batch, name: before.name.clone(), items, actions, keeper, progress, events, limits };
    let exit = running.run(context).await?;
    let known = resume::batch(&*ledger, &before.name).await?;
    if known.batch.folder.is_none() && known.counts.iter().any(|(state, _)| *state == Some(State::Done)) {
        context.advice.push(say!("results are not saved yet: run the same command with `--out DIR`"));
    }
    context.show(Event::BatchOver(ListedBatch::from(known)));
    Ok(exit)
}

/// The service of each key: the one of the options, and those of the profiles that rows name.
pub(super) fn keys(
    context: &mut Context,
    ledger: &dyn Ledger,
    place: &Place,
    items: &[Item],
) -> Result<Vec<Key>, Error> {
    let settings = || Settings { ledger: Writes::Must, ..Settings::of(place) };
    let own = context.global.profile.clone().unwrap_or_else(|| NO_PROFILE.to_owned());
    let service: Arc<dyn Service> = context.service(settings())?;
    let mut keys = vec![Key::new(&*own, service)];
    let others: BTreeSet<&str> =
        items.iter().filter_map(|item| item.profile.as_deref()).filter(|name| *name != own).collect();
    if others.is_empty() {
        return Ok(keys);
    }
    let fingerprint = |key: &ApiKey| ledger.salt().fingerprint(key.expose());
    let own = key::read(&context.global)?;
    keys = keys.into_iter().map(|key| key.fingerprint(fingerprint(&own))).collect();
    for name in others {
        let key = config::key_of(&context.global, name)?;
        let print = fingerprint(&key);
        let hub = context.connect(Settings { key: Some(key), ..settings() })?;
        keys.push(Key::new(name, Arc::new(hub)).fingerprint(print));
    }
    Ok(keys)
}

/// Prepares the submit of a row without its values.
fn submit(chosen: &Chosen) -> impl Fn() -> Submit + Send + Sync + 'static {
    let (work, catalog) = (chosen.work.clone(), chosen.catalog.clone());
    move || {
        let submit = Submit::new(work.clone());
        match &catalog {
            Some(catalog) => submit.catalog(Arc::clone(catalog)),
            None => submit,
        }
    }
}

/// The limits from the options, or else from the job, or else the stored ones, with a note.
fn merged(context: &mut Context, args: &args::Limits, prepared: &Prepared) -> Result<JobLimits, Error> {
    let job = prepared.read.source.limits;
    let known = prepared.before.known.as_ref();
    let remembered = known.map(|known| JobLimits::thawed(&known.batch)).transpose()?.unwrap_or_default();
    let limits = args.over(job.or(remembered));
    let unsaid =
        limits.without(args.over(job)).words().reduce(|first, next| say!("{first}, {next}", first, next));
    if let Some(unsaid) = unsaid {
        context.warn("limits", say!("the limits of the last run apply: {limits}", limits = unsaid));
    }
    Ok(limits)
}

/// The new limits.
fn in_effect(limits: &JobLimits, chosen: &Chosen) -> Result<Limits, Error> {
    let JobLimits { slots, max_cost, max_failures, until } = *limits;
    let is_server = matches!(chosen.service, Some(Reached::Server));
    let slots = slots.or(is_server.then_some(SERVER_SLOTS));
    let until = until.map(|clock| self::until(clock, &ZonedDateTime::now())).transpose()?;
    Ok(Limits { slots, max_cost, max_failures, until, ..Limits::default() })
}

/// The time until a time of day.
fn until(clock: Clock, now: &ZonedDateTime) -> Result<Duration, Error> {
    let unreadable = || Error::usage(say!("this machine's clock has no time of day"));
    let (hour, minute) = (i8::try_from(clock.hour), i8::try_from(clock.minute));
    let (Ok(hour), Ok(minute)) = (hour, minute) else { return Err(unreadable()) };
    let time = Time::new(hour, minute, 0, 0).map_err(|_| unreadable())?;
    let mut then = now.with().time(time).build().map_err(|_| unreadable())?;
    if then <= *now {
        then = then.checked_add(1.day()).map_err(|_| unreadable())?;
    }
    Ok(Duration::try_from(now.duration_until(&then)).unwrap_or_default())
}

/// Opens the batch in the ledger, with the current values of its rows.
async fn open(
    ledger: &dyn Ledger,
    prepared: &Prepared,
    folder: Option<&Path>,
    limits: &JobLimits,
) -> Result<(), Error> {
    let Prepared { read, chosen, items, before, recorded, compared } = prepared;
    let target = &chosen.target;
    let origin = match &before.known {
        Some(known) => known.batch.origin.clone(),
        None => read.origin.text(&target.kind, &target.id),
    };
    let what = (target.place.clone(), target.kind.clone(), target.id.clone());
    let mut batch = Batch::new(&*before.name, origin, read.source.spec, what).limits(limits.frozen());
    if let Some(folder) = folder {
        batch = batch.folder(folder.to_string_lossy());
    }
    ledger.open_batch(batch).await?;
    let known: HashMap<_, _> = recorded.iter().map(|known| (&known.id, known.fingerprint)).collect();
    let is_frozen = |(item, action): &(&Item, &Action)| {
        // A row that keeps its old values is left unchanged.
        let is_changed = known.get(&item.id).is_some_and(|known| *known != item.fingerprint);
        !is_changed || matches!(action, Action::Run(Version::File))
    };
    let frozen = items.iter().zip(&compared.actions).filter(is_frozen).map(|(item, _)| item.frozen());
    ledger.freeze(&before.name, frozen.collect::<Result<_, _>>()?).await?;
    Ok(())
}

/// The item with the values to use.
fn kept_version(before: &Before, item: &Item, action: Action) -> Item {
    match action {
        Action::Run(Version::Ledger) => before
            .item(&item.id)
            .filter(|kept| kept.fingerprint != item.fingerprint)
            .unwrap_or_else(|| item.clone()),
        _ => item.clone(),
    }
}

/// How the run handles a row; `None` if it does nothing.
fn begin(action: Action, entry: Option<&Entry>) -> Option<Begin> {
    match action {
        Action::Run(_) => Some(Begin::Run),
        Action::Adopt | Action::Hold => Begin::of(entry?),
        Action::Fetch => {
            let entry = entry?;
            Some(Begin::Fetch { task: entry.task.clone()?, attempt: entry.attempt.clone() })
        }
        Action::Nothing | Action::Leave | Action::Ask => None,
    }
}

/// Copies the results of equal rows of other batches.
fn take(context: &mut Context, keeper: &mut Keeper, taken: &[(&Item, &Reused)]) -> Result<(), Error> {
    for (item, reused) in taken {
        keeper
            .reuse(&item.id, &reused.task, &reused.files)
            .map_err(|error| Error::new(Exit::Store, error.sentence()))?;
        let (id, batch) = (&item.id, &*reused.batch);
        context.warn("reused", say!("row `{id}` reuses results of the batch `{batch}`", id, batch));
    }
    Ok(())
}

/// The current content of the results folder.
fn keeper(prepared: &Prepared, folder: PathBuf) -> Result<Keeper, Error> {
    let Prepared { read, chosen, items, before, .. } = prepared;
    let head = resume::head(&before.name, read.source.spec, chosen.target.clone());
    let shown = Fact::of(folder.display());
    let results = Results::open(folder, head);
    let keeper = results.and_then(|results| Keeper::new(&*before.name, results, items));
    keeper.map_err(|error| {
        let why = error.sentence();
        Error::new(Exit::Store, say!("the folder {shown} cannot be used: {why}", shown, why))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_is_the_next_one() {
        let seven: Clock = "07:00".parse().expect("a time");
        let after = |now: &str| {
            let now: ZonedDateTime = now.parse().expect("a moment");
            until(seven, &now).expect("a time").as_secs() / 60
        };
        assert_eq!(after("2026-11-30T06:59:00+08:00[Asia/Shanghai]"), 1);
        assert_eq!(after("2026-11-30T22:00:00+08:00[Asia/Shanghai]"), 9 * 60);
        assert_eq!(after("2026-11-30T07:00:00+08:00[Asia/Shanghai]"), 24 * 60);
        // The night in which clocks go back is an hour longer.
        assert_eq!(after("2026-10-24T22:00:00+02:00[Europe/Berlin]"), 10 * 60);
    }
}
