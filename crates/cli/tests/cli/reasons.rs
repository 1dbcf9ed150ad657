//! Reasons and cures: what went wrong is said wherever it is found, with what helps there.

use runninghub_sim::{Native, Rule, Scenario, ScriptNode, Sim};
use serde_json::Value;

use crate::{
    comfy::Server,
    common::{Simulator, folder, rhub, scenario},
};

/// A platform on which every task has this status.
fn answering(reply: &'static str) -> Simulator {
    let builder = Sim::builder().scenario(scenario("01-simple"));
    Simulator::start(builder.rule(Rule::answer("/task/openapi/outputs", 200, reply)))
}

#[test]
fn a_failure_on_a_server_has_a_cure_for_servers() {
    let fails = Scenario::script("fails")
        .node(ScriptNode::new("1", "EmptyImage"))
        .node(
            ScriptNode::new("2", "SaveImage")
                .link("images", "1", 0)
                .fails("torch.OutOfMemoryError", "Allocation on device"),
        )
        .build();
    let dir = folder();
    let file = dir.path().join("fails.json");
    std::fs::write(&file, fails.workflow_json()).expect("written");
    let server = Server::start(Native::builder().scenario(fails).speed(f64::INFINITY));
    for (words, state) in
        [(&["run"][..], &folder()), (&["run", "-q"], &folder()), (&["run", "--json"], &folder())]
    {
        let done = server.rhub(words.iter().copied()).arg(&file).state(state).run();
        assert_eq!(done.code, Some(1), "{done}");
        for again in [&["outputs"][..], &["download", "--out", "x"], &["outputs", "--json"]] {
            let again = server.rhub(again.iter().copied()).within(&dir).state(state).run();
            assert_eq!(again.code, Some(1), "{again}");
            assert!(again.to_string().contains("a smaller image or batch needs less memory"), "{again}");
            assert!(!again.to_string().contains("--instance"), "{again}");
        }
        assert!(done.to_string().contains("a smaller image or batch needs less memory"), "{done}");
        assert!(!done.to_string().contains("--instance"), "{done}");
    }
}

#[test]
fn an_invalid_value_from_a_variable_names_the_variable() {
    let sim = Simulator::of("01-simple");
    let account = || rhub(["account"]).at(&sim);
    for (variable, value) in [
        ("RUNNINGHUB_SITE", "global"),
        ("RUNNINGHUB_PROXY", "nowhere"),
        ("RUNNINGHUB_CA_FILE", "/nowhere/to/be/ca.pem"),
        ("RUNNINGHUB_BASE_URL", "runninghub.ai"),
        ("RUNNINGHUB_LOG_FILE", "/nowhere/to/be/log"),
        ("RUNNINGHUB_API_KEY_FILE", "/nowhere/to/be/key"),
    ] {
        let named = format!("the value comes from the environment variable `{variable}`");
        let done = account().env(variable, value).run();
        assert_eq!(done.code, Some(2), "{done}");
        assert!(done.stderr.contains(&named), "{done}");
        // An option on the command line is not the variable's fault.
        let option = format!("--{}", variable["RUNNINGHUB_".len()..].replace('_', "-").to_lowercase());
        let done = account().env(variable, value).args(&[&*option, value]).run();
        assert_eq!(done.code, Some(2), "{done}");
        assert!(!done.stderr.contains("environment variable"), "{done}");
    }
    let id = scenario("01-simple").workflow_id();
    let out = rhub(["run", &id]).at(&sim).env("RUNNINGHUB_OUT", "/dev/null/x").run();
    assert_eq!(out.code, Some(9), "{out}");
    assert!(out.stderr.contains("environment variable `RUNNINGHUB_OUT`"), "{out}");
    let doctor = rhub(["doctor"]).at(&sim).env("RUNNINGHUB_PROXY", "nowhere").run();
    assert!(doctor.to_string().contains("RUNNINGHUB_PROXY"), "{doctor}");
    let server = rhub(["run", "1"]).at(&sim).env("RUNNINGHUB_SERVER", "127.0.0.1:8188").run();
    assert!(server.stderr.contains("environment variable `RUNNINGHUB_SERVER`"), "{server}");
    let done = account().env("RUNNINGHUB_TIME_SCALE", "").run();
    assert_eq!(done.code, Some(0), "an empty variable counts as unset: {done}");
}

#[test]
fn a_success_without_results_is_reported() {
    let sim = answering(r#"{"code":0,"msg":"success","data":[]}"#);
    let id = scenario("01-simple").workflow_id();
    let (told, cure) = ("the task has no results", "only nodes that save files give results");
    let run = rhub(["run", &id]).at(&sim).run();
    assert_eq!(run.code, Some(0), "no results were asked for: {run}");
    assert!(run.stdout.contains(told) && run.stderr.contains(cure), "{run}");
    let dir = folder();
    for words in [&["download", "5", "6", "--out", "a"][..], &["watch", "5", "6", "--out", "b"]] {
        let done = rhub(words.iter().copied()).within(&dir).at(&sim).run();
        assert_eq!(done.code, Some(8), "{done}");
        assert_eq!(done.to_string().matches(told).count(), 2, "once for each task: {done}");
    }
}

#[test]
fn the_errors_of_several_tasks_have_their_hints_once() {
    let sim = Simulator::of("01-simple");
    for command in ["status", "outputs", "cancel"] {
        let done = rhub([command, "77", "78"]).at(&sim).run();
        assert_eq!(done.code, Some(4), "{done}");
        assert_eq!(done.stderr.matches("check the id").count(), 1, "{done}");
    }
}

#[test]
fn the_end_of_the_wait_for_several_tasks_is_reported() {
    let sim = answering(r#"{"code":804,"msg":"APIKEY_TASK_IS_RUNNING","data":null}"#);
    let done = rhub(["watch", "5", "6"]).at(&sim).env("RUNNINGHUB_TIMEOUT", "1").run();
    assert_eq!(done.code, Some(6), "{done}");
    assert!(done.stdout.contains("stopped waiting after 1 s (`RUNNINGHUB_TIMEOUT`)"), "{done}");
    let done = rhub(["watch", "5", "6", "--timeout", "1s", "--json"]).at(&sim).run();
    let codes = done.stdout.lines().filter_map(|line| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        line["code"].as_str().map(str::to_owned)
    });
    assert!(codes.collect::<Vec<_>>().contains(&"timeout".to_owned()), "{done}");
}
