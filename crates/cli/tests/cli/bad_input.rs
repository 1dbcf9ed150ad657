//! User errors: a sentence, a hint, the right exit code, and nothing submitted.

use std::fs;

use runninghub_sim::{App, Sim};

use crate::common::{Rhub, Simulator, fixture, folder, rhub, scenario, snap};

const ID: &str = "1904136902449209346";

#[test]
fn no_key() {
    snap!(rhub(["run", ID]), @r#"
        exit 2
        --- err
        error: no API key

        hint: store one with `rhub login`, set RUNNINGHUB_API_KEY, or pass a file with `--api-key-file PATH`; `rhub demo` needs no key
    "#);
    insta::with_settings!({ filters => [(r":0\.\d+,", ":0.[ms],")] }, {
    snap!(rhub(["account", "--json"]), @r#"
        exit 2
        --- out
        {"schema":"rhub.event/1","t":0.[ms],"event":"result","status":"error","exit_code":2,"task_id":null,"percent":null,"done":0,"total":null,"outputs":[],"failure":{"node_id":null,"node":null,"type":null,"message":"no API key","code":null,"kind":"usage","hint":"store one with `rhub login`, set RUNNINGHUB_API_KEY, or pass a file with `--api-key-file PATH`; `rhub demo` needs no key","retry":"never","errors":[]},"cost":null,"elapsed_s":0.[ms],"api_calls":0}
        --- err
        error: no API key

        hint: store one with `rhub login`, set RUNNINGHUB_API_KEY, or pass a file with `--api-key-file PATH`; `rhub demo` needs no key
    "#);
    });
    snap!(rhub(["account"]).env("RUNNINGHUB_API_KEY", " two words "), @r#"
        exit 2
        --- err
        error: RUNNINGHUB_API_KEY does not contain an API key

        hint: a key is one word of letters and digits; copy it from the API page on RunningHub
    "#);
    snap!(rhub(["account", "--api-key-stdin"]).stdin("\n"), @r#"
        exit 2
        --- err
        error: standard input does not contain an API key

        hint: a key is one word of letters and digits; copy it from the API page on RunningHub
    "#);
    snap!(rhub(["account", "--profile", "work"]), @r#"
        exit 2
        --- err
        error: profile `work` does not exist

        hint: create it with `rhub login --profile work`; `rhub config list` shows the existing ones
    "#);
}

#[cfg(unix)]
#[test]
fn key_files() {
    use std::os::unix::fs::PermissionsExt as _;

    let dir = folder();
    let file = dir.path().join("key");
    let account = || rhub(["account", "--api-key-file"]).arg(&file).hide(dir.path(), "[dir]");
    snap!(account(), @r#"
        exit 2
        --- err
        error: the API key file [dir]/key does not exist

        hint: the file holds the key and nothing else, and only you may read it
    "#);
    fs::write(&file, Sim::DEMO_KEY).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("a file");
    snap!(account(), @r#"
        exit 2
        --- err
        error: the API key file [dir]/key is readable by others (mode 640)

        hint: make it private: `chmod 600 [dir]/key`
    "#);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a file");
    let sim = Simulator::of("01-simple");
    let done = account().env("RUNNINGHUB_BASE_URL", sim.base_url()).run();
    assert_eq!(done.code, Some(0), "{done}");
    fs::remove_file(&file).and_then(|()| fs::create_dir(&file)).expect("a folder");
    snap!(account(), @r#"
        exit 2
        --- err
        error: the API key file [dir]/key is readable by others (mode 755)

        hint: make it private: `chmod 600 [dir]/key`
    "#);
}

#[test]
fn sites_and_urls() {
    let key = |rhub: Rhub| rhub.env("RUNNINGHUB_API_KEY", Sim::DEMO_KEY);
    snap!(key(rhub(["account", "--site", "com"])), @r#"
        exit 2
        --- err
        error: invalid value 'com' for '--site <SITE>'
          [possible values: cn, ai]

        For more information, try '--help'.
    "#);
    snap!(key(rhub(["account", "--base-url", "http://example.com"])), @r#"
        exit 2
        --- err
        error: cannot set up the client: base URL: it must be `https`; `http` is allowed for this machine (127.0.0.1) only

        hint: a base URL looks like `https://www.runninghub.cn`, or `http://127.0.0.1:8189` for `rhub simulate`
    "#);
    snap!(key(rhub(["account", "--base-url", "nonsense"])), @r#"
        exit 2
        --- err
        error: cannot set up the client: base URL: it is not a URL such as `https://www.runninghub.ai`

        hint: a base URL looks like `https://www.runninghub.cn`, or `http://127.0.0.1:8189` for `rhub simulate`
    "#);
    snap!(key(rhub(["account", "--proxy", "nonsense"])), @r#"
        exit 2
        --- err
        error: cannot set up the client: proxy: it is not a URL like `http://host:port`

        hint: a proxy URL looks like `http://127.0.0.1:3128` or `socks5://user:password@host:1080`
    "#);
    snap!(key(rhub(["account"])).env("RUNNINGHUB_TIME_SCALE", "fast"), @r#"
        exit 2
        --- err
        error: RUNNINGHUB_TIME_SCALE is not a number above 0

        hint: use 1 for real time, less for faster
    "#);
    snap!(key(rhub(["run", "--site", "cn", "https://www.runninghub.ai/post/1904136902449209346"])), @r#"
        exit 2
        --- err
        error: this page belongs to the site `ai`, not to `cn`

        hint: use `--site ai` with a key of that site
    "#);
}

#[test]
fn ids_and_pages() {
    snap!(rhub(["run", "my-workflow"]), @r#"
        exit 2
        --- err
        error: `my-workflow` is not a workflow id, the URL of a workflow page, or a file

        hint: an id is a number such as `1904136902449209346`; a file is a workflow in API format, or an image from ComfyUI
    "#);
    snap!(rhub(["run", "https://www.runninghub.cn/post/abc"]), @r#"
        exit 2
        --- err
        error: `https://www.runninghub.cn/post/abc` is not the URL of a workflow

        hint: a URL looks like `https://www.runninghub.cn/post/1904136902449209346`
    "#);
    snap!(rhub(["run", "https://example.com/post/1904136902449209346"]), @r#"
        exit 2
        --- err
        error: `https://example.com/post/1904136902449209346` is not the URL of a workflow

        hint: a URL looks like `https://www.runninghub.cn/post/1904136902449209346`
    "#);
    snap!(rhub(["run", "https://www.runninghub.cn/ai-detail/1877265245566922800"]), @r#"
        exit 2
        --- err
        error: this is the page of an AI app, not of a workflow

        hint: run it with `rhub app run https://www.runninghub.cn/ai-detail/1877265245566922800`
    "#);
    snap!(rhub(["status", "19 04"]), @r#"
        exit 2
        --- err
        error: `19 04` is not a task id

        hint: a task id is a number such as `1904154698679771137`; `rhub run` prints it
    "#);
    snap!(rhub(["watch", ID, "--workflow", "x"]), @r#"
        exit 2
        --- err
        error: `x` is not a workflow id, the URL of a workflow page, or a file

        hint: an id is a number such as `1904136902449209346`; a file is a workflow in API format, or an image from ComfyUI
    "#);
}

#[test]
fn durations_and_changes() {
    snap!(rhub(["run", ID, "--timeout", "soon"]), @r"
        exit 2
        --- err
        error: invalid value 'soon' for '--timeout <TIME>': a duration looks like `90s`, `2m`, `1h30m` or `90` (seconds)

        For more information, try '--help'.
    ");
    snap!(rhub(["run", ID, "--set", "6=cat"]), @r#"
        exit 2
        --- err
        error: `--set 6=cat` needs a node, a field and a value

        hint: write `--set NODE.FIELD=VALUE`, for example `--set 6.text="a cat"`
    "#);
    snap!(rhub(["run", ID, "--node-info-list", "{}"]), @r#"
        exit 2
        --- err
        error: the node info list is not a JSON list: invalid type: map, expected a sequence at line 1 column 0

        hint: it must be a list such as `[{"nodeId": "6", "fieldName": "text", "fieldValue": "a cat"}]`
    "#);
}

#[test]
fn workflows_that_cannot_run() {
    let sim = Simulator::of("01-simple");
    let dir = folder();
    let file = dir.path().join("workflow.json");
    let run = |text: &str| {
        fs::write(&file, text).expect("a file");
        rhub(["run"]).arg(&file).at(&sim).hide(dir.path(), "[dir]")
    };
    snap!(run(r#"{"nodes": [], "links": [], "version": 0.4}"#), @r"
        exit 2
        --- err
        error: this workflow cannot be run: the workflow is in the editor's format, not in API format

        hint: export it from the editor with `Workflow > Export (API)`; or let a ComfyUI that has its nodes convert it: `rhub workflow convert FILE --server URL`
    ");
    snap!(run("{\"3\": {\"class"), @r#"
        exit 2
        --- err
        error: this workflow cannot be run: the workflow is not valid JSON: EOF while parsing a string at line 1 column 13

        hint: use a workflow in API format, exported from the editor with `Workflow > Export (API)`
    "#);
    snap!(run("{}"), @r#"
        exit 2
        --- err
        error: this workflow cannot be run: the workflow has no nodes

        hint: use a workflow in API format, exported from the editor with `Workflow > Export (API)`
    "#);
    snap!(run("[1, 2]"), @r#"
        exit 2
        --- err
        error: this workflow cannot be run: the JSON is not a workflow in API format

        hint: use a workflow in API format, exported from the editor with `Workflow > Export (API)`
    "#);
    assert_eq!(sim.creates(), 0);
}

#[test]
fn changes_that_do_not_fit() {
    let sim = Simulator::of("02-ksampler");
    let id = scenario("02-ksampler").workflow_id();
    let run = |change: &str| rhub(["run", &id, "--set", change]).at(&sim);
    snap!(run("33.seed=1"), @r#"
        exit 2
        --- err
        error: the workflow has no node `33`

        hint: did you mean `3`?
    "#);
    snap!(run("KSamplr.seed=1"), @r#"
        exit 2
        --- err
        error: the workflow has no node `KSamplr`

        hint: did you mean `KSampler`?
    "#);
    snap!(run("3.sed=1"), @r#"
        exit 2
        --- err
        error: node `3` (KSampler) has no field `sed`

        hint: did you mean `seed`?
    "#);
    snap!(run("3.steps=many"), @r"
        exit 2
        --- err
        error: `3.steps` takes a number, not text

        hint: its current value is `10`
    ");
    snap!(run("3.model=x"), @r#"
        exit 2
        --- err
        error: `3.model` is connected to node `4` and cannot be set

        hint: set a field of node `4` instead
    "#);
    snap!(run("3.sampler_name=@/nowhere.png"), @r#"
        exit 2
        --- err
        error: file /nowhere.png not found

        hint: `@@` at the start stands for a literal `@`; `"$(cat FILE)"` is the text of a file
    "#);
    snap!(rhub(["run", &id, "--node-info-list", r#"[{"nodeId": "99", "fieldName": "x", "fieldValue": "1"}]"#]).at(&sim), @r#"
        exit 2
        --- err
        error: the workflow has no node `99`

        hint: did you mean `9`?
    "#);
    assert_eq!(sim.creates(), 0);
}

#[test]
fn folders_that_cannot_be_written() {
    let sim = Simulator::of("01-simple");
    let id = scenario("01-simple").workflow_id();
    let dir = folder();
    let file = dir.path().join("file");
    fs::write(&file, "").expect("a file");
    snap!(rhub(["run", &id, "--out"]).arg(file.join("x")).at(&sim).hide(dir.path(), "[dir]"), @r#"
        exit 9
        --- err
        error: cannot write to the folder [dir]/file/x: Not a directory (os error 20)

        hint: choose another folder with `--out DIR`; nothing was submitted
    "#);
    snap!(rhub(["run", &id, "--name", "{seed}", "--out"]).arg(dir.path()).at(&sim).hide(dir.path(), "[dir]"), @r"
        exit 2
        --- err
        error: the name template has an unknown or unclosed part `{seed}`

        hint: a template is a file name with {task}, {node}, {n}, {name}, {subfolder} and {ext}
    ");
    snap!(rhub(["run", &id, "--record"]).arg(&file).at(&sim).hide(dir.path(), "[dir]"), @r#"
        exit 9
        --- err
        error: the recording cannot be written: file: cannot be recorded to: File exists (os error 17)

        hint: choose a new or empty folder with `--record DIR`; nothing was submitted
    "#);
    assert_eq!(sim.creates(), 0);
}

#[test]
fn recordings_that_cannot_be_played() {
    let dir = folder();
    let tape = dir.path().join("ws-a.jsonl");
    let text = fs::read_to_string(fixture("01-simple/ws-a.jsonl")).expect("a tape");
    let replay = |text: &str| {
        fs::write(&tape, text).expect("a file");
        rhub(["replay"]).arg(&tape).hide(dir.path(), "[dir]")
    };
    let half = text.get(..text.len() / 2).expect("ASCII");
    snap!(replay(half), @r#"
        exit 2
        --- err
        error: the recording cannot be used: ws-a.jsonl: line 20 is cut off: EOF while parsing a string at line 1 column 367

        hint: the lines before line 20 can be replayed: delete that line and the rest
    "#);
    snap!(replay("{\"format\": 99}\n"), @r#"
        exit 2
        --- err
        error: the recording cannot be used: ws-a.jsonl: line 1 is not a row of a recording: missing field `t_ms` at line 1 column 14

        hint: a recording is a folder made by `--record DIR`, one `ws-….jsonl` from it, or a file with the output of `--format json`
    "#);
    snap!(replay("{\"format\": 99, \"kind\": \"runninghub-tape\"}\n"), @r#"
        exit 2
        --- err
        error: the recording cannot be used: ws-a.jsonl: made by a newer version: it has format 99, and this version reads up to 1

        hint: update to a version that reads it
    "#);
    snap!(replay(""), @r#"
        exit 2
        --- err
        error: the recording is empty

        hint: a recording is a folder made by `--record DIR`, one `ws-….jsonl` from it, or a file with the output of `--format json`
    "#);
    snap!(replay("hello\n"), @r#"
        exit 2
        --- err
        error: the recording cannot be used: ws-a.jsonl: line 1 is not a row of a recording: expected value at line 1 column 1

        hint: a recording is a folder made by `--record DIR`, one `ws-….jsonl` from it, or a file with the output of `--format json`
    "#);
    snap!(rhub(["replay", "/nowhere"]), @r#"
        exit 2
        --- err
        error: the recording cannot be used: nowhere: cannot be opened: No such file or directory (os error 2)

        hint: a recording is a folder made by `--record DIR`, one `ws-….jsonl` from it, or a file with the output of `--format json`
    "#);
    snap!(rhub(["replay", "--speed", "0"]).arg(fixture("01-simple")), @r#"
        exit 2
        --- err
        error: invalid value '0' for '--speed <N|max>': a speed is a number above 0, or `max`

        For more information, try '--help'.
    "#);
    snap!(rhub(["replay", "--prompt", "x"]).arg(fixture("01-simple")), @r"
        exit 2
        --- err
        error: the recording has no run `x`

        hint: available: 02add131-4831-419a-9f69-65ff1fdec830
    ");
    snap!(rhub(["replay", "--stream", "z"]).arg(fixture("01-simple")), @r"
        exit 2
        --- err
        error: the recording has no stream `z`

        hint: available: a
    ");
}

#[test]
fn refusals_by_the_platform() {
    let sim = Simulator::of("01-simple");
    snap!(rhub(["account"]).at(&sim).env("RUNNINGHUB_API_KEY", "ffffffffffffffffffffffffffffffff"), @r#"
        exit 4
        --- err
        error: cannot get the account: code -1, the API key was rejected (ApiKey verification failed)

        hint: check the key and the site: a key from runninghub.cn does not work on runninghub.ai, or the other way round
    "#);
    snap!(rhub(["run", ID]).at(&sim), @r#"
        exit 4
        --- err
        error: cannot get the workflow: code 380, the workflow does not exist (WORKFLOW_NOT_EXISTS)

        hint: check the id, and that it belongs to the key's site and account; run an AI app with `rhub app run 1904136902449209346`
    "#);
    snap!(rhub(["status", ID]).at(&sim), @r#"
        exit 4
        --- err
        error: cannot get the task's status: code 807, task not found (APIKEY_TASK_NOT_FOUND)

        hint: check the id, and that it belongs to the key's site and account
    "#);
    snap!(rhub(["cancel", ID]).at(&sim), @r#"
        exit 4
        --- err
        error: cannot cancel the task: code 807, task not found (APIKEY_TASK_NOT_FOUND)

        hint: check the id, and that it belongs to the key's site and account
    "#);
    assert_eq!(sim.creates(), 0);
}

#[test]
fn nothing_is_listening() {
    // Bound and released: nothing listens on this port now.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|socket| socket.local_addr())
        .expect("a port")
        .port();
    let url = format!("http://127.0.0.1:{port}");
    snap!(
        rhub(["account"])
            .env("RUNNINGHUB_API_KEY", Sim::DEMO_KEY)
            .env("RUNNINGHUB_TIME_SCALE", "0.01")
            .env("RUNNINGHUB_BASE_URL", &url)
            .hide(&url, "[url]"),
        @r#"
        exit 3
        --- err
        error: cannot get the account: no connection: error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)

        hint: check the network connection and any proxy in `HTTPS_PROXY` and `NO_PROXY`
    "#
    );
}

#[test]
fn a_webhook_that_cannot_be_called_is_not_paid_for() {
    let sim = Simulator::of("01-simple");
    let id = scenario("01-simple").workflow_id();
    for url in ["notaurl", "ftp://h/a", "https://h/{secrt}"] {
        let done = rhub(["run", &id, "--webhook", url]).at(&sim).run();
        assert_eq!((done.code, sim.creates()), (Some(2), 0), "{done}");
        assert!(done.stderr.contains("{secret}"), "{done}");
    }
}

#[test]
fn an_unknown_task_ends_the_watch() {
    let sim = Simulator::of("01-simple");
    let done = rhub(["watch", "77"]).at(&sim).run();
    assert_eq!(done.code, Some(4), "{done}");
    assert!(!done.stderr.contains("the task continues"), "{done}");
}

#[test]
fn numbers_that_would_be_rounded_are_refused() {
    let sim = Simulator::start(Sim::builder().any_model());
    let (number, dir) = ("12345678901234567890123", folder());
    let graph = dir.path().join("graph.json");
    fs::write(&graph, format!(r#"{{"1":{{"class_type":"SaveImage","inputs":{{"a":{number}}}}}}}"#))
        .expect("written");
    let list = format!(r#"[{{"nodeId":"1","fieldName":"a","fieldValue":{number}}}]"#);
    for args in [
        &["run", &graph.to_string_lossy()][..],
        &["run", "1904154698679771137", "--node-info-list", &list],
        &["model", "run", "lab/x", "--body", &format!(r#"{{"a":{number}}}"#)],
    ] {
        let done = rhub(args.iter().copied()).at(&sim).run();
        assert_eq!((done.code, sim.creates()), (Some(2), 0), "{done}");
        assert!(done.stderr.contains("does not fit into 64 bits"), "{done}");
    }
    fs::write(&graph, r#"{"1":{"class_type":"SaveImage","inputs":{"list":[1],"text":"x"}}}"#)
        .expect("written");
    let set = |field: &str| {
        let value = format!("1.{field}=[{number}]");
        rhub(["run", "--detach", &graph.to_string_lossy(), "--set", &value]).at(&sim).run()
    };
    let done = set("list");
    assert_eq!((done.code, sim.creates()), (Some(2), 0), "{done}");
    assert!(done.stderr.contains("an integer beyond 64 bits"), "{done}");
    let done = set("text");
    assert_eq!((done.code, sim.creates()), (Some(0), 1), "in a text it stays as it is: {done}");
}

#[test]
fn loaders_reject_paths_without_an_at_sign() {
    let sim = Simulator::start(Sim::builder().app(App::demo()));
    let dir = folder();
    let graph = dir.path().join("graph.json");
    let text = r#"{"10":{"class_type":"LoadImage","inputs":{"image":"example.png"}},"9":{"class_type":"SaveImage","inputs":{"images":["10",0]}}}"#;
    fs::write(&graph, text).expect("written");
    let graph = graph.to_string_lossy().into_owned();
    snap!(rhub(["run", &graph, "-s", "10.image=/home/me/a.png"]).at(&sim), @r"
        exit 2
        --- err
        error: `10.image` takes the name of an uploaded file, not a path on this machine: `/home/me/a.png`

        hint: did you mean `10.image=@/home/me/a.png`? It uploads the file
    ");
    snap!(rhub(["run", &graph, "--lang", "zh", "-s", "10.image=~/a.png"]).at(&sim), @r"
        exit 2
        --- err
        错误：`10.image` 需要已上传文件的名称，而不是本机路径：`~/a.png`

        提示：要上传该文件，请写 `10.image=@文件`，并给出完整路径
    ");
    let entry = r#"[{"nodeId": "10", "fieldName": "image", "fieldValue": "../a.png"}]"#;
    let app = App::demo().id();
    for args in [
        &["run", &graph, "--node-info-list", entry][..],
        &["app", "run", &app, "-s", "image=./a.png"],
        &["app", "run", &app, "--node-info-list", entry],
    ] {
        let done = rhub(args.iter().copied()).at(&sim).run();
        assert_eq!((done.code, sim.creates()), (Some(2), 0), "{done}");
        assert!(done.stderr.contains("not a path on this machine"), "{done}");
    }
}

#[test]
fn a_file_of_priors_is_checked_before_anything_is_sent() {
    let sim = Simulator::of("01-simple");
    let dir = folder();
    let file = dir.path().join("priors.json");
    for (text, reason) in [
        ("{", "EOF"),
        (r#"{"classes": [{"matches": ["x"], "seconds": -1}]}"#, "not within 0 to 86400"),
        (r#"{"classes": [{"matches": ["x"], "secnods": 1}]}"#, "unknown field"),
    ] {
        fs::write(&file, text).expect("written");
        let done = rhub(["run", ID, "--priors"]).arg(&file).at(&sim).run();
        assert_eq!(done.code, Some(2), "{}", done.stderr);
        assert!(
            done.stderr.contains("cannot use the priors") && done.stderr.contains(reason),
            "{}",
            done.stderr
        );
    }
    assert_eq!(sim.creates(), 0);
    let done = rhub(["run", ID, "--priors", "nowhere.json"]).at(&sim).run();
    assert!(done.code == Some(2) && done.stderr.contains("cannot read the priors"), "{}", done.stderr);
    let done = rhub(["replay"]).arg(fixture("01-simple")).arg("--priors").arg(&file).run();
    assert_eq!(done.code, Some(2), "{}", done.stderr);
}
