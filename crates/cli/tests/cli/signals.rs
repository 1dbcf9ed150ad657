//! Ctrl-C and other signals.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpListener,
    os::unix::process::{CommandExt as _, ExitStatusExt as _},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

use runninghub_sim::{Scenario, ScriptNode, Sim};
use serde_json::Value;

use crate::common::{Simulator, rhub};

pub(crate) fn slow() -> (Simulator, String) {
    let slow = Scenario::script("slow")
        .node(ScriptNode::new("1", "Sleep").takes(Duration::from_mins(10)).steps(600).saves("a.png"))
        .build();
    let id = slow.workflow_id();
    (Simulator::start(Sim::builder().scenario(slow)), id)
}

/// A test started in the background may ignore Ctrl-C, and then all its child processes ignore it too, as the program
/// promises. Failing early is better than hanging.
pub(crate) fn not_ignored() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    assert_eq!(
        mask & 0b10,
        0,
        "SIGINT is ignored here, so it cannot be tested: run the tests in the foreground"
    );
}

pub(crate) fn send_signal(child: &Child, signal: &str) {
    let status = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill");
    assert!(status.success());
}

/// The exit code, or the signal as a negative number.
fn how(status: ExitStatus) -> i32 {
    status.code().or(status.signal().map(|signal| -signal)).expect("it ended")
}

/// Starts a run, waits for frames, sends the signals, and returns its exit status, its last line and its stderr.
pub(crate) fn interrupt(sim: &Simulator, args: &[&str], signals: &[&str]) -> (i32, Value, String) {
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
        // Each signal is sent only after more output.
        last = lines
            .by_ref()
            .map(|line| line.expect("text"))
            .find(|line| line.contains("\"live\"") || line.contains("\"cancelling\""))
            .expect("it lives");
        send_signal(&child, signal);
    }
    for line in lines {
        last = line.expect("text");
    }
    let output = child.wait_with_output().expect("it ends");
    let talk = String::from_utf8_lossy(&output.stderr).replace(sim.base_url(), "[url]");
    (how(output.status), serde_json::from_str(&last).expect("a result"), talk)
}

#[test]
fn ctrl_c_detaches_and_says_how_to_come_back() {
    let (sim, id) = slow();
    let (code, result, talk) = interrupt(&sim, &["run", &id], &["-INT"]);
    assert_eq!(code, -2);
    assert_eq!((&result["event"], &result["status"]), (&"result".into(), &"detached".into()));
    assert_eq!(result["exit_code"], 130);
    insta::assert_snapshot!(talk, @r"
        hint: the task keeps running; follow it or cancel it with
          rhub watch 2000000000000000001 --workflow 1977063930909571121 --base-url [url]
          rhub cancel 2000000000000000001 --base-url [url]
    ");
    assert_eq!(sim.sim().tasks()[0].status, "RUNNING");

    let task = sim.sim().tasks()[0].task_id.clone();
    let (code, result, _) = interrupt(&sim, &["watch", &task], &["-TERM"]);
    assert_eq!((code, &result["status"]), (-15, &"detached".into()));
    assert_eq!(result["exit_code"], 143);
    let (code, result, _) = interrupt(&sim, &["watch", &task], &["-HUP"]);
    assert_eq!((code, &result["exit_code"]), (-1, &143.into()));
    assert_eq!(sim.creates(), 1);
}

#[test]
fn ctrl_c_cancels_where_that_is_wanted() {
    let (sim, id) = slow();
    let (code, result, _) = interrupt(&sim, &["run", &id, "--cancel-on-interrupt"], &["-INT"]);
    assert_eq!((code, &result["status"]), (-2, &"cancelled".into()), "{result}");
    assert_eq!(result["exit_code"], 130);
}

#[test]
fn signals_that_are_ignored_stay_so() {
    let (sim, id) = slow();
    let command = rhub([]).at(&sim).into_command();
    // The shell ignores SIGHUP before it execs the program, as `nohup` does.
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
    send_signal(&child, "-HUP");
    // The run continues: more progress arrives, and only another signal ends it.
    lines.by_ref().find(|line| line.contains("\"progress\"")).expect("it goes on");
    send_signal(&child, "-INT");
    assert_eq!(how(child.wait().expect("it ends")), if cfg!(target_os = "linux") { -2 } else { -1 });
}

#[test]
fn ctrl_c_in_a_shell_loop_ends_the_loop() {
    not_ignored();
    let (sim, id) = slow();
    let command = rhub([]).at(&sim).into_command();
    for signal in ["-INT", "-TERM"] {
        let before = sim.creates();
        let mut shell = Command::new("bash");
        shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let script = "for i in 1 2 3; do \"$0\" run \"$1\" --json; done";
        let mut child = shell
            .args(["-c", script, env!("CARGO_BIN_EXE_rhub"), &id])
            .process_group(0)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let mut lines =
            BufReader::new(child.stdout.take().expect("a pipe")).lines().map(|line| line.expect("text"));
        lines.by_ref().find(|line| line.contains("\"live\"")).expect("it lives");
        // As from a terminal: to the whole process group.
        let group = format!("-{}", child.id());
        assert!(Command::new("kill").args([signal, "--", &group]).status().expect("kill").success());
        let last = lines.last().expect("a result");
        let result: Value = serde_json::from_str(&last).expect("JSON");
        let (number, code) = if signal == "-INT" { (-2, 130) } else { (-15, 143) };
        assert_eq!(how(child.wait().expect("it ends")), number, "the shell ends too");
        assert_eq!((&result["event"], &result["exit_code"]), (&"result".into(), &code.into()));
        assert_eq!(sim.creates(), before + 1, "nothing else was submitted");
    }
}

/// Starts a command, waits for a line, sends a signal, and returns its exit status and its last line.
fn ended(sim: &Simulator, args: &[&str], sign: &str, signal: &str) -> (i32, Value) {
    let command = rhub(args.iter().copied().chain(["--json"])).at(sim);
    let mut child =
        command.into_command().stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut lines =
        BufReader::new(child.stdout.take().expect("a pipe")).lines().map(|line| line.expect("text"));
    lines.by_ref().find(|line| line.contains(sign)).expect("a sign of life");
    send_signal(&child, signal);
    let last = lines.last().expect("a result");
    (how(child.wait().expect("it ends")), serde_json::from_str(&last).expect("JSON"))
}

#[test]
fn every_command_ends_by_the_signal_and_says_it_in_the_result() {
    not_ignored();
    let (sim, _) = slow();
    let proxy = sim.behind(runninghub_sim::Toxic::bandwidth(5_000_000).up());
    let dir = crate::common::folder();
    let file = dir.path().join("large.png");
    std::fs::File::create(&file).and_then(|file| file.set_len(25_000_000)).expect("a large file");
    let (file, out) = (file.to_string_lossy(), dir.path().join("out"));
    let (url, out) = (format!("http://{}", proxy.address()), out.to_string_lossy());
    let recording = crate::common::fixture("40-long");
    let commands: [(&[&str], &str); 6] = [
        (&["simulate", "--listen", "127.0.0.1:0"], "listening"),
        (&["simulate", "--native", "--listen", "127.0.0.1:0"], "listening"),
        (&["webhook", "listen", "--listen", "127.0.0.1:0"], "listening"),
        (&["replay", "--speed", "1", &recording.to_string_lossy()], "progress"),
        (&["demo", "--speed", "0.1", "--out", &out], "live"),
        (&["upload", "--base-url", &url, &file], "transfer"),
    ];
    for (args, sign) in commands {
        for (signal, number, code) in [("-INT", -2, 130), ("-TERM", -15, 143), ("-HUP", -1, 143)] {
            let (how, result) = ended(&sim, args, sign, signal);
            assert_eq!((how, &result["exit_code"]), (number, &code.into()), "{args:?}: {result}");
        }
    }
}

#[test]
fn a_signal_on_a_terminal_restores_the_terminal_first() {
    for (signal, number) in [("-TERM", -15), ("-HUP", -1)] {
        let recording = crate::common::fixture("40-long");
        let args = ["replay", "--speed", "1", &recording.to_string_lossy()];
        let mut terminal = crate::live::Terminal::start(80, &args, &[]);
        terminal.wait(|screen| screen.contains('%'));
        let process = terminal.process_id().to_string();
        assert!(Command::new("kill").args([signal, &process]).status().expect("kill").success());
        assert_eq!(terminal.finish().0, number);
    }
}

#[test]
fn ctrl_c_while_a_key_is_typed_ends_by_the_signal() {
    not_ignored();
    let mut terminal = crate::live::Terminal::start(80, &["login"], &[]);
    terminal.wait(|screen| screen.contains("API key"));
    terminal.press(b"\x03");
    assert_eq!(terminal.finish().0, -2);
}

/// A platform that knows a workflow, and blocks every other request until released.
struct Waiting {
    url: String,
    requests: Receiver<String>,
    let_go: Arc<AtomicBool>,
}

impl Waiting {
    /// Released requests get this response, or none.
    fn start(answer: Option<&'static str>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (send_signal, requests) = channel();
        let let_go = Arc::new(AtomicBool::new(false));
        let is_let_go = Arc::clone(&let_go);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (send_signal, is_let_go) = (send_signal.clone(), Arc::clone(&is_let_go));
                thread::spawn(move || {
                    let mut stream = BufReader::new(stream.expect("a connection"));
                    let mut line = String::new();
                    stream.read_line(&mut line).expect("a request");
                    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
                    let is_workflow = path.ends_with("getJsonApiFormat");
                    send_signal.send(path).expect("a listener");
                    let workflow = r#"{"code":0,"data":{"prompt":"{\"1\":{\"class_type\":\"SaveImage\",\"inputs\":{}}}"}}"#;
                    while !is_workflow && !is_let_go.load(Ordering::Relaxed) {
                        thread::park_timeout(Duration::from_millis(10));
                    }
                    if let Some(answer) = if is_workflow { Some(workflow) } else { answer } {
                        let length = answer.len();
                        let head = format!(
                            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
                        );
                        // The client may be gone.
                        let _ = stream.get_mut().write_all(format!("{head}{answer}").as_bytes());
                    }
                });
            }
        });
        Self { url, requests, let_go }
    }

    fn until(&self, path: &str) {
        let patience = Duration::from_mins(1);
        while !self.requests.recv_timeout(patience).expect("it asks").contains(path) {}
    }

    fn spawn(&self, args: &[&str]) -> Child {
        let command = rhub(args.iter().copied().chain(["--json"]))
            .env("RUNNINGHUB_API_KEY", Sim::DEMO_KEY)
            .env("RUNNINGHUB_BASE_URL", &self.url);
        command.into_command().stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts")
    }
}

#[test]
fn ctrl_c_ends_by_the_signal_also_where_the_create_fails_afterwards() {
    not_ignored();
    let refused = Some(r#"{"code":433,"msg":"VALIDATE_PROMPT_FAILED"}"#);
    for (answer, status) in [(refused, "error"), (None, "unknown")] {
        let platform = Waiting::start(answer);
        let mut child = platform.spawn(&["run", "1977063930909571121"]);
        platform.until("/task/openapi/create");
        send_signal(&child, "-INT");
        let mut lines =
            BufReader::new(child.stdout.take().expect("a pipe")).lines().map(|line| line.expect("text"));
        lines.by_ref().find(|line| line.contains("\"submitting\"")).expect("it waits for the answer");
        platform.let_go.store(true, Ordering::Relaxed);
        let result: Value = serde_json::from_str(&lines.last().expect("a result")).expect("JSON");
        assert_eq!(how(child.wait().expect("it ends")), -2, "{result}");
        assert_eq!((&result["exit_code"], &result["status"]), (&130.into(), &status.into()), "{result}");
        assert!(result["failure"]["message"].is_string(), "{result}");
    }
}

#[test]
fn a_signal_ends_a_watch_of_an_unresponsive_platform() {
    let platform = Waiting::start(None);
    for (signal, number) in [("-INT", 2), ("-TERM", 15)] {
        let mut child =
            platform.spawn(&["watch", "2000000000000000001", "--workflow", "1977063930909571121"]);
        platform.until("");
        send_signal(&child, signal);
        assert_eq!(crate::readers::ends(&mut child).signal(), Some(number));
    }
}

#[test]
fn ctrl_c_ends_a_login_on_an_unresponsive_platform() {
    not_ignored();
    let platform = Waiting::start(None);
    let mut terminal =
        crate::live::Terminal::start(80, &["login"], &[("RUNNINGHUB_BASE_URL", &platform.url)]);
    terminal.wait(|screen| screen.contains("API key"));
    terminal.press(format!("{}\r", Sim::DEMO_KEY).as_bytes());
    platform.until("");
    terminal.press(b"\x03");
    assert_eq!(terminal.finish().0, -2);
}

#[test]
fn a_window_of_another_size_does_not_end_a_login() {
    not_ignored();
    let mut terminal = crate::live::Terminal::start(120, &["login"], &[]);
    terminal.wait(|screen| screen.contains("API key"));
    let process = terminal.process_id().to_string();
    assert!(Command::new("kill").args(["-WINCH", &process]).status().expect("kill").success());
    terminal.press(b"no key\r");
    let (code, screen) = terminal.finish();
    assert!(code == 2 && screen.contains("does not contain an API key"), "{code}: {screen}");
}
