//! `rhub run`.

use std::{ops::ControlFlow, time::Duration};

use runninghub::{Run, Site, Submit};
use tokio::{sync::mpsc, time::Instant};

use super::{
    comfy,
    context::{Context, Settings, Writes, ways_back},
    follow::{Following, follow, interrupted},
    save::Destination,
};
use crate::{
    args,
    assign::{self, NewValue},
    exit::{Error, Exit},
    schema::{End, Submitted},
    secrets,
    signals::{Signal, Signals, suspend},
    target::{self, Target},
};

/// The platform's code for a create that lacks something.
const PARAMS_INVALID: &str = "301";

/// Submits a workflow and follows it to the end.
pub(super) async fn run(context: &mut Context, args: args::Run) -> Result<Exit, Error> {
    if context.global.server.is_some() {
        return comfy::run(context, args).await;
    }
    let target = Target::parse(&args.workflow)?;
    let changes = args.set.iter().map(|text| assign::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let list = args.node_info_list.as_deref().map(assign::node_info_list).transpose()?;
    let hub = context.connect(Settings {
        site: if let Target::Saved(_, site) = &target { *site } else { None },
        ledger: Writes::Must,
        create_timeout: Some(args.create_timeout),
        record: args.patience.record.clone(),
        previews: args.patience.previews.clone(),
        ..Settings::default()
    })?;
    let following = Following {
        destination: args.saving.out.map(|dir| Destination { dir, template: args.saving.name }),
        timeout: args.patience.timeout,
        cancel_on_interrupt: args.patience.cancel_on_interrupt,
        outlives: true,
    };
    if let Some(destination) = &following.destination {
        destination.check(&hub)?;
    }
    let is_alone = matches!(target, Target::Own(_)) && args.under.is_none();
    let mut submit = match target {
        Target::Saved(id, _) => {
            let learned = context.history().map(|history| history.learned(&id)).unwrap_or_default();
            hub.workflow(id).learned(learned)
        }
        Target::Own(text) => hub.workflow_json(text),
    };
    if let Some(id) = args.under {
        submit = submit.under(target::saved(&id, "--under")?.0);
    }
    for change in changes {
        submit = match change.value {
            NewValue::Json(value) => submit.set(change.node, change.field, value),
            NewValue::File(path) => submit.set_file(change.node, change.field, path),
        };
    }
    if let Some(list) = list {
        submit = submit.node_info_list(list);
    }
    if let Some(instance) = args.instance {
        submit = submit.instance_type(instance.parse().map_err(|_| Error::usage("unknown instance type"))?);
    }
    if let Some(url) = &args.webhook {
        secrets::learn_address(url.expose());
        submit = submit.webhook(url.expose());
    }
    if args.no_metadata {
        submit = submit.add_metadata(false);
    }
    if let Some(timeout) = args.queue_timeout {
        submit = submit.queue_timeout(timeout);
    }
    let mut signals = context.signals()?;
    let sent = send(context, submit, Some(hub.site()), &mut signals).await.map_err(|error| {
        if is_alone && error.code.as_deref() == Some(PARAMS_INVALID) {
            error.or_hint("it may want a saved workflow to submit the file under: name one with `--under ID`")
        } else {
            error
        }
    });
    let run = match sent? {
        ControlFlow::Continue(run) => run,
        ControlFlow::Break(exit) => return Ok(exit),
    };
    let task = Submitted {
        task_id: run.task_id().to_string(),
        attempt_id: run.attempt().map(ToString::to_string),
        workflow_id: run.workflow_id().map(ToString::to_string),
        site: hub.site().to_string(),
    };
    context.reporter.submitted(context.clock.now(), &task);
    if args.detach {
        context.outcome.task_id = Some(task.task_id);
        context.outcome.status = End::Detached;
        let advice = ways_back(context, hub.site(), run.task_id(), run.workflow_id());
        context.advice.push(advice);
        return Ok(Exit::Done);
    }
    follow(context, &hub, run, &mut signals, &following).await
}

/// Submits. While a submit is on its way the first Ctrl-C waits for the answer, since the task may be paid by then.
/// A `site` where the task outlives this process.
pub(super) async fn send(
    context: &mut Context,
    submit: Submit,
    site: Option<Site>,
    signals: &mut Signals,
) -> Result<ControlFlow<Exit, Run>, Error> {
    let (told, mut waits) = mpsc::unbounded_channel::<(Duration, String)>();
    let submit = submit.on_wait(move |wait, error| {
        // The receiver lives as long as the submit.
        let _ = told.send((wait, crate::exit::chain(error)));
    });
    let mut submitting = std::pin::pin!(submit.submit());
    let mut idle_until = Instant::now();
    let mut asked: Option<Signal> = None;
    loop {
        tokio::select! {
                   biased;
                   signal = signals.next() => match signal {
                       Signal::Suspend => {
        context.reporter.release();
                           suspend();
                       }
                       Signal::Resize => {}
                       signal if Instant::now() < idle_until => {
                           context.outcome.status = End::Error;
                           context.advice.push("nothing was submitted".to_owned());
                           return Ok(ControlFlow::Break(interrupted(signal)));
                       }
                       signal if asked.is_some() => {
                           context.outcome.status = End::Unknown;
                           context.advice.push(
                               "nobody knows whether the task was created: `rhub tasks` keeps it as unknown; look at the \
                                tasks on the RunningHub page before you submit it again"
                                   .to_owned(),
                           );
                           return Ok(ControlFlow::Break(interrupted(signal)));
                       }
                       signal => {
                           asked = Some(signal);
                           context.warn("submitting", "waiting for the answer to the submit, which may be paid; again to give up");
                       }
                   },
                   Some((wait, message)) = waits.recv() => {
                       idle_until = Instant::now() + wait;
                       context.warn("no_slot", format!("{message}; again in {} s", wait.as_secs_f64().ceil()));
                   }
                   sent = &mut submitting => {
                       let run = sent?;
                       return Ok(match asked {
                           None => ControlFlow::Continue(run),
                           Some(signal) => {
                               context.outcome.task_id = Some(run.task_id().to_string());
                               context.outcome.status = End::Detached;
                               if let Some(site) = site {
                                   let advice = ways_back(context, site, run.task_id(), run.workflow_id());
                                   context.advice.push(advice);
                               }
                               ControlFlow::Break(interrupted(signal))
                           }
                       });
                   }
               }
    }
}
