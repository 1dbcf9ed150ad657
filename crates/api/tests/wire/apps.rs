//! AI apps, Quick Create and v2 runs against the simulator, with their exact requests.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use runninghub_api::{
    App, AppSort, Class, Client, Code, CreateOutcome, Error, ErrorKind, FieldKind, InstanceType, RunOptions,
};
use runninghub_core::{TaskStatus, WebappId};
use runninghub_net::{Exchange, NetOptions};
use runninghub_sim::{App as SimApp, Fault, Scenario, Sim, SimBuilder};
use serde_json::{Value, json};

use crate::{
    sim::{client, end},
    support::{KEY, Reply, Server},
};

fn simulator() -> SimBuilder {
    Sim::builder().scenario(Scenario::demo()).app(SimApp::demo()).speed(f64::INFINITY)
}

async fn start() -> (Sim, Client, WebappId) {
    let sim = simulator().start().await.expect("started");
    let client = client(&sim, Sim::DEMO_KEY);
    (sim, client, SimApp::demo().id().into())
}

fn options() -> RunOptions {
    let mut options = RunOptions::default();
    options.instance_type = Some(InstanceType::Plus);
    options.retain_seconds = Some(10);
    options.use_personal_queue = Some(true);
    options.access_password = Some("pass".into());
    options.webhook_url = Some("https://h/hook".into());
    options.add_metadata = Some(false);
    options
}

/// The path, and the body without the key.
fn sent(server: &Server) -> (String, Value) {
    let request = server.requests().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").expect("a request");
    let mut body: Value = serde_json::from_str(body).expect("JSON");
    if let Some(fields) = body.as_object_mut() {
        fields.remove("apiKey");
    }
    (head.split(' ').nth(1).expect("a path").to_owned(), body)
}

#[tokio::test]
async fn a_form_is_filled_in_and_run() {
    let (sim, client, id) = start().await;
    let app: App = client.app(&id).await.expect("an app");
    assert_eq!(app.name, Some("portrait".into()));
    let kinds: Vec<_> = app.fields.iter().map(|field| field.kind.as_str()).collect();
    assert_eq!(kinds, ["text", "int", "float", "list", "list", "boolean", "list", "image", "HOLOGRAM"]);
    let field = |name: &str| app.fields.iter().find(|field| field.field_name == name).expect("a field");
    let choices =
        |name: &str| field(name).choices.iter().map(|choice| choice.value.as_str()).collect::<Vec<_>>();
    assert_eq!(choices("ratio"), ["1:1", "3:4"]);
    assert_eq!(choices("style"), ["watercolour", "oil"]);
    assert_eq!((choices("mode"), choices("image")), (vec!["fast", "slow"], vec![]));
    assert_eq!((field("steps").range.min, field("steps").range.max), (Some(1.0), Some(60.0)));
    assert_eq!(field("image").kind, FieldKind::Image);

    let list = vec![field("ratio").with("3:4"), field("text").unchanged()];
    let created =
        client.run_app(&id).node_info_list(list.clone()).options(options()).await.expect("accepted");
    assert_eq!(end(&client, &created.task_id).await.status, TaskStatus::Success);
    let newer = client.run_app_v2(id.clone()).node_info_list(list.clone()).await.expect("accepted");
    assert_eq!(end(&client, &newer.task_id).await.status, TaskStatus::Success);
    let quick = client.quick_run(&id, "006").node_info_list(list).await.expect("accepted");
    assert_eq!(end(&client, &quick.task_id).await.status, TaskStatus::Success);
    assert_eq!(sim.stats().creates, 3);

    let label =
        client.run_app(&id).node_info_list(vec![field("ratio").with("方形")]).await.expect_err("a name");
    assert_eq!(
        (label.code().map(Code::as_str), label.create_outcome()),
        (Some("803"), Some(CreateOutcome::Refused))
    );
}

#[tokio::test]
async fn a_workflow_runs_by_v2() {
    let (sim, client, id) = start().await;
    let workflow = Scenario::demo().workflow_id();
    let created = client.run_workflow(workflow.as_str().into()).await.expect("accepted");
    assert!(created.socket.is_none() && created.tips.outputs_to_execute.is_none());
    assert_eq!(end(&client, &created.task_id).await.status, TaskStatus::Success);
    assert_eq!(sim.tasks()[0].workflow_id, workflow);
    let unknown = client.run_workflow("404".into()).await.expect_err("unknown");
    assert_eq!(
        (unknown.class(), unknown.create_outcome()),
        (Class::BadRequest, Some(CreateOutcome::Refused))
    );
    let unknown = client.run_app(&"404".into()).await.expect_err("unknown");
    assert_eq!(
        (unknown.code().map(Code::as_str), unknown.create_outcome()),
        (Some("901"), Some(CreateOutcome::Refused))
    );
    let stranger = self::client(&sim, "ffffffffffffffffffffffffffffffff");
    for error in [
        stranger.app(&id).await.map(drop).expect_err("no key"),
        stranger.run_app(&id).await.map(drop).expect_err("no key"),
        stranger.run_app_v2(id.clone()).await.map(drop).expect_err("no key"),
        stranger.run_workflow(workflow.as_str().into()).await.map(drop).expect_err("no key"),
        stranger.apps().await.map(drop).expect_err("no key"),
    ] {
        assert_eq!(error.class(), Class::Auth, "{error}");
    }
    assert_eq!(sim.stats().creates, 1);
}

#[tokio::test]
async fn a_lost_response_of_any_run_creates_one_task() {
    let lost = |error: Error| assert_eq!(error.create_outcome(), Some(CreateOutcome::Unknown), "{error}");
    let id: WebappId = SimApp::demo().id().into();
    let faulty = async || {
        let sim = simulator()
            .fault("lost-create-answer".parse::<Fault>().expect("a fault"))
            .start()
            .await
            .expect("started");
        let client = client(&sim, Sim::DEMO_KEY);
        (sim, client)
    };
    let (sim, client) = faulty().await;
    lost(client.run_app(&id).await.expect_err("lost"));
    assert_eq!(sim.stats().creates, 1);
    let (sim, client) = faulty().await;
    lost(client.run_app_v2(id.clone()).await.expect_err("lost"));
    assert_eq!(sim.stats().creates, 1);
    let (sim, client) = faulty().await;
    lost(client.quick_run(&id, "001").await.expect_err("lost"));
    assert_eq!(sim.stats().creates, 1);
    let (sim, client) = faulty().await;
    lost(client.run_workflow(Scenario::demo().workflow_id().as_str().into()).await.expect_err("lost"));
    assert_eq!(sim.stats().creates, 1);
}

#[tokio::test]
async fn the_bodies_are_to_the_letter() {
    let all = json!({
        "addMetadata": false, "webhookUrl": "https://h/hook", "instanceType": "plus", "usePersonalQueue": true,
        "retainSeconds": 10, "accessPassword": "pass",
    });
    let with = |mut body: Value, more: &Value| {
        let fields = body.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        body
    };
    let legacy = r#"{"code":0,"msg":"","data":{"taskId":"7","taskStatus":"QUEUED"}}"#;
    let bare = r#"{"taskId":"7","status":"RUNNING","errorCode":"","results":null,"promptTips":""}"#;
    let list = vec![json!({"nodeId": "1", "fieldName": "a", "fieldValue": "b"})];

    let server = Server::start(vec![Reply::json(legacy)]).await;
    server
        .client()
        .run_app(&"9".into())
        .node_info_list(list.clone())
        .options(options())
        .await
        .expect("accepted");
    let body = with(json!({"webappId": "9", "nodeInfoList": list}), &all);
    assert_eq!(sent(&server), ("/task/openapi/ai-app/run".into(), body));

    let server = Server::start(vec![Reply::json(legacy)]).await;
    server.client().quick_run(&"9".into(), "006").await.expect("accepted");
    let body = json!({"webappId": "9", "quickCreateCode": "006", "nodeInfoList": []});
    assert_eq!(sent(&server), ("/task/openapi/quick-ai-app/run".into(), body));

    let server = Server::start(vec![Reply::json(bare)]).await;
    let created = server.client().run_app_v2("9".into()).options(options()).await.expect("accepted");
    assert_eq!(created.status, TaskStatus::Running);
    assert_eq!(sent(&server), ("/openapi/v2/run/ai-app/9".into(), with(json!({"nodeInfoList": []}), &all)));

    let server = Server::start(vec![Reply::json(bare)]).await;
    server.client().run_workflow("9".into()).await.expect("accepted");
    assert_eq!(sent(&server), ("/openapi/v2/run/workflow/9".into(), json!({"nodeInfoList": []})));
    assert!(!server.requests()[0].contains("apiKey"));
}

#[tokio::test]
async fn impossible_values_are_refused_before_sending() {
    let server = Server::start(vec![Reply::Close]).await;
    let client = server.client();
    let mut retain = RunOptions::default();
    retain.retain_seconds = Some(9);
    for error in [
        client.run_app(&"".into()).await.map(drop).expect_err("no id"),
        client.run_app_v2("../create".into()).await.map(drop).expect_err("no id"),
        client.run_workflow("1?a".into()).await.map(drop).expect_err("no id"),
        client.run_app(&"9".into()).options(retain).await.map(drop).expect_err("too short"),
        client.apps().size(51).await.map(drop).expect_err("too many"),
        client.apps().page(0).await.map(drop).expect_err("no page"),
    ] {
        assert!(matches!(error.kind(), ErrorKind::Usage { .. }), "{error}");
    }
    assert!(server.requests().is_empty());
}

#[derive(Default)]
struct Seen(Mutex<String>);

impl Seen {
    fn finished(&self, exchange: &Exchange<'_>) {
        let _ = write!(self.0.lock().expect("not poisoned"), "{exchange:?}");
    }
}

#[tokio::test]
async fn a_key_in_the_query_is_seen_by_the_server_alone() {
    let leak = format!(r#"{{"code":500,"msg":"no /api/webapp/apiCallDemo?apiKey={KEY}&webappId=9"}}"#);
    for reply in [Reply::json(&leak), Reply::Close, Reply::Reset, Reply::status(302, "Location: /x\r\n", "")]
    {
        let server = Server::start(vec![reply]).await;
        let seen = Arc::new(Seen::default());
        let client = server
            .builder()
            .net(NetOptions::default().observer({
                let seen = Arc::clone(&seen);
                move |exchange| seen.finished(exchange)
            }))
            .build()
            .expect("a client");
        let error = client.app(&"9".into()).await.expect_err("no app");
        let mut shown = format!("{error} {error:?} {client:?}");
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            let _ = write!(shown, "{error} {error:?}");
            cause = error.source();
        }
        let seen = seen.0.lock().expect("not poisoned").clone();
        assert!(!shown.contains(KEY) && !seen.contains(KEY), "{shown} {seen}");
        assert!(seen.contains("/api/webapp/apiCallDemo") && seen.contains("webappId"), "{seen}");
        let wanted = format!("GET /api/webapp/apiCallDemo?webappId=9&apiKey={KEY} ");
        assert!(server.requests()[0].starts_with(&wanted), "{}", server.requests()[0]);
    }
}

#[tokio::test]
async fn apps_and_styles_are_listed() {
    let (_sim, client, id) = start().await;
    let page = client.apps().sort(AppSort::Hottest).days(7).size(10).await.expect("a page");
    assert_eq!((page.total, page.has_next, page.records.len()), (Some(1), false, 1));
    assert_eq!(page.records[0].webapp_id, Some(id.clone()));
    let styles = client.quick_styles(&id, 1).await.expect("styles");
    assert_eq!((styles.len(), styles[0].model_key.clone()), (2, Some("ink".into())));
    assert_eq!(styles[1].lora2_file_name, Some("paper.safetensors".into()));
    assert_eq!(client.quick_styles(&"404".into(), 1).await.expect_err("unknown").class(), Class::BadRequest);
}
