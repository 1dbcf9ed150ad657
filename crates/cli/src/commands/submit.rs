//! The steps that all runs share: submit once, follow to the end, download the results.

use std::{
    ops::ControlFlow,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use runninghub::{KeyKind, Place, Run, Sentence, Service, Site, Submit, SubmitStep, Verdict, say};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};

use super::{
    context::{Context, ways_back},
    follow::{Following, follow},
    service::{RecordTo, Settings, Writes},
    slot::{Wait, Waiting},
};
use crate::{
    args, bug,
    exit::{Error, Exit},
    key, secrets,
    signals::{Signal, Signals},
};

/// How often the wait for a slot is redrawn.
const TICK: Duration = Duration::from_secs(1);

/// A step reported by a submit.
enum Step {
    Sending,
    Waiting(Wait),
    Warning(&'static str, Sentence),
}

/// Connects to the service of a run.
type Reach<'a> = Box<dyn Fn(&mut Context) -> Result<Arc<dyn Service>, Error> + 'a>;

/// A run before its submit.
pub(super) struct Submission<'a> {
    service: Arc<dyn Service>,
    /// For the runs after the first one: each has its own recording.
    reach: Reach<'a>,
    repeat: u32,
    following: Following,
    webhook: Option<String>,
    queue_timeout: Option<Duration>,
    label: Option<String>,
    once: Option<String>,
    is_private: bool,
    detach: bool,
    /// The requested folder for the results of a detached run.
    later: Option<PathBuf>,
}

/// How to reach the service of a submit; `site` is the one from the target's URL.
pub(super) fn settings(args: &args::SubmitOptions, site: Option<Site>) -> Settings {
    Settings {
        site,
        ledger: Writes::Must,
        create_timeout: Some(args.create_timeout),
        record: RecordTo::new(&args.follow, args.private),
        record_previews: args.follow.recording.record_previews,
        previews: args.follow.previews.clone(),
        ..Settings::default()
    }
}

/// The machine type from the options. A type that the key is known not to support is rejected.
pub(super) fn on_machine(
    context: &Context,
    submit: Submit,
    machine: &args::Machine,
) -> Result<Submit, Error> {
    let mut submit = submit;
    if let Some(instance) = &machine.instance {
        submit =
            submit.instance_type(instance.parse().map_err(|_| Error::usage(say!("unknown instance type")))?);
    }
    if machine.personal_queue {
        key::check(&context.global, KeyKind::has_personal_queue, |kind| {
            say!("the profile's key cannot use the personal queue: {kind}", kind)
        })?;
        submit = submit.use_personal_queue(true);
    }
    if let Some(seconds) = machine.retain {
        submit = submit.retain_seconds(seconds);
    }
    if let Some(password) = &machine.access_password {
        secrets::learn(password.expose());
        submit = submit.access_password(password.expose());
    }
    Ok(if machine.v2 { submit.v2() } else { submit })
}

impl<'a> Submission<'a> {
    /// Validates everything possible before any request is sent.
    pub(super) fn new(
        context: &mut Context,
        args: &args::SubmitOptions,
        reach: impl Fn(&mut Context) -> Result<Arc<dyn Service>, Error> + 'a,
    ) -> Result<Self, Error> {
        context.notifies = args.follow.notify;
        let service = reach(context)?;
        // A detached run saves nothing, so no folder is created.
        let mut saving = args.saving.clone();
        let later = if args.detach { saving.out.take() } else { None };
        saving.keep_intermediate &= !args.detach;
        let following = Following::new(saving, &args.follow, &*service)?;
        let webhook = args.webhook.as_ref().map(|url| url.expose().to_owned());
        if let Some(url) = &webhook {
            secrets::learn_address(url);
            runninghub::check_webhook(url)?;
        }
        Ok(Self {
            service,
            reach: Box::new(reach),
            repeat: args.repeat,
            following,
            webhook,
            queue_timeout: args.queue_timeout,
            label: args.label.clone(),
            once: args.once.clone(),
            is_private: args.private,
            detach: args.detach,
            later,
        })
    }

    /// A submission with default options.
    pub(super) fn of(service: Arc<dyn Service>, following: Following) -> Self {
        let same = Arc::clone(&service);
        Self {
            service,
            reach: Box::new(move |_| Ok(Arc::clone(&same))),
            repeat: 1,
            following,
            webhook: None,
            queue_timeout: None,
            label: None,
            once: None,
            is_private: false,
            detach: false,
            later: None,
        }
    }

    /// Submits, and follows to the end unless the options say otherwise. `explain` adds the context of this command
    /// to an error.
    pub(super) async fn make(
        self,
        context: &mut Context,
        submit: Submit,
        explain: impl Fn(runninghub::Error) -> Error,
    ) -> Result<Exit, Error> {
        let mut submit = submit;
        if let Some(label) = &self.label {
            submit = submit.label(label);
        }
        if let Some(key) = &self.once {
            submit = submit.once(key);
        }
        if self.is_private {
            submit = submit.private();
        }
        if let Some(url) = &self.webhook {
            submit = submit.webhook(url);
        }
        if let Some(timeout) = self.queue_timeout {
            submit = submit.queue_timeout(timeout);
        }
        let mut signals = context.signals()?;
        let mut service = Arc::clone(&self.service);
        let mut exit = Exit::Done;
        for round in 1..=self.repeat {
            if round > 1 {
                context.next_run();
                service = (self.reach)(context)?;
            }
            if self.repeat > 1 {
                context.heading(say!("{round} of {count}", round, count = self.repeat));
            }
            exit = self.once(context, &*service, submit.clone(), &explain, &mut signals).await?;
            if exit != Exit::Done {
                break;
            }
        }
        Ok(exit)
    }

    /// One run.
    async fn once(
        &self,
        context: &mut Context,
        service: &dyn Service,
        submit: Submit,
        explain: impl FnOnce(runninghub::Error) -> Error,
        signals: &mut Signals,
    ) -> Result<Exit, Error> {
        let following = &self.following;
        let run = match send(context, service, submit, explain, following.outlives, signals).await? {
            ControlFlow::Continue(run) => run,
            ControlFlow::Break(exit) => return Ok(exit),
        };
        context.submitted(&run, service.place());
        if self.detach {
            leave(context, &run, following.outlives.then_some(service.place()));
            if let Some(dir) = self.later.as_ref().filter(|_| !context.printer.is_quiet()) {
                let words = ["download", run.task_id().as_str(), "-o", &dir.to_string_lossy()];
                let command = context.command(&words, service.place());
                context.advice.push(say!("`{command}` saves the results when the task has ended", command));
            }
            return Ok(Exit::Done);
        }
        follow(context, service, run, signals, following).await
    }
}

/// Submits. The first Ctrl-C waits for the response while the paid request is in flight; before that, and while waiting
/// for a slot, it stops at once.
async fn send(
    context: &mut Context,
    service: &dyn Service,
    submit: Submit,
    explain: impl FnOnce(runninghub::Error) -> Error,
    outlives: bool,
    signals: &mut Signals,
) -> Result<ControlFlow<Exit, Run>, Error> {
    let (sender, mut steps) = mpsc::unbounded_channel::<Step>();
    // Set at once by the callback, not by the loop: a signal during the request must not count as one before it.
    let sent = Arc::new(AtomicBool::new(false));
    let sending = Arc::clone(&sent);
    let submit = submit.on_step(move |step| {
        let is_sending = matches!(step, SubmitStep::Sending);
        sending.store(is_sending, Ordering::Relaxed);
        bug::sends(is_sending);
        // The receiver outlives the submit.
        let _ = match step {
            SubmitStep::Sending => sender.send(Step::Sending),
            SubmitStep::Waiting { wait, error, slots, .. } => {
                sender.send(Step::Waiting(Wait::new(wait, error, slots)))
            }
            SubmitStep::Warning { code, message } => sender.send(Step::Warning(code, message.clone())),
            _ => Ok(()),
        };
    });
    let mut waiting = Waiting::default();
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut submitting = service.submit(submit);
    let mut stopped_by: Option<Signal> = None;
    loop {
        tokio::select! {
            biased;
            signal = signals.next() => match signal {
                Signal::Suspend => context.suspend(),
                Signal::Resize => {}
                signal if !sent.load(Ordering::Relaxed) => return Ok(ControlFlow::Break(given_up(context, signal))),
                signal if stopped_by.is_some() => {
                    context.outcome.status = Verdict::Unknown;
                    context.advice.push(if let Place::RunningHub { .. } = service.place() {
                        say!(
                            "it is unknown whether the task was created: `rhub tasks` lists it as unknown; check the task list on the RunningHub website before you submit again"
                        )
                    } else {
                        let command = context.command(&["queue"], service.place());
                        say!("the prompt may have been queued; `{command}` shows it", command)
                    });
                    return Ok(ControlFlow::Break(Exit::from(signal)));
                }
                signal => {
                    stopped_by = Some(signal);
                    context.handled_signal = stopped_by;
                    let message =
                        say!("waiting for the response to the submit (it may already be charged); press Ctrl-C again to stop waiting");
                    context.warn("submitting", message);
                }
            },
            Some(step) = steps.recv() => match step {
                Step::Sending => waiting.is_over(),
                Step::Warning(code, message) => context.warn(code, message),
                Step::Waiting(wait) => {
                    waiting.begin(context, wait);
                    if let Some(signal) = stopped_by {
                        return Ok(ControlFlow::Break(given_up(context, signal)));
                    }
                }
            },
            _ = tick.tick(), if waiting.is_any() => waiting.show(context),
            transfer = context.transfers.next() => context.transfer(transfer),
            run = &mut submitting => {
                while let Ok(step) = steps.try_recv() {
                    if let Step::Warning(code, message) = step {
                        context.warn(code, message);
                    }
                }
                let run = run.map_err(explain)?;
                return Ok(match stopped_by {
                    None => ControlFlow::Continue(run),
                    Some(signal) => {
                        leave(context, &run, outlives.then_some(service.place()));
                        ControlFlow::Break(Exit::from(signal))
                    }
                });
            }
        }
    }
}

fn given_up(context: &mut Context, signal: Signal) -> Exit {
    context.outcome.status = Verdict::Error;
    context.advice.push(say!("nothing was submitted"));
    Exit::from(signal)
}

/// Detaches from a task: reports the facts that only the submit has, and how to return to the task if it outlives this
/// process.
fn leave(context: &mut Context, run: &Run, place: Option<&Place>) {
    context.outcome.task_id = Some(run.task_id().clone());
    for event in run.opening() {
        context.event(event.clone());
    }
    context.outcome.status = Verdict::Detached;
    if let Some(place) = place.filter(|_| !context.printer.is_quiet()) {
        let advice = ways_back(context, place, run.task_id(), run.workflow_id());
        context.advice.push(advice);
    }
}
