//! Any ComfyUI, with `--server`.

use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};

use runninghub_sim::{Authority, Certificate, FaultProxy, Native, NativeBuilder, Scenario, Toxic};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    common::{Rhub, fixture, folder, rhub, snap},
    live::{SIGINT, Terminal},
};

/// A ComfyUI in this process.
pub(crate) struct Server {
    // Declared before the runtime, since it must be dropped on it.
    native: Native,
    runtime: Runtime,
}

impl Server {
    pub(crate) fn start(builder: NativeBuilder) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let native = runtime.block_on(builder.start()).expect("a server");
        Self { native, runtime }
    }

    pub(crate) fn native(&self) -> &Native {
        &self.native
    }

    pub(crate) fn rhub<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Rhub {
        rhub(args)
            .env("RUNNINGHUB_SERVER", self.native.base_url())
            .env("RUNNINGHUB_TIME_SCALE", "0.05")
            .hide(self.native.base_url(), "[url]")
            .hide(self.native.base_url().replace("http", "ws"), "[ws]")
    }
}

fn workflow(name: &str) -> String {
    fixture(name).join("workflow.json").to_string_lossy().into_owned()
}

fn simple() -> Server {
    let scenario = Scenario::load(fixture("01-simple")).expect("a recording");
    Server::start(Native::builder().scenario(scenario).speed(f64::INFINITY))
}

/// The prompt's id in the output of a run.
fn prompt_id(stdout: &str) -> &str {
    stdout.lines().find_map(|line| line.split_once("taskId: ")).expect("an id").1
}

#[test]
fn a_run_is_followed_and_its_files_are_saved() {
    let server = simple();
    let (out, state) = (folder(), folder());
    let done = server.rhub(["run", &workflow("01-simple"), "--out"]).arg(out.path()).state(&state).run();
    assert_eq!(done.code, Some(0), "{done}");
    let id = prompt_id(&done.stdout).to_owned();
    assert!(done.stdout.contains("✅ WSS obtained successfully: [ws]/ws?…"), "{done}");
    assert!(done.stdout.contains("🎉 Task completed!"), "{done}");
    let files = fs::read_dir(out.path()).expect("a folder").count();
    assert_eq!(files, 3, "two files and the list: {done}");

    let again = |words: &[&str]| server.rhub(words.iter().copied()).state(&state).hide(&id, "[id]");
    snap!(again(&["status", &id]), @"
    exit 0
    --- out
    success
    ");
    snap!(again(&["outputs", &id]), @"
    exit 0
    --- out
    📄 Generation results:
      Result 1: Type=png, URL=[url]/view?filename=ComfyUI_temp_bscxp_00001_.png&subfolder=&type=temp
      Result 2: Type=png, URL=[url]/view?filename=lab_00007_.png&subfolder=&type=output
    ");
    snap!(again(&["cancel", &id]), @"
    exit 4
    --- err
    error: the task has already ended: success
    ");
    let watched = again(&["watch", &id]).run();
    assert!(watched.code == Some(0) && watched.stdout.contains("🎉 Task completed!"), "{watched}");
    snap!(again(&["queue"]), @"
    exit 0
    --- out
    the queue is empty
    ");
    // The server of a queued prompt is recorded: later commands need no `--server`.
    let last = rhub(["status", "last"]).state(&state);
    snap!(last, @"
    exit 0
    --- out
    success
    ");
}

#[test]
fn invalid_workflows_are_reported_before_sending() {
    let server = Server::start(Native::builder());
    let dir = folder();
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("written");
        path.to_string_lossy().into_owned()
    };
    let ui = file("ui.json", r#"{"nodes":[{"id":1,"type":"KSampler"}],"links":[],"version":0.4}"#);
    snap!(server.rhub(["run", &ui]), @r"
        exit 4
        --- err
        error: the prompt was not queued: Prompt has no outputs
    ");
    let class = file("class.json", r#"{"1":{"class_type":"NoSuchNode","inputs":{}}}"#);
    snap!(server.rhub(["run", &class]), @"
    exit 4
    --- err
    error: the server has no node class `NoSuchNode` (node 1)

    hint: install the custom nodes that provide it, restart the server, and run it again
    ");
    snap!(server.rhub(["run", "1904154698679771137"]), @"
    exit 2
    --- err
    error: a ComfyUI server has no workflow ids

    hint: use the workflow's file, exported from the editor with `Workflow > Export (API)`; the value comes from the environment variable `RUNNINGHUB_SERVER`
    ");
    snap!(server.rhub(["run", &class, "--instance", "plus"]), @"
    exit 2
    --- err
    error: `--instance` is for RunningHub's API, not for a server

    hint: leave it out; `--set NODE.FIELD=VALUE` changes fields
    ");
    snap!(server.rhub(["status", "9b354dcf-8f10-4212-8b21-db4e40ce60d8"]), @"
    exit 4
    --- err
    error: the server does not know the prompt: it is neither in the queue nor in the history

    hint: it was removed from the queue, or the server was restarted; files it saved are in the server's `output` folder
    ");
    snap!(server.rhub(["status", "../x"]), @"
    exit 2
    --- err
    error: `../x` is not a prompt id

    hint: a prompt id looks like `9b354dcf-8f10-4212-8b21-db4e40ce60d8`; `rhub queue` lists the waiting ones
    ");
    assert_eq!(server.native.prompts(), 0);
}

#[test]
fn a_missing_model_is_reported_with_similar_names() {
    let server = Server::start(Native::builder());
    let dir = folder();
    let path = dir.path().join("model.json");
    let text = r#"{"1":{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"dreamshaper8.safetensors"}},
        "2":{"class_type":"VAEDecode","inputs":{"samples":["1",0],"vae":["1",2]}},
        "3":{"class_type":"SaveImage","inputs":{"images":["2",0],"filename_prefix":"x"}}}"#;
    fs::write(&path, text).expect("written");
    snap!(server.rhub(["run"]).arg(&path), @r#"
        exit 4
        --- err
        error: the prompt was not queued: Prompt outputs failed validation: node 1 (CheckpointLoaderSimple): Value not in list (ckpt_name: "dreamshaper8.safetensors" not in ["sd_xl_base_1.0.safetensors", "v1-5-pruned-emaonly.safetensors", "dreamsha…)

        hint: `1.ckpt_name` accepts `dreamshaper_8.safetensors`
    "#);
}

/// Nothing is queued before the upload is complete.
#[cfg(unix)]
#[test]
fn ctrl_c_in_an_upload_has_queued_nothing() {
    let server = simple();
    let proxy = {
        let _inside = server.runtime.enter();
        server.runtime.block_on(FaultProxy::start()).expect("a port")
    };
    proxy.add(Toxic::bandwidth(1_000_000).up());
    let address = server.native.base_url().trim_start_matches("http://").parse().expect("an address");
    proxy.forward_to(address);
    let (dir, state) = (folder(), folder());
    let (file, graph) = (dir.path().join("a.png"), dir.path().join("graph.json"));
    fs::File::create(&file).and_then(|file| file.set_len(25_000_000)).expect("a large file");
    let text = r#"{"1":{"class_type":"LoadImage","inputs":{"image":"x.png"}},
        "2":{"class_type":"SaveImage","inputs":{"images":["1",0],"filename_prefix":"x"}}}"#;
    fs::write(&graph, text).expect("written");
    let url = format!("http://{}", proxy.address());
    let set = format!("1.image=@{}", file.display());
    let env = [("RUNNINGHUB_SERVER", &*url), ("RUNNINGHUB_STATE_DIR", &state.path().to_string_lossy())];
    let mut terminal = Terminal::start(200, &["run", &graph.to_string_lossy(), "--set", &set], &env);
    terminal.wait(|screen| screen.contains("Uploading a.png: "));
    terminal.press(b"\x03");
    let (code, screen) = terminal.finish();
    assert_eq!(code, SIGINT, "{screen}");
    assert!(screen.contains("nothing was submitted"), "{screen}");
    assert_eq!(server.native.requests("/prompt"), 0);
}

#[test]
fn servers_that_are_none() {
    let prompt = "9b354dcf-8f10-4212-8b21-db4e40ce60d8";
    let status =
        |server: &str| rhub(["status", prompt, "--server", server]).env("RUNNINGHUB_TIME_SCALE", "0.01");
    snap!(rhub(["status", prompt]), @"
    exit 2
    --- err
    error: this is a prompt id of a ComfyUI server

    hint: give the server, as in `--server http://127.0.0.1:8188`
    ");
    snap!(rhub(["queue"]), @r"
        exit 2
        --- err
        error: no API key

        hint: store one with `rhub login`, set RUNNINGHUB_API_KEY, or pass a file with `--api-key-file PATH`; `rhub demo` needs no key
    ");
    snap!(status("http://me@h"), @"
    exit 2
    --- err
    error: cannot set up the client: the server URL: it has a user but no password

    hint: a server URL looks like `http://127.0.0.1:8188`
    ");
    snap!(status("runninghub"), @"
    exit 2
    --- err
    error: no API key

    hint: store one with `rhub login`, set RUNNINGHUB_API_KEY, or pass a file with `--api-key-file PATH`; `rhub demo` needs no key
    ");
    let locked = Server::start(Native::builder().login("X-Key: k"));
    snap!(locked.rhub(["status", prompt]), @"
    exit 4
    --- err
    error: cannot poll the prompt: the server requires a login (HTTP 401)

    hint: put the login into a file that only you can read and pass it with `--server-auth-file FILE`, or set RUNNINGHUB_SERVER_AUTH
    ");
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let url = format!("127.0.0.1:{}", free.port());
    let done = status(&url).run();
    assert_eq!(done.code, Some(3), "{done}");
    assert!(done.stderr.contains("nothing is listening at this URL"), "{done}");
}

/// With event 1 as recorded, and with event 4.
#[test]
fn previews_are_saved() {
    for name in ["02-ksampler", "03-ksampler-metadata"] {
        let scenario = Scenario::load(fixture(name)).expect("a recording");
        let server = Server::start(Native::builder().scenario(scenario).speed(50.0));
        let dir = folder();
        let done = server.rhub(["run", &workflow(name), "--previews"]).arg(dir.path().join("p")).run();
        assert_eq!(done.code, Some(0), "{done}");
        let id = prompt_id(&done.stdout);
        let mut names: Vec<_> = fs::read_dir(dir.path().join("p"))
            .expect("a folder")
            .map(|entry| entry.expect("a file").path())
            .collect();
        names.sort();
        assert_eq!(names.len(), 1, "{names:?}");
        let first = names[0].file_name().expect("a name").to_string_lossy().into_owned();
        assert!(first.starts_with(id) && first.ends_with("-00001.jpg"), "{first}");
        assert!(fs::read(&names[0]).expect("a file").starts_with(&[0xff, 0xd8, 0xff]));
    }
}

/// The key is in the path of every URL.
#[test]
fn the_native_proxy_works_and_its_key_is_not_shown() {
    let key = "c4n4ryc4n4ryc4n4ryc4n4ryc4n4ry00";
    let scenario = Scenario::load(fixture("01-simple")).expect("a recording");
    let server = Server::start(
        Native::builder().scenario(scenario).speed(f64::INFINITY).prefix(format!("/proxy/{key}")),
    );
    let root = server.native.base_url().split("/proxy").next().expect("an address").to_owned();
    let out = folder();
    for format in ["plain", "json"] {
        let run = rhub(["run", &workflow("01-simple"), "--server", "runninghub", "-vv", "--format", format]);
        let run = run.env("RUNNINGHUB_API_KEY", key).env("RUNNINGHUB_BASE_URL", &root);
        let done = run.env("RUNNINGHUB_TIME_SCALE", "0.05").arg("--out").arg(out.path()).run();
        assert_eq!(done.code, Some(0), "{done}");
        assert!(done.stdout.contains("/proxy/…/view?filename="), "{done}");
        assert!(!done.stdout.contains(key) && !done.stderr.contains(key), "{done}");
    }
    for words in [&["run", &workflow("01-simple")][..], &["queue"]] {
        let done = rhub(words.iter().copied()).args(&["--server", "runninghub"]);
        let done = done.env("RUNNINGHUB_API_KEY", "0123456789abcdef").env("RUNNINGHUB_BASE_URL", &root).run();
        assert!(done.stderr.contains("check the key and the site"), "{done}");
    }
}

/// As for every other task: later commands need only the key.
#[test]
fn a_task_of_the_native_proxy_is_looked_for_where_it_was_submitted() {
    let key = "c4n4ryc4n4ryc4n4ryc4n4ryc4n4ry00";
    let scenario = Scenario::load(fixture("01-simple")).expect("a recording");
    let server = Server::start(
        Native::builder().scenario(scenario).speed(f64::INFINITY).prefix(format!("/proxy-plus/{key}")),
    );
    let root = server.native.base_url().split("/proxy").next().expect("an address").to_owned();
    let state = folder();
    let known = |args: &[&str]| {
        let done = rhub(args.iter().copied()).env("RUNNINGHUB_API_KEY", key).state(&state);
        done.env("RUNNINGHUB_TIME_SCALE", "0.05")
    };
    let detached = known(&["run", &workflow("01-simple"), "--server", "runninghub-plus", "--detach"]);
    let detached = detached.env("RUNNINGHUB_BASE_URL", &root).run();
    assert_eq!(detached.code, Some(0), "{detached}");
    let watched = known(&["watch", "last", "--json"]).run();
    assert_eq!(watched.code, Some(0), "{watched}");
    let listed = known(&["tasks", "--refresh", "--json"]).run();
    assert_eq!(listed.code, Some(0), "{listed}");
    for words in [r#""state":"done""#, r#""kind":"prompt""#, r#""site":"runninghub-plus""#, &root] {
        assert!(listed.stdout.contains(words), "{words}: {listed}");
    }
}

#[test]
fn a_run_leaves_durations_and_a_ledger_entry() {
    let scenario = Scenario::load(fixture("01-simple")).expect("a recording");
    let (server, state) = (Server::start(Native::builder().scenario(scenario).speed(20.0)), folder());
    let workflow = workflow("01-simple");
    let run = server.rhub(["run", &*workflow]).state(&state).run();
    assert_eq!(run.code, Some(0), "{run}");
    let names = |of: &str| {
        let files = fs::read_dir(state.path().join(of)).expect("a folder");
        files.map(|file| file.expect("a file").file_name().into_string().expect("text")).collect::<Vec<_>>()
    };
    let durations = names("durations");
    assert!(matches!(&*durations, [one] if one.starts_with("graph-")), "{durations:?}");
    assert_eq!(names("classes").len(), 1);

    let run = server.rhub(["run", &*workflow, "--detach"]).state(&state).run();
    let second = prompt_id(&run.stdout).to_owned();
    // The task ends while no process watches it.
    let deadline = Instant::now() + Duration::from_mins(1);
    let refreshed = loop {
        let output = server.rhub(["tasks", "--refresh", "--json"]).state(&state).run();
        if output.stdout.matches(r#""state":"done""#).count() == 2 {
            break output;
        }
        assert!(output.code == Some(0) && Instant::now() < deadline, "{output}");
    };
    assert!(refreshed.stdout.contains(&second), "{refreshed}");
    let event: Value = serde_json::from_str(refreshed.stdout.lines().next().expect("a line")).expect("JSON");
    let attempt = event["attempt_id"].as_str().expect("a name");
    let other = "9b354dcf-8f10-4212-8b21-db4e40ce60d8";
    let wrong = server.rhub(["resolve", attempt, "--task-id", other]).state(&state).run();
    assert_eq!(wrong.code, Some(4), "the server knows no such prompt: {wrong}");
    let had = server.rhub(["resolve", attempt, "--not-created"]).state(&state).run();
    assert_eq!(had.code, Some(4), "{had}");
    assert!(had.stderr.contains(&format!("rhub resolve {attempt} --task-id {second}")), "{had}");
}

#[test]
fn a_prompt_that_the_server_has_forgotten_cannot_be_watched() {
    let server = simple();
    let done = server.rhub(["watch", "9b354dcf-8f10-4212-8b21-db4e40ce60d8"]).run();
    assert_eq!(done.code, Some(4), "{done}");
    assert!(done.stderr.contains("it is neither in the queue nor in the history"), "{done}");
    assert!(!done.stderr.contains("the task continues"), "{done}");
}

/// A TLS proxy before a server without TLS.
fn encrypted(server: &Server, authority: &Authority, certificate: Certificate) -> FaultProxy {
    let _inside = server.runtime.enter();
    let proxy = server.runtime.block_on(FaultProxy::with_tls(authority, certificate)).expect("a port");
    let address = server.native.base_url().trim_start_matches("http://").parse().expect("an address");
    proxy.forward_to(address);
    proxy
}

/// A certificate like one from `openssl req -x509`: a CA without a host name.
#[test]
fn a_certificate_that_the_server_made_itself_is_trusted_when_it_is_given() {
    let (authority, dir) = (Authority::new().expect("an authority"), folder());
    let pem = dir.path().join("cert.pem");
    fs::write(&pem, authority.pem()).expect("written");
    let server = simple();
    let proxy = encrypted(&server, &authority, Certificate::Authority);
    let url = format!("https://localhost:{}", proxy.address().port());
    let done = rhub(["run", &workflow("01-simple"), "--server", &url, "--ca-file"]).arg(&pem).run();
    assert_eq!(done.code, Some(0), "{done}");
    let done = rhub(["queue", "--server", &url]).run();
    assert_eq!(done.code, Some(3), "{done}");
    assert!(done.stderr.contains("the TLS connection could not be trusted"), "{done}");
    assert!(done.stderr.contains("`--ca-file FILE`"), "{done}");
    // The given certificate is that of another server.
    let other = Authority::new().expect("an authority");
    let proxy = encrypted(&server, &other, Certificate::Authority);
    let url = format!("https://localhost:{}", proxy.address().port());
    let done = rhub(["queue", "--server", &url, "--ca-file"]).arg(&pem).run();
    assert_eq!(done.code, Some(3), "{done}");
}

/// If the prompt was read before TLS broke, it is found by its id. If not, the outcome is unknown, and it is not sent
/// again.
#[test]
fn a_prompt_whose_encryption_breaks_is_looked_for_and_not_called_refused() {
    let (authority, dir) = (Authority::new().expect("an authority"), folder());
    let pem = dir.path().join("ca.pem");
    fs::write(&pem, authority.pem()).expect("written");
    for (toxic, code, state) in [
        (Toxic::garbage(0), 0, "done"),
        (Toxic::alert(0), 0, "done"),
        (Toxic::cut(0), 0, "done"),
        (Toxic::reset(0), 0, "done"),
        (Toxic::garbage(0).up(), 5, "unknown"),
        (Toxic::alert(0).up(), 5, "unknown"),
    ] {
        let (server, kept) = (simple(), folder());
        let proxy = encrypted(&server, &authority, Certificate::Good);
        proxy.add(toxic.clone().on_path("/prompt"));
        let url = format!("https://localhost:{}", proxy.address().port());
        let run = rhub(["run", &workflow("01-simple"), "--server", &url, "--ca-file"]).arg(&pem);
        let done = run.env("RUNNINGHUB_TIME_SCALE", "0.05").state(&kept).run();
        assert_eq!(done.code, Some(code), "{toxic:?}: {done}");
        assert_eq!(server.native.prompts(), u64::from(code == 0), "{toxic:?}");
        let listed = rhub(["tasks", "--json"]).state(&kept).run();
        assert!(listed.stdout.contains(&format!(r#""state":"{state}""#)), "{toxic:?}: {listed}");
    }
}

/// A server that describes the inputs of the recording's classes.
fn described() -> (Server, TempDir) {
    let dir = folder();
    for entry in fs::read_dir(fixture("02-ksampler")).expect("a recording") {
        let entry = entry.expect("a file");
        fs::copy(entry.path(), dir.path().join(entry.file_name())).expect("copied");
    }
    let classes = json!({
        "LabTinyModel": {"output_node": false, "input": {"required": {"seed": ["INT", {"default": 0}]}}},
        "EmptyLatentImage": {"output_node": false, "input": {"required": {
            "width": ["INT", {}], "height": ["INT", {}], "batch_size": ["INT", {}]}}},
        "KSampler": {"output_node": false, "input": {"required": {
            "model": ["MODEL"], "seed": ["INT", {"control_after_generate": true}], "steps": ["INT", {}],
            "cfg": ["FLOAT", {}], "sampler_name": [["euler"]], "scheduler": [["normal"]],
            "positive": ["CONDITIONING"], "negative": ["CONDITIONING"], "latent_image": ["LATENT"],
            "denoise": ["FLOAT", {}]}}},
        "LabLatentToImage": {"output_node": false, "input": {"required": {"samples": ["LATENT"]}}},
        "SaveImage": {"output_node": true, "input": {"required": {
            "images": ["IMAGE"], "filename_prefix": ["STRING", {}]}}},
    });
    fs::write(dir.path().join("object_info.json"), classes.to_string()).expect("written");
    let scenario = Scenario::load(dir.path()).expect("a recording");
    (Server::start(Native::builder().scenario(scenario).speed(f64::INFINITY)), dir)
}

/// The recorded workflow as the editor saves it.
fn in_editor() -> Value {
    let slot = |name: &str, link: u64| json!({"name": name, "type": "X", "link": link});
    json!({
        "version": 0.4,
        "nodes": [
            {"id": 4, "type": "LabTinyModel", "title": "Load (tiny random) model", "widgets_values": [7, "fixed"]},
            {"id": 5, "type": "EmptyLatentImage", "widgets_values": [192, 192, 1]},
            {"id": 3, "type": "KSampler", "inputs": [slot("model", 1), slot("positive", 2), slot("negative", 3),
                slot("latent_image", 4)], "widgets_values": [954_572_242, "fixed", 10, 5.0, "euler", "normal", 1.0]},
            {"id": 8, "type": "LabLatentToImage", "inputs": [slot("samples", 5)]},
            {"id": 9, "type": "SaveImage", "inputs": [slot("images", 6)], "widgets_values": ["lab"]},
            {"id": 10, "type": "Note", "widgets_values": ["mine"]},
        ],
        "links": [[1, 4, 0, 3, 0, "X"], [2, 4, 1, 3, 1, "X"], [3, 4, 2, 3, 2, "X"], [4, 5, 0, 3, 3, "X"],
            [5, 3, 0, 8, 0, "X"], [6, 8, 0, 9, 0, "X"]],
    })
}

#[test]
fn a_file_of_the_editor_is_converted_by_a_server() {
    let (server, dir) = described();
    let file = dir.path().join("editor.json");
    fs::write(&file, in_editor().to_string()).expect("written");
    let file = file.to_string_lossy();
    let converted = server.rhub(["workflow", "convert", &file]).run();
    assert_eq!(converted.code, Some(0), "{converted}");
    let inputs = |text: &str| {
        let nodes: Map<String, Value> = serde_json::from_str(text).expect("JSON");
        nodes.into_iter().map(|(id, node)| (id, node["inputs"].clone())).collect::<BTreeMap<_, _>>()
    };
    let recorded = fs::read_to_string(workflow("02-ksampler")).expect("a workflow");
    assert_eq!(inputs(&converted.stdout), inputs(&recorded));

    let done = server.rhub(["run", &file, "-s", "3.steps=10"]).run();
    assert!(done.code == Some(0) && done.stdout.contains("Load (tiny random) model"), "{done}");
    let sent = server.native().last_workflow().expect("a prompt");
    assert_eq!(inputs(&sent), inputs(&recorded));

    let offline = rhub(["run", &file]).env("RUNNINGHUB_API_KEY", "0123456789abcdef0123456789abcdef").run();
    assert_eq!(offline.code, Some(2), "{offline}");
    assert!(offline.stderr.contains("rhub workflow convert FILE --server URL"), "{offline}");
    let nowhere = rhub(["workflow", "convert", &file]).run();
    assert_eq!(nowhere.code, Some(2), "{nowhere}");
    let mut damaged = in_editor();
    damaged["nodes"][1]["widgets_values"] = json!(["wide", 192, 1]);
    let other = dir.path().join("damaged.json");
    fs::write(&other, damaged.to_string()).expect("written");
    let refused = server.rhub(["run", &other.to_string_lossy()]).run();
    assert_eq!(refused.code, Some(2), "{refused}");
    assert!(refused.stderr.contains("node EmptyLatentImage (5): `width` would be"), "{refused}");
    assert_eq!(server.native().prompts(), 1, "nothing more was queued");
}
