//! Behavior specific to ComfyUI: validation, uploads, its queue, its races, restarts and old versions.

mod common;

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use common::{scenario, watch};
use futures_util::StreamExt as _;
use runninghub::{
    Comfy, Direction, Error, ErrorKind, Event, Follow, History, NativeProxy, NetOptions, Phase, Service as _,
    Site, Submit, TaskId, TaskStatus,
    ledger::{Filter, Ledger, MemoryLedger, State},
    sentence_of,
};
use runninghub_sim::{Native, NativeBuilder, Scenario};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

async fn start(builder: NativeBuilder) -> (Native, Comfy) {
    let server = builder.start().await.expect("the server starts");
    let comfy = Comfy::builder(server.base_url()).time_scale(0.2).build().expect("a handle");
    (server, comfy)
}

fn workflow() -> Value {
    json!({
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "dreamshaper_8.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "clip": ["4", 1]}},
        "3": {"class_type": "KSampler", "inputs": {
            "seed": 1, "steps": 4, "cfg": 8, "sampler_name": "euler", "scheduler": "normal", "denoise": 1,
            "model": ["4", 0], "positive": ["6", 0], "negative": ["6", 0], "latent_image": ["5", 0],
        }},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0], "filename_prefix": "cat"}},
        "10": {"class_type": "PreviewImage", "inputs": {"images": ["8", 0]}},
    })
}

async fn refused(comfy: &Comfy, workflow: &Value) -> Error {
    comfy.submit(Submit::graph(workflow.to_string())).await.expect_err("refused")
}

fn describe(error: &Error) -> String {
    let hint = error.hint().map(ToString::to_string);
    format!("{} | {}", sentence_of(error), hint.unwrap_or_default())
}

#[tokio::test]
async fn all_outputs_are_downloaded_including_temporary_ones() {
    let (_server, comfy) = start(Native::builder()).await;
    let mut run = comfy.submit(Submit::graph(workflow().to_string())).await.expect("accepted");
    let outputs = run.outputs().await.expect("it succeeded");
    assert_eq!(outputs.len(), 2);
    let dir = tempfile::tempdir().expect("a folder");
    let files = comfy.save(run.task_id(), dir.path()).await.expect("asked").complete().expect("saved");
    for file in &files {
        assert_eq!(file.path.extension().expect("one"), "png");
        assert!(std::fs::read(&file.path).expect("a file").starts_with(b"\x89PNG"));
    }
    assert_ne!(files[0].sha256, files[1].sha256);
    let again = comfy.save(run.task_id(), dir.path()).await.expect("asked").complete().expect("kept");
    assert_eq!(files, again);
}

#[tokio::test]
async fn the_socket_is_open_before_the_prompt_is_sent() {
    let (server, comfy) = start(Native::builder().scenario(scenario()).speed(f64::INFINITY)).await;
    let mut run = comfy.submit(Submit::graph(scenario().workflow_json())).await.expect("accepted");
    // All of it may have happened before the first poll, and still nothing is missed.
    let watched = watch(&mut run).await;
    let begun = watched.events.iter().filter(|event| matches!(event, Event::Node { .. })).count();
    assert!(begun >= 5, "{begun} changes of nodes");
    assert_eq!(server.sockets().0, 1);
    assert_eq!(watched.end.phase, Phase::Success);
}

#[tokio::test]
async fn recorded_runs_end_as_they_did() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures");
    for (name, version, phase) in [
        ("01-simple", "0.29.0", Phase::Success),
        ("02-ksampler", "0.29.0", Phase::Success),
        ("07-error", "0.29.0", Phase::Failed),
        ("09-expand", "0.29.0", Phase::Success),
        ("10-colon-ids", "0.29.0", Phase::Success),
        ("18-progress-text", "0.29.0", Phase::Success),
        ("20-lazy", "0.29.0", Phase::Success),
        ("21-blocked", "0.29.0", Phase::Success),
        ("25-custom-events", "0.29.0", Phase::Success),
        ("27-hard-json", "0.29.0", Phase::Success),
        ("v0.3.44-09-expand", "0.3.44", Phase::Success),
        ("v0.3.44-02-ksampler", "0.3.64", Phase::Success),
    ] {
        let scenario = Scenario::load(fixtures.join(name)).expect(name);
        let builder = Native::builder().scenario(scenario.clone()).speed(20.0).version(version).expect("one");
        let (_server, comfy) = start(builder).await;
        let mut run = comfy.submit(Submit::graph(scenario.workflow_json())).await.expect(name);
        let end = watch(&mut run).await.end;
        assert_eq!(end.phase, phase, "{name}");
        let files = end
            .outputs
            .iter()
            .filter(|output| output.url.as_ref().is_some_and(|url| url.expose().ends_with("type=output")));
        assert_eq!(files.count(), scenario.result_count(), "{name}");
    }
}

#[tokio::test]
async fn missing_classes_are_named_before_anything_is_sent() {
    let (server, comfy) = start(Native::builder()).await;
    let mut workflow = workflow();
    workflow["8"]["class_type"] = json!("VAEDecodeMagic");
    workflow["5"]["class_type"] = json!("FluxThing");
    insta::assert_snapshot!(describe(&refused(&comfy, &workflow).await), @"the server has no node classes `FluxThing` (node 5), `VAEDecodeMagic` (node 8) | install the custom nodes that provide it, restart the server, and run it again");
    assert_eq!((server.prompts(), server.requests("/prompt")), (0, 0));
}

#[tokio::test]
async fn a_missing_model_is_reported_with_similar_names() {
    let (server, comfy) = start(Native::builder()).await;
    let mut workflow = workflow();
    workflow["4"]["inputs"]["ckpt_name"] = json!("sdxl_base_1.0.safetensors");
    let error = refused(&comfy, &workflow).await;
    assert_eq!(error.kind(), ErrorKind::Refused);
    let text = describe(&error);
    assert!(text.contains("node 4 (CheckpointLoaderSimple): Value not in list"), "{text}");
    assert!(text.ends_with("| `4.ckpt_name` accepts `sd_xl_base_1.0.safetensors`"), "{text}");
    assert_eq!(server.prompts(), 0);
}

#[tokio::test]
async fn dropped_outputs_are_reported_and_not_counted() {
    let (_server, comfy) = start(Native::builder()).await;
    let mut workflow = workflow();
    workflow["11"] = json!({"class_type": "EmptyImage", "inputs": {"width": -5, "height": 8, "batch_size": 1, "color": 0}});
    workflow["12"] =
        json!({"class_type": "SaveImage", "inputs": {"images": ["11", 0], "filename_prefix": "x"}});
    let mut run = comfy.submit(Submit::graph(workflow.to_string())).await.expect("accepted");
    let watched = watch(&mut run).await;
    let warning = watched.events.iter().find_map(|event| match event {
        Event::Warning { code, message } if code == "node_error" => Some(message.to_string()),
        _ => None,
    });
    assert_eq!(
        warning.expect("a warning"),
        "rejected, and will not run: node 11 (EmptyImage): Value -5 smaller than min of 1 (width)"
    );
    assert_eq!(run.plan().expect("a plan").total(), 7);
    assert_eq!((watched.end.phase, watched.end.outputs.len()), (Phase::Success, 2));
}

#[tokio::test]
async fn local_files_are_uploaded_and_named_by_the_server() {
    let (server, comfy) = start(Native::builder()).await;
    let workflow = json!({
        "1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
    });
    let dir = tempfile::tempdir().expect("a folder");
    for (content, name) in [("one", "cat.png"), ("two", "cat (1).png"), ("one", "cat.png")] {
        let path = dir.path().join("cat.png");
        std::fs::write(&path, content).expect("written");
        let prompt = Submit::graph(workflow.to_string()).set_file("1.image", &path);
        let mut run = comfy.submit(prompt).await.expect("accepted");
        run.outputs().await.expect("it succeeded");
        let sent: Value = serde_json::from_str(&server.last_workflow().expect("one")).expect("JSON");
        assert_eq!(sent["1"]["inputs"]["image"], name);
    }
    let error = comfy
        .submit(Submit::graph(workflow.to_string()).set_file("1.image", dir.path().join("none.png")))
        .await
        .expect_err("no such file");
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(server.requests("/upload/image"), 3);
}

#[tokio::test]
async fn transfers_to_and_from_a_server_are_reported() {
    let server = Native::builder().start().await.expect("the server starts");
    let reports = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&reports);
    let net = NetOptions::default().on_file_progress(move |file| {
        let line = (file.direction, file.name.to_owned(), file.bytes, file.total);
        seen.lock().expect("not poisoned").push(line);
    });
    let comfy = Comfy::builder(server.base_url()).time_scale(0.2).net(net).build().expect("a handle");
    let workflow = json!({
        "1": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
    });
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("cat.png");
    std::fs::write(&path, "meow").expect("written");
    let mut run =
        comfy.submit(Submit::graph(workflow.to_string()).set_file("1.image", &path)).await.expect("accepted");
    run.outputs().await.expect("it succeeded");
    let up = |bytes| (Direction::Up, "cat.png".to_owned(), bytes, Some(4));
    assert_eq!(std::mem::take(&mut *reports.lock().expect("not poisoned")), [up(0), up(4)]);
    let saved = comfy.save(run.task_id(), dir.path()).await.expect("saved").complete().expect("all of it");
    let size = saved[0].bytes;
    let reports = reports.lock().expect("not poisoned");
    let last = reports.last().expect("a download").clone();
    assert_eq!((last.0, last.2, last.3), (Direction::Down, size, Some(size)));
}

#[tokio::test]
async fn the_queue_position_is_reported_and_waiting_prompts_can_be_cancelled() {
    for version in ["0.3.44", "0.29.0"] {
        let (server, comfy) = start(Native::builder().version(version).expect("one").paused()).await;
        let submit = async || comfy.submit(Submit::graph(workflow().to_string())).await.expect("accepted");
        let (mut first, mut second) = (submit().await, submit().await);
        let ahead = loop {
            let event = second.next().await.expect("more").expect("watched");
            if let Event::Status { status: TaskStatus::Queued, ahead, .. } = event {
                break ahead;
            }
        };
        assert_eq!(ahead, Some(1), "{version}");
        assert_eq!(comfy.queue().await.expect("a queue").pending.len(), 2);
        second.cancel().await.expect("cancelled");
        assert_eq!(second.finish().await.expect("watched").phase, Phase::Interrupted, "{version}");
        server.release();
        assert_eq!(first.finish().await.expect("watched").phase, Phase::Success, "{version}");
        let error = comfy.cancel(first.task_id()).await.expect_err("it is over");
        assert_eq!(error.kind(), ErrorKind::Refused);
    }
}

#[tokio::test]
async fn two_runs_at_once_do_not_mix() {
    let (_server, comfy) = start(Native::builder()).await;
    let submit = async |prefix: &str| {
        let prompt = Submit::graph(workflow().to_string()).set("9.filename_prefix", prefix);
        let comfy = comfy.clone();
        let submit = async move { comfy.submit(prompt).await };
        tokio::spawn(submit).await.expect("it ends").expect("accepted")
    };
    let (mut a, mut b) = (submit("a").await, submit("b").await);
    // On any thread.
    let b = tokio::spawn(async move { watch(&mut b).await });
    let (a, b) = (watch(&mut a).await, b.await.expect("watched"));
    for (watched, prefix) in [(a, "a_"), (b, "b_")] {
        assert_eq!(watched.end.phase, Phase::Success);
        let url = watched.end.outputs[0].url.as_ref().expect("one").expose().to_owned();
        assert!(url.contains(&format!("filename={prefix}")), "{url}");
    }
}

#[tokio::test]
async fn a_prompt_with_a_lost_response_is_found_and_not_sent_again() {
    for version in ["0.3.44", "0.3.64", "0.29.0"] {
        let builder = Native::builder().version(version).expect("one").loses_prompts(1).paused();
        let (server, comfy) = start(builder).await;
        let mut run = comfy.submit(Submit::graph(workflow().to_string())).await.expect("found");
        server.release();
        assert_eq!(run.finish().await.expect("watched").phase, Phase::Success, "{version}");
        assert_eq!(server.prompts(), 1, "{version}");
    }
}

#[tokio::test]
async fn a_cut_socket_reconnects_and_a_restart_is_reported() {
    let (server, comfy) = start(Native::builder().scenario(scenario())).await;
    let submit = async || comfy.submit(Submit::graph(scenario().workflow_json())).await.expect("accepted");
    let mut run = submit().await;
    until_begun(&mut run).await;
    server.cut_sockets();
    assert_eq!(run.finish().await.expect("watched").phase, Phase::Success);
    assert!(server.sockets().0 >= 2);

    let mut run = submit().await;
    until_begun(&mut run).await;
    server.restart();
    let error = run.finish().await.expect_err("the server has forgotten it");
    assert!(error.is_unknown_task(), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::TaskFailed);
}

async fn until_begun(run: &mut runninghub::Run) {
    while let Some(event) = run.next().await {
        if let Event::Progress(progress) = event.expect("watched")
            && progress.done >= 2
        {
            return;
        }
    }
}

#[tokio::test]
async fn servers_other_than_comfyui_are_recognized() {
    let (locked, comfy) = start(Native::builder().login("X-Key: k")).await;
    let error = refused(&comfy, &workflow()).await;
    assert_eq!(error.kind(), ErrorKind::Refused);
    insta::assert_snapshot!(describe(&error), @"the server cannot be used: the server requires a login (HTTP 401) | give the server's login: a user and a password, a token, or a header");
    assert_eq!(locked.prompts(), 0);

    let page = runninghub_sim::Sim::builder().start().await.expect("another service");
    let comfy = Comfy::builder(page.base_url()).build().expect("a handle");
    let error = refused(&comfy, &workflow()).await;
    assert_eq!(error.kind(), ErrorKind::Network, "{}", describe(&error));

    let error = Comfy::builder("127.0.0.1:8188").build().expect_err("no address");
    assert_eq!(error.kind(), ErrorKind::Usage);
}

#[tokio::test]
async fn a_workflow_of_the_editor_that_cannot_be_converted_is_not_sent() {
    let (server, comfy) = start(Native::builder()).await;
    let ui = json!({"nodes": [{"id": 1, "type": "NoSuchNode"}], "links": [], "version": 0.4});
    let error = refused(&comfy, &ui).await;
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(describe(&error).contains("Workflow > Export (API)"), "{}", describe(&error));
    assert_eq!(server.prompts(), 0);
    let api = workflow().to_string();
    assert_eq!(comfy.convert(&api).await.expect("it is converted"), api, "a graph stays as it is");
}

/// The key is in every URL of the native proxy, but in no output.
#[tokio::test]
async fn the_key_of_a_native_proxy_is_shown_nowhere() {
    let secret = "c4n4ryc4n4ryc4n4ryc4n4ryc4n4ry00";
    let server = Native::builder().prefix(format!("/proxy-plus/{secret}")).start().await.expect("it starts");
    let root = server.base_url().split("/proxy").next().expect("an address").to_owned();
    let key = runninghub::ApiKey::new(secret).expect("a key");
    let dir = tempfile::tempdir().expect("a folder");
    let tape = dir.path().join("tape");
    let ledger = MemoryLedger::new().expect("a ledger");
    let ledger: Arc<dyn Ledger> = Arc::new(ledger);
    let comfy = Comfy::of_runninghub(key, Site::Cn, NativeProxy::Plus)
        .base_url(&root)
        .record(&tape)
        .ledger(Arc::clone(&ledger))
        .build()
        .expect("a handle");
    let mut run = comfy.submit(Submit::graph(workflow().to_string())).await.expect("accepted");
    let watched = watch(&mut run).await;
    let out = dir.path().join("out");
    comfy.save(run.task_id(), &out).await.expect("asked").complete().expect("saved");
    let entries = ledger.entries(Filter::all()).await.expect("entries");
    assert_eq!(entries[0].state, State::Done);
    let mut all = format!("{:?} {comfy:?} {run:?} {entries:?}", watched.events);
    for folder in [&tape, &out] {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let bytes = std::fs::read(entry.expect("a file").path()).expect("readable");
            all.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    assert!(all.contains("/proxy-plus/"), "addresses are told");
    assert!(!all.contains(secret), "the key was told");
    let lost = comfy.outputs(&"no-such-prompt".into()).await.expect_err("unknown");
    assert!(!describe(&lost).contains(secret));
    drop(server);
    let lost = comfy.queue().await.expect_err("gone");
    assert!(!describe(&lost).contains(secret), "{}", describe(&lost));
}

/// Everything that a run sends: requests, an upload, the socket, the download.
#[tokio::test]
async fn the_login_is_sent_with_every_request_and_never_recorded() {
    let dir = tempfile::tempdir().expect("a folder");
    let picture = dir.path().join("a.png");
    std::fs::write(&picture, b"\x89PNG").expect("written");
    let graph = json!({
        "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "a"}},
    });
    for (at, (required, given)) in [
        ("Authorization: Basic bWU6czNjcmV0", "me:s3cret"),
        ("Authorization: Bearer s3cret", "Bearer s3cret"),
        ("X-Key: s3cret", "X-Key: s3cret"),
        ("?token=s3cret", "?token=s3cret"),
    ]
    .into_iter()
    .enumerate()
    {
        let server = Native::builder().login(required).start().await.expect("the server starts");
        let tape = dir.path().join(format!("tape-{at}"));
        let login = runninghub::net::Login::parse(given).expect(given);
        let comfy = Comfy::builder(server.base_url()).time_scale(0.2).login(login).record(&tape).build();
        let comfy = comfy.expect("a handle");
        let submit = Submit::graph(graph.to_string()).set_file("1.image", &picture);
        let mut run = comfy.submit(submit).await.expect(given);
        assert_eq!(watch(&mut run).await.end.phase, Phase::Success, "{given}");
        assert_eq!(server.sockets().0, 1, "{given}");
        let out = dir.path().join(format!("out-{at}"));
        let files = comfy.save(run.task_id(), &out).await.expect("asked").complete().expect("saved");
        assert_eq!(files.len(), 1, "{given}");
        drop(run);
        for file in std::fs::read_dir(&tape).expect("a recording").flatten() {
            let text = String::from_utf8_lossy(&std::fs::read(file.path()).expect("read")).into_owned();
            assert!(!text.contains("s3cret") && !text.contains("bWU6czNjcmV0"), "{:?}: {given}", file.path());
        }
    }
}

/// A recording of a server replays to the same end.
#[tokio::test]
async fn a_recording_of_a_server_can_be_replayed() {
    let server = Native::builder().scenario(scenario()).start().await.expect("it starts");
    let dir = tempfile::tempdir().expect("a folder");
    let tape = dir.path().join("tape");
    let comfy = Comfy::builder(server.base_url()).record(&tape).build().expect("a handle");
    let mut run = comfy.submit(Submit::graph(scenario().workflow_json())).await.expect("accepted");
    let live = watch(&mut run).await;
    let replay = runninghub::Replay::open(&tape).expect("a recording").speed(runninghub::Speed::Max);
    let mut replay = replay.runs().expect("runs").remove(0);
    let mut last = None;
    while let Some(line) = replay.next().await {
        if let Event::Finished(end) = line.event {
            last = Some(end.phase);
        }
    }
    assert_eq!(last, Some(live.end.phase));
}

/// A gateway that forwards until a prompt has gone through and then drops its response; while `is_down` is set, it
/// closes every connection.
async fn front(server: &str, is_down: Arc<AtomicBool>) -> String {
    let server = server.strip_prefix("http://").expect("an address").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            if is_down.load(Ordering::SeqCst) {
                continue;
            }
            let (server, is_down) = (server.clone(), Arc::clone(&is_down));
            tokio::spawn(async move {
                let mut server = TcpStream::connect(server).await.expect("a server");
                let (mut request, mut answer) = ([0; 8192], [0; 8192]);
                let mut is_prompt = false;
                loop {
                    tokio::select! {
                        Ok(count @ 1..) = client.read(&mut request) => {
                            if is_down.load(Ordering::SeqCst) {
                                break;
                            }
                            is_prompt |= request.starts_with(b"POST /prompt ");
                            if server.write_all(&request[..count]).await.is_err() { break; }
                        }
                        Ok(count @ 1..) = server.read(&mut answer) => {
                            if is_prompt {
                                is_down.store(true, Ordering::SeqCst);
                                break;
                            }
                            if client.write_all(&answer[..count]).await.is_err() { break; }
                        }
                        else => break,
                    }
                }
            });
        }
    });
    address
}

#[tokio::test]
async fn a_prompt_of_unknown_outcome_is_found_later_and_settled() {
    for (version, is_found) in [("0.29.0", true), ("0.3.44", false)] {
        let server =
            Native::builder().version(version).expect("one").paused().start().await.expect("a server");
        let is_down = Arc::new(AtomicBool::new(false));
        let front = front(server.base_url(), Arc::clone(&is_down)).await;
        let ledger: Arc<dyn Ledger> = Arc::new(MemoryLedger::new().expect("a ledger"));
        let builder = Comfy::builder(front).time_scale(0.2).ledger(Arc::clone(&ledger));
        let comfy = builder.build().expect("a handle");
        let error = refused(&comfy, &workflow()).await;
        assert_eq!(error.kind(), ErrorKind::SubmitUnknown, "{error}");
        let attempt = error.attempt().expect("a submit").to_string();
        is_down.store(false, Ordering::SeqCst);

        let queued = comfy.queue().await.expect("an answer");
        let prompt = TaskId::from(
            queued.running.iter().chain(&queued.pending).next().expect("it is there").prompt_id.as_str(),
        );
        let found = comfy.find_submit(&attempt).await.expect("an answer");
        assert_eq!(found.as_ref(), is_found.then_some(&prompt), "{version}");
        let wrong = comfy.resolve(&attempt, &"another".into()).await.expect_err("no such prompt");
        assert_eq!(wrong.kind(), ErrorKind::Refused);
        let entry = comfy.resolve(&attempt, &prompt).await.expect("settled");
        assert_eq!((entry.state, entry.task.as_ref()), (State::Accepted, Some(&prompt)));
        server.release();
        let end = comfy.follow(Follow::task(prompt.clone())).await.expect("followed").finish().await;
        assert_eq!(end.expect("watched").phase, Phase::Success);
        let entries = ledger.entries(Filter::all().task(&prompt)).await.expect("read");
        assert_eq!((entries.len(), entries[0].state, server.prompts()), (1, State::Done, 1));
    }
}

#[tokio::test]
async fn node_classes_are_requested_once_and_again_after_a_refusal() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = Native::builder().speed(f64::INFINITY).start().await.expect("a server");
    let process = || {
        let builder = Comfy::builder(server.base_url()).time_scale(0.2).classes(dir.path().join("classes"));
        builder.build().expect("a handle")
    };
    for _ in 0..3 {
        let mut run = process().submit(Submit::graph(workflow().to_string())).await.expect("accepted");
        assert_eq!(run.finish().await.expect("watched").phase, Phase::Success);
        assert_eq!(run.plan().expect("one").total(), 7, "the outputs are known");
        assert_eq!(server.requests("/object_info/KSampler"), 1);
    }
    let file = std::fs::read_dir(dir.path().join("classes")).expect("a folder").next().expect("a file");
    let file = file.expect("a file").path();
    // A custom node that no longer exists.
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&file).expect("read")).expect("JSON");
    kept["classes"]["VAEDecodeMagic"] = kept["classes"]["VAEDecode"].clone();
    std::fs::write(&file, kept.to_string()).expect("written");
    let mut old = workflow();
    old["8"]["class_type"] = json!("VAEDecodeMagic");
    let error = refused(&process(), &old).await;
    assert!(describe(&error).contains("no node class `VAEDecodeMagic` (node 8)"), "{}", describe(&error));
    assert_eq!((server.requests("/object_info/KSampler"), server.prompts()), (2, 3));
    assert!(!std::fs::read_to_string(&file).expect("kept anew").contains("VAEDecodeMagic"));
    std::fs::write(&file, "{").expect("written");
    process().submit(Submit::graph(workflow().to_string())).await.expect("accepted");
    assert_eq!(server.requests("/object_info/KSampler"), 3);
}

#[tokio::test]
async fn how_long_nodes_took_is_known_for_the_same_graph() {
    let dir = tempfile::tempdir().expect("a folder");
    let history = || History::new(dir.path());
    let server = Native::builder().speed(20.0).start().await.expect("a server");
    let builder = Comfy::builder(server.base_url()).time_scale(0.2).history(history());
    let comfy = builder.build().expect("a handle");
    let mut run = comfy.submit(Submit::graph(workflow().to_string())).await.expect("accepted");
    assert!(!run.plan().expect("one").is_learned());
    let end = run.finish().await.expect("watched");
    assert!(run.workflow_id().is_none() && !end.learned.is_empty());

    let mut other = workflow();
    other["6"]["inputs"]["text"] = json!("a dog");
    let run = comfy.submit(Submit::graph(other.to_string())).await.expect("accepted");
    assert!(run.plan().expect("one").is_learned());
    let again = comfy.follow(Follow::task(run.task_id().clone())).await.expect("followed");
    assert!(again.plan().expect("one").is_learned());
    other["11"] = json!({"class_type": "PreviewImage", "inputs": {"images": ["8", 0]}});
    let run = comfy.submit(Submit::graph(other.to_string())).await.expect("accepted");
    assert!(!run.plan().expect("one").is_learned());
}

#[tokio::test]
async fn the_jobs_api_is_used_where_it_exists() {
    for (version, has_jobs) in [("0.3.64", false), ("0.6.0", true), ("0.29.0", true)] {
        let (server, comfy) = start(Native::builder().version(version).expect("one").paused()).await;
        let submit = async || comfy.submit(Submit::graph(workflow().to_string())).await.expect("accepted");
        let (mut first, second) = (submit().await, submit().await);
        let seen = comfy.outputs(second.task_id()).await.expect("an answer");
        assert_eq!((seen.status, seen.ahead), (TaskStatus::Queued, Some(1)), "{version}");
        server.release();
        let end = first.finish().await.expect("watched");
        assert_eq!((end.phase, end.outputs.len()), (Phase::Success, 2), "{version}");
        let job = |id: &TaskId| server.requests(&format!("/jobs/{id}"));
        let jobs = job(first.task_id()) + job(second.task_id());
        assert!(if has_jobs { jobs > 1 } else { jobs == 1 }, "{version}: {jobs}");
        let unknown = comfy.outputs(&"9b354dcf-8f10-4212-8b21-db4e40ce60d8".into()).await;
        assert!(unknown.expect_err("unknown").is_unknown_task(), "{version}");
    }
}

#[tokio::test]
async fn a_node_info_list_is_written_into_the_prompt() {
    let (_server, comfy) = start(Native::builder()).await;
    let list = vec![json!({"nodeId": 3, "fieldName": "steps", "fieldValue": "7"})];
    let prompt = Submit::graph(workflow().to_string()).node_info_list(list);
    let mut run = comfy.submit(prompt).await.expect("accepted");
    let watched = watch(&mut run).await;
    let steps = watched.events.iter().any(|event| match event {
        Event::Progress(progress) => progress.current.iter().any(|node| {
            node.id.as_str() == "3" && node.max.is_some_and(|max| (max - 7.0).abs() < f64::EPSILON)
        }),
        _ => false,
    });
    assert!(steps, "the sampler runs seven steps");
}

/// A run on the proxy costs as much as on RunningHub, so a local path is refused there, but passed on to any other
/// server.
#[tokio::test]
async fn a_path_on_this_machine_is_refused_on_the_native_proxy_only() {
    let mut graph = workflow();
    graph["11"] = json!({"class_type": "LoadImage", "inputs": {"image": "/home/me/a.png"}});
    graph["5"]["inputs"]["batch_size"] = json!(["11", 0]);
    let key = "c4n4ryc4n4ryc4n4ryc4n4ryc4n4ry00";
    let server = Native::builder().prefix(format!("/proxy/{key}")).start().await.expect("it starts");
    let root = server.base_url().split("/proxy").next().expect("an address").to_owned();
    let proxy =
        Comfy::of_runninghub(runninghub::ApiKey::new(key).expect("a key"), Site::Cn, NativeProxy::Default);
    let proxy = proxy.base_url(&root).build().expect("a handle");
    let error = refused(&proxy, &graph).await;
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    assert!(error.to_string().contains("not a path on this machine"), "{error}");
    let (_server, own) = start(Native::builder()).await;
    let answer = own.submit(Submit::graph(graph.to_string())).await;
    assert!(!answer.is_err_and(|error| error.kind() == ErrorKind::Usage), "the server decides");
}

/// `0.0.0.0` refers to this machine without being a loopback address. Loopback addresses never use a proxy anyway.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_comfyui_without_encryption_is_reached_past_the_proxy_over_http_and_by_socket() {
    let server = Native::builder().start().await.expect("the server starts");
    let proxy = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let net = NetOptions::default().proxy(&format!("http://{}", proxy.local_addr().expect("an address")));
    let url = server.base_url().replace("127.0.0.1", "0.0.0.0");
    let comfy = Comfy::builder(url).net(net).time_scale(0.2).build().expect("a handle");
    let mut run = comfy.submit(Submit::graph(workflow().to_string())).await.expect("accepted");
    let watched = watch(&mut run).await;
    assert_eq!(watched.end.phase, Phase::Success);
    let is_live = |event: &Event| matches!(event, Event::Connection(it) if it.state == runninghub::ConnectionState::Live);
    assert!(watched.events.iter().any(is_live), "{:?}", watched.events);
    let came = tokio::time::timeout(std::time::Duration::ZERO, proxy.accept()).await;
    assert!(came.is_err(), "nothing came to the proxy");
}

#[tokio::test]
async fn prompts_with_one_key_are_queued_once() {
    let server = Native::builder().start().await.expect("the server starts");
    let ledger: Arc<dyn Ledger> = Arc::new(MemoryLedger::new().expect("a ledger"));
    let comfy = Comfy::builder(server.base_url()).time_scale(0.2).ledger(Arc::clone(&ledger));
    let comfy = comfy.build().expect("a handle");
    let submit = |seed: u32| Submit::graph(workflow().to_string()).set("3.seed", seed).once("tonight");
    let mut first = comfy.submit(submit(1)).await.expect("queued");
    assert_eq!(watch(&mut first).await.end.phase, Phase::Success);
    let mut second = comfy.submit(submit(1)).await.expect("followed");
    assert_eq!(second.task_id(), first.task_id());
    assert_eq!(watch(&mut second).await.end.phase, Phase::Success);
    assert_eq!(comfy.submit(submit(2)).await.expect_err("another one").kind(), ErrorKind::Usage);
    assert_eq!(ledger.entries(Filter::all()).await.expect("read").len(), 1);
}
