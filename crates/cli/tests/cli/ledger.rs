//! `tasks`, `resolve`, and `last`.

#[cfg(unix)]
use std::os::unix::process::ExitStatusExt as _;
use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
};

use runninghub_sim::{Fault, Rate, Rule, Sim};
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Done, Rhub, Simulator, folder, rhub, scenario};

fn lines(done: &Done) -> Vec<Value> {
    done.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The output of `rhub tasks`.
fn tasks(state: &TempDir) -> Vec<Value> {
    let done = rhub(["tasks", "--json"]).state(state).run();
    assert_eq!(done.code, Some(0), "{done}");
    lines(&done).into_iter().filter(|line| line["event"] == "task").collect()
}

fn losing(answers: u32) -> (Simulator, String) {
    let one = scenario("01-simple");
    let id = one.workflow_id();
    let lost = Fault::LostCreateAnswer(Rate::First(answers));
    (Simulator::start(Sim::builder().scenario(one).fault(lost).speed(50.0)), id)
}

/// The file is shared with newer versions, which may submit to places and in ways that this version does not know.
#[test]
fn submits_of_a_newer_version_are_listed_and_not_touched() {
    let ((sim, id), state) = (losing(0), folder());
    let detached = rhub(["run", &id, "--detach"]).at(&sim).state(&state).run();
    assert_eq!(detached.code, Some(0), "{detached}");
    let store = rusqlite::Connection::open(state.path().join("ledger.sqlite3")).expect("a ledger");
    let newer = "UPDATE attempt SET site = 'moon', kind = 'dance'";
    assert_eq!(store.execute(newer, []).expect("written"), 1);
    let listed = tasks(&state);
    assert_eq!((&listed[0]["site"], &listed[0]["kind"]), (&"moon".into(), &"dance".into()));
    let refreshed = rhub(["tasks", "--refresh"]).at(&sim).state(&state).run();
    assert_eq!(refreshed.code, Some(0), "{refreshed}");
    assert!(refreshed.stdout.contains("the unknown backend `moon`"), "{refreshed}");
    for command in ["watch", "status", "cancel"] {
        let refused = rhub([command, "last"]).at(&sim).state(&state).run();
        assert_eq!(refused.code, Some(2), "{refused}");
        assert!(refused.stderr.contains("use the newer version"), "{refused}");
    }
    assert_eq!(tasks(&state)[0]["state"], "accepted", "nothing is written down");
}

#[test]
fn submits_are_listed_and_found_again() {
    let ((sim, id), state, out) = (losing(0), folder(), folder());
    let empty = rhub(["tasks"]).state(&state).run();
    assert_eq!((empty.code, empty.stdout.as_str()), (Some(0), ""));
    assert!(empty.stderr.contains("nothing has been submitted"), "{empty}");
    let none = rhub(["watch", "last"]).at(&sim).state(&state).run();
    assert_eq!(none.code, Some(2), "{none}");

    let detached = rhub(["run", &id, "--detach", "--json"]).at(&sim).state(&state).run();
    let submitted = lines(&detached).into_iter().find(|line| line["event"] == "submitted").expect("told");
    let listed = tasks(&state);
    assert_eq!(listed.len(), 1);
    let entry = &listed[0];
    assert_eq!(entry["state"], "accepted");
    for name in ["task_id", "workflow_id", "site", "attempt_id"] {
        assert_eq!(entry[name], submitted[name], "{name}");
    }
    assert_eq!(entry["base_url"], sim.base_url());
    assert!(!entry.to_string().contains(Sim::DEMO_KEY), "the key is not kept");

    // The place of the submit is recorded, so later commands need only the key.
    let known = |args: &[&str]| {
        let done = rhub(args.iter().copied())
            .env("RUNNINGHUB_API_KEY", Sim::DEMO_KEY)
            .env("RUNNINGHUB_TIME_SCALE", "0.05")
            .state(&state)
            .run();
        assert_eq!(done.code, Some(0), "{done}");
        done
    };
    let watched = known(&["watch", "last", "--json"]);
    assert!(watched.stdout.contains(r#""event":"plan""#), "the workflow is known: {watched}");
    assert_eq!(lines(&watched).last().expect("a result")["attempt_id"], submitted["attempt_id"]);
    let attempt = submitted["attempt_id"].as_str().expect("a name");
    known(&["status", &attempt[..6]]);
    known(&["outputs", "last"]);
    known(&["download", "last", "--out", &out.path().to_string_lossy()]);
    assert!(fs::read_dir(out.path()).expect("read").count() > 0);
    let entry = &tasks(&state)[0];
    assert_eq!(entry["state"], "done");
    assert!(entry["cost"]["coins"].is_string(), "{entry}");
}

#[test]
fn an_unknown_submit_is_shown_and_settled() {
    let ((sim, id), state) = (losing(2), folder());
    for text in ["one", "two"] {
        let set = format!("--set=1.text={text}");
        let args = if text == "one" { vec!["run", &*id] } else { vec!["run", &*id, &*set] };
        let done =
            rhub(args.into_iter().filter(|arg| !arg.starts_with("--set"))).at(&sim).state(&state).run();
        assert_eq!(done.code, Some(5), "{done}");
        assert!(done.stderr.contains("rhub resolve"), "{done}");
    }
    let lines = rhub(["tasks"]).state(&state).run();
    assert!(lines.stdout.contains("unknown") && lines.stdout.contains("body "), "{lines}");
    assert!(lines.stderr.contains("--not-created"), "{lines}");
    let listed = tasks(&state);
    let name = |at: usize| listed[at]["attempt_id"].as_str().expect("a name");
    let blind = rhub(["watch", "last"]).at(&sim).state(&state).run();
    assert_eq!(blind.code, Some(2), "there is no task yet: {blind}");
    let blind = rhub(["watch", name(0)]).at(&sim).state(&state).run();
    assert_eq!(blind.code, Some(5), "{blind}");

    let wrong = rhub(["resolve", name(0), "--task-id", "999"]).at(&sim).state(&state).run();
    assert_eq!(wrong.code, Some(4), "the platform knows no such task: {wrong}");
    let task = sim.sim().tasks()[1].task_id.clone();
    let settled = rhub(["resolve", name(0), "--task-id", &task]).at(&sim).state(&state).run();
    assert_eq!(settled.code, Some(0), "{settled}");
    let taken = rhub(["resolve", name(1), "--task-id", &task]).at(&sim).state(&state).run();
    assert_eq!(taken.code, Some(2), "it belongs to the other one: {taken}");
    let absent = rhub(["resolve", name(1), "--not-created"]).state(&state).run();
    assert_eq!(absent.code, Some(0), "{absent}");
    let watched = rhub(["watch", "last"]).at(&sim).state(&state).run();
    assert_eq!(watched.code, Some(0), "{watched}");
    let states: Vec<_> = tasks(&state).iter().map(|entry| entry["state"].clone()).collect();
    assert_eq!(states, ["done", "absent"]);
    let final_state = rhub(["resolve", name(0), "--not-created"]).state(&state).run();
    assert_eq!(final_state.code, Some(2), "{final_state}");
    for args in [&["resolve", "nosuch", "--not-created"][..], &["resolve", name(0)]] {
        assert_eq!(rhub(args.iter().copied()).state(&state).run().code, Some(2), "{args:?}");
    }
    assert_eq!(sim.creates(), 2);
}

/// The platform refuses the create but creates a task anyway.
fn lying() -> (Simulator, String) {
    let one = scenario("01-simple");
    let id = one.workflow_id();
    let no = r#"{"code":433,"msg":"VALIDATE_PROMPT_FAILED","data":null}"#;
    let rule = Rule::answer("/task/openapi/create", 200, no).after_work();
    (Simulator::start(Sim::builder().scenario(one).rule(rule).speed(50.0)), id)
}

#[test]
fn a_refused_submit_takes_the_task_that_a_person_has_found() {
    let ((sim, id), state) = (lying(), folder());
    let refused = rhub(["run", &id]).at(&sim).state(&state).run();
    assert_eq!(refused.code, Some(4), "{refused}");
    let listed = tasks(&state);
    assert_eq!(listed[0]["state"], "refused");
    let attempt = listed[0]["attempt_id"].as_str().expect("a name");
    let absent = rhub(["resolve", attempt, "--not-created"]).state(&state).run();
    assert_eq!(absent.code, Some(2), "that is known: {absent}");
    let wrong = rhub(["resolve", attempt, "--task-id", "999"]).at(&sim).state(&state).run();
    assert_eq!(wrong.code, Some(4), "the platform knows no such task: {wrong}");
    assert_eq!(tasks(&state)[0]["state"], "refused");
    let task = sim.sim().tasks()[0].task_id.clone();
    let bound = rhub(["resolve", attempt, "--task-id", &task]).at(&sim).state(&state).run();
    assert_eq!(bound.code, Some(0), "{bound}");
    let watched = rhub(["watch", "last"]).at(&sim).state(&state).run();
    assert_eq!(watched.code, Some(0), "{watched}");
    assert_eq!(tasks(&state)[0]["state"], "done");
    assert_eq!(sim.creates(), 1);
}

#[test]
fn a_refused_submit_takes_the_task_that_its_webhook_names() {
    let ((sim, id), state) = (lying(), folder());
    let mut listener = Listener::start(rhub(LISTEN).at(&sim).state(&state));
    let refused = rhub(["run", &id, "--webhook", &listener.webhook]).at(&sim).state(&state).run();
    assert_eq!(refused.code, Some(4), "{refused}");
    let settled = listener.next();
    assert_eq!((&settled["event"], &settled["state"]), (&"task".into(), &"done".into()), "{settled}");
    listener.process.kill().expect("it can be ended");
    listener.process.wait().expect("it ends");
    assert_eq!(tasks(&state)[0]["task_id"], sim.sim().tasks()[0].task_id);
}

#[test]
fn a_task_that_is_not_listed_yet_is_polled_again() {
    let out = folder();
    let out = out.path().to_string_lossy();
    let commands: [&[&str]; 4] = [
        &["status", "last"],
        &["watch", "last"],
        &["download", "last", "--out", &out],
        &["tasks", "--refresh"],
    ];
    for command in commands {
        let (one, state) = (scenario("01-simple"), folder());
        let id = one.workflow_id();
        let mut builder = Sim::builder().scenario(one).speed(f64::INFINITY);
        for (path, body) in [
            ("/task/openapi/status", r#"{"code":807,"msg":"APIKEY_TASK_NOT_FOUND"}"#),
            ("/task/openapi/outputs", r#"{"code":423,"msg":"TASK_NOT_FOUNED"}"#),
            ("/openapi/v2/query", r#"{"errorCode":"1004","errorMessage":"not found"}"#),
        ] {
            builder = builder.rule(Rule::answer(path, 200, body).times(2));
        }
        let sim = Simulator::start(builder);
        // Twenty seconds for three polls.
        let at = |args: &[&str]| {
            rhub(args.iter().copied()).at(&sim).state(&state).env("RUNNINGHUB_TIME_SCALE", "1").run()
        };
        assert_eq!(at(&["run", &id, "--detach"]).code, Some(0));
        let done = at(command);
        assert_eq!(done.code, Some(0), "{done}");
        assert_ne!(tasks(&state)[0]["state"], "gone", "{command:?}");
    }
    // An unknown id is reported as wrong without a wait.
    let sim = Simulator::of("01-simple");
    let wrong = rhub(["status", "1999999999999999999"]).at(&sim).env("RUNNINGHUB_TIME_SCALE", "1000").run();
    assert_eq!(wrong.code, Some(4), "{wrong}");
}

#[test]
fn tasks_that_ended_unwatched_are_queried() {
    let ((sim, id), state) = (losing(0), folder());
    for _ in 0..2 {
        rhub(["run", &id, "--detach"]).at(&sim).state(&state).run();
    }
    // The tasks end in the simulator while no process watches them.
    for task in sim.sim().tasks() {
        let status = || rhub(["status", &task.task_id]).at(&sim).run().stdout;
        while !status().contains("success") {}
    }
    assert_eq!(tasks(&state)[0]["state"], "accepted");
    // The second submit may have found the first task over, because it wanted its slot.
    let open = tasks(&state).iter().filter(|task| task["state"] == "accepted").count();
    let listed = rhub(["tasks", "--refresh", "--open", "--json"]).at(&sim).state(&state).run();
    assert_eq!((listed.code, listed.stdout.contains("accepted")), (Some(0), false), "{listed}");
    assert_eq!(lines(&listed).last().expect("a result")["api_calls"], open, "{listed}");
    assert!(tasks(&state).iter().all(|task| task["state"] == "done"));
}

#[test]
fn without_a_ledger_nothing_is_sent() {
    let (sim, id) = losing(0);
    let home = folder();
    let file = home.path().join("file");
    fs::write(&file, "").expect("written");
    let broken = home.path().join("broken");
    fs::create_dir(&broken).expect("made");
    fs::write(broken.join("ledger.sqlite3"), [b'x'; 5000]).expect("written");
    for place in [file.as_path(), broken.as_path(), "/proc/nowhere".as_ref()] {
        let done = rhub(["run", &id]).at(&sim).env("RUNNINGHUB_STATE_DIR", &place.to_string_lossy()).run();
        assert_eq!(done.code, Some(9), "{done}");
        assert!(done.stderr.contains("hint:"), "{done}");
    }
    assert_eq!(sim.creates(), 0);
    // A paid task is followed anyway.
    rhub(["run", &id, "--detach"]).at(&sim).run();
    let task = sim.sim().tasks()[0].task_id.clone();
    let watched = rhub(["watch", &task]).at(&sim).env("RUNNINGHUB_STATE_DIR", &file.to_string_lossy()).run();
    assert_eq!(watched.code, Some(0), "{watched}");
    assert!(watched.stdout.contains("ledger"), "it is said: {watched}");
}

#[cfg(unix)]
#[test]
fn a_state_folder_behind_a_link_is_used() {
    let ((sim, id), home) = (losing(0), folder());
    std::os::unix::fs::symlink("real", home.path().join("link")).expect("linked");
    let at = |name: &str| home.path().join(name).to_string_lossy().into_owned();
    let dangling = rhub(["run", &id]).at(&sim).env("RUNNINGHUB_STATE_DIR", &at("link")).run();
    assert_eq!((dangling.code, sim.creates()), (Some(9), 0), "{dangling}");
    assert!(dangling.stderr.contains("does not point to a folder"), "{dangling}");
    assert!(dangling.stderr.contains("create the folder that the link points to"), "{dangling}");
    fs::create_dir(home.path().join("real")).expect("made");
    let run = rhub(["run", &id, "--detach"]).at(&sim).env("RUNNINGHUB_STATE_DIR", &at("link/state")).run();
    assert_eq!(run.code, Some(0), "{run}");
    let watched = rhub(["watch", "last"]).at(&sim).env("RUNNINGHUB_STATE_DIR", &at("real/state")).run();
    assert_eq!(watched.code, Some(0), "{watched}");
}

/// Root can write everywhere, so the test switches to another user.
#[cfg(unix)]
#[test]
fn where_nothing_can_be_written_submits_are_listed_and_none_is_made() {
    use std::{
        io::ErrorKind,
        os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
        process::Command,
    };

    let ((sim, id), home) = (losing(1), folder());
    let (state, program) = (home.path().join("state"), home.path().join("rhub"));
    let state_dir = state.to_string_lossy();
    for code in [5, 0] {
        let done = rhub(["run", &id, "--detach"]).at(&sim).env("RUNNINGHUB_STATE_DIR", &state_dir).run();
        assert_eq!(done.code, Some(code), "{done}");
    }
    // The other user may not have access to the build folder.
    fs::copy(env!("CARGO_BIN_EXE_rhub"), &program).expect("copied");
    let allow = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("allowed");
    };
    allow(home.path(), 0o755);
    for file in fs::read_dir(&state).expect("read").flatten() {
        allow(&file.path(), if file.path().is_dir() { 0o555 } else { 0o444 });
    }
    allow(&state, 0o555);
    let reader = |args: &[&str]| {
        let mut command = Command::new(&program);
        command
            .args(args)
            .env_clear()
            .env("RUNNINGHUB_CONFIG", home.path().join("none.toml"))
            .env("RUNNINGHUB_STATE_DIR", &state)
            .env("RUNNINGHUB_API_KEY", Sim::DEMO_KEY)
            .env("RUNNINGHUB_BASE_URL", sim.base_url())
            .env("RUNNINGHUB_TIME_SCALE", "0.05")
            .stdin(Stdio::null());
        if rustix::process::geteuid().is_root() {
            command.uid(65534);
        }
        loop {
            match command.output() {
                // A process that another test has just forked still holds the copy open.
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {}
                done => return done.expect("the binary"),
            }
        }
    };
    let listed = reader(&["tasks", "--json"]);
    let text = String::from_utf8(listed.stdout).expect("text");
    assert_eq!(listed.status.code(), Some(0), "{text}");
    let events = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let states: Vec<_> =
        events.filter(|line| line["event"] == "task").map(|line| line["state"].clone()).collect();
    assert_eq!(states, ["accepted", "unknown"]);
    let watched = reader(&["watch", "last"]);
    assert_eq!(watched.status.code(), Some(0), "{}", String::from_utf8_lossy(&watched.stderr));
    let run = reader(&["run", &id]);
    assert_eq!(run.status.code(), Some(9), "{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(sim.creates(), 2, "nothing was sent");
    allow(&state, 0o755);
    for folder in fs::read_dir(&state).expect("read").flatten().filter(|file| file.path().is_dir()) {
        allow(&folder.path(), 0o755);
    }
}

const LISTEN: [&str; 5] = ["webhook", "listen", "--listen", "127.0.0.1:0", "--json"];

/// `rhub webhook listen`, and its output.
struct Listener {
    process: Child,
    lines: Box<dyn Iterator<Item = Value>>,
    /// For `--webhook`.
    webhook: String,
}

impl Listener {
    fn start(rhub: Rhub) -> Self {
        let mut command = rhub.into_command();
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary");
        let mut lines = BufReader::new(process.stdout.take().expect("a pipe"))
            .lines()
            .map(|line| serde_json::from_str::<Value>(&line.expect("text")).expect("JSON"));
        let listening = lines.next().expect("a line");
        let webhook = format!("{}/{{secret}}", listening["base_url"].as_str().expect("an address"));
        Self { process, lines: Box::new(lines), webhook }
    }

    /// The next line.
    fn next(&mut self) -> Value {
        self.lines.next().expect("a line")
    }

    #[cfg(unix)]
    fn terminate(&self) {
        let process = rustix::process::Pid::from_child(&self.process);
        rustix::process::kill_process(process, rustix::process::Signal::TERM).expect("it runs");
    }
}

#[test]
fn a_webhook_settles_what_is_unknown() {
    let ((sim, id), state) = (losing(1), folder());
    let mut listener = Listener::start(rhub(LISTEN).at(&sim).state(&state));
    let lost = rhub(["run", &id, "--webhook", &listener.webhook]).at(&sim).state(&state).run();
    assert_eq!(lost.code, Some(5), "{lost}");
    let settled = listener.next();
    assert_eq!((&settled["event"], &settled["state"]), (&"task".into(), &"done".into()), "{settled}");
    assert_eq!(settled["task_id"], sim.sim().tasks()[0].task_id);
    listener.process.kill().expect("it can be ended");
    listener.process.wait().expect("it ends");
    let listed = tasks(&state);
    assert_eq!((listed.len(), &listed[0]["state"]), (1, &"done".into()));
    let secret = sim.sim().tasks()[0].webhook_url.clone().expect("it was sent");
    let secret = secret.rsplit('/').next().expect("a secret");
    for file in fs::read_dir(state.path()).expect("read").flatten().filter(|file| file.path().is_file()) {
        let bytes = fs::read(file.path()).expect("read");
        assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()), "the secret is not kept");
    }
}

/// The command receives the event without secrets, once. Its failure is reported and ends nothing.
#[cfg(unix)]
#[test]
fn exec_runs_for_each_webhook_event() {
    let (sim, state) = (Simulator::of("01-simple"), folder());
    let (id, file) = (scenario("01-simple").workflow_id(), state.path().join("told"));
    let script =
        r#"read line; { echo "$WEBHOOK_TASK_ID $WEBHOOK_STATE"; echo "$line"; env; } >> "$0"; exit 3"#;
    let command =
        rhub(LISTEN.into_iter().chain(["--exec", "sh", "-c", script])).arg(&file).at(&sim).state(&state);
    let mut listener = Listener::start(
        command
            .env("HTTPS_PROXY", "http://me:pr0xy-p4ssw0rd-0123456789@127.0.0.1:9")
            .env("OTHER_API_TOKEN", "an0ther-t0ken")
            .env("PATH", &std::env::var("PATH").expect("a path")),
    );
    let done = rhub(["run", &id, "--webhook", &listener.webhook]).at(&sim).state(&state).run();
    assert_eq!(done.code, Some(0), "{done}");
    let task = &sim.sim().tasks()[0].task_id;
    let event = listener.next();
    assert_eq!((&event["event"], &event["task_id"]), (&"task".into(), &task.as_str().into()));
    let failed = listener.next();
    assert_eq!(failed["code"], "exec", "{failed}");
    assert!(failed["message"].as_str().is_some_and(|text| text.contains("exit status: 3")), "{failed}");

    let resent = rhub(["webhook", "resend", task]).at(&sim).state(&state).run();
    assert_eq!(resent.code, Some(0), "{resent}");
    assert_eq!(listener.next()["event"], "task", "told again, and not run again");
    listener.terminate();
    assert_eq!(listener.process.wait().expect("it ends").signal(), Some(15));

    let text = fs::read_to_string(&file).expect("it was run");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some(&*format!("{task} done")));
    let line: Value = serde_json::from_str(lines.next().expect("the event")).expect("JSON");
    assert_eq!((&line["event"], &line["state"]), (&"task".into(), &"done".into()));
    assert_eq!(text.matches(&format!("{task} done")).count(), 1);
    assert!(
        text.contains("PATH=")
            && !text.contains(Sim::DEMO_KEY)
            && !text.contains("pr0xy")
            && !text.contains("an0ther"),
        "{text}"
    );
}

/// The first Ctrl-C waits for the command, the second kills it and its children.
#[cfg(unix)]
#[test]
fn a_command_that_hangs_is_stopped_with_all_that_it_started() {
    let (sim, state) = (Simulator::of("01-simple"), folder());
    let id = scenario("01-simple").workflow_id();
    let script = "sleep 600 & echo started >&2; wait";
    let command = rhub(LISTEN.into_iter().chain(["--exec", "sh", "-c", script])).at(&sim).state(&state);
    let mut listener = Listener::start(command.env("PATH", &std::env::var("PATH").expect("a path")));
    let mut log = BufReader::new(listener.process.stderr.take().expect("a pipe")).lines();
    assert_eq!(rhub(["run", &id, "--webhook", &listener.webhook]).at(&sim).state(&state).run().code, Some(0));
    assert_eq!(listener.next()["event"], "task");
    assert_eq!(log.next().expect("it runs").expect("text"), "started");
    listener.terminate();
    let waits = listener.next();
    assert_eq!(waits["code"], "leaving", "{waits}");
    listener.terminate();
    assert_eq!(listener.process.wait().expect("it ends").signal(), Some(15));
    // The pipe closes once no process holds it; the sleep alone would hold it for ten minutes.
    assert!(log.all(|line| line.is_ok()), "the last line has come");
}

/// A malicious server must not make users paste its text into a shell.
#[test]
fn an_id_that_a_shell_would_run_is_no_id() {
    let one = scenario("01-simple");
    for id in ["$(touch pwned)", "1; touch pwned", "../../x", "-rf", "a b", &"9".repeat(200)] {
        let rule = Rule::replace("/task/openapi/create", "2000000000000000001", id);
        let sim = Simulator::start(Sim::builder().scenario(one.clone()).rule(rule));
        let state = folder();
        let done = rhub(["run", &one.workflow_id(), "--detach"]).at(&sim).state(&state).run();
        assert_eq!(done.code, Some(5), "the task may exist: {done}");
        let hints = done.stderr.split_once("hint:").expect("a hint").1;
        assert!(!hints.contains(id), "{done}");
        let listed = tasks(&state);
        assert_eq!((&listed[0]["state"], &listed[0]["task_id"]), (&"unknown".into(), &Value::Null), "{done}");
    }
}

/// An earlier version may have written such an id, or another program.
#[test]
fn completion_offers_no_id_that_a_shell_would_run() {
    let ((sim, id), state) = (losing(0), folder());
    for _ in 0..2 {
        let detached = rhub(["run", &id, "--detach"]).at(&sim).state(&state).run();
        assert_eq!(detached.code, Some(0), "{detached}");
    }
    let store = rusqlite::Connection::open(state.path().join("ledger.sqlite3")).expect("a ledger");
    let bad = "UPDATE task SET id = '$(touch pwned)' WHERE attempt = (SELECT max(attempt) FROM task)";
    assert_eq!(store.execute(bad, []).expect("written"), 1);
    drop(store);
    let complete = rhub(["--", "rhub", "watch", ""]).env("COMPLETE", "bash").env("_CLAP_COMPLETE_INDEX", "2");
    let done = complete.state(&state).run();
    let offered: Vec<_> = done.stdout.lines().collect();
    assert!(offered.contains(&"last") && offered.contains(&"2000000000000000001"), "{done}");
    assert!(!done.stdout.contains("touch"), "{done}");
}

#[test]
fn an_id_of_another_form_is_found_again() {
    let one = scenario("01-simple");
    let rename = |path: &str| Rule::replace(path, "2000000000000000001", "rh-Task_7");
    let sim = Simulator::start(
        Sim::builder().scenario(one.clone()).rule(rename("/task/openapi/create")).speed(50.0),
    );
    let state = folder();
    let done = rhub(["run", &one.workflow_id(), "--detach"]).at(&sim).state(&state).run();
    assert!(done.code == Some(0) && done.stderr.contains("rhub watch rh-Task_7 "), "{done}");
    // The simulator doesn't know the task.
    let done = rhub(["status", "rh-Task_7"]).at(&sim).state(&state).run();
    assert!(done.stderr.contains("task not found"), "{done}");
    let done = rhub(["status", "lsat"]).at(&sim).run();
    assert!(done.code == Some(2) && done.stderr.contains("`lsat` is not a task id"), "{done}");
}

/// Folders and URLs can contain anything.
#[test]
fn a_command_to_be_copied_is_one_for_the_shell() {
    let ((sim, id), state, home) = (losing(0), folder(), folder());
    let out = home.path().join("it's; mine");
    let done = rhub(["run", &id, "--detach", "--out"]).arg(&out).at(&sim).state(&state).run();
    assert_eq!(done.code, Some(0), "{done}");
    let quoted =
        format!("'{}'", out.to_string_lossy().replace('\'', if cfg!(windows) { "''" } else { r"'\''" }));
    assert!(done.stderr.contains(&format!("-o {quoted}")), "{done}");
}
