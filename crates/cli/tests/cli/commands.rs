//! Single queries and operations.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    process::Stdio,
    time::Duration,
};

use runninghub_sim::{Rule, Scenario, ScriptNode, Sim};
use serde_json::Value;

use crate::common::{Simulator, fixture, folder, rhub, scenario, snap};

#[test]
fn commands_that_query_a_task() {
    let sim = Simulator::of("01-simple");
    let id = scenario("01-simple").workflow_id();
    let done = rhub(["run", &id]).at(&sim).run();
    assert_eq!(done.code, Some(0), "{done}");
    let task = sim.sim().tasks()[0].task_id.clone();
    snap!(rhub(["status", &task]).at(&sim), @r#"
        exit 0
        --- out
        success
    "#);
    snap!(rhub(["outputs", &task]).at(&sim), @r#"
        exit 0
        --- out
        📄 Generation results:
          Result 1: Type=png, URL=[url]/files/2000000000000000001/lab_00007_.png?sign=2
        💰 Cost: 1 coin, 1 s billed
    "#);
    let dir = folder();
    snap!(rhub(["download", &task, "--name", "{task}_{n}.{ext}", "--out"]).arg(dir.path()).at(&sim).hide(dir.path(), "[dir]"), @r#"
        exit 0
        --- out
        💾 Saved [dir]/2000000000000000001_1.png (966 B)
        💰 Cost: 1 coin, 1 s billed
    "#);
    assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 2, "the result and the manifest");
    snap!(rhub(["cancel", &task]).at(&sim), @r#"
        exit 4
        --- err
        error: the task has already ended: success
    "#);
}

/// Only the response to the submit reports them.
#[test]
fn a_detached_submit_reports_rejected_nodes() {
    let (from, to) = (r#"\"node_errors\": {}"#, r#"\"node_errors\": {\"7\": \"no such model\"}"#);
    let builder = Sim::builder().scenario(scenario("02-ksampler"));
    let sim = Simulator::start(builder.rule(Rule::replace("/task/openapi/create", from, to)));
    let id = scenario("02-ksampler").workflow_id();
    snap!(rhub(["run", &id, "--detach"]).at(&sim), @r"
        exit 0
        --- out
        ✅ Task initiated successfully, taskId: 2000000000000000001
        ⚠️ rejected, and will not run: node 7: no such model
        --- err
        hint: the task keeps running; follow it or cancel it with
          rhub watch 2000000000000000001 --workflow 1910907571966099517 --base-url [url]
          rhub cancel 2000000000000000001 --base-url [url]
    ");
    let done = rhub(["run", &id, "--detach", "--json"]).at(&sim).run();
    assert!(done.stdout.contains(r#""event":"warning","code":"node_error""#), "{done}");
}

#[test]
fn a_task_that_runs() {
    let slow = Scenario::script("slow")
        .node(ScriptNode::new("1", "Sleep").takes(Duration::from_mins(10)).saves("a.png"))
        .build();
    let id = slow.workflow_id();
    let sim = Simulator::start(Sim::builder().scenario(slow));
    snap!(rhub(["run", &id, "--detach"]).at(&sim), @r"
        exit 0
        --- out
        ✅ Task initiated successfully, taskId: 2000000000000000001
        --- err
        hint: the task keeps running; follow it or cancel it with
          rhub watch 2000000000000000001 --workflow 1977063930909571121 --base-url [url]
          rhub cancel 2000000000000000001 --base-url [url]
    ");
    let task = sim.sim().tasks()[0].task_id.clone();
    snap!(rhub(["status", &task]).at(&sim), @r#"
        exit 0
        --- out
        running
    "#);
    snap!(rhub(["outputs", &task]).at(&sim), @r#"
        exit 6
        --- err
        error: the task has not ended: it is running

        hint: `rhub watch 2000000000000000001 --base-url [url]` follows it
    "#);
    let waited = rhub(["watch", &task, "--timeout", "300ms", "--json"]).at(&sim).run();
    assert_eq!(waited.code, Some(6), "{waited}");
    let result: Value =
        waited.stdout.lines().last().and_then(|line| serde_json::from_str(line).ok()).expect("a result");
    assert_eq!((&result["status"], &result["exit_code"]), (&"timeout".into(), &6.into()));
    let home = folder();
    let set = rhub(["config", "set", "timeout", "300ms"]).config(&home).run();
    assert_eq!(set.code, Some(0), "{set}");
    for (waiting, option) in [
        (
            rhub(["watch", &task, "--timeout=300ms"]).env("RUNNINGHUB_TIMEOUT", "1h").config(&home),
            "--timeout",
        ),
        (rhub(["watch", &task]).env("RUNNINGHUB_TIMEOUT", "300ms").config(&home), "RUNNINGHUB_TIMEOUT"),
        (rhub(["watch", &task]).config(&home), "rhub config get timeout"),
    ] {
        let waited = waiting.at(&sim).run();
        assert_eq!(waited.code, Some(6), "{waited}");
        assert!(waited.to_string().contains(&format!("after 0.3 s (`{option}`)")), "{waited}");
    }
    snap!(rhub(["cancel", &task]).at(&sim), @r#"
        exit 0
        --- out
        🛑 Task 2000000000000000001 cancelled
    "#);
    let after = rhub(["outputs", &task]).at(&sim).run();
    assert_eq!(after.code, Some(1), "{after}");
}

#[test]
fn the_account() {
    let sim = Simulator::of("01-simple");
    snap!(rhub(["account"]).at(&sim), @r"
        exit 0
        --- out
        Coins:  1000
        Wallet: unknown
        Key:    SHARED
        Slots:  0 used, 3 free, 3 total; 0 waiting
    ");
}

#[test]
fn the_fields_of_a_workflow() {
    let sim = Simulator::of("02-ksampler");
    let id = scenario("02-ksampler").workflow_id();
    let shown = rhub(["workflow", "show", &id]).at(&sim).run();
    insta::assert_snapshot!(shown.to_string(), @r#"
        exit 0
        --- out
        4  Load (tiny random) model  (LabTinyModel)
            seed = 7
        5  EmptyLatentImage
            width = 192
            height = 192
            batch_size = 1
        3  KSampler
            seed = 954572242
            steps = 10
            cfg = 5.0
            sampler_name = "euler"
            scheduler = "normal"
            denoise = 1.0
        8  LabLatentToImage
        9  SaveImage
            filename_prefix = "lab"
    "#);
    let of_file = rhub(["workflow", "show"]).arg(fixture("02-ksampler/workflow.json")).run();
    assert_eq!(of_file.to_string(), shown.to_string());
}

#[test]
fn the_simulator_says_where_it_is() {
    let mut command = rhub(["simulate", "--json", "--listen", "127.0.0.1:0", "--scenario"])
        .arg(fixture("01-simple"))
        .into_command();
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let listening: Value = serde_json::from_str(&line).expect("JSON");
    let done = rhub(["run", &scenario("01-simple").workflow_id()])
        .env("RUNNINGHUB_API_KEY", listening["api_key"].as_str().expect("a key"))
        .env("RUNNINGHUB_BASE_URL", listening["base_url"].as_str().expect("an address"))
        .env("RUNNINGHUB_TIME_SCALE", "0.05")
        .run();
    child.kill().and_then(|()| child.wait()).expect("it ends");
    assert_eq!(done.code, Some(0), "{done}");
}

#[test]
fn the_simulator_refuses_nonsense() {
    snap!(rhub(["simulate", "--listen", "0.0.0.0:0"]), @r#"
        exit 2
        --- err
        error: 0.0.0.0:0 is not a loopback address
    "#);
    snap!(rhub(["simulate", "--fault", "nonsense=1"]), @r#"
        exit 2
        --- err
        error: no fault is called "nonsense"

        hint: `rhub simulate --fault list` lists all faults with their values
    "#);
    let list = rhub(["simulate", "--fault", "list"]).run();
    assert!(
        list.code == Some(0) && list.stdout.lines().any(|line| line.starts_with("queue-delay=SECONDS")),
        "{list}"
    );
}

#[test]
fn uploads() {
    let (sim, dir) = (Simulator::of("01-simple"), folder());
    let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    for (name, bytes) in
        [("cat.png", "meow"), ("cats.zip", "PK"), ("notes.txt", "no"), ("style.safetensors", "w")]
    {
        fs::write(path(name), bytes).expect("a file");
    }
    let run = |args: &[&str]| rhub(args.iter().copied()).at(&sim).hide(dir.path(), "[dir]");
    snap!(run(&["upload", &path("cat.png"), &path("cats.zip")]), @r#"
        exit 0
        --- out
        ✅ Uploaded [dir]/cat.png: openapi/404cdd7bc109c432f8cc2443b45bcfe95980f5107215c645236e577929ac3e52.png
           for models: [url]/uploads/404cdd7bc109c432f8cc2443b45bcfe95980f5107215c645236e577929ac3e52.png?sign=1
        ✅ Uploaded [dir]/cats.zip: openapi/fcab7fcc2b4cffd9bb45003bfc2e468a04ef6f77ca8200a7341f027631584d25.zip
           for models: [url]/uploads/fcab7fcc2b4cffd9bb45003bfc2e468a04ef6f77ca8200a7341f027631584d25.zip?sign=1
    "#);
    snap!(run(&["upload", &path("cat.png"), &path("missing.png")]), @r"
        exit 2
        --- err
        error: file [dir]/missing.png not found

        hint: nothing was sent
    ");
    snap!(run(&["upload", &path("notes.txt")]), @r#"
        exit 2
        --- err
        error: [dir]/notes.txt: cannot upload the file: the platform does not accept files of this type

        hint: supported file extensions: jpg, jpeg, png, webp, zip, mp3, wav, flac, mp4, avi, mov, mkv
    "#);
    snap!(run(&["lora", "upload", &path("style.safetensors")]), @r#"
        exit 0
        --- out
        ✅ Uploaded [dir]/style.safetensors: api-lora-cn/f1290186a5d0b1ceab27f4e77c0c5d68.safetensors
    "#);
    snap!(run(&["lora", "upload", &path("style.safetensors")]), @r#"
        exit 0
        --- out
        ✅ [dir]/style.safetensors is already on the platform: api-lora-cn/f1290186a5d0b1ceab27f4e77c0c5d68.safetensors
    "#);
    snap!(run(&["lora", "upload", &path("cat.png")]), @r#"
        exit 2
        --- err
        error: cannot upload the LoRA: the file is not a `.safetensors` file
    "#);
}
