//! Ctrl-C and the like.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use runninghub_sim::{Scenario, ScriptNode, Sim};
use serde_json::Value;

use crate::common::{Simulator, rhub};

fn slow() -> (Simulator, String) {
    let slow = Scenario::script("slow")
        .node(ScriptNode::new("1", "Sleep").takes(Duration::from_mins(10)).steps(600).saves("a.png"))
        .build();
    let id = slow.workflow_id();
    (Simulator::start(Sim::builder().scenario(slow)), id)
}

/// What starts a test in the background may have it ignore Ctrl-C, and then so does everything that the test starts: that is
/// what the program promises. Better to be told than to wait for ever.
fn not_ignored() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    assert_eq!(
        mask & 0b10,
        0,
        "SIGINT is ignored here, so it cannot be tested: run the tests in the foreground"
    );
}

fn tell(child: &Child, signal: &str) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill");
    assert!(status.success());
}

/// Starts a run, waits until frames come, sends the signals, and gives exit code, last line and talk.
fn interrupt(sim: &Simulator, args: &[&str], signals: &[&str]) -> (Option<i32>, Value, String) {
    not_ignored();
    let mut child = rhub(args.iter().copied().chain(["--json"]))
        .at(sim)
        .into_command()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut last = String::new();
    for signal in signals {
        // Each is sent only after another sign of life.
        last = lines
            .by_ref()
            .map(|line| line.expect("text"))
            .find(|line| line.contains("\"live\"") || line.contains("\"cancelling\""))
            .expect("it lives");
        tell(&child, signal);
    }
    for line in lines {
        last = line.expect("text");
    }
    let output = child.wait_with_output().expect("it ends");
    let talk = String::from_utf8_lossy(&output.stderr).replace(sim.base_url(), "[url]");
    (output.status.code(), serde_json::from_str(&last).expect("a result"), talk)
}

#[test]
fn ctrl_c_detaches_and_says_how_to_come_back() {
    let (sim, id) = slow();
    let (code, result, talk) = interrupt(&sim, &["run", &id], &["-INT"]);
    assert_eq!(code, Some(130));
    assert_eq!((&result["event"], &result["status"]), (&"result".into(), &"detached".into()));
    assert_eq!(result["exit_code"], 130);
    insta::assert_snapshot!(talk, @r#"
        hint: the task goes on; follow it or cancel it with
          rhub watch 2000000000000000001 --workflow 1977063930909571121 --base-url [url]
          rhub cancel 2000000000000000001 --base-url [url]
    "#);
    assert_eq!(sim.sim().tasks()[0].status, "RUNNING");

    let task = sim.sim().tasks()[0].task_id.clone();
    let (code, result, _) = interrupt(&sim, &["watch", &task], &["-TERM"]);
    assert_eq!((code, &result["status"]), (Some(143), &"detached".into()));
    let (code, ..) = interrupt(&sim, &["watch", &task], &["-HUP"]);
    assert_eq!(code, Some(143));
    assert_eq!(sim.creates(), 1);
}

#[test]
fn ctrl_c_cancels_where_that_is_wanted() {
    let (sim, id) = slow();
    let (code, result, _) = interrupt(&sim, &["run", &id, "--cancel-on-interrupt"], &["-INT"]);
    assert_eq!((code, &result["status"]), (Some(1), &"cancelled".into()), "{result}");
}

#[test]
fn signals_that_are_ignored_stay_so() {
    let (sim, id) = slow();
    let command = rhub([]).at(&sim).into_command();
    // The shell ignores SIGHUP before it becomes the program, as `nohup` does.
    let mut shell = Command::new("/bin/sh");
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child = shell
        .args(["-c", "trap '' HUP; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_rhub"), "run", &id, "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell");
    let mut lines =
        BufReader::new(child.stdout.take().expect("a pipe")).lines().map(|line| line.expect("text"));
    lines.by_ref().find(|line| line.contains("\"live\"")).expect("it lives");
    tell(&child, "-HUP");
    // It goes on: more progress comes, and only another signal ends it.
    lines.by_ref().find(|line| line.contains("\"progress\"")).expect("it goes on");
    tell(&child, "-INT");
    assert_eq!(
        child.wait().expect("it ends").code(),
        Some(if cfg!(target_os = "linux") { 130 } else { 143 })
    );
}
