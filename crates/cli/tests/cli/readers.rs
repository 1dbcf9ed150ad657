//! Readers of stdout and stderr that stop reading, or go away.

use std::{
    fs,
    io::{PipeReader, PipeWriter, Read as _, Write as _},
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use runninghub_sim::{Scenario, ScriptNode, Sim};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    common::{Simulator, folder, rhub},
    live::{SIGINT, Terminal},
    signals::{send_signal, slow},
};

/// Longer than any step takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(5);
/// Longer than a process takes to end by a signal on a busy machine; it should be under a second.
const LEAVING: Duration = Duration::from_mins(2);
/// Nodes of [`chatty`]: their events are several times as large as a pipe's buffer.
const NODES: usize = 400;

/// A pipe without room for a single byte: writes to it block.
fn full() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let flags = fcntl_getfl(&writer).expect("flags");
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).expect("flags");
    for size in [4096, 1] {
        while writer.write(&vec![b'\n'; size]).is_ok() {}
    }
    fcntl_setfl(&writer, flags).expect("flags");
    (reader, writer)
}

/// A run with much output.
fn chatty() -> (Simulator, String) {
    let mut script = Scenario::script("chatty");
    for id in 1..NODES {
        let node = ScriptNode::new(id.to_string(), "Quick").title("A node with a long title ".repeat(8));
        let before = (id - 1).to_string();
        script = script.node(if id == 1 { node } else { node.link("from", &before, 0) });
    }
    let last = (NODES - 1).to_string();
    let scenario =
        script.node(ScriptNode::new("9999", "SaveImage").link("images", &last, 0).saves("a.png")).build();
    let id = scenario.workflow_id();
    (Simulator::start(Sim::builder().scenario(scenario)), id)
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        pause();
    }
}

/// Lets other processes work before the next check, which may start a process itself.
fn pause() {
    thread::park_timeout(Duration::from_millis(100));
}

/// The ledger's status of the only submit.
fn state(folder: &TempDir) -> Option<String> {
    let done = rhub(["tasks", "--json"]).state(folder).run();
    let lines = done.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    lines.filter(|line| line["event"] == "task").find_map(|line| line["state"].as_str().map(str::to_owned))
}

pub(crate) fn ends(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + LEAVING;
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status;
        }
        if Instant::now() > deadline {
            child.kill().and_then(|()| child.wait()).expect("it ends");
            panic!("it does not leave");
        }
        pause();
    }
}

/// Starts a run of a task, with these streams.
fn start(
    sim: &Simulator,
    state: &TempDir,
    args: &[&str],
    out: impl Into<Stdio>,
    err: impl Into<Stdio>,
) -> Child {
    let mut command: Command = rhub(args.iter().copied()).at(sim).state(state).into_command();
    command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().expect("the binary")
}

fn rest(mut reader: PipeReader) -> String {
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("text");
    text.trim_start().to_owned()
}

#[test]
fn a_run_with_unread_output_ends_and_is_reported_later() {
    let (sim, id) = chatty();
    let (state_dir, out) = (folder(), folder());
    let (reader, writer) = full();
    let args = ["run", &id, "--json", "--out", &out.path().to_string_lossy()];
    let mut child = start(&sim, &state_dir, &args, writer, Stdio::null());
    wait_until("the ledger says done", || state(&state_dir).as_deref() == Some("done"));
    wait_until("the result is saved", || {
        fs::read_dir(out.path())
            .expect("a folder")
            .flatten()
            .any(|file| file.path().extension().is_some_and(|name| name == "png"))
    });
    let text = rest(reader);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let events = |event: &str| lines.iter().filter(|line| line["event"] == event).collect::<Vec<_>>();
    assert_eq!((events("submitted").len(), events("plan").len(), events("output").len()), (1, 1, 1));
    let done = events("node").iter().filter(|line| line["state"] == "done").count();
    assert_eq!(done, NODES, "each node's end is told");
    let result = lines.last().expect("a line");
    assert_eq!((&result["event"], &result["status"]), (&"result".into(), &"success".into()));
    assert!(text.len() > 2 * 64 * 1024, "it is more than a pipe holds: {}", text.len());
}

#[test]
fn a_run_whose_log_is_not_read_ends() {
    let (sim, id) = chatty();
    let state_dir = folder();
    let (reader, writer) = full();
    let mut child = start(&sim, &state_dir, &["run", &id, "-vvv", "--json"], Stdio::null(), writer);
    wait_until("the ledger says done", || state(&state_dir).as_deref() == Some("done"));
    let text = rest(reader);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert!(text.contains("DEBUG"), "{text}");
}

#[test]
fn an_unread_pipe_for_both_streams_blocks_nothing() {
    let (sim, id) = chatty();
    let state_dir = folder();
    let (reader, writer) = full();
    let both = writer.try_clone().expect("a copy");
    let mut child = start(&sim, &state_dir, &["run", &id, "-vv", "--json"], writer, both);
    wait_until("the ledger says done", || state(&state_dir).as_deref() == Some("done"));
    let text = rest(reader);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert!(text.lines().any(|line| line.contains("\"event\":\"result\"")), "{text}");
}

#[test]
fn a_signal_ends_a_run_whose_output_is_not_read() {
    for (number, signal) in [(2, "-INT"), (15, "-TERM"), (1, "-HUP")] {
        for args in [&["--json"][..], &["--json", "-vvv"]] {
            let ((sim, id), state_dir, (_reader, writer)) = (slow(), folder(), full());
            let args: Vec<&str> = ["run", &id].into_iter().chain(args.iter().copied()).collect();
            let mut child = if args.contains(&"-vvv") {
                start(&sim, &state_dir, &args, Stdio::null(), writer)
            } else {
                start(&sim, &state_dir, &args, writer, Stdio::null())
            };
            wait_until("it is accepted", || state(&state_dir).as_deref() == Some("accepted"));
            send_signal(&child, signal);
            assert_eq!(ends(&mut child).signal(), Some(number), "{signal} {args:?}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_ends_a_replay_whose_output_is_not_read() {
    let recording = crate::common::fixture("40-long");
    let (_reader, writer) = full();
    let args = ["replay", "--speed", "max", "--json", &recording.to_string_lossy()];
    let (sim, state_dir) = (Simulator::start(Sim::builder()), folder());
    let mut child = start(&sim, &state_dir, &args, writer, Stdio::null());
    // The writer threads exist once signals are caught.
    let tasks = format!("/proc/{}/task", child.id());
    wait_until("it listens", || fs::read_dir(&tasks).is_ok_and(|tasks| tasks.count() > 1));
    send_signal(&child, "-INT");
    assert_eq!(ends(&mut child).signal(), Some(2));
}

#[test]
fn a_reader_that_goes_away_leaves_a_task_that_runs() {
    let (sim, id) = slow();
    for format in ["plain", "json"] {
        let (state_dir, (reader, writer)) = (folder(), std::io::pipe().expect("a pipe"));
        let args = ["run", &id, "--format", format];
        let child = start(&sim, &state_dir, &args, writer, Stdio::piped());
        drop(reader);
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(6), "{format}");
        assert_eq!(state(&state_dir).as_deref(), Some("accepted"), "{format}");
        let talk = String::from_utf8_lossy(&output.stderr);
        assert!(talk.contains("rhub watch") && talk.contains("rhub cancel"), "{talk}");
    }
}

#[test]
fn a_stopped_terminal_does_not_stop_the_run() {
    let (sim, id) = chatty();
    let (state_dir, mut terminal) = on_a_terminal(&sim, &id);
    terminal.press(b"\x13");
    wait_until("the ledger says done", || state(&state_dir).as_deref() == Some("done"));
    terminal.press(b"\x11");
    let (code, screen) = terminal.finish();
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("Task completed"), "{screen}");
}

#[test]
fn ctrl_c_on_a_stopped_terminal_ends_the_run() {
    let (sim, id) = slow();
    let (_state_dir, mut terminal) = on_a_terminal(&sim, &id);
    terminal.wait(|screen| screen.contains('%'));
    terminal.press(b"\x13\x03");
    let (code, screen) = terminal.finish();
    assert_eq!(code, SIGINT, "{screen}");
    assert!(screen.contains("rhub watch"), "{screen}");
}

fn on_a_terminal(sim: &Simulator, id: &str) -> (TempDir, Terminal) {
    let state_dir = folder();
    let env = [
        ("RUNNINGHUB_API_KEY", Sim::DEMO_KEY),
        ("RUNNINGHUB_BASE_URL", sim.base_url()),
        ("RUNNINGHUB_TIME_SCALE", "0.05"),
        ("RUNNINGHUB_STATE_DIR", &state_dir.path().to_string_lossy()),
    ];
    let mut terminal = Terminal::start(120, &["run", id], &env);
    terminal.wait(|screen| screen.contains("submitted"));
    (state_dir, terminal)
}
