//! Downloads results onto a full disk, and from a failed task.

use std::{fs, path::Path, time::Duration};

use runninghub_sim::{Fault, Scenario, ScriptNode, Sim, SimBuilder};
use serde_json::{Value, json};

use crate::common::{Simulator, folder, rhub};

/// A file of 64 KiB and one of 240 KiB.
fn two_files() -> (SimBuilder, String) {
    let scenario =
        Scenario::script("two").node(ScriptNode::new("9", "Save").saves("a.txt").saves("b.png")).build();
    let id = scenario.workflow_id();
    (Sim::builder().scenario(scenario).speed(50.0), id)
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    let mut names: Vec<_> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// A limit of 200 KiB on the size of files acts like a full disk: the write fails in the middle.
#[cfg(unix)]
#[test]
fn a_full_disk() {
    use std::process::Command;

    let (builder, id) = two_files();
    let sim = Simulator::start(builder);
    let dir = folder();
    let limited = |args: &[&str]| {
        let inner = rhub([]).at(&sim).into_command();
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "trap '' XFSZ; ulimit -f 400; exec \"$@\"", "sh"]).arg(inner.get_program());
        shell.args(args).arg("--out").arg(dir.path()).env_clear();
        shell.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = shell.output().expect("a shell");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    let (code, output) = limited(&["run", &id]);
    assert_eq!(code, Some(9), "{output}");
    assert!(output.contains(&format!("{}: File too large", dir.path().display())), "{output}");
    let task = "2000000000000000001";
    let (text, manifest) = (format!("{task}-9-1.txt"), format!("{task}.manifest.json"));
    assert_eq!(names(dir.path()), [text.clone(), manifest.clone()], "what fits is there, and nothing else");
    assert!(output.contains(&format!("rhub download {task}")), "{output}");
    assert_eq!(limited(&["download", task]).0, Some(9));

    // With enough space, one command downloads the rest, and only the rest.
    let fetched = sim.sim().stats().calls["/files"];
    let done = rhub(["download", task, "--out"]).arg(dir.path()).at(&sim).run();
    assert_eq!(done.code, Some(0), "{done}");
    assert_eq!(names(dir.path()), [text, format!("{task}-9-2.png"), manifest]);
    assert_eq!((sim.creates(), sim.sim().stats().calls["/files"] - fetched), (1, 1));
}

#[test]
fn a_failed_task_saves_what_was_made_and_still_says_failed() {
    let (builder, id) = two_files();
    let sim = Simulator::start(builder.fault(Fault::TaskFails).fault(Fault::FilesOfFailed));
    let dir = folder();
    let done = rhub(["run", &id, "--out"]).arg(dir.path()).at(&sim).hide(dir.path(), "[dir]").run();
    assert_eq!(done.code, Some(1), "{done}");
    assert!(done.stdout.contains("Task failed in node"), "{done}");
    assert_eq!(names(dir.path()).len(), 3, "two files and a manifest: {done}");

    let again = folder();
    let done = rhub(["download", "2000000000000000001", "--out"]).arg(again.path()).at(&sim).run();
    assert_eq!((done.code, names(again.path()).len()), (Some(1), 3), "{done}");
}

#[test]
fn a_failed_task_that_made_nothing_leaves_nothing() {
    let (builder, id) = two_files();
    let sim = Simulator::start(builder.fault(Fault::TaskFails));
    let dir = folder();
    let done = rhub(["run", &id, "--out"]).arg(dir.path()).at(&sim).run();
    assert_eq!((done.code, names(dir.path()).len()), (Some(1), 0), "{done}");
    assert_eq!(done.stderr, "");
}

/// A file that is too large is not saved. The rest is, and the exit code reports it.
#[test]
fn a_limit_on_the_size_of_files() {
    let (builder, id) = two_files();
    let (sim, dir) = (Simulator::start(builder), folder());
    let done = rhub(["run", &id, "--max-file-size", "100K", "--out"]).arg(dir.path()).at(&sim).run();
    assert_eq!(done.code, Some(8), "{done}");
    assert!(done.stdout.contains("more than 100000 bytes"), "{done}");
    let task = "2000000000000000001";
    assert_eq!(names(dir.path()), [format!("{task}-9-1.txt"), format!("{task}.manifest.json")]);
    let wrong = rhub(["run", &id, "--max-file-size", "much"]).at(&sim).run();
    assert_eq!((wrong.code, wrong.stderr.contains("`500M`")), (Some(2), true), "{wrong}");
}

/// One image is a preview, one is saved, and then the run fails.
fn previewed() -> (SimBuilder, String) {
    let ms = Duration::from_millis;
    let scenario = Scenario::script("previewed")
        .node(ScriptNode::new("3", "KSampler").takes(ms(200)).steps(4))
        .node(ScriptNode::new("8", "PreviewImage").link("x", "3", 0).shows("ComfyUI_temp_a_00001_.png"))
        .node(ScriptNode::new("9", "SaveImage").link("x", "3", 0).saves("cat_00001_.png"))
        .node(ScriptNode::new("10", "VAEDecode").link("x", "9", 0).fails("RuntimeError", "no"))
        .build();
    let id = scenario.workflow_id();
    (Sim::builder().scenario(scenario).wait_for_socket(Duration::from_secs(10)), id)
}

#[test]
fn files_named_only_by_the_socket_are_saved_on_request() {
    let (builder, id) = previewed();
    let sim = Simulator::start(builder);
    let dir = folder();
    let run = |args: &[&str]| {
        let args = ["run", &id].into_iter().chain(args.iter().copied());
        rhub(args).arg("--out").arg(dir.path()).at(&sim).hide(dir.path(), "[dir]").run()
    };
    let plain = run(&[]);
    assert!(plain.code == Some(1) && plain.stdout.contains("Nothing was saved"), "{plain}");
    assert_eq!(sim.sim().stats().calls.get("/view"), None, "nobody asked for them");

    let plain = run(&["--keep-intermediate"]);
    assert_eq!(plain.code, Some(1), "{plain}");
    let saved: Vec<_> = plain.stdout.lines().filter(|line| line.contains("aved")).collect();
    insta::assert_snapshot!(saved.join("\n"), @r"
        💾 Saved [dir]/intermediate/2000000000000000002-8-1.png (246.2 kB)
        💾 Saved [dir]/intermediate/2000000000000000002-9-2.png (246.2 kB)
    ");
    assert_eq!(names(&dir.path().join("intermediate")).len(), 2);

    let json = run(&["--keep-intermediate", "--json"]);
    let last: Value = serde_json::from_str(json.stdout.lines().last().expect("lines")).expect("JSON");
    let outputs = last["outputs"].as_array().expect("a list");
    let output: Vec<_> =
        outputs.iter().map(|one| (&one["node_id"], &one["intermediate"], &one["url"])).collect();
    let (yes, none) = (json!(true), Value::Null);
    assert_eq!(output, [(&json!("8"), &yes, &none), (&json!("9"), &yes, &none)], "{json}");
    for output in outputs {
        let file = fs::read(
            output["path"].as_str().expect("a path").replace("[dir]", &dir.path().to_string_lossy()),
        );
        assert_eq!(file.expect("it is there").len() as u64, output["bytes"], "{output}");
    }
    assert!(!json.stdout.contains("Rh-Comfy-Auth"), "{json}");
}

#[test]
fn a_failed_setting_changes_nothing_else() {
    let (builder, id) = previewed();
    let sim = Simulator::start(builder.fault(Fault::NoNodeFiles));
    let dir = folder();
    let done =
        rhub(["run", &id, "--keep-intermediate", "--lang", "zh", "--out"]).arg(dir.path()).at(&sim).run();
    assert_eq!(done.code, Some(1), "{done}");
    let warnings: Vec<_> = done.stdout.lines().filter(|line| line.starts_with("⚠️")).collect();
    insta::assert_snapshot!(warnings.join("\n"), @r"
        ⚠️ 节点 10 正在运行，但工作流并不需要它
        ⚠️ ComfyUI_temp_a_00001_.png（节点 8）：未能取回：收到的是网页，而不是文件
        ⚠️ cat_00001_.png（节点 9）：未能取回：收到的是网页，而不是文件
    ");
    assert_eq!(names(dir.path()), ["intermediate"]);
    let done = rhub(["run", &id, "--keep-intermediate"]).at(&sim).run();
    assert!(done.code == Some(2) && done.stderr.contains("--out DIR"), "{done}");
}
