//! `rhub test --live`: the recorded workflows run again, each through the submit of `rhub run`.

use std::{
    collections::BTreeSet,
    mem,
    path::{Path, PathBuf},
};

use runninghub::{Charge, Cost, Outcome, Place, Site, answer, say, testing::spent, transport::Recording};
use runninghub_batch::Amount;

use super::{
    accept,
    check::{Fault, check},
    folder::{self, Report},
    pictures,
    ready::Ready,
};
use crate::commands::{
    context::Context,
    follow::Following,
    save::Destination,
    service::{RecordTo, Settings, Writes},
    submit::Submission,
};
use crate::{
    args,
    event::{Event, LiveTest, LiveTests, PictureVerdict, Test, TestVerdict},
    exit::{Error, Exit},
    key, prompt,
    report::reporter,
};

/// The names of saved results.
const NAMES: &str = "{node}-{n}.{ext}";
/// Subfolders of a run.
pub(super) const RECORDING: &str = "recording";
const RESULTS: &str = "results";

/// The outcome of a run.
enum Fate {
    Ran(Box<Outcome>),
    /// Nothing was submitted, because of this workflow.
    Refused(Fault),
    /// The command ends: a signal, or an error that isn't about this workflow.
    Stopped(Exit),
}

/// Runs the recorded workflows again, and compares the new runs.
pub(super) async fn live(
    context: &mut Context,
    args: &args::Test,
    folders: BTreeSet<PathBuf>,
    tests: &mut Vec<Test>,
) -> Result<Option<Exit>, Error> {
    let on_server = context.global.server.is_some();
    let mut ready = Vec::new();
    for folder in folders {
        match Ready::read(&folder, on_server, !args.accept) {
            Ok(one) => ready.push(one),
            Err(fault) => {
                let verdict = TestVerdict::Broken;
                show_outcome(context, tests, Test::new(&folder).failed(verdict, fault));
            }
        }
    }
    if ready.is_empty() {
        return Ok(None);
    }
    let sites: Vec<&str> = ready.iter().filter_map(|one| one.site).map(Site::as_str).collect();
    if !on_server && context.global.base_url.is_none() && sites.iter().any(|site| Some(site) != sites.first())
    {
        return Err(Error::usage(say!(
            "the recordings are from different sites, and a key works on only one of them"
        ))
        .hint(say!("test the recordings of each site separately")));
    }
    if let Some(exit) = agree(context, args, &ready).await? {
        return Ok(Some(exit));
    }
    let dir = args.report.clone().unwrap_or_else(|| folder::DEFAULT.into());
    let mut report = Report::begin(&dir, tests.clone())?;
    for one in ready {
        let (home, name) = report.folder(&one.folder)?;
        let (folder, recorded_s) = (one.folder.clone(), one.spent.took.as_secs_f64());
        let mut run = LiveTest { folder: name, recorded_s: Some(recorded_s), ..LiveTest::default() };
        let mut test = match run_again(context, one, &home).await? {
            Fate::Stopped(exit) => return Ok(Some(exit)),
            Fate::Refused(fault) => Test::new(&folder).failed(TestVerdict::Broken, fault),
            Fate::Ran(outcome) => {
                let test = compare(context, args, &dir, &folder, &home, &mut run, &outcome).await?;
                run.task_id = outcome.task_id.map(|task| task.to_string());
                run.cost = outcome.cost;
                test
            }
        };
        test.live = Some(run);
        show_outcome(context, tests, test.clone());
        report.add(test)?;
    }
    context.advice.push(say!("the report is {path}", path = report.page().display()));
    Ok(None)
}

fn show_outcome(context: &mut Context, tests: &mut Vec<Test>, test: Test) {
    context.show(Event::Test(Box::new(test.clone())));
    tests.push(test);
}

/// Shows the runs and their estimated cost, and asks for confirmation. Returns the exit code if nothing should run.
async fn agree(context: &mut Context, args: &args::Test, ready: &[Ready]) -> Result<Option<Exit>, Error> {
    // Nothing is sent: a service only knows its place.
    let site = ready.iter().find_map(|one| one.site);
    let service = context.service(Settings { site, ledger: Writes::Must, ..Settings::default() })?;
    let place = service.place().clone();
    let is_charged = !matches!(place, Place::ComfyUi { .. });
    let costs: Vec<&Cost> = ready.iter().filter_map(Ready::cost).collect();
    let plan = LiveTests {
        runs: ready.len(),
        base_url: place.url().to_owned(),
        key: is_charged.then(|| key::source(&context.global)),
        known: costs.len(),
        cost: sum(&costs).map(|cost| Charge::new(cost, answer::currency(&place))),
    };
    context.show(Event::LiveTests(plan));
    if args.yes {
        return Ok(None);
    }
    if !prompt::is_possible() {
        return Err(Error::usage(say!("not confirmed, so nothing was sent"))
            .hint(say!("`--yes` runs them without asking")));
    }
    let mut signals = context.signals()?;
    context.reporter.release();
    context.printer.ask(&say!("Run them? [y/N] "));
    tokio::select! {
        biased;
        signal = signals.end() => {
            context.advice.push(say!("nothing was submitted"));
            Ok(Some(Exit::from(signal)))
        }
        is_yes = tokio::task::spawn_blocking(prompt::is_yes) => match is_yes {
            Ok(true) => Ok(None),
            _ => Err(Error::usage(say!("nothing was sent"))),
        },
    }
}

/// The total cost of runs; `None` if no cost is known.
fn sum(costs: &[&Cost]) -> Option<Cost> {
    let part = |of: fn(&Cost) -> &Option<String>| {
        let amounts = costs.iter().filter_map(|cost| of(cost).as_deref()?.trim().parse::<Amount>().ok());
        amounts.reduce(Amount::plus).map(|sum| sum.to_string())
    };
    (!costs.is_empty()).then(|| Cost {
        coins: part(|cost| &cost.coins),
        money: part(|cost| &cost.money),
        third_party_money: part(|cost| &cost.third_party_money),
        seconds: None,
    })
}

/// Submits, follows and records a run as `rhub run` does. Its recording and results are in the folder.
async fn run_again(context: &mut Context, one: Ready, home: &Path) -> Result<Fate, Error> {
    context.reporter = reporter(context.format, context.printer);
    let settings = Settings {
        site: one.site,
        ledger: Writes::Must,
        record: RecordTo::To(home.join(RECORDING)),
        ..Settings::default()
    };
    let made = async {
        let service = context.service(settings)?;
        let destination = Destination::new(home.join(RESULTS), Some(NAMES.to_owned()), false);
        destination.check(&*service)?;
        let following = Following {
            destination: Some(destination),
            timeout: None,
            cancel_on_interrupt: false,
            outlives: true,
        };
        Submission::of(service, following).make(context, one.submit, Error::from).await
    };
    Ok(match made.await {
        // The comparison reports missing results.
        Ok(Exit::Done | Exit::TaskFailed | Exit::Results) if context.handled_signal.is_none() => {
            Fate::Ran(Box::new(mem::take(&mut context.outcome)))
        }
        Ok(exit) => Fate::Stopped(exit),
        Err(error) if matches!(error.exit, Exit::Usage | Exit::Refused) => {
            context.outcome = Outcome::default();
            Fate::Refused(error.into())
        }
        Err(error) => return Err(error),
    })
}

/// Compares a new run with the snapshot and the expected images of its recording, or accepts it.
async fn compare(
    context: &mut Context,
    args: &args::Test,
    report: &Path,
    folder: &Path,
    home: &Path,
    run: &mut LiveTest,
    outcome: &Outcome,
) -> Result<Test, Error> {
    let recording = home.join(RECORDING);
    // The recorder may still be writing.
    if let Some(why) = context.services.last().and_then(|service| service.recording_failure()) {
        let fault = Fault::new(say!("the recording is incomplete: {why}", why));
        return Ok(Test::new(folder).failed(TestVerdict::Broken, fault));
    }
    let opened =
        Recording::open(&recording).map_err(runninghub::Error::from).and_then(|opened| spent(&opened));
    run.took_s = opened.ok().and_then(|spent| Some(spent.first()?.took.as_secs_f64()));
    let found = pictures::of_run(&outcome.outputs);
    pictures::keep(&found, &home.join(pictures::FOUND))?;
    if args.accept {
        return accept::accept(folder, home, args.images.is_some());
    }
    let mut test = check(folder, &recording, false)?;
    let report = &*report.to_string_lossy();
    if test.verdict == TestVerdict::Changed {
        test.hint = Some(say!(
            "if the change is intended, accept this run with `--accept --report {report}`",
            report
        ));
    }
    let is_unsaved = |output: &runninghub::Output| output.path.is_none();
    if test.verdict == TestVerdict::Passed && outcome.outputs.iter().any(is_unsaved) {
        let fault = Fault::new(say!("not all results were saved"));
        return Ok(test.failed(TestVerdict::Broken, fault));
    }
    let Some(how) = args.images else { return Ok(test) };
    let expected = pictures::expected(folder);
    if expected.is_empty() && !found.is_empty() {
        let fault = Fault::new(say!("there are no expected images yet")).hint(say!(
            "if the new ones are right, write them with `--accept --report {report} --images exact`",
            report
        ));
        return Ok(if test.verdict.is_good() { test.failed(TestVerdict::Missing, fault) } else { test });
    }
    let (home, name) = (home.to_owned(), run.folder.clone());
    let compared =
        tokio::task::spawn_blocking(move || pictures::compare(how, &found, &expected, &home, &name));
    let compared = context.with_files(compared).await?;
    run.pictures = compared.map_err(|why| {
        Error::new(Exit::Store, say!("cannot compare the images: {why}", why = why.to_string()))
    })??;
    let bad = run.pictures.iter().filter(|one| one.verdict != PictureVerdict::Passed).count();
    if bad > 0 && test.verdict.is_good() {
        let what = match bad {
            1 => say!("one image differs from the expected one"),
            count => say!("{count} images differ from the expected ones", count),
        };
        let fault = Fault::new(what).hint(say!(
            "if the change is intended, accept this run with `--accept --report {report}`",
            report
        ));
        test = test.failed(TestVerdict::Changed, fault);
    }
    Ok(test)
}
