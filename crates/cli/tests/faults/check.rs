//! The invariants of every case.

use std::{
    fs,
    path::{Path, PathBuf},
};

use runninghub_sim::Toxic;

use crate::{
    case::{After, CREATE, Case, MODEL, Saved, is_manifest},
    lab::{KEY, SIGNATURE, TICKET},
    places::Places,
};

/// Checks everything, and panics on a violation. `before` lists the files from before the case.
pub(crate) fn check(case: &Case, after: &After, places: &Places, before: &[(PathBuf, Vec<u8>)]) {
    let mut wrong = Vec::new();
    let mut fail = |what: String| wrong.push(what);
    // A signal is expected as a negative number.
    if after.code.or(after.signal.map(|signal| -signal)) != Some(case.exit) {
        fail(format!("exit {:?}, signal {:?}, and not {}", after.code, after.signal, case.exit));
    }
    let posts = after.calls(CREATE) + after.calls(MODEL);
    if (posts, after.stats.creates) != (case.posts, case.creates) {
        let (wanted, paid) = (case.posts, case.creates);
        fail(format!("{posts} creates sent, {} made, and not {wanted} and {paid}", after.stats.creates));
    }
    if after.took > case.within {
        fail(format!("it took {:?}", after.took));
    }
    if after.memory > case.memory << 10 {
        fail(format!("{} KiB of memory", after.memory));
    }
    let text = after.text();
    for says in case.says.iter().filter(|says| !text.contains(**says)) {
        fail(format!("it does not say {says:?}"));
    }
    results(case, places, before, &mut fail);
    secrets(after, places, &mut fail);
    for (place, bytes) in output(after, places) {
        if let Some(odd) = control(&bytes) {
            fail(format!("{odd} in {place}"));
        }
        let bytes = String::from_utf8_lossy(&bytes);
        for never in case.never.iter().filter(|never| bytes.contains(**never)) {
            fail(format!("{never:?} in {place}"));
        }
    }
    ledger(case, after, places, &mut fail);
    for (name, toxics, seen) in
        [("socket", &case.sockets, after.sockets), ("file", &case.results, after.results)]
    {
        // A port that refuses connections counts none.
        if toxics.iter().any(|toxic| *toxic != Toxic::refuse()) && seen.connections == 0 {
            fail(format!("no {name} met the toxic: the case shows nothing"));
        }
    }
    if let Some(idle) = after.stats.rules.iter().take(case.rules.len()).position(|applied| *applied == 0) {
        fail(format!("rule {idle} made no difference: the case shows nothing"));
    }
    if after.decoy.connections > 0 {
        fail("something connected to the decoy".to_owned());
    }
    assert!(wrong.is_empty(), "{}:\n  {}\n{}", case.name, wrong.join("\n  "), story(after, places));
    if let Some(also) = case.also {
        also(after);
    }
}

/// The folder holds exactly the results, complete and under safe names; no other file was written anywhere.
fn results(case: &Case, places: &Places, before: &[(PathBuf, Vec<u8>)], fail: &mut impl FnMut(String)) {
    let now = Places::files(places.root());
    for (path, _) in before.iter().filter(|old| !now.contains(old)) {
        fail(format!("{} is not what it was", path.display()));
    }
    let mut left: Vec<&[u8]> = case.scenario.results().map(|(_, _, content)| content).collect();
    let wanted = match case.saved {
        Saved::All => left.len(),
        Saved::Nothing => 0,
        Saved::Some(count) => count,
    };
    let mut saved = 0;
    for (path, bytes) in Places::files(&places.out()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if is_manifest(&path) || before.iter().any(|(old, _)| *old == path) {
            continue;
        }
        if name.starts_with('.') || name.contains("part") || !name.starts_with("2000000000000000") {
            fail(format!("{name:?} was left in the folder"));
        } else if let Some(index) = left.iter().position(|content| **content == *bytes) {
            left.swap_remove(index);
            saved += 1;
        } else {
            fail(format!("{name:?} is not whole: {} bytes", bytes.len()));
        }
    }
    if saved != wanted {
        fail(format!("{saved} results were saved, and not {wanted}"));
    }
    let known = ["home", "log", "out", "record", "state"];
    for entry in fs::read_dir(places.root()).expect("a folder") {
        let name = entry.expect("an entry").file_name();
        // Cases create their own files.
        if !known.iter().any(|known| name == **known) && !name.to_string_lossy().starts_with("case-") {
            fail(format!("{} was written where nothing belongs", name.display()));
        }
    }
    for (path, _) in Places::files(&places.root().join("home")) {
        fail(format!("{} was written although another folder was named", path.display()));
    }
}

/// No key, ticket or signature appears anywhere. The links on stdout are the requested output; they are signed.
fn secrets(after: &After, places: &Places, fail: &mut impl FnMut(String)) {
    let mut all = output(after, places);
    let written =
        Places::files(places.root()).into_iter().filter(|(path, _)| !path.starts_with(places.out()));
    all.extend(written.map(|(path, bytes)| (path.display().to_string(), bytes)));
    let lists = Places::files(&places.out()).into_iter().filter(|(path, _)| is_manifest(path));
    all.extend(lists.map(|(path, bytes)| (path.display().to_string(), bytes)));
    for (place, bytes) in &all {
        for secret in [KEY, TICKET, SIGNATURE] {
            let is_link = secret == SIGNATURE && place == "stdout";
            if !is_link && contains(bytes, secret) {
                fail(format!("the secret {secret} is in {place}"));
            }
        }
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The output for users: stdout, stderr and the log.
fn output(after: &After, places: &Places) -> Vec<(String, Vec<u8>)> {
    vec![
        ("stdout".to_owned(), after.stdout.clone()),
        ("stderr".to_owned(), after.stderr.clone()),
        ("log".to_owned(), fs::read(places.log()).unwrap_or_default()),
    ]
}

/// The first character that a terminal would interpret, or that hides text.
fn control(bytes: &[u8]) -> Option<String> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Some("something that is no UTF-8".to_owned()) };
    let odd = text.chars().find(|c| {
        (c.is_control() && *c != '\n')
            || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
            || matches!(c, '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    })?;
    let line = text.lines().find(|line| line.contains(odd)).unwrap_or_default();
    Some(format!("{odd:?} ({line:?})"))
}

/// Checks the ledger with `rhub tasks`: a paid task is known or unknown but never lost, and an outcome is never
/// invented.
fn ledger(case: &Case, after: &After, places: &Places, fail: &mut impl FnMut(String)) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_rhub"))
        .args(["tasks", "--json", "--state-dir"])
        .arg(places.state())
        .env_clear()
        .env("RUNNINGHUB_CONFIG", crate::lab::NO_CONFIG)
        .output()
        .expect("the binary");
    let lines = String::from_utf8_lossy(&output.stdout);
    let events = lines.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let submits: Vec<_> = events.filter(|event| event["event"] == "task").collect();
    let states: Vec<&str> = submits.iter().filter_map(|submit| submit["state"].as_str()).collect();
    let is_run = case.command.starts_with(&["run"]) || case.command.starts_with(&["model", "run"]);
    let fits = match (states.as_slice(), after.stats.creates) {
        ([], 0) => true,
        ([state], 0) => matches!(*state, "refused" | "unknown"),
        ([state], 1) => matches!(*state, "accepted" | "done" | "failed" | "cancelled" | "gone" | "unknown"),
        // Tasks created by the case itself, and commands that submit nothing.
        ([], _) => !is_run,
        _ => false,
    };
    let says = match (case.exit, states.first()) {
        (0, Some(state)) if is_run => *state == "done" || case.command.contains(&"--detach"),
        (1, Some(state)) if is_run => matches!(*state, "failed" | "cancelled" | "gone"),
        (3 | 4, Some(state)) if after.stats.creates == 0 => *state == "refused",
        (5, state) => state == Some(&"unknown"),
        (6, Some(state)) => *state == "accepted",
        _ => true,
    };
    let named = submits.iter().all(|submit| {
        matches!(submit["state"].as_str(), Some("refused" | "unknown")) || submit["task_id"].is_string()
    });
    if !(fits && says && named) {
        fail(format!("the ledger says {submits:?} of {} paid tasks", after.stats.creates));
    }
}

/// All context that helps to find the cause.
fn story(after: &After, places: &Places) -> String {
    let log = fs::read_to_string(places.log()).unwrap_or_default();
    let log: Vec<_> = log.lines().rev().take(25).collect();
    let log: Vec<_> = log.into_iter().rev().collect();
    let files: Vec<PathBuf> = Places::files(places.root()).into_iter().map(|(path, _)| path).collect();
    let files: Vec<_> = files
        .iter()
        .map(|path| path.strip_prefix(places.root()).unwrap_or(Path::new("")).display().to_string())
        .collect();
    let text = after.text();
    let text: String = text.chars().take(6_000).collect();
    format!(
        "--- told ({:?})\n{text}--- calls {:?}\n--- files {}\n--- log\n{}\n",
        after.took,
        after.stats.calls,
        files.join(" "),
        log.join("\n")
    )
}
