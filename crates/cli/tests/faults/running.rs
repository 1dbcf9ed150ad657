//! A running command.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read},
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use runninghub_sim::Sim;

use crate::{lab::Network, places::Places};

/// How often memory is sampled. The value is a peak kept by the system, so only a rise in the last moments of a
/// process can be missed.
const GLANCE: Duration = Duration::from_millis(5);
/// A command that runs longer hangs.
const HANG: Duration = Duration::from_mins(3);

/// The command and its environment.
pub(crate) struct Running<'a> {
    pub(crate) sim: &'a Sim,
    pub(crate) network: &'a Network,
    pub(crate) places: &'a Places,
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
    lines: Receiver<String>,
    memory: u64,
    started: Instant,
}

/// How the command ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) took: Duration,
    pub(crate) memory: u64,
}

impl Ended {
    pub(crate) fn signal(&self) -> Option<i32> {
        self.status.signal()
    }
}

impl<'a> Running<'a> {
    pub(crate) fn start(
        mut command: Command,
        sim: &'a Sim,
        network: &'a Network,
        places: &'a Places,
    ) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = Instant::now();
        let mut child = command.spawn().expect("the binary");
        let (sender, lines) = channel();
        let stdout = child.stdout.take().expect("a pipe");
        let stderr = child.stderr.take().expect("a pipe");
        Self {
            sim,
            network,
            places,
            stdout: Some(listen(stdout, sender.clone())),
            stderr: Some(listen(stderr, sender)),
            child,
            lines,
            memory: 0,
            started,
        }
    }

    /// Waits for a line with this text, on stdout or stderr.
    pub(crate) fn until(&mut self, text: &str) {
        loop {
            match self.lines.recv_timeout(GLANCE) {
                Ok(line) if line.contains(text) => return,
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    self.glance();
                    assert!(self.started.elapsed() < HANG, "it never said {text:?}");
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let output = [self.stdout.take(), self.stderr.take()].into_iter().flatten();
                    let output: Vec<u8> = output.flat_map(|thread| thread.join().expect("it read")).collect();
                    panic!("it ended and never said {text:?}:\n{}", String::from_utf8_lossy(&output))
                }
            }
        }
    }

    /// Waits until the server has received this number of requests for a path.
    pub(crate) fn until_called(&mut self, path: &str, times: u64) {
        while self.sim.stats().calls.get(path).copied().unwrap_or_default() < times {
            self.pause();
            assert!(self.started.elapsed() < HANG, "it never called {path}");
        }
    }

    /// Waits until the newest task is over.
    pub(crate) fn until_over(&mut self) {
        while self.sim.tasks().last().is_none_or(|task| matches!(task.status, "QUEUED" | "RUNNING")) {
            self.pause();
            assert!(self.started.elapsed() < HANG, "the task never ends");
        }
    }

    /// Runs another `rhub` against the same server, without toxics.
    pub(crate) fn command(&self, words: &[&str]) {
        let status = Command::new(env!("CARGO_BIN_EXE_rhub"))
            .args(words)
            .env_clear()
            .env("RUNNINGHUB_CONFIG", crate::lab::NO_CONFIG)
            .env("RUNNINGHUB_API_KEY", crate::lab::KEY)
            .env("RUNNINGHUB_BASE_URL", self.sim.base_url())
            .stdout(Stdio::null())
            .status();
        assert!(status.expect("the binary").success(), "{words:?} failed");
    }

    /// Sends a signal, named as for `kill`.
    pub(crate) fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().expect("kill").success());
    }

    /// Pauses for a moment; lines that arrive meanwhile are kept.
    pub(crate) fn pause(&mut self) {
        let (_sender, nothing) = channel::<()>();
        _ = nothing.recv_timeout(GLANCE);
        self.glance();
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> Ended {
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                break status;
            }
            if self.started.elapsed() > HANG {
                self.child.kill().expect("it runs");
                break self.child.wait().expect("it ends");
            }
            self.pause();
        };
        let took = self.started.elapsed();
        let text = |thread: &mut Option<JoinHandle<Vec<u8>>>| {
            thread.take().map(|thread| thread.join().expect("it read")).unwrap_or_default()
        };
        let (stdout, stderr) = (text(&mut self.stdout), text(&mut self.stderr));
        Ended { status, stdout, stderr, took, memory: self.memory }
    }

    fn glance(&mut self) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = peak.and_then(|peak| peak.split_whitespace().next()?.parse().ok());
        self.memory = self.memory.max(kib.unwrap_or_default());
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // The process still runs only after a failure.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Collects all bytes, and sends each line.
fn listen(pipe: impl Read + Send + 'static, lines: Sender<String>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let (mut pipe, mut all) = (BufReader::new(pipe), Vec::new());
        loop {
            let start = all.len();
            match pipe.read_until(b'\n', &mut all) {
                Ok(0) | Err(_) => return all,
                // The receiver may be gone.
                Ok(_) => _ = lines.send(String::from_utf8_lossy(&all[start..]).into_owned()),
            }
        }
    })
}
