//! AI apps and Quick Create: fields are set by name, checked before payment, and followed without a graph.

mod common;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::Path,
    sync::{Arc, Mutex},
};

use common::{WORKFLOW, hub, key, sim, watch};
use runninghub::{
    Code, ErrorKind, Event, Follow, Phase, Run, RunningHub, Service as _, Submit, SubmitStep,
    ledger::{Filter, Ledger as _, MemoryLedger, State},
};
use runninghub_sim::{App, Fault, Rate, Scenario, Sim, SimBuilder};
use serde_json::{Value, json};

fn apps() -> SimBuilder {
    sim().app(App::demo()).app(App::new("bare", common::scenario())).speed(50.0)
}

async fn start() -> (Sim, RunningHub) {
    let sim = apps().start().await.expect("the simulator starts");
    let hub = hub(&sim);
    (sim, hub)
}

#[tokio::test]
async fn a_field_is_found_by_any_of_its_names() {
    let (sim, hub) = start().await;
    let run = hub
        .submit(
            Submit::app(App::demo().id())
                .set("6.text", "a dog")
                .set("STEPS", 30)
                .set("guidance", 7.5)
                .set("画布", "竖图")
                .set("加载模型.style", "Watercolour")
                .set("upscale", "off")
                .set("mode", "slow")
                .set("stamp", "anything")
                .node_info_list(vec![
                    json!({"nodeId": 10, "fieldName": "image", "fieldValue": "openapi/x.png"}),
                ]),
        )
        .await;
    let end = run.expect("accepted").finish().await.expect("watched");
    assert_eq!((end.phase, sim.stats().creates), (Phase::Success, 1));
}

/// The platform doesn't return an app's workflow, so only the form has titles.
#[tokio::test]
async fn nodes_of_an_app_have_the_titles_of_its_form() {
    let sim = apps().speed(5.0).start().await.expect("the simulator starts");
    let ledger = Arc::new(MemoryLedger::new().expect("a ledger"));
    let hub = RunningHub::builder(key()).base_url(sim.base_url()).ledger(ledger as _).build().expect("a hub");
    let titles = async |run: &mut Run| {
        let mut titles = BTreeMap::new();
        for event in watch(run).await.events {
            if let Event::Progress(progress) = event {
                titles.extend(
                    progress.current.iter().map(|node| (node.id.to_string(), node.title.to_string())),
                );
            }
        }
        titles
    };
    let mut first = hub.submit(Submit::app(App::demo().id())).await.expect("accepted");
    let mut again = hub.follow(Follow::task(first.task_id().clone())).await.expect("followed");
    let (first, again) = tokio::join!(titles(&mut first), titles(&mut again));
    for seen in [first, again] {
        assert_eq!(seen.get("3").map(String::as_str), Some("采样 KSampler"), "{seen:?}");
    }
}

#[tokio::test]
async fn a_name_that_a_local_file_has_is_warned_of_before_it_is_paid() {
    let (_sim, hub) = start().await;
    // Tests run in the crate's folder.
    let listed = json!({"nodeId": "10", "fieldName": "image", "fieldValue": "Cargo.toml"});
    let app = || Submit::app(App::demo().id());
    for submit in [app().set("image", "Cargo.toml "), app().node_info_list(vec![listed])] {
        let warned = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&warned);
        let submit = submit.on_step(move |step| {
            if let SubmitStep::Warning { code, message } = step {
                told.lock().expect("not poisoned").push(format!("{code}: {message}"));
            }
        });
        hub.submit(submit).await.expect("accepted");
        let warned = warned.lock().expect("not poisoned");
        let [warning] = &warned[..] else { panic!("one warning: {warned:?}") };
        assert!(warning.starts_with("not_uploaded: the file `Cargo.toml`"), "{warning}");
        assert!(warning.contains("`10.image`"), "{warning}");
    }
}

#[tokio::test]
async fn a_file_that_is_missing_where_text_is_wanted_was_meant_as_text() {
    let (_sim, hub) = start().await;
    let hint = async |field: &str| {
        let submit = Submit::app(App::demo().id()).set_file(field, Path::new("me, a cat"));
        let error = hub.submit(submit).await.expect_err("no such file");
        error.hint().map(ToString::to_string)
    };
    assert_eq!(hint("6.text").await.as_deref(), Some("use the text itself instead of a file"));
    assert_eq!(hint("10.image").await, None);
}

/// Without a list of fields the name itself has to say where the node ends.
#[tokio::test]
async fn a_field_whose_name_has_points_is_set_without_a_form() {
    let (sim, _) = start().await;
    let (net, bodies) = common::bodies_to("/task/openapi/ai-app/run");
    let hub = RunningHub::builder(key()).base_url(sim.base_url()).net(net).build().expect("a hub");
    let app = Submit::app(App::new("bare", common::scenario()).id());
    let submit = app.set("290.resize_type.width", "640").set("57:3.a.b", "1").set("Format.0.text", "x");
    hub.submit(submit).await.expect("accepted");
    let body: Value = serde_json::from_str(&bodies.lock().expect("not poisoned")[0]).expect("JSON");
    let place = |entry: &Value| format!("{} {}", entry["nodeId"], entry["fieldName"]).replace('"', "");
    let places: Vec<_> = body["nodeInfoList"].as_array().expect("a list").iter().map(place).collect();
    assert_eq!(places, ["290 resize_type.width", "57:3 a.b", "Format.0 text"]);
}

#[tokio::test]
async fn nothing_is_paid_for_a_mistake() {
    let (sim, hub) = start().await;
    let app = || Submit::app(App::demo().id());
    let mut summary = String::new();
    for mistake in [
        app().set("promt", "x"),
        app().set("采样 KSampler", 1),
        app().set("steps", "many"),
        app().set("steps", 61),
        app().set("cfg", "NaN"),
        app().set("ratio", "wide"),
        app().set("mode", "fsat"),
        app().set("ratio", "None"),
        app().set_file("steps", Path::new("Cargo.toml")),
        app().set_file("image", Path::new("Cargo.toml")),
        app().set_file("image", Path::new("/nowhere/to/be.png")),
        app().node_info_list(vec![json!({"nodeId": "6"})]),
        Submit::app(App::new("bare", Scenario::demo()).id()).set("text", "x"),
    ] {
        let error = hub.submit(mistake).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
        let hint = error.hint().map_or("-".to_owned(), ToString::to_string);
        writeln!(summary, "{error} | {hint}").expect("text");
    }
    insta::assert_snapshot!(summary, @r#"
        the app has no field `promt` | did you mean `prompt`?
        several fields are named `采样 KSampler` | use one of `3.steps`, `3.cfg`
        `3.steps` takes a whole number, not `many` | its current value is `20`
        `61` is outside the range of `3.steps` | it takes a number from 1 to 60
        `3.cfg` takes a number, not `NaN` | its current value is `6.5`
        `5.ratio` has no choice `wide` | choices: `1:1` (方形), `3:4` (竖图)
        `9.mode` has no choice `fsat` | did you mean `fast`?
        `5.ratio` has no choice `None` | choices: `1:1` (方形), `3:4` (竖图)
        `3.steps` does not take a file | it is of type `int`
        `10.image` does not take files like Cargo.toml | the platform accepts jpg, jpeg, png, webp there
        file /nowhere/to/be.png not found | -
        an entry of the nodeInfoList is not complete | each entry is `{"nodeId": "6", "fieldName": "text", "fieldValue": "…"}`
        the app does not list its fields, so `text` cannot be looked up | give the node's id and the field, as in `6.text`
    "#);
    let error = hub.submit(Submit::app("1000000000000000000")).await.expect_err("no such app");
    assert_eq!((error.kind(), error.code().map(Code::as_str)), (ErrorKind::Refused, Some("901")));
    assert_eq!(sim.stats().creates, 0);
    assert_eq!(sim.stats().calls.get("/openapi/v2/media/upload/binary"), None, "no file was sent");
}

#[tokio::test]
async fn a_run_without_a_graph_has_nodes_but_no_overall_percentage() {
    let sim = apps()
        .speed(2.0)
        .wait_for_socket(std::time::Duration::from_secs(5))
        .start()
        .await
        .expect("the simulator starts");
    let mut run = hub(&sim)
        .submit(Submit::app(App::new("bare", Scenario::demo()).id()).set("6.text", "x"))
        .await
        .expect("accepted");
    assert!(run.workflow_id().is_none() && run.plan().is_none());
    let watched = watch(&mut run).await;
    assert_eq!((watched.end.phase, watched.end.outputs.len()), (Phase::Success, 1));
    let mut steps = 0;
    for event in &watched.events {
        if let Event::Progress(progress) = event {
            assert_eq!(progress.overall.is_some(), progress.phase == Phase::Success, "{progress:?}");
            steps += progress.current.iter().filter(|node| node.max == Some(20.0)).count();
        }
    }
    assert!(steps > 0, "the sampler's steps are seen");
}

#[tokio::test]
async fn every_way_of_running_is_written_down_and_paid_once() {
    let (sim, _) = start().await;
    let ledger = Arc::new(MemoryLedger::new().expect("a ledger"));
    let hub = RunningHub::builder(key())
        .base_url(sim.base_url())
        .ledger(Arc::clone(&ledger) as _)
        .build()
        .expect("a hub");
    let id = App::demo().id();
    let mut runs = Vec::new();
    runs.push(hub.submit(Submit::app(&*id)).await.expect("accepted"));
    runs.push(hub.submit(Submit::app(&*id).v2().set("text", "x")).await.expect("accepted"));
    runs.push(hub.submit(Submit::quick(&*id, "006")).await.expect("accepted"));
    for run in &mut runs {
        assert_eq!(run.finish().await.expect("watched").phase, Phase::Success);
    }
    let mut run =
        hub.submit(Submit::workflow(WORKFLOW).v2().set("Prompt.text", "a dog")).await.expect("accepted");
    assert_eq!(run.finish().await.expect("watched").phase, Phase::Success);
    let entries = ledger.entries(Filter::all()).await.expect("entries");
    let mut kinds: Vec<_> = entries.iter().map(|entry| (entry.intent.kind.as_str(), entry.state)).collect();
    kinds.sort_unstable_by_key(|(kind, _)| *kind);
    assert_eq!(
        kinds,
        [("app", State::Done), ("app", State::Done), ("quick", State::Done), ("workflow", State::Done)]
    );
    assert_eq!(sim.stats().creates, 4);
    for path in ["/task/openapi/ai-app/run", "/task/openapi/quick-ai-app/run"] {
        assert_eq!(sim.stats().calls.get(path), Some(&1), "{path}");
    }
    assert_eq!(hub.submit(Submit::graph("{}").v2()).await.expect_err("no id").kind(), ErrorKind::Usage);
}

#[tokio::test]
async fn a_lost_response_is_unknown_and_never_retried() {
    let sim =
        apps().fault(Fault::LostCreateAnswer(Rate::First(9))).start().await.expect("the simulator starts");
    let hub = hub(&sim);
    let id = App::demo().id();
    for submit in [Submit::app(&*id), Submit::app(&*id).v2(), Submit::quick(&*id, "001")] {
        assert_eq!(hub.submit(submit).await.expect_err("lost").kind(), ErrorKind::SubmitUnknown);
    }
    assert_eq!(sim.stats().creates, 3);
}

#[tokio::test]
async fn apps_and_styles_are_listed() {
    let (_sim, hub) = start().await;
    let page = hub.apps(|list| list.size(1)).await.expect("a page");
    assert!(page.has_next && page.records.len() == 1);
    assert_eq!(hub.apps(|list| list.size(0)).await.expect_err("no page").kind(), ErrorKind::Usage);
    assert_eq!(hub.quick_styles(&App::demo().id().as_str().into(), 1).await.expect("styles").len(), 2);
}
