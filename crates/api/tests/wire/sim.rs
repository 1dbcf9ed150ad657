//! The client against the simulator, which builds its responses from the platform's documentation and shares none of
//! our types.

use std::{fs, time::Duration};

use runninghub_api::{
    ApiKey, AssetType, Class, Client, ClientBuilder, CreateOutcome, ErrorKind, NodeInput, ResourceType,
    Retry, UploadSource,
};
use runninghub_core::{Observation, TaskId, TaskStatus, WorkflowId};
use runninghub_net::{ErrorKind as NetErrorKind, NetOptions, extension, result_name};
use runninghub_sim::{App, Fault, Scenario, Sim, SimBuilder};

pub(crate) fn simulator() -> SimBuilder {
    Sim::builder().scenario(Scenario::demo()).speed(f64::INFINITY)
}

async fn with(faults: &[&str]) -> (Sim, Client, WorkflowId) {
    let parse = |name: &&str| name.parse::<Fault>().expect("a fault");
    start(faults.iter().map(parse).fold(simulator(), SimBuilder::fault)).await
}

async fn start(builder: SimBuilder) -> (Sim, Client, WorkflowId) {
    let sim = builder.start().await.expect("started");
    let client = client(&sim, Sim::DEMO_KEY);
    let workflow_id = sim.workflow_ids().first().expect("a workflow").as_str().into();
    (sim, client, workflow_id)
}

pub(crate) fn builder(sim: &Sim, key: &str) -> ClientBuilder {
    Client::builder(ApiKey::new(key).expect("a key")).base_url(sim.base_url()).time_scale(0.0)
}

pub(crate) fn client(sim: &Sim, key: &str) -> Client {
    builder(sim, key).build().expect("a client")
}

/// Polls until the task is over; each poll is a round trip, so this needs no pauses.
pub(crate) async fn end(client: &Client, task_id: &TaskId) -> Observation {
    loop {
        let seen = client.outputs(task_id).await.expect("an answer");
        if seen.status.is_over() {
            return seen;
        }
    }
}

#[tokio::test]
async fn a_task_from_create_to_files() {
    let (sim, client, workflow_id) = with(&[]).await;
    let graph = client.workflow(&workflow_id).await.expect("a workflow");
    let graph: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&graph).expect("JSON");
    assert!(!graph.is_empty());

    let created = client.create(Some(workflow_id)).await.expect("accepted");
    assert!(created.tips.node_errors.is_empty() && created.client_id.is_some());
    let seen = end(&client, &created.task_id).await;
    assert_eq!(seen.status, TaskStatus::Success);
    assert!(!seen.outputs.is_empty() && seen.cost.is_some());
    assert_eq!(client.status(&created.task_id).await.expect("a status"), TaskStatus::Success);
    let same = client.query(&created.task_id).await.expect("an answer");
    assert_eq!((same.status, same.outputs.len()), (TaskStatus::Success, seen.outputs.len()));

    let directory = tempfile::tempdir().expect("a directory");
    for (index, output) in seen.outputs.iter().enumerate() {
        let url = output.url.as_ref().expect("a file").expose();
        let extension = extension(Some(url), output.file_type.as_deref());
        let name = result_name(&created.task_id, output.node_id.as_ref(), index + 1, &extension);
        let saved = client.files().download(url, directory.path(), &name).await.expect("saved");
        assert_eq!(saved.bytes, fs::metadata(&saved.path).expect("a file").len());
        assert!(saved.bytes > 0 && saved.path.ends_with(&name));
    }
    assert_eq!(sim.stats().creates, 1);
    assert_eq!(sim.stats().api_calls(), client.calls());
}

#[tokio::test]
async fn a_running_task_names_its_socket_and_can_be_stopped() {
    let (_sim, client, workflow_id) =
        start(Sim::builder().scenario(Scenario::demo()).speed(0.01).concurrency(1)).await;
    let task_id = client.create(Some(workflow_id.clone())).await.expect("accepted").task_id;
    let seen = client.outputs(&task_id).once().await.expect("an answer");
    assert_eq!(seen.status, TaskStatus::Running);
    assert!(seen.socket.expect("an address").expose().starts_with("ws"));
    let queue = client.queue_status().await.expect("figures");
    assert_eq!((queue.concurrent_limit, queue.running_count), (Some(1), Some(1)));
    assert_eq!(client.account().await.expect("an account").current_task_counts, Some(1));

    let full = client.create(Some(workflow_id)).await.expect_err("one at a time");
    assert_eq!((full.class(), full.create_outcome()), (Class::Capacity, Some(CreateOutcome::Refused)));
    assert!(matches!(full.retry(), Retry::Safe { after: Some(_) }));

    client.cancel(&task_id).await.expect("stopped");
    assert!(end(&client, &task_id).await.status != TaskStatus::Success);
    assert_eq!(client.cancel(&task_id).await.expect_err("it is over").class(), Class::NotFound);
}

#[tokio::test]
async fn account_commands() {
    let (_sim, client, _) = with(&[]).await;
    let keys = client.api_keys().await.expect("keys");
    assert!(keys[0].key.as_ref().is_some_and(|key| key.raw().contains('*')) && keys[0].is_on == Some(true));

    let list = client.resources(ResourceType::Checkpoint).size(1).page(2);
    let page = list.await.expect("a page");
    assert_eq!((page.total, page.pages, page.has_next, page.records.len()), (Some(2), Some(2), false, 1));
    let none = client.resources(ResourceType::Lora).base_model("SDXL").await.expect("a page");
    assert!(none.records.is_empty());
    let grain = client.resources(ResourceType::Lora).name("GRAIN").tag("3").await.expect("a page");
    assert_eq!(grain.records[0].versions[0].file, Some("film_grain_v2.safetensors".into()));
    let wrong = client.resources(ResourceType::Unet).size(51).await.expect_err("too many");
    assert!(matches!(wrong.kind(), ErrorKind::Usage { .. }));
}

#[tokio::test]
async fn assets_are_created_become_ready_and_are_deleted() {
    let (_sim, client, _) = with(&[]).await;
    let group = client.create_asset_group("seaside", Some("for the film")).await.expect("a group");
    let group_id = group.group_id.expect("an id").raw().to_owned();
    let url = "https://h/sea.png?sign=s3cret";
    let asset = client.create_asset(&group_id, url, AssetType::Image, Some("sea")).await;
    let asset_id = asset.expect("an asset").asset_id.expect("an id").raw().to_owned();
    assert!(!client.asset(&asset_id).await.expect("an asset").is_ready());
    assert!(client.asset(&asset_id).await.expect("an asset").is_ready());
    client.update_asset(&asset_id, "waves").await.expect("renamed");
    let page = client.assets().group(&group_id).name("waves").status("ACTIVE").size(1).await.expect("a page");
    assert_eq!((page.total, page.has_next, page.records.len()), (Some(1), false, 1));
    assert_eq!(page.records[0].name, Some("waves".into()));
    client.delete_asset(&asset_id).await.expect("removed");
    client.delete_asset(&asset_id).await.expect_err("it is gone");
    client.update_asset_group(&group_id, Some("beach"), Some("still")).await.expect("changed");
    assert_eq!(client.asset_group(&group_id).await.expect("a group").name, Some("beach".into()));
    client.create_asset_group("other", None).await.expect("a group");
    let page = client.asset_groups().size(1).await.expect("a page");
    assert_eq!((page.total, page.pages, page.has_next), (Some(2), Some(2), true));
    assert!(!client.asset_groups().size(1).page(2).await.expect("a page").has_next);
    client.delete_asset_group(&group_id).await.expect("removed");
}

#[tokio::test]
async fn a_lost_create_response_creates_one_task() {
    let (sim, client, workflow_id) = with(&["lost-create-answer"]).await;
    let error = client.create(Some(workflow_id)).await.expect_err("lost");
    assert_eq!((error.create_outcome(), error.retry()), (Some(CreateOutcome::Unknown), Retry::Ambiguous));
    assert_eq!((sim.stats().creates, sim.tasks().len()), (1, 1));
}

#[tokio::test]
async fn requests_survive_transient_errors() {
    for trouble in ["http-5xx=2", "html=2", "lost-answers=2"] {
        let (_sim, client, workflow_id) = with(&[trouble]).await;
        client.workflow(&workflow_id).await.unwrap_or_else(|error| panic!("{trouble}: {error}"));
        assert_eq!(client.calls(), 3, "{trouble}");
    }
}

#[tokio::test]
async fn a_failed_task_says_why() {
    let (_sim, client, workflow_id) = with(&["task-fails"]).await;
    let task_id = client.create(Some(workflow_id)).await.expect("accepted").task_id;
    let failure = end(&client, &task_id).await.failure.expect("a reason");
    assert!(failure.node_id.is_some() && failure.exception_type.is_some() && failure.message.is_some());
    assert!(!failure.traceback.is_empty());
    let same = client.query(&task_id).await.expect("an answer").failure.expect("a reason");
    assert_eq!((same.node_id, same.message), (failure.node_id, failure.message));
}

#[tokio::test]
async fn an_expired_link_works_after_asking_again() {
    let (_sim, client, workflow_id) = with(&["expired-links"]).await;
    let task_id = client.create(Some(workflow_id)).await.expect("accepted").task_id;
    let directory = tempfile::tempdir().expect("a directory");
    let url = |seen: Observation| seen.outputs[0].url.clone().expect("a file");
    let old = url(end(&client, &task_id).await);
    let error = client.files().download(old.expose(), directory.path(), "a.png").await.expect_err("expired");
    assert!(matches!(error.kind(), NetErrorKind::Expired { .. }), "{error}");
    let new = url(client.outputs(&task_id).await.expect("an answer"));
    client.files().download(new.expose(), directory.path(), "a.png").await.expect("saved");
}

#[tokio::test]
async fn refusals_are_distinguished() {
    let (sim, client, workflow_id) = with(&[]).await;
    let stranger = self::client(&sim, "ffffffffffffffffffffffffffffffff");
    let wrong_node = NodeInput::new("999999", "text", "x");
    for (error, class) in [
        (client.create(Some("404".into())).await.expect_err("no workflow"), Class::BadRequest),
        (
            client.create(Some(workflow_id.clone())).node(wrong_node).await.expect_err("no node"),
            Class::BadRequest,
        ),
        (stranger.create(Some(workflow_id.clone())).await.expect_err("no key"), Class::Auth),
    ] {
        assert_eq!((error.class(), error.create_outcome()), (class, Some(CreateOutcome::Refused)), "{error}");
        assert_eq!(error.retry(), Retry::Never, "{error}");
    }
    for error in [
        stranger.account().await.map(drop).expect_err("no key"),
        stranger.queue_status().await.map(drop).expect_err("no key"),
        stranger.query(&"7".into()).await.map(drop).expect_err("no key"),
    ] {
        assert_eq!(error.class(), Class::Auth, "{error}");
        assert!(error.hint().is_some_and(|hint| hint.to_string().contains("site")), "{error}");
    }
    for error in [
        client.outputs(&"7".into()).await.map(drop).expect_err("no task"),
        client.query(&"7".into()).await.map(drop).expect_err("no task"),
    ] {
        assert_eq!(error.class(), Class::NotFound, "{error}");
    }
    assert_eq!(sim.stats().creates, 0);
}

/// Some enterprise keys are refused in the body; this is detected with a read request, not with a paid one.
#[tokio::test]
async fn a_key_that_has_to_stand_in_the_header_alone() {
    let (sim, client, workflow_id) = start(simulator().app(App::demo()).fault(Fault::HeaderKeys)).await;
    let error = client.create(Some(workflow_id.clone())).await.expect_err("refused");
    assert_eq!(error.create_outcome(), Some(CreateOutcome::Refused));
    assert_eq!(sim.stats().calls["/task/openapi/create"], 1, "sent once");

    client.workflow(&workflow_id).await.expect("by the header");
    let created = client.create(Some(workflow_id)).await.expect("accepted at once");
    assert_eq!(sim.stats().calls["/task/openapi/create"], 2);
    assert_eq!(end(&client, &created.task_id).await.status, TaskStatus::Success);

    client.app(&App::demo().id().into()).await.expect("also where the key would stand in the query");
    let later = self::client(&sim, Sim::DEMO_KEY);
    later.outputs(&created.task_id).once().await.expect("also where a question is asked once");
    let stranger = self::client(&sim, "0123456789abcdef");
    let error = stranger.status(&created.task_id).await.expect_err("no such key");
    assert_eq!(error.class(), Class::Auth, "{error}");
}

#[tokio::test]
async fn an_upload_has_a_name_and_a_url() {
    let (_sim, client, _) = with(&[]).await;
    let uploaded = client.upload(UploadSource::bytes("cat.png", "\u{89}PNG meow")).await.expect("uploaded");
    let name = std::path::Path::new(uploaded.file_name.as_str());
    assert!(name.extension().is_some_and(|extension| extension == "png"));
    assert_eq!((uploaded.kind, uploaded.size), (Some("image".into()), Some(10)));
    assert!(uploaded.download_url.is_some());
}

#[tokio::test]
async fn an_equal_file_is_not_sent_twice() {
    let (sim, ..) = with(&[]).await;
    let directory = tempfile::tempdir().expect("a directory");
    let uploads = directory.path().join("uploads");
    let client = |key| {
        let builder = Client::builder(ApiKey::new(key).expect("a key")).base_url(sim.base_url());
        builder.uploads(&uploads).build().expect("a client")
    };
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        fs::write(&path, text).expect("a file");
        UploadSource::path(path)
    };
    let first = client(Sim::DEMO_KEY);
    let sent = first.upload(file("a.png", "meow")).await.expect("uploaded");
    let later = client(Sim::DEMO_KEY);
    let known = later.upload(file("b.PNG", "meow")).await.expect("known");
    assert!(known.was_known && !sent.was_known);
    assert_eq!((&known.file_name, first.calls(), later.calls()), (&sent.file_name, 1, 0));
    assert_eq!(known.download_url, sent.download_url);
    for other in [file("a.png", "woof"), file("a.jpg", "meow")] {
        let before = later.calls();
        later.upload(other).await.expect("uploaded");
        assert_eq!(later.calls(), before + 1, "another content or kind");
    }
    let error = client("fedcba9876543210").upload(file("a.png", "meow")).await.expect_err("another key");
    assert_eq!(error.class(), Class::Auth, "{error}");
    let entries = || fs::read_dir(&uploads).expect("a folder").map(|entry| entry.expect("an entry").path());
    assert_eq!(entries().count(), 3);
    for entry in entries() {
        let text = fs::read_to_string(&entry).expect("an entry");
        assert!(!text.contains(Sim::DEMO_KEY));
        let (start, _) = text.split_once("\"until\":").expect("an end");
        fs::write(&entry, format!("{start}\"until\":1}}")).expect("an older entry");
    }
    later.upload(file("a.png", "meow")).await.expect("uploaded");
    assert_eq!(later.calls(), 3, "what is too old is sent again");
    for entry in entries() {
        fs::write(entry, "{").expect("a broken entry");
    }
    later.upload(file("a.png", "meow")).await.expect("uploaded");
    assert_eq!(later.calls(), 4, "what cannot be read is sent again");
}

#[tokio::test]
async fn an_upload_the_older_way_has_a_name() {
    let (sim, client, _) = with(&[]).await;
    let name = client.upload_legacy(UploadSource::bytes("cat.PNG", "meow")).await.expect("uploaded");
    assert!(name.as_str().starts_with("api/") && name.as_str().rsplit('.').next() == Some("png"), "{name:?}");
    let archive = client.upload_legacy(UploadSource::bytes("cats.zip", "PK")).await.expect("uploaded");
    assert!(archive.as_str().len() == 64 && !archive.as_str().contains(['/', '.']), "{archive:?}");
    let stranger = self::client(&sim, "0123456789abcdef");
    let error =
        stranger.upload_legacy(UploadSource::bytes("cat.png", "meow")).await.expect_err("no such key");
    assert_eq!(error.class(), Class::Auth, "{error}");
}

#[tokio::test]
async fn a_lora_is_uploaded_once() {
    let (_sim, client, _) = with(&[]).await;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("style.safetensors");
    fs::write(&path, "weights").expect("a file");
    let sent = client.upload_lora(&path).await.expect("uploaded");
    assert_eq!(sent.file_name.as_str(), "api-lora-cn/63f4f1e9b725370f459720575cd5f953.safetensors");
    assert!(!sent.was_there);
    let again = client.upload_lora(&path).named("another name").await.expect("known");
    assert!(again.was_there && again.file_name == sent.file_name);
}

#[tokio::test]
async fn slow_responses_are_waited_for() {
    let (_sim, client, workflow_id) =
        start(simulator().fault(Fault::SlowAnswers(Duration::from_millis(50)))).await;
    client.workflow(&workflow_id).await.expect("a workflow");
    assert_eq!(client.calls(), 1);
}

#[tokio::test]
async fn a_file_without_end_is_not_kept() {
    let (sim, _, workflow_id) = with(&["endless-files"]).await;
    let key = ApiKey::new(Sim::DEMO_KEY).expect("a key");
    let client = Client::builder(key)
        .base_url(sim.base_url())
        .net(NetOptions::default().max_file_size(1 << 20))
        .build()
        .expect("a client");
    let task_id = client.create(Some(workflow_id)).await.expect("accepted").task_id;
    let seen = end(&client, &task_id).await;
    let directory = tempfile::tempdir().expect("a directory");
    let url = seen.outputs[0].url.as_ref().expect("a file").expose();
    let error = client.files().download(url, directory.path(), "a.png").await.expect_err("no end");
    assert!(matches!(error.kind(), NetErrorKind::TooLarge { limit } if *limit == 1 << 20), "{error}");
    assert_eq!(fs::read_dir(directory.path()).expect("a folder").count(), 0);
}
