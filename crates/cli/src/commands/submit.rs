//! What every run has in common: it is submitted once, followed to its end, and its results are brought home.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use runninghub::{KeyKind, Run, RunningHub, Site, SubmitStep, Verdict};
use tokio::sync::mpsc;

use super::{
    context::{Context, Settings, Writes, ways_back},
    follow::{Following, follow, interrupted},
};
use crate::{
    args,
    exit::{Error, Exit, chain},
    key, secrets,
    signals::{Signal, Signals, suspend},
};

/// The warning that a submit waits for a free slot.
const NO_SLOT: &str = "no_slot";

/// Is told each step of a submit.
pub(super) type OnStep = Box<dyn Fn(SubmitStep<'_>) + Send + Sync>;

/// A run that is about to be paid for.
#[derive(Debug)]
pub(super) struct Submission {
    hub: RunningHub,
    following: Following,
    webhook: Option<String>,
    detach: bool,
}

/// Tells a builder of the library what the options say: each of them has these setters.
macro_rules! told {
    ($submit:expr, $submission:expr, $machine:expr, $submitting:expr) => {{
        let mut submit = $submit;
        if let Some(instance) = &$machine.instance {
            let instance = instance.parse().map_err(|_| Error::usage("unknown instance type"))?;
            submit = submit.instance_type(instance);
        }
        if $machine.personal_queue {
            submit = submit.use_personal_queue(true);
        }
        if let Some(seconds) = $machine.retain {
            submit = submit.retain_seconds(seconds);
        }
        if let Some(password) = &$machine.access_password {
            crate::secrets::learn(password.expose());
            submit = submit.access_password(password.expose());
        }
        if let Some(url) = $submission.webhook() {
            submit = submit.webhook(url);
        }
        if let Some(timeout) = $submitting.queue_timeout {
            submit = submit.queue_timeout(timeout);
        }
        submit
    }};
}

pub(super) use told;

impl Submission {
    /// Sets up what the options ask for; `site` is the one that the target names. Nothing is sent yet.
    pub(super) fn new(
        context: &mut Context,
        args: &args::Submitting,
        site: Option<Site>,
    ) -> Result<Self, Error> {
        let hub = context.connect(Settings {
            site,
            ledger: Writes::Must,
            create_timeout: Some(args.create_timeout),
            record: args.patience.record.clone(),
            previews: args.patience.previews.clone(),
            ..Settings::default()
        })?;
        let following = Following::new(args.saving.clone(), &args.patience, &hub)?;
        let webhook = args.webhook.as_ref().map(|url| url.expose().to_owned());
        if let Some(url) = &webhook {
            secrets::learn_address(url);
            runninghub::check_webhook(url)?;
        }
        Ok(Self { hub, following, webhook, detach: args.detach })
    }

    pub(super) fn hub(&self) -> &RunningHub {
        &self.hub
    }

    /// The address that the platform is to call.
    pub(super) fn webhook(&self) -> Option<&str> {
        self.webhook.as_deref()
    }

    /// Submits and follows to the end, or does not follow if that is wanted.
    pub(super) async fn make<F, E>(
        self,
        context: &mut Context,
        start: impl FnOnce(OnStep) -> F,
    ) -> Result<Exit, Error>
    where
        F: Future<Output = Result<Run, E>>,
        E: Into<Error>,
    {
        let Self { hub, following, detach, .. } = self;
        let mut signals = context.signals()?;
        let run = match send(context, start, Some(hub.site()), &mut signals).await? {
            ControlFlow::Continue(run) => run,
            ControlFlow::Break(exit) => return Ok(exit),
        };
        context.submitted(&run, hub.site().as_str());
        if detach {
            leave(context, &run, Some(hub.site()));
            return Ok(Exit::Done);
        }
        follow(context, &hub, run, &mut signals, &following).await
    }
}

/// Refuses a machine that the key cannot have, as far as that is known.
pub(super) fn check(context: &Context, machine: &args::Machine) -> Result<(), Error> {
    if machine.personal_queue {
        key::check(&context.global, "wait in the personal queue", KeyKind::has_personal_queue)?;
    }
    Ok(())
}

/// Submits. While the request that costs money is on its way the first Ctrl-C waits for the answer; before that, and while a
/// slot is waited for, nothing is lost. A `site` where the task outlives this process.
pub(super) async fn send<F, E>(
    context: &mut Context,
    start: impl FnOnce(OnStep) -> F,
    site: Option<Site>,
    signals: &mut Signals,
) -> Result<ControlFlow<Exit, Run>, Error>
where
    F: Future<Output = Result<Run, E>>,
    E: Into<Error>,
{
    let (told, mut steps) = mpsc::unbounded_channel::<(&'static str, String)>();
    // Known at once, and not when the loop comes to it: a signal must not be taken for one that came before.
    let sent = Arc::new(AtomicBool::new(false));
    let sending = Arc::clone(&sent);
    let mut submitting = std::pin::pin!(start(Box::new(move |step| {
        sending.store(matches!(step, SubmitStep::Sending), Ordering::Relaxed);
        // The receiver lives as long as the submit.
        let _ = match step {
            SubmitStep::Waiting { wait, error } => {
                told.send((NO_SLOT, format!("{}; again in {} s", chain(error), wait.as_secs_f64().ceil())))
            }
            SubmitStep::Warning { code, message } => told.send((code, message.to_owned())),
            _ => Ok(()),
        };
    })));
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
                signal if !sent.load(Ordering::Relaxed) => return Ok(ControlFlow::Break(given_up(context, signal))),
                signal if asked.is_some() => {
                    context.outcome.status = Verdict::Unknown;
                    context.advice.push(if context.global.server.is_some() {
                        let command = context.command("queue", Site::default());
                        format!("the prompt may have been queued; `{command}` shows it")
                    } else {
                        "nobody knows whether the task was created: `rhub tasks` keeps it as unknown; look at the \
                         tasks on the RunningHub page before you submit it again"
                            .to_owned()
                    });
                    return Ok(ControlFlow::Break(interrupted(signal)));
                }
                signal => {
                    asked = Some(signal);
                    context.heeded = asked;
                    context.warn("submitting", "waiting for the answer to the submit, which may be paid; again to give up");
                }
            },
            Some((code, message)) = steps.recv() => {
                context.warn(code, message);
                if let Some(signal) = asked && code == NO_SLOT {
                    return Ok(ControlFlow::Break(given_up(context, signal)));
                }
            }
            transfer = context.transfers.next() => context.transfer(transfer),
            run = &mut submitting => {
                let run = run.map_err(Into::into)?;
                return Ok(match asked {
                    None => ControlFlow::Continue(run),
                    Some(signal) => {
                        leave(context, &run, site);
                        ControlFlow::Break(interrupted(signal))
                    }
                });
            }
        }
    }
}

fn given_up(context: &mut Context, signal: Signal) -> Exit {
    context.outcome.status = Verdict::Error;
    context.advice.push("nothing was submitted".to_owned());
    interrupted(signal)
}

/// Does not follow a task: tells what only the submit knows, and how to come back where the task outlives this process.
pub(super) fn leave(context: &mut Context, run: &Run, site: Option<Site>) {
    context.outcome.task_id = Some(run.task_id().clone());
    for event in run.opening() {
        context.event(event.clone());
    }
    context.outcome.status = Verdict::Detached;
    if let Some(site) = site {
        let advice = ways_back(context, site, run.task_id(), run.workflow_id());
        context.advice.push(advice);
    }
}
