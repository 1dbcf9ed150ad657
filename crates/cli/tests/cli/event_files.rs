//! `replay` shows the output of `--format json` again.

use std::{fs, path::PathBuf};

use tempfile::TempDir;

use crate::common::{Simulator, fixture, folder, rhub, scenario};

/// Writes a file of lines.
fn file(text: &str) -> (TempDir, PathBuf) {
    let dir = folder();
    let path = dir.path().join("run.ndjson");
    fs::write(&path, text).expect("written");
    (dir, path)
}

#[test]
fn the_lines_of_a_replay_come_back_and_their_text_is_that_of_the_recording() {
    for name in
        ["01-simple", "05-cached-partial", "07-error", "18-progress-text", "21-blocked", "27-hard-json"]
    {
        let recorded = rhub(["replay", "--json"]).arg(fixture(name)).run();
        let (_dir, path) = file(&recorded.stdout);
        for speed in ["max", "100000"] {
            let again = rhub(["replay", "--json", "--speed", speed]).arg(&path).run();
            assert_eq!((again.stdout, again.code), (recorded.stdout.clone(), recorded.code), "{name}");
        }
        let text = rhub(["replay"]).arg(fixture(name)).run().stdout;
        assert_eq!(rhub(["replay"]).arg(&path).run().stdout, text, "{name}");
    }
}

#[test]
fn the_lines_of_a_live_run_come_back_and_are_worded_as_they_were() {
    let sim = Simulator::of("01-simple");
    let id = scenario("01-simple").workflow_id();
    let dir = folder();
    let live = rhub(["run", &id, "--json", "--out"]).arg(dir.path()).at(&sim).run();
    let (_dir, path) = file(&live.stdout);
    let again = rhub(["replay", "--json"]).arg(&path).run();
    assert_eq!((again.stdout, again.code), (live.stdout, Some(0)));
    let text = rhub(["replay"]).arg(&path).run().stdout;
    let task = sim.sim().tasks()[0].task_id.clone();
    for words in [
        format!("✅ Task initiated successfully, taskId: {task}"),
        "📈 Overall progress: 100.0% (6/6)\n🎉 Task completed!\n📄 Generation results:\n  Result 1: Type=png"
            .to_owned(),
        "💾 Saved ".to_owned(),
    ] {
        assert!(text.contains(&words), "{words} is missing in {text}");
    }
}

#[test]
fn a_run_that_was_interrupted_is_shown_and_not_called_over() {
    let line = r#"{"schema":"rhub.event/1","t":0.1,"event":"progress","percent":5.0,"basis":"first_run","counted":0.0,"done":1,"total":6,"current":[],"eta_s":null}"#;
    let result = r#"{"schema":"rhub.event/1","t":0.2,"event":"result","status":"detached","exit_code":130,"task_id":"7","percent":5.0,"done":1,"total":6,"outputs":[],"failure":null,"cost":null,"elapsed_s":0.2,"api_calls":3}"#;
    let (_dir, path) = file(&format!("{line}\n{result}\n"));
    let shown = rhub(["replay"]).arg(&path).run();
    assert_eq!((shown.code, &*shown.stdout), (Some(6), "📈 Overall progress: 5.0% (1/6)\n"), "{shown}");
}

#[test]
fn a_file_that_is_cut_off_is_shown_as_far_as_it_goes() {
    let whole = rhub(["replay", "--json"]).arg(fixture("01-simple")).run().stdout;
    let lines: Vec<&str> = whole.lines().collect();
    let (_dir, path) = file(&format!("{}\n{}", lines[..12].join("\n"), &lines[12][..60]));
    let shown = rhub(["replay", "--json"]).arg(&path).run();
    let replayed: Vec<&str> = shown.stdout.lines().collect();
    assert_eq!((&replayed[..12], replayed.len(), shown.code), (&lines[..12], 14, Some(6)), "{shown}");
    assert!(replayed[12].contains(r#""event":"warning","code":"cut_off""#), "{shown}");
    assert!(replayed[13].contains(r#""event":"result","status":"running","exit_code":6"#), "{shown}");
    let shown = rhub(["replay"]).arg(&path).run();
    assert!(shown.stdout.contains("⚠️ the file ends in the middle of a line"), "{shown}");
}

#[test]
fn an_event_of_a_newer_version_is_passed_by_in_text_and_kept_in_json() {
    let newer = r#"{"schema":"rhub.event/1","t":0.1,"event":"weather","degrees":21,"task_id":"7"}"#;
    let (_dir, path) = file(&format!("{newer}\n"));
    assert_eq!(rhub(["replay", "--json"]).arg(&path).run().stdout.lines().next(), Some(newer));
    assert_eq!(rhub(["replay"]).arg(&path).run().stdout, "");
}

#[test]
fn other_files_than_events_are_refused_by_name() {
    let good = r#"{"schema":"rhub.event/1","t":0.1,"event":"text","node_id":"1","text":"x"}"#;
    let later = good.replace("event/1", "event/2");
    for (text, message) in [
        ("hello\nworld\n".to_owned(), "or a file with the output of `--format json`"),
        (format!("{good}\nhello\n{good}\n"), "line 2 of the file is not an event"),
        (format!("{good}\n{later}\n"), "line 2 of the file is not an event"),
        (format!("{later}\n"), "line 1 of the file is not an event: `schema` is not `rhub.event/1`"),
    ] {
        let (_dir, path) = file(&text);
        let refused = rhub(["replay"]).arg(&path).run();
        assert_eq!((refused.code, &*refused.stdout), (Some(2), ""), "{refused}");
        assert!(refused.stderr.contains(message), "{refused}");
    }
    let (_dir, path) = file(good);
    let refused = rhub(["replay", "--prompt", "x"]).arg(&path).run();
    assert!(refused.code == Some(2) && refused.stderr.contains("nothing to select"), "{refused}");
}
