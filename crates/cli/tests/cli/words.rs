//! No English is left in Chinese output.

use std::{collections::BTreeSet, fs};

use runninghub_sim::{App, Sim};

use crate::common::{Rhub, Simulator, folder, rhub, scenario};

/// Words that are the same in Chinese.
#[rustfmt::skip]
const NAMES: &[&str] = &[
    // Products, formats and terms of RunningHub's own pages.
    "API", "ComfyUI", "HTTP", "JSON", "Lines", "RunningHub", "URL", "WSS", "WebSocket", "nodeInfoList", "png", "prompt", "rhub",
    "taskId", "webhook",
    // A kind of key, as the platform names it.
    "SHARED",
    // Checks of `doctor`.
    "clock", "config", "disk", "key", "ledger", "network", "proxy", "socket", "tls",
    // Endpoints.
    "account", "app", "create", "detail", "outputs", "queue", "status", "workflow",
    // Names in the recording and in the simulator.
    "EmptyImage", "ImageBlur", "ImageInvert", "ImageScale", "PreviewImage", "SaveImage", "simulated",
];

/// The English words of three letters or more outside of quotes, addresses, paths, options, variables and ids.
fn english(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for line in text.lines() {
        // A command to copy.
        if line.starts_with("  rhub ") {
            continue;
        }
        let line = without_the_words_of_others(line);
        let outside = |text: &str, mark: char| text.split(mark).step_by(2).collect::<Vec<_>>().join(" ");
        let prose = ['`', '\'', '"'].iter().fold(line, |text, mark| outside(&text, *mark));
        for token in prose.split(|c: char| c.is_whitespace() || !c.is_ascii()) {
            let is_name =
                token.starts_with('-') || token.contains(|c: char| c.is_ascii_digit() || "/_[=".contains(c));
            let words = token.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| word.len() >= 3);
            let is_other = |word: &&str| !is_name && !NAMES.contains(word) && !is_attempt(word);
            found.extend(words.filter(is_other).map(str::to_owned));
        }
    }
    found
}

/// Whether it can be the id of a submit, which happens to have no digit: its alphabet has no `i`, `l` and `o`.
fn is_attempt(word: &str) -> bool {
    word.len() == 8 && word.bytes().all(|byte| byte.is_ascii_lowercase()) && !word.contains(['i', 'l', 'o'])
}

/// The line without the error text of the system or the platform.
fn without_the_words_of_others(line: &str) -> String {
    let line = match line.split_once(" (os error ") {
        Some((before, after)) => before.rsplit_once('：').map_or(after, |(before, _)| before),
        None => line,
    };
    match line.rsplit_once('（') {
        Some((before, _)) if line.contains("错误码 ") => before.to_owned(),
        _ => line.to_owned(),
    }
}

/// The words of a command line in quotes or separated by spaces.
fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(' ').map(|word| word.trim_matches('"'))
}

/// Runs a command in Chinese; it has to say something, and nothing in English.
fn check(run: Rhub, line: &str, left: &mut Vec<String>) {
    let done = run.env("RUNNINGHUB_LANG", "zh").run();
    assert!(!done.stdout.is_empty() || !done.stderr.is_empty(), "{line}");
    let found = english(&format!("{}\n{}", done.stdout, done.stderr));
    if !found.is_empty() {
        left.push(format!("rhub {line}: {found:?}\n{done}"));
    }
}

#[test]
fn english_words_are_found_outside_of_names_only() {
    let found = english(
        "错误：the key `of mine` 是 /a/path，见 https://x.example/abc，--option 或 RH_KEY，id ab12cd（ok）\n  rhub watch it",
    );
    assert_eq!(found, ["the"].map(str::to_owned).into());
    assert_eq!(english("prompt 没有入队 (denied)"), ["denied".to_owned()].into());
}

#[test]
fn errors_before_any_request_are_chinese() {
    let (id, app) = ("1904136902449209346", "1877265245566922753");
    let prompt = "9b354dcf-8f10-4212-8b21-db4e40ce60d8";
    let mut left = Vec::new();
    for line in [
        "account".to_owned(),
        "login".to_owned(),
        "account --profile nowhere".to_owned(),
        "account --api-key-file /nowhere/key".to_owned(),
        "account --base-url http://example.com".to_owned(),
        "account --proxy nowhere".to_owned(),
        "tasks".to_owned(),
        "status last".to_owned(),
        "status nothing".to_owned(),
        format!("watch {prompt}"),
        format!("resolve {prompt} --not-created"),
        "run nowhere.json".to_owned(),
        "run /".to_owned(),
        "run https://www.runninghub.cn/post/abc".to_owned(),
        format!("run https://www.runninghub.cn/ai-detail/{app}"),
        format!("run https://www.runninghub.cn/post/{id} --site ai"),
        format!("run {id} --set x"),
        format!("run {id} --set 1.image=@"),
        format!("run {id} --set 1.seed=[123456789012345678901]"),
        format!("run {id} --node-info-list [1]"),
        format!("run {id} --keep-intermediate"),
        format!("run {id} --webhook nowhere"),
        format!("run {id} --server http://127.0.0.1:9"),
        format!("app run https://www.runninghub.cn/post/{id}"),
        format!("app run {app} --set x"),
        format!("app run {app} --interactive"),
        format!("quick run {app} --code x --v2"),
        "model list --search zzzz".to_owned(),
        "model show zzzz".to_owned(),
        "model run vidu/text-to-video-q2 -p nothing".to_owned(),
        "model run vidu/text-to-video-q2 --catalog /nowhere/models".to_owned(),
        "upload /nowhere/a.png".to_owned(),
        "batch ls".to_owned(),
        "batch export nothing".to_owned(),
        format!("batch plan --app {app}"),
        format!("batch plan / --app {app}"),
        format!("batch plan /nowhere/a.csv --app {app}"),
        format!("batch plan --matrix 3.seed=1..4 --app {app} --out /dev/null/x"),
        format!("batch plan --matrix 3.seed=4..1 --app {app}"),
        format!("batch plan --each 10.image=@/nowhere/*.png --app {app}"),
        format!("batch plan --each-line x --app {app}"),
        "batch plan --matrix 3.seed=1..4".to_owned(),
        "batch plan --matrix 3.seed=1..4 --quick 1".to_owned(),
        "batch plan --matrix 3.seed=1..4 --model zzzz".to_owned(),
        "batch plan --matrix nothing=1..4 --model vidu/text-to-video-q2".to_owned(),
        "assets create /nowhere/a.png --group 1".to_owned(),
        "replay /nowhere/r1".to_owned(),
        "config set site com".to_owned(),
        "config set timeout soon".to_owned(),
        "config set quiet maybe".to_owned(),
        "config set nothing 1".to_owned(),
        "config set api-key 1".to_owned(),
        "config get out".to_owned(),
        "config unset keyring".to_owned(),
    ] {
        check(rhub(words(&line)).env("RUNNINGHUB_TIME_SCALE", "0.01"), &line, &mut left);
    }
    assert!(left.is_empty(), "{}", left.join("\n"));
}

#[test]
fn runs_results_and_errors_are_chinese() {
    let scenario = scenario("01-simple");
    let id = scenario.workflow_id();
    let sim = Simulator::start(Sim::builder().scenario(scenario).app(App::demo()).speed(20.0));
    let (state, files) = (folder(), folder());
    let image = files.path().join("a.png");
    fs::write(&image, b"\x89PNG").expect("a file");
    let (image, out) = (image.display(), files.path().display());
    let app = App::demo().id().clone();
    let mut left = Vec::new();
    for line in [
        "doctor".to_owned(),
        "account".to_owned(),
        "account --keys".to_owned(),
        "queue".to_owned(),
        format!("run {id} --out {out}"),
        format!("run {id} --detach"),
        format!("run {id} --set 99.text=x"),
        format!("run {id} --set 1.nothing=x"),
        format!("run {id} --set 1.width=x"),
        format!("run {id} --set 1.width=@{image}"),
        format!("run {id} --out /dev/null/x"),
        "run 1904136902449209300".to_owned(),
        "watch last".to_owned(),
        "tasks".to_owned(),
        "outputs last".to_owned(),
        format!("download last --out {out}"),
        "status last".to_owned(),
        "cancel last".to_owned(),
        "status 1904136902449209300".to_owned(),
        "outputs 1904136902449209300".to_owned(),
        "watch 1904136902449209300".to_owned(),
        format!("app run {app} --set nothing=x"),
        "app show 1877265245566922700".to_owned(),
        format!("upload {image}"),
        format!("batch plan --matrix 1.width=64,64 --workflow {id} --rows"),
        format!("batch plan --matrix 1.nothing=1..4 --workflow {id}"),
        format!("batch plan --matrix steps=60..61 --app {app}"),
        format!("batch plan --each 10.image=@{image} --app {app}"),
        "webhook show last".to_owned(),
        "resolve zzzz --not-created".to_owned(),
    ] {
        check(rhub(words(&line)).at(&sim).state(&state), &line, &mut left);
    }
    assert!(left.is_empty(), "{}", left.join("\n"));
}
