//! A user's command that runs for each event.

use std::{
    collections::{HashSet, VecDeque},
    env,
    ffi::OsString,
    io,
    process::Stdio,
    time::Duration,
};

use runninghub::{Fact, Line, Sentence, answer::Task, ledger::State, say};
use tokio::{io::AsyncWriteExt as _, process::Command, task::JoinSet, time::timeout};

use crate::{event::Event, platform::Group, secrets};

/// How many commands run at once; others wait in the queue.
const AT_ONCE: usize = 4;
/// Queue length; no more events are taken while it is full.
const WAITING: usize = 64;
/// A command that takes longer is killed.
const LONGEST: Duration = Duration::from_mins(10);

/// Runs a command for each event, and collects the results.
#[derive(Debug)]
pub(super) struct Hook {
    command: Vec<OsString>,
    running: JoinSet<Result<(), Sentence>>,
    waiting: VecDeque<Task>,
    /// Deliveries can repeat.
    seen: HashSet<(String, State)>,
}

impl Hook {
    pub(super) fn new(command: Vec<OsString>) -> Self {
        Self { command, running: JoinSet::new(), waiting: VecDeque::new(), seen: HashSet::new() }
    }

    /// Runs the command for this event, now or when others have ended; once for each state of a submit.
    pub(super) fn run(&mut self, t: Duration, submit: &Task) {
        if self.seen.insert((submit.attempt_id.clone(), submit.state)) {
            self.start(t, submit);
        }
    }

    fn start(&mut self, t: Duration, submit: &Task) {
        if self.running.len() >= AT_ONCE {
            self.waiting.push_back(submit.clone());
            return;
        }
        let Some((program, args)) = self.command.split_first() else { return };
        let mut command = Command::new(program);
        // Keep the command's output out of our stdout.
        command.args(args).stdin(Stdio::piped()).stdout(io::stderr()).kill_on_drop(true);
        // Ctrl-C is for this process only: running commands may finish.
        Group::apart(&mut command);
        // The child inherits the variables for finding programs and files, but none that contains a secret. The name is
        // passed along, since some secrets are recognized only by it.
        let has_secret = |name: &OsString, value: &OsString| {
            secrets::is_in(&format!("{}={}", name.display(), value.display()))
        };
        for (name, _) in env::vars_os().filter(|(name, value)| has_secret(name, value)) {
            command.env_remove(name);
        }
        let task = submit.task_id.as_ref().map(|task| task.as_str().to_owned());
        let facts = [
            ("WEBHOOK_TASK_ID", task.clone()),
            ("WEBHOOK_ATTEMPT_ID", Some(submit.attempt_id.clone())),
            ("WEBHOOK_STATE", Some(submit.state.to_string())),
        ];
        for (name, value) in facts {
            command.env(name, value.unwrap_or_default());
        }
        let line = Line { t, task_id: None, event: Event::Delivered(submit.clone()) }.to_string();
        let about = task.unwrap_or_else(|| submit.attempt_id.clone());
        let name = program.to_string_lossy().into_owned();
        self.running.spawn(async move {
            let failed = |why: Fact| Err(say!("{name} for {about}: {why}", name, about, why));
            let mut child = match command.spawn() {
                Ok(child) => child,
                Err(why) => return failed(say!("cannot run it: {why}", why).into()),
            };
            let mut group = Group::of(&child);
            let work = async {
                if let Some(mut stdin) = child.stdin.take() {
                    // The command may ignore its input.
                    let _ = stdin.write_all(format!("{line}\n").as_bytes()).await;
                }
                child.wait().await
            };
            let ended = timeout(LONGEST, work).await;
            if ended.is_ok() {
                group.let_go();
            }
            match ended {
                Ok(Ok(status)) if status.success() => Ok(()),
                Ok(Ok(status)) => failed(Fact::of(status)),
                Ok(Err(error)) => failed(error.into()),
                Err(_) => {
                    failed(say!("stopped after {minutes} minutes", minutes = LONGEST.as_secs() / 60).into())
                }
            }
        });
    }

    /// The next command that ends; pending forever if none runs. A failed command is an error.
    pub(super) async fn next(&mut self, t: Duration) -> Result<(), Sentence> {
        let ended = match self.running.join_next().await {
            Some(ended) => ended,
            None => std::future::pending().await,
        };
        if let Some(submit) = self.waiting.pop_front() {
            self.start(t, &submit);
        }
        ended.unwrap_or_else(|error| Err(Sentence::verbatim(error.to_string())))
    }

    /// Whether there is room for another event. The platform repeats deliveries that are not accepted.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < WAITING
    }

    /// Drops the queued commands and returns their number. Running commands continue.
    pub(super) fn give_up(&mut self) -> usize {
        std::mem::take(&mut self.waiting).len()
    }

    /// Whether no command runs or waits.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }
}
