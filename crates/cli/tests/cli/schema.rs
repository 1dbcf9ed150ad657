//! Every line of `--json` matches the published schema.

use serde_json::Value;

use crate::common::{Simulator, fixture, folder, rhub, scenario};

#[test]
fn lines_of_replays_are_valid() {
    let schema = schema();
    for name in [
        "02-ksampler",
        "05-cached-partial",
        "07-error",
        "13-drop-reconnect",
        "18-progress-text",
        "21-blocked",
        "27-hard-json",
    ] {
        check(&schema, &rhub(["replay", "--json"]).arg(fixture(name)).run().stdout);
    }
}

#[test]
fn lines_of_live_commands_are_valid() {
    let schema = schema();
    let sim = Simulator::of("01-simple");
    let id = scenario("01-simple").workflow_id();
    let dir = folder();
    let events = check(&schema, &rhub(["run", &id, "--json", "--out"]).arg(dir.path()).at(&sim).run().stdout);
    assert_eq!(events.first().map(String::as_str), Some("submitted"));
    for event in ["plan", "status", "connection", "progress", "node", "output"] {
        assert!(events.iter().any(|seen| seen == event), "{event} is missing in {events:?}");
    }
    let task = sim.sim().tasks()[0].task_id.clone();
    for args in [
        &["status", &task][..],
        &["outputs", &task],
        &["account", "--keys"],
        &["queue"],
        &["resources", "lora"],
        &["assets", "group", "create", "a"],
        &["assets", "group", "list"],
        &["workflow", "show", &id],
        &["model", "list", "--kind", "3d"],
        &["model", "show", "f-2-dev/text-to-image"],
        &["model", "price", "rhart-text-g-25-pro/text-to-text", "-p", "prompt=x"],
        &["model", "run", "rhart-text-g-25-pro/text-to-text", "-p", "prompt=x"],
        &["watch", &task],
        &["run", &id, "--webhook", "http://127.0.0.1:9/x"],
        &["status", "77"],
    ] {
        check(&schema, &rhub(args.iter().copied().chain(["--json"])).at(&sim).run().stdout);
    }
    for rows in
        [&["--matrix", "1.width=64,128"][..], &["--matrix", "1.nothing=1"], &["--matrix", "1.width=64,64"]]
    {
        let plan = ["batch", "plan", "--workflow", &id, "--rows", "--json"];
        check(&schema, &rhub(plan.iter().copied().chain(rows.iter().copied())).at(&sim).run().stdout);
    }
    let called = sim.sim().tasks().into_iter().rfind(|task| task.webhook_url.is_some()).expect("a webhook");
    let shown = rhub(["webhook", "show", &called.task_id, "--json"]).at(&sim).run();
    let events = check(&schema, &shown.stdout);
    assert_eq!(events.first().map(String::as_str), Some("webhook"), "{shown}");
}

#[test]
fn every_line_about_a_task_names_it() {
    let sim = Simulator::of("01-simple");
    let id = scenario("01-simple").workflow_id();
    let dir = folder();
    let run = rhub(["run", &id, "--json", "--out"]).arg(dir.path()).at(&sim).run().stdout;
    let task = sim.sim().tasks()[0].task_id.clone();
    let mut outputs = vec![run];
    let out = folder();
    for args in [&["watch", &task][..], &["status", &task], &["outputs", &task], &["cancel", &task]] {
        outputs.push(rhub(args.iter().copied().chain(["--json"])).at(&sim).run().stdout);
    }
    outputs.push(rhub(["download", &task, "--json", "--out"]).arg(out.path()).at(&sim).run().stdout);
    for stdout in outputs {
        assert!(!stdout.is_empty());
        for line in stdout.lines() {
            let line: Value = serde_json::from_str(line).expect("JSON");
            assert_eq!(line["task_id"].as_str(), Some(&*task), "{line}");
        }
    }
}

#[test]
fn errors_have_a_result_too() {
    let schema = schema();
    for args in [
        &["run", "abc", "--json"][..],
        &["account", "--json"],
        &["run", "--json", "--nonsense"],
        &["replay", "/nowhere", "--format", "json"],
    ] {
        let done = rhub(args.iter().copied()).run();
        assert_eq!(check(&schema, &done.stdout), ["result"], "{args:?}");
        let line: Value = serde_json::from_str(&done.stdout).expect("one line");
        assert_eq!(line["status"], "error");
        assert_eq!(
            line["exit_code"].as_i64().map(i32::try_from),
            done.code.map(|code| i32::try_from(i64::from(code)))
        );
    }
}

#[test]
fn the_check_sees_what_is_wrong() {
    let schema = schema();
    let good = r#"{"schema":"rhub.event/1","t":0,"event":"status","status":"queued","waited_s":0}"#;
    assert!(is_valid(&schema, &schema, &serde_json::from_str(good).expect("JSON")));
    for bad in [
        r#"{"t":0,"event":"status","status":"queued","waited_s":0}"#,
        r#"{"schema":"rhub.event/1","t":0,"event":"status","status":"queued","waited_s":"0"}"#,
        r#"{"schema":"rhub.event/1","t":0,"event":"status","waited_s":0}"#,
        r#"{"schema":"rhub.event/1","t":0,"event":"connection","state":"fine","attempt":1}"#,
        r#"{"schema":"rhub.event/1","t":0,"event":"nonsense"}"#,
    ] {
        assert!(!is_valid(&schema, &schema, &serde_json::from_str(bad).expect("JSON")), "{bad}");
    }
}

pub(crate) fn schema() -> Value {
    let done = rhub(["schema"]).run();
    assert_eq!(done.code, Some(0));
    serde_json::from_str(&done.stdout).expect("a JSON schema")
}

/// The names of the events; `result` is the last one and occurs once.
pub(crate) fn check(schema: &Value, stdout: &str) -> Vec<String> {
    let mut last = 0.0;
    let mut events = Vec::new();
    for line in stdout.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert!(is_valid(schema, schema, &line), "not in the schema: {line}");
        let t = line["t"].as_f64().expect("a number");
        // Each run of a recording starts at 0 again.
        assert!(
            t >= last || events.last().is_some_and(|event| event == "result"),
            "time goes back in {line}"
        );
        last = t;
        events.push(line["event"].as_str().expect("a name").to_owned());
    }
    assert_eq!(events.last().map(String::as_str), Some("result"), "{stdout}");
    events
}

/// The subset of JSON Schema that this schema uses.
fn is_valid(root: &Value, schema: &Value, value: &Value) -> bool {
    let Some(schema) = schema.as_object() else { return schema != &Value::Bool(false) };
    schema.iter().all(|(key, rule)| match key.as_str() {
        "$ref" => {
            let pointer = rule.as_str().and_then(|path| path.strip_prefix('#')).expect("a local reference");
            is_valid(root, root.pointer(pointer).expect("a definition"), value)
        }
        "type" => match rule {
            Value::Array(types) => types.iter().any(|one| is_type(one, value)),
            one => is_type(one, value),
        },
        "const" => rule == value,
        "enum" => rule.as_array().is_some_and(|all| all.contains(value)),
        "oneOf" => rule
            .as_array()
            .is_some_and(|all| all.iter().filter(|one| is_valid(root, one, value)).count() == 1),
        "anyOf" => rule.as_array().is_some_and(|all| all.iter().any(|one| is_valid(root, one, value))),
        "required" => rule
            .as_array()
            .is_some_and(|all| all.iter().filter_map(Value::as_str).all(|name| value.get(name).is_some())),
        "properties" => rule.as_object().is_some_and(|all| {
            all.iter().all(|(name, rule)| value.get(name).is_none_or(|value| is_valid(root, rule, value)))
        }),
        "items" => value.as_array().is_none_or(|all| all.iter().all(|one| is_valid(root, rule, one))),
        "minimum" => value.as_f64().is_none_or(|number| rule.as_f64().is_some_and(|least| number >= least)),
        "maximum" => value.as_f64().is_none_or(|number| rule.as_f64().is_some_and(|most| number <= most)),
        "minItems" => {
            value.as_array().is_none_or(|all| rule.as_u64().is_some_and(|least| all.len() as u64 >= least))
        }
        "maxItems" => {
            value.as_array().is_none_or(|all| rule.as_u64().is_some_and(|most| all.len() as u64 <= most))
        }
        // Only maps have it.
        "additionalProperties" => {
            value.as_object().is_none_or(|all| all.values().all(|one| is_valid(root, rule, one)))
        }
        "$schema" | "$defs" | "title" | "description" | "format" | "default" => true,
        other => panic!("the check does not know `{other}`"),
    })
}

fn is_type(name: &Value, value: &Value) -> bool {
    match name.as_str().expect("a name") {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "integer" => value.is_u64() || value.is_i64(),
        other => panic!("no such type: {other}"),
    }
}
