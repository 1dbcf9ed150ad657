//! `rhub simulate`.

use std::time::SystemTime;

use runninghub::{Sentence, Verdict, say};
use runninghub_sim::{App, Fault, Native, Recorded, Scenario, Sim};

use super::context::Context;
use crate::{
    args,
    event::{Event, Listening},
    exit::{Error, Exit, chain},
    key, speed,
};

/// Serves a simulated RunningHub until stopped.
pub(super) async fn simulate(context: &mut Context, args: args::Simulate) -> Result<Exit, Error> {
    if args.fault.iter().any(|fault| fault == "list") {
        for fault in Fault::all() {
            let name = if fault.value.is_empty() {
                fault.name.to_owned()
            } else {
                format!("{}={}", fault.name, fault.value)
            };
            context.printer.line(&format!("{name:<32} {}", fault.about));
        }
        context.is_reported = true;
        return Ok(Exit::Done);
    }
    if args.native {
        return native(context, args).await;
    }
    // The ledger needs new ids after a restart on the same port.
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
    let mut builder = Sim::builder()
        .listen(args.listen)
        .speed(speed::factor(args.speed))
        .concurrency(args.slots)
        .first_task(u64::try_from(since).unwrap_or_default() * 1_000)
        .any_model();
    let mut served =
        args.scenario.iter().map(Recorded::load).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    if served.is_empty() {
        served.push(Recorded::Workflow(Scenario::demo()));
    }
    let lines: Vec<Sentence> = served.iter().map(line).collect();
    let first = served.first().map(attempt);
    for one in served {
        builder = builder.recorded(one);
    }
    builder = builder.app(App::demo());
    for fault in &args.fault {
        let fault: Fault = fault.parse().map_err(|error| {
            failed(error).hint(say!("`rhub simulate --fault list` lists all faults with their values"))
        })?;
        builder = builder.fault(fault);
    }
    let mut signals = context.signals()?;
    let sim = builder.start().await.map_err(failed)?;
    let url = sim.base_url().to_owned();
    let mut about = vec![say!("Key: {key}", key = Sim::DEMO_KEY)];
    about.extend(lines);
    about.push(say!("App {id}: a form for the demo", id = App::demo().id()));
    if let Some(words) = first {
        let command = format!("{}={} rhub {words} --base-url {url}", key::VARIABLE, Sim::DEMO_KEY);
        about.push(say!("Try: {command}", command));
    }
    context.show(Event::Listening(Listening { base_url: url, api_key: Some(Sim::DEMO_KEY), about }));
    let signal = signals.end().await;
    sim.shutdown().await;
    context.outcome.status = Verdict::Success;
    Ok(Exit::from(signal))
}

/// The served target, and its id.
fn line(served: &Recorded) -> Sentence {
    match served {
        Recorded::Workflow(scenario) => {
            say!("Workflow {id}: {name}", id = scenario.workflow_id(), name = scenario.name())
        }
        Recorded::App(app) => say!("App {id}: {name}", id = app.id(), name = app.name()),
        Recorded::Model(model) => say!("Model {endpoint}", endpoint = model.endpoint()),
    }
}

/// The command to run it.
fn attempt(served: &Recorded) -> String {
    match served {
        Recorded::Workflow(scenario) => format!("run {}", scenario.workflow_id()),
        Recorded::App(app) => format!("app run {}", app.id()),
        Recorded::Model(model) => format!("model run {}", model.endpoint()),
    }
}

/// Serves a simulated ComfyUI until stopped.
async fn native(context: &mut Context, args: args::Simulate) -> Result<Exit, Error> {
    let mut builder = Native::builder().listen(args.listen).speed(speed::factor(args.speed)).previews();
    if let Some(version) = &args.version {
        builder = builder
            .version(version)
            .map_err(|error| failed(error).hint(say!("a version looks like 0.3.44")))?;
    }
    for path in &args.scenario {
        builder = builder.scenario(Scenario::load(path).map_err(failed)?);
    }
    let mut signals = context.signals()?;
    let server = builder.start().await.map_err(failed)?;
    let url = server.base_url().to_owned();
    let about = vec![say!("Try: {command}", command = format!("rhub run workflow_api.json --server {url}"))];
    context.show(Event::Listening(Listening { base_url: url, api_key: None, about }));
    let signal = signals.end().await;
    server.shutdown().await;
    context.outcome.status = Verdict::Success;
    Ok(Exit::from(signal))
}

/// Errors of the simulator are usage errors.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` gives")]
pub(super) fn failed(error: runninghub_sim::Error) -> Error {
    Error::usage(chain(&error))
}
