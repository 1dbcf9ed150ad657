//! A command of the user that is run for each event.

use std::{
    collections::{HashSet, VecDeque},
    env,
    ffi::OsString,
    io,
    process::Stdio,
    time::Duration,
};

use runninghub::Untrusted;
use tokio::{io::AsyncWriteExt as _, process::Command, task::JoinSet, time::timeout};

use crate::{
    schema::{self, Event, Submit},
    secrets,
};

/// So many run at once; others wait for their turn.
const AT_ONCE: usize = 4;
/// A command that takes longer is stopped.
const LONGEST: Duration = Duration::from_mins(10);

/// Runs a command for each event, and collects what became of it.
#[derive(Debug)]
pub(super) struct Hook {
    command: Vec<OsString>,
    running: JoinSet<Result<(), String>>,
    waiting: VecDeque<Submit>,
    /// Deliveries come again.
    seen: HashSet<(String, &'static str)>,
}

impl Hook {
    pub(super) fn new(command: Vec<OsString>) -> Self {
        Self { command, running: JoinSet::new(), waiting: VecDeque::new(), seen: HashSet::new() }
    }

    /// Runs it for this event, now or when others have ended; once for each state of a submit.
    pub(super) fn run(&mut self, t: Duration, submit: &Submit) {
        if self.seen.insert((submit.attempt_id.clone(), submit.state)) {
            self.start(t, submit);
        }
    }

    fn start(&mut self, t: Duration, submit: &Submit) {
        if self.running.len() >= AT_ONCE {
            self.waiting.push_back(submit.clone());
            return;
        }
        let Some((program, args)) = self.command.split_first() else { return };
        let mut command = Command::new(program);
        // What it says is not among our lines.
        command.args(args).stdin(Stdio::piped()).stdout(io::stderr()).kill_on_drop(true);
        // Ctrl-C is for us: what runs is to come to its end.
        #[cfg(unix)]
        command.process_group(0);
        // The child has to find programs and files, and nothing else: least of all the key.
        for (name, _) in env::vars_os().filter(|(_, value)| secrets::is_in(&value.to_string_lossy())) {
            command.env_remove(name);
        }
        let facts = [
            ("RUNNINGHUB_TASK_ID", submit.task_id.clone()),
            ("RUNNINGHUB_ATTEMPT_ID", Some(submit.attempt_id.clone())),
            ("RUNNINGHUB_STATE", Some(submit.state.to_owned())),
        ];
        for (name, value) in facts {
            command.env(name, value.unwrap_or_default());
        }
        let line = schema::line(t, &Event::Task(submit.clone()));
        let about = submit.task_id.clone().unwrap_or_else(|| submit.attempt_id.clone());
        let name = program.to_string_lossy().into_owned();
        self.running.spawn(async move {
            let failed = |what: String| {
                Err(format!("{} for {}: {what}", Untrusted::from(name), Untrusted::from(about)))
            };
            let mut child = match command.spawn() {
                Ok(child) => child,
                Err(error) => return failed(format!("cannot be run: {error}")),
            };
            if let Some(mut stdin) = child.stdin.take() {
                // Who does not want to know does not read.
                let _ = stdin.write_all(format!("{line}\n").as_bytes()).await;
            }
            match timeout(LONGEST, child.wait()).await {
                Ok(Ok(status)) if status.success() => Ok(()),
                Ok(Ok(status)) => failed(status.to_string()),
                Ok(Err(error)) => failed(error.to_string()),
                Err(_) => failed(format!("stopped after {} minutes", LONGEST.as_secs() / 60)),
            }
        });
    }

    /// The next one that has ended, or never if none runs. What went wrong with it is an error.
    pub(super) async fn next(&mut self, t: Duration) -> Result<(), String> {
        let ended = match self.running.join_next().await {
            Some(ended) => ended,
            None => std::future::pending().await,
        };
        if let Some(submit) = self.waiting.pop_front() {
            self.start(t, &submit);
        }
        ended.unwrap_or_else(|error| Err(error.to_string()))
    }

    /// Whether there is nothing left to do.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }
}
