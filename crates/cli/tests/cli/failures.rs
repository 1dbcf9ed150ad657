//! Failures in `--json`: enough for a program to act on without parsing text.

use std::fs;

use runninghub_sim::{Fault, Native, Rule, Sim};
use serde_json::{Value, json};

use crate::{
    comfy::Server,
    common::{Done, Rhub, Simulator, folder, rhub, scenario},
};

/// The last line, after a check that it matches standard error.
fn failure(done: &Done) -> Value {
    let last: Value = serde_json::from_str(done.stdout.lines().last().expect("a result")).expect("JSON");
    let failure = last["failure"].clone();
    match failure["hint"].as_str() {
        Some(hint) => {
            let first = hint.lines().next().expect("a line");
            assert!(done.stderr.contains(first) || last["exit_code"] == 1, "{hint}\n{done}");
        }
        None => assert!(!done.stderr.contains("hint:"), "the hint is missing: {done}"),
    }
    failure
}

/// A platform that responds so to every create.
fn refusing(reply: &str) -> Simulator {
    let builder = Sim::builder().scenario(scenario("01-simple"));
    Simulator::start(builder.rule(Rule::answer("/task/openapi/create", 200, reply.to_owned())))
}

#[test]
fn every_failure_has_a_class_and_says_whether_to_repeat() {
    let id = scenario("01-simple").workflow_id();
    for (reply, exit, kind, retry) in [
        (r#"{"code":802,"msg":"APIKEY_UNAUTHORIZED","data":null}"#, 4, "auth", "never"),
        (r#"{"code":416,"msg":"WALLET","data":null}"#, 4, "quota", "never"),
        (r#"{"code":433,"msg":"VALIDATE_PROMPT_FAILED","data":null}"#, 4, "validation", "never"),
        (r#"{"code":1501,"msg":"no","data":null}"#, 4, "content", "never"),
        (r#"{"code":500,"msg":"UNKNOWN_ERROR","data":null}"#, 5, "submit_unknown", "ambiguous"),
    ] {
        let sim = refusing(reply);
        let done = rhub(["run", &id, "--json"]).at(&sim).run();
        let found = failure(&done);
        assert_eq!(done.code, Some(exit), "{done}");
        assert_eq!((&found["kind"], &found["retry"]), (&json!(kind), &json!(retry)), "{done}");
    }

    let sim = Simulator::of("01-simple");
    let at = |words: &[&str]| rhub(words.iter().copied().chain(["--json"])).at(&sim);
    let local: [(Rhub, i32, &str, &str); 6] = [
        (at(&["run", "1"]), 4, "not_found", "never"),
        (at(&["status", "77"]), 4, "not_found", "never"),
        (at(&["run", &id, "-s", "3.zzz=1"]), 2, "usage", "never"),
        (at(&["run", "--nothing"]), 2, "usage", "never"),
        (at(&["account"]).env("RUNNINGHUB_BASE_URL", "http://127.0.0.1:9"), 3, "network", "safe"),
        (at(&["tasks"]).env("RUNNINGHUB_STATE_DIR", "/dev/null/x"), 9, "store", "never"),
    ];
    for (command, exit, kind, retry) in local {
        let done = command.run();
        let last: Value = serde_json::from_str(done.stdout.lines().last().expect("a line")).expect("JSON");
        let failure = &last["failure"];
        assert_eq!(done.code, Some(exit), "{done}");
        assert_eq!((&failure["kind"], &failure["retry"]), (&json!(kind), &json!(retry)), "{done}");
    }

    let fails: Fault = "task-fails".parse().expect("a fault");
    let sim = Simulator::start(Sim::builder().scenario(scenario("01-simple")).fault(fails).speed(20.0));
    let done = rhub(["run", &id, "--json"]).at(&sim).run();
    let found = failure(&done);
    assert_eq!(done.code, Some(1), "{done}");
    assert_eq!((&found["kind"], &found["retry"]), (&json!("task"), &json!("never")), "{done}");
}

#[test]
fn a_missing_file_is_the_same_error_in_every_command() {
    let sim = Simulator::of("01-simple");
    for words in [
        &["upload", "none.png"][..],
        &["lora", "upload", "none.safetensors"],
        &["assets", "create", "none.png", "--group", "1"],
    ] {
        let done = rhub(words.iter().copied().chain(["--json"])).at(&sim).run();
        assert_eq!(done.code, Some(2), "{done}");
        let found = failure(&done);
        assert_eq!((&found["kind"], &found["hint"]), (&json!("usage"), &json!("nothing was sent")), "{done}");
    }
}

#[test]
fn the_errors_of_a_refused_workflow_are_a_list() {
    let server = Server::start(Native::builder());
    let dir = folder();
    let path = dir.path().join("model.json");
    let text = r#"{"1":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"dreamshaper8.safetensors"}},
        "2":{"class_type":"VAEDecode","inputs":{"samples":["1",0]}},
        "3":{"class_type":"SaveImage","inputs":{"images":["2",0],"filename_prefix":"x"}}}"#;
    fs::write(&path, text).expect("written");
    let done = server.rhub(["run", "--json"]).arg(&path).run();
    assert_eq!(done.code, Some(4), "{done}");
    let found = failure(&done);
    assert_eq!(found["kind"], "validation");
    let [model, vae] = found["errors"].as_array().expect("a list").as_slice() else { panic!("{found}") };
    assert_eq!((&model["node_id"], &model["node"]), (&json!("1"), &json!("CheckpointLoaderSimple")));
    assert_eq!((&model["type"], &model["input"]), (&json!("value_not_in_list"), &json!("ckpt_name")));
    assert_eq!(model["received"], "dreamshaper8.safetensors");
    assert_eq!(model["suggestions"], json!(["dreamshaper_8.safetensors"]));
    assert_eq!((&vae["node_id"], &vae["type"]), (&json!("2"), &json!("required_input_missing")));

    // RunningHub has the same list inside its own answer, in one of two places.
    let list = r#"{\"error\":{\"message\":\"no\"},\"node_errors\":{\"3\":{\"class_type\":\"KSampler\",\"errors\":[{\"type\":\"value_not_in_list\",\"message\":\"Value not in list\",\"details\":\"sampler_name\",\"extra_info\":{\"input_name\":\"sampler_name\",\"received_value\":\"eular\"}}]}}}"#;
    for reply in [
        format!(r#"{{"code":433,"msg":"{list}","data":null}}"#),
        format!(r#"{{"code":433,"msg":"VALIDATE_PROMPT_FAILED","data":{{"promptTips":"{list}"}}}}"#),
    ] {
        let sim = refusing(&reply);
        let done = rhub(["run", &scenario("01-simple").workflow_id(), "--json"]).at(&sim).run();
        let errors = &failure(&done)["errors"];
        assert_eq!(errors[0]["received"], "eular", "{done}");
        assert_eq!(errors.as_array().map(Vec::len), Some(1), "{done}");
    }
}

#[test]
fn what_is_found_before_sending_names_its_nodes_too() {
    let server = Server::start(Native::builder());
    let dir = folder();
    for (name, text, exit, kind, errors) in [
        (
            "dangling",
            r#"{"1":{"class_type":"ImageInvert","inputs":{"image":["11",0]}},
                "2":{"class_type":"SaveImage","inputs":{"images":["12",0]}},"3":{"class_type":"SaveImage","inputs":{"images":["1",0]}}}"#,
            2,
            "usage",
            json!([["1", "image", "dangling_link"], ["2", "images", "dangling_link"]]),
        ),
        (
            "class",
            r#"{"1":{"class_type":"NoSuchNode","inputs":{}},"2":{"class_type":"SaveImage","inputs":{"images":["1",0]}}}"#,
            4,
            "validation",
            json!([["1", null, "missing_node_type"]]),
        ),
        (
            "number",
            r#"{"1":{"class_type":"KSampler","inputs":{"cfg":NaN}}}"#,
            2,
            "usage",
            json!([["1", "cfg", "invalid_number"]]),
        ),
    ] {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("written");
        let done = server.rhub(["run", "--json"]).arg(&path).run();
        assert_eq!(done.code, Some(exit), "{done}");
        let found = failure(&done);
        let named: Vec<_> = found["errors"].as_array().expect("a list").iter().collect();
        let named: Value =
            named.iter().map(|one| json!([one["node_id"], one["input"], one["type"]])).collect();
        assert_eq!((&found["kind"], &named), (&json!(kind), &errors), "{done}");
    }
}
