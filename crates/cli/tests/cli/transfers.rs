//! File transfers that take a while.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use runninghub_sim::{FaultProxy, Sim, Toxic};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    common::{Simulator, folder, rhub},
    live::{SIGINT, Terminal},
};

/// More than local connections buffer without a reader.
const SIZE: u64 = 25_000_000;

/// A simulator, a slow proxy to it, and a large file.
fn slow() -> (Simulator, FaultProxy, TempDir, PathBuf) {
    let sim = Simulator::start(Sim::builder());
    let proxy = sim.behind(Toxic::bandwidth(20_000_000).up());
    let dir = folder();
    let file = dir.path().join("cat.png");
    File::create(&file).and_then(|file| file.set_len(SIZE)).expect("a large file");
    (sim, proxy, dir, file)
}

#[test]
fn a_slow_upload_reports_progress() {
    let (sim, proxy, _dir, file) = slow();
    let url = format!("http://{}", proxy.address());
    let run = |args: &[&str]| {
        let done = rhub(args.iter().copied()).arg(&file).at(&sim).env("RUNNINGHUB_BASE_URL", &url).run();
        assert_eq!(done.code, Some(0), "{done}");
        done.stdout
    };
    let json = run(&["upload", "--json"]);
    let lines: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let updates: Vec<_> = lines.iter().filter(|line| line["event"] == "transfer").collect();
    let bytes: Vec<_> = updates.iter().map(|line| line["bytes"].as_u64().expect("a number")).collect();
    assert!(bytes.len() > 2 && bytes.is_sorted(), "{json}");
    assert_eq!(bytes.last(), Some(&SIZE), "the whole is told");
    for line in updates {
        assert_eq!((&line["direction"], &line["name"]), (&"upload".into(), &"cat.png".into()));
        assert_eq!(line["total"], SIZE);
        let percent = line["bytes"].as_f64().expect("a number") / SIZE as f64 * 100.0;
        assert!((line["percent"].as_f64().expect("a number") - percent).abs() < 0.01, "{line}");
    }
    let updates = |options: &[&str]| {
        let plain = run(&[&["upload", "--format", "plain", "--lang", "zh"], options].concat());
        let updates: Vec<_> =
            plain.lines().filter(|line| line.contains("正在上传")).map(str::to_owned).collect();
        assert_eq!(updates.last().expect("its end"), "⬆️ 正在上传 cat.png：100%（25.0 MB，共 25.0 MB）");
        updates.len()
    };
    let brief = updates(&[]);
    assert!(updates(&["-v"]) > brief, "verbose lines are not only every ten seconds");
}

fn upload(proxy: &FaultProxy, dir: &TempDir, file: &Path) -> Terminal {
    let url = format!("http://{}", proxy.address());
    let env = [
        ("RUNNINGHUB_API_KEY", Sim::DEMO_KEY),
        ("RUNNINGHUB_BASE_URL", &url),
        ("RUNNINGHUB_STATE_DIR", &dir.path().to_string_lossy()),
    ];
    Terminal::start(200, &["upload", &file.to_string_lossy()], &env)
}

#[test]
fn a_slow_upload_is_drawn_before_the_run() {
    let (_sim, proxy, dir, file) = slow();
    let mut terminal = upload(&proxy, &dir, &file);
    terminal.wait(|screen| screen.contains("Uploading cat.png: ") && screen.contains(" MB of 25.0 MB)"));
    let (code, screen) = terminal.finish();
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains("✅ Uploaded") && !screen.contains("Uploading"), "{screen}");
}

#[test]
fn ctrl_c_in_an_upload_leaves_the_terminal_in_order() {
    let (_sim, proxy, dir, file) = slow();
    let mut terminal = upload(&proxy, &dir, &file);
    terminal.wait(|screen| screen.contains("Uploading cat.png: "));
    terminal.press(b"\x03");
    let (code, screen) = terminal.finish();
    assert_eq!(code, SIGINT, "{screen}");
    assert!(screen.contains("stopped while") && !screen.contains("Uploading"), "{screen}");
}
