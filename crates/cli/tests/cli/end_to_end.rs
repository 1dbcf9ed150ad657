//! The main path: submit, follow, download the files.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::Stdio,
};

use runninghub_sim::{Fault, Rate, Rule, Sim};
use serde_json::Value;

use crate::common::{Done, Simulator, fixture, folder, rhub, scenario, snap};

#[test]
fn a_run_in_plain() {
    // One poll finds the URL, and no frame is missed.
    let sim = Simulator::start(
        Sim::builder()
            .scenario(scenario("01-simple"))
            .speed(f64::INFINITY)
            .wait_for_socket(std::time::Duration::from_secs(10)),
    );
    let id = scenario("01-simple").workflow_id();
    let dir = folder();
    let done = rhub(["run", &id, "--out"]).arg(dir.path()).at(&sim).hide(dir.path(), "[dir]").run();
    let shown: Vec<&str> =
        done.stdout.lines().filter(|line| !line.starts_with("📈") || line.contains("100.0%")).collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
        ✅ Task initiated successfully, taskId: 2000000000000000001
        ✅ Node mapping obtained successfully (6 nodes in total), which are {'1': 'EmptyImage', '2': 'ImageScale', '3': 'ImageInvert', '4': 'ImageBlur', '5': 'SaveImage', '6': 'PreviewImage'}
        🔍 1st poll... (running, 0 s)
        ✅ WSS obtained successfully: [ws]/ws/c_instance?…
        📊 Progress monitoring started...
        📈 Overall progress: 100.0% (6/6)
        🎉 Task completed!
        📄 Generation results:
          Result 1: Type=png, URL=[url]/files/2000000000000000001/lab_00007_.png?sign=1
        💾 Saved [dir]/2000000000000000001-5-1.png (966 B)
    "#);
    assert_eq!((done.code, &*done.stderr), (Some(0), ""));
}

#[test]
fn a_run_of_a_file_with_changes() {
    let sim = Simulator::of("02-ksampler");
    let file = fixture("02-ksampler/workflow.json");
    let done = rhub([
        "run",
        &scenario("02-ksampler").workflow_id(),
        "--json",
        "--set",
        "3.steps=4",
        "--set",
        "KSampler.sampler_name=euler",
        "--instance",
        "plus",
    ])
    .at(&sim)
    .run();
    assert_eq!(result(&done)["status"], "success", "{done}");
    let under = scenario("02-ksampler").workflow_id();
    let done = rhub(["run", "--json", "--under", &under]).arg(&file).at(&sim).run();
    assert_eq!(result(&done)["status"], "success", "{done}");
    // Not every site requires a saved workflow in addition to the file.
    let done = rhub(["run", "--json"]).arg(&file).at(&sim).run();
    assert_eq!(result(&done)["status"], "success", "{done}");
}

/// The graph isn't in a recording: the simulator improvises its run.
#[test]
fn a_run_of_a_graph_file() {
    let (sim, dir) = (Simulator::of("02-ksampler"), folder());
    let file = dir.path().join("own.json");
    let graph = r#"{
        "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
        "2": {"class_type": "Upscale", "inputs": {"image": ["1", 0], "steps": 3}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0]}},
        "4": {"class_type": "PreviewAny", "inputs": {"source": ["1", 1]}}
    }"#;
    fs::write(&file, graph).expect("written");
    let done = rhub(["run", "--json"]).arg(&file).at(&sim).run();
    let result = result(&done);
    assert_eq!(
        (&result["status"], &result["done"], &result["total"]),
        (&"success".into(), &4.into(), &4.into())
    );
    assert_eq!(result["outputs"].as_array().map(Vec::len), Some(2), "{done}");
}

#[test]
fn a_site_that_wants_a_saved_workflow_beside_a_file() {
    let refusal = r#"{"code": 301, "msg": "PARAMS_INVALID", "data": null}"#;
    let builder = Sim::builder().scenario(scenario("02-ksampler"));
    let sim = Simulator::start(builder.rule(Rule::answer("/task/openapi/create", 200, refusal)));
    let file = fixture("02-ksampler/workflow.json");
    let done = rhub(["run", "--json"]).arg(&file).at(&sim).run();
    assert_eq!((done.code, &result(&done)["status"]), (Some(4), &"error".into()), "{done}");
    assert!(done.stderr.contains("`--under ID`"), "{done}");
}

#[test]
fn durations_are_learned_for_the_next_run() {
    let sim = Simulator::of("02-ksampler");
    let (id, state) = (scenario("02-ksampler").workflow_id(), folder());
    let run = || rhub(["run", &id, "--json", "--state-dir"]).arg(state.path()).at(&sim).run();
    assert_eq!(run().code, Some(0));
    let kept =
        fs::read_to_string(state.path().join(format!("durations/{id}.json"))).expect("durations are kept");
    let kept: Value = serde_json::from_str(&kept).expect("JSON");
    assert!(
        kept.as_array().is_some_and(|nodes| nodes.iter().any(|node| node["seconds"].as_f64() > Some(0.0))),
        "{kept}"
    );
    assert_eq!(run().code, Some(0));
}

#[test]
fn the_demo_needs_nothing() {
    let dir = folder();
    let done = rhub(["demo", "--json", "--speed", "50", "--out"]).arg(dir.path()).run();
    let result = result(&done);
    assert_eq!((done.code, &result["status"]), (Some(0), &"success".into()), "{done}");
    let outputs = result["outputs"].as_array().expect("a list");
    assert!(!outputs.is_empty());
    for output in outputs {
        let file = fs::read(output["path"].as_str().expect("a path")).expect("a file");
        assert_eq!(output["bytes"], file.len());
        assert_eq!(output["sha256"].as_str().map(str::len), Some(64));
    }
}

#[test]
fn a_recording_plays_to_the_same_end() {
    let sim = Simulator::of("05-cached-partial");
    let dir = folder();
    let tape = dir.path().join("tape");
    let live = rhub(["run", &scenario("05-cached-partial").workflow_id(), "--json", "--record"])
        .arg(&tape)
        .at(&sim)
        .run();
    let played = rhub(["replay", "--json"]).arg(&tape).run();
    let (live, played) = (result(&live), result(&played));
    for field in ["status", "percent", "done", "total", "task_id"] {
        assert_eq!(live[field], played[field], "{field}");
    }
    for file in fs::read_dir(&tape).expect("a folder") {
        let text = fs::read_to_string(file.expect("a file").path()).expect("text");
        assert!(!text.contains(Sim::DEMO_KEY));
    }
}

#[test]
fn a_gap_in_a_recording_is_reported() {
    let sim = Simulator::of("01-simple");
    let dir = folder();
    let record = dir.path().join("record");
    let mut child = rhub(["run", &scenario("01-simple").workflow_id(), "--json", "--record"])
        .arg(&record)
        .at(&sim)
        .into_command()
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary");
    let mut lines =
        BufReader::new(child.stdout.take().expect("a pipe")).lines().map(|line| line.expect("text"));
    assert!(lines.any(|line| line.contains("\"event\":\"submitted\"")));
    // Renamed instead of removed, which is atomic: files may be created in it at this moment.
    fs::rename(&record, dir.path().join("away")).expect("the recording");
    fs::write(&record, "").expect("a file");
    let rest: Vec<String> = lines.collect();
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{rest:?}");
    assert!(rest.iter().any(|line| line.contains("the recording is incomplete: ")), "{rest:?}");
    let again =
        rhub(["run", &scenario("01-simple").workflow_id(), "--record"]).arg(dir.path()).at(&sim).run();
    assert_eq!(again.code, Some(9), "what is there is left alone: {again}");
    assert_eq!(sim.creates(), 1);
}

#[test]
fn a_socket_that_never_opens_was_not_lost() {
    let refused = Fault::HandshakeRefused(503);
    let sim = Simulator::start(Sim::builder().scenario(scenario("02-ksampler")).speed(8.0).fault(refused));
    let done = rhub(["run", &scenario("02-ksampler").workflow_id()]).at(&sim).run();
    assert_eq!(done.code, Some(0), "{done}");
    assert!(done.stdout.contains("🔌 Not connected yet, retrying (attempt 1)..."), "{done}");
    assert!(!done.stdout.contains("lost"), "{done}");
}

#[test]
fn quiet_prints_bare_ids_paths_and_urls() {
    let sim = Simulator::start(Sim::builder().scenario(scenario("01-simple")).speed(50.0));
    let id = scenario("01-simple").workflow_id();
    let detached = rhub(["run", &id, "-q", "--detach", "-o", "later"]).at(&sim).run();
    assert_eq!((detached.code, &*detached.stderr), (Some(0), ""));
    let task = detached.stdout.trim_end();
    assert!(task.len() > 8 && task.bytes().all(|byte| byte.is_ascii_digit()), "{detached}");
    let dir = folder();
    let run = rhub(["run", &id, "-q", "-o"]).arg(dir.path()).at(&sim).run();
    assert_eq!((run.code, &*run.stderr), (Some(0), ""));
    assert!(run.stdout.lines().count() > 0, "{run}");
    assert!(run.stdout.lines().all(|line| std::path::Path::new(line).is_file()), "{run}");
    let run = rhub(["run", &id, "-q"]).at(&sim).run();
    assert!(
        run.stdout.lines().count() > 0 && run.stdout.lines().all(|line| line.contains("/files/")),
        "{run}"
    );
}

#[test]
fn a_failed_task() {
    let sim =
        Simulator::start(Sim::builder().scenario(scenario("01-simple")).speed(20.0).fault(Fault::TaskFails));
    let done = rhub(["run", &scenario("01-simple").workflow_id(), "-q"]).at(&sim).run();
    insta::assert_snapshot!(done.to_string(), @r"
        exit 1
        --- err
        error: Task failed in node SaveImage (5): torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB (code 805)

        hint: `--instance plus` has 48 GB of memory, `--instance ultra` 84 GB; a smaller image or batch needs less
    ");
}

#[test]
fn a_submit_without_a_response_is_not_repeated() {
    let sim = Simulator::start(
        Sim::builder().scenario(scenario("01-simple")).fault(Fault::LostCreateAnswer(Rate::First(1))),
    );
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"(lists it as|resolve) \w{8}", "$1 [submit]");
    let _settings = settings.bind_to_scope();
    snap!(rhub(["run", &scenario("01-simple").workflow_id()]).at(&sim), @r"
        exit 5
        --- err
        error: it is unknown whether the task was created: it may be running, and it may be charged; the account has 1 unfinished, but this machine knows of 0: one more was probably created: the connection broke: error sending request: client error (SendRequest): connection closed before message completed

        hint: `rhub tasks` lists it as [submit]; check the task list on the RunningHub website, then record what you found with
          rhub resolve [submit] --task-id ID
          rhub resolve [submit] --not-created
    ");
    assert_eq!(sim.creates(), 1);
}

#[test]
fn no_free_slot() {
    let full = || Sim::builder().scenario(scenario("01-simple")).speed(20.0).fault(Fault::QueueFull(2));
    let id = scenario("01-simple").workflow_id();
    let sim = Simulator::start(full());
    let done = rhub(["run", &id, "--queue-timeout", "0"]).at(&sim).run();
    insta::assert_snapshot!(done.to_string(), @r#"
        exit 4
        --- err
        error: the task was not created: no slot is free: code 421, the key has no free task slots (TASK_QUEUE_MAXED)

        hint: wait for a running task to end, or use a key with more slots
    "#);
    assert_eq!(sim.creates(), 0);
    let sim = Simulator::start(full());
    let done = rhub(["run", &id]).at(&sim).env("RUNNINGHUB_TIME_SCALE", "0.001").run();
    assert_eq!((done.code, sim.creates()), (Some(0), 1), "{done}");
    assert!(done.stdout.contains("no slot is free"), "{done}");
}

#[test]
fn results_that_cannot_be_fetched() {
    let sim = Simulator::of("01-simple");
    let id = scenario("01-simple").workflow_id();
    let dir = folder();
    // The folder disappears while the task runs: the results can no longer be saved.
    let out = dir.path().join("out");
    let mut child = rhub(["run", &id, "--out"])
        .arg(&out)
        .at(&sim)
        .into_command()
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    lines.next().expect("a line").expect("text");
    fs::remove_dir_all(&out).and_then(|()| fs::write(&out, "")).expect("a file in its place");
    lines.for_each(drop);
    assert!(matches!(child.wait().expect("it ends").code(), Some(8 | 9)));
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let recording = fixture("02-ksampler");
    let recording = recording.to_string_lossy();
    for args in [&["replay", &recording][..], &["replay", &recording, "--json"], &["schema"], &["--help"]] {
        let mut child = rhub(args.iter().copied())
            .into_command()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    }
}

#[test]
fn no_secret_is_logged_at_any_level() {
    let sim = Simulator::of("01-simple");
    let dir = folder();
    let id = scenario("01-simple").workflow_id();
    let done = rhub(["run", &id, "-vvvv", "--out"]).arg(dir.path()).at(&sim).run();
    assert_eq!(done.code, Some(0), "{done}");
    assert!(done.stderr.lines().count() > 5, "{done}");
    // The key, the socket's ticket, and the signature of a result's URL.
    for secret in [Sim::DEMO_KEY, "Rh-Comfy-Auth="] {
        assert!(!done.stdout.contains(secret) && !done.stderr.contains(secret), "{secret} in {done}");
    }
    assert!(!done.stderr.contains("sign="), "{done}");
}

fn result(done: &Done) -> Value {
    let last = done.stdout.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|_| panic!("no result in {done}"))
}
