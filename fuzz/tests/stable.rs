//! The targets as short tests: recordings, truncated, corrupted and mixed at random, with a fixed seed.

use std::{fs, path::Path};

use fastrand::Rng;

/// Takes a second or two without optimization.
const ROUNDS: usize = 3_000;
/// Inputs are cut to this length, so that more of them can be tried.
const LONGEST: usize = 6_000;

/// Lines of recordings: frames, tape rows and HTTP responses alike.
fn seeds(file: &str, field: &str) -> Vec<Vec<u8>> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let mut seeds = Vec::new();
    for folder in
        ["05-cached-partial", "09-expand", "20-lazy", "24-quirks", "25-custom-events", "27-hard-json"]
    {
        let text = fs::read_to_string(fixtures.join(folder).join(file)).expect("a fixture");
        for line in text.lines().take(200) {
            let part = match line.split_once(&format!("\"{field}\": \"")) {
                Some((_, rest)) if !field.is_empty() => {
                    rest.trim_end_matches(['"', '}']).replace("\\\"", "\"")
                }
                _ => line.to_owned(),
            };
            seeds.push(part.into_bytes());
        }
    }
    assert!(seeds.len() > 20, "{file} has seeds");
    seeds
}

fn mutate(rng: &mut Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut input = Vec::new();
    for _ in 0..rng.usize(1..6) {
        let seed = rng.choice(seeds).expect("there are seeds");
        let from = if rng.bool() { 0 } else { rng.usize(..=seed.len()) };
        input.extend_from_slice(&seed[from..]);
        input.push(b'\n');
    }
    input.truncate(LONGEST);
    for _ in 0..rng.usize(..4) {
        let at = rng.usize(..input.len());
        match rng.u8(..4) {
            0 => input[at] = rng.u8(..),
            1 => input.truncate(at.max(1)),
            2 => input.insert(at, rng.u8(..)),
            _ => drop(input.remove(at).checked_add(1)),
        }
        if input.is_empty() {
            input.push(b'{');
        }
    }
    input
}

fn run(target: fn(&[u8]), seeds: &[Vec<u8>]) {
    let mut rng = Rng::with_seed(7);
    for seed in seeds {
        target(seed);
    }
    for _ in 0..ROUNDS {
        target(&mutate(&mut rng, seeds));
    }
}

#[test]
fn decode() {
    run(runninghub_fuzz::decode, &seeds("ws-a.jsonl", "text"));
}

#[test]
fn machine() {
    run(runninghub_fuzz::machine, &seeds("ws-a.jsonl", "text"));
}

#[test]
fn tape() {
    run(runninghub_fuzz::tape, &seeds("ws-a.jsonl", ""));
}

#[test]
fn envelope() {
    let mut answers = seeds("http.jsonl", "text");
    for answer in [
        r#"{"code":0,"msg":"success","data":[{"fileUrl":"https://x/y.png","fileType":"png","taskCostTime":"7","nodeId":"9"}]}"#,
        r#"{"code":804,"msg":"APIKEY_TASK_IS_RUNNING","data":{"netWssUrl":"wss://x/ws?clientId=1"}}"#,
        r#"{"code":805,"msg":"","data":{"failedReason":{"node_name":"K","exception_message":"oom","traceback":"[\"a\"]"}}}"#,
        r#"{"taskId":"1","status":"SUCCESS","errorCode":"","results":[{"url":"https://x/a.jpg","nodeId":"9"}],"usage":{}}"#,
    ] {
        answers.push(answer.as_bytes().to_vec());
    }
    run(runninghub_fuzz::envelope, &answers);
}

/// Lines of recordings, each after one of these first lines.
fn after(first: &[&str]) -> Vec<Vec<u8>> {
    let (texts, answers) = (seeds("ws-a.jsonl", "text"), seeds("http.jsonl", "text"));
    // Only short ones: each is checked in many ways.
    let lines = texts.iter().chain(&answers).filter(|line| line.len() < 600).zip(first.iter().cycle());
    lines.map(|(line, first)| [first.as_bytes(), b"\n", line].concat()).collect()
}

fn own(seeds: &[&str]) -> Vec<Vec<u8>> {
    seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect()
}

#[test]
fn create() {
    run(
        runninghub_fuzz::create,
        &own(&[
            "7\n{\"code\":0,\"msg\":\"success\",\"data\":{\"taskId\":\"1904154698679771137\",\"promptTips\":\"{}\"}}",
            "soon\n{\"code\":421,\"msg\":\"TASK_QUEUE_MAXED\",\"data\":null}",
            "Wed, 21 Oct 2026 07:28:00 GMT\n{\"errorCode\":\"1601\",\"errorMessage\":\"no\"}",
            "\n<html><title>502</title></html>",
            "-1\n{\"code\":-1,\"data\":{\"taskId\":1e400}}",
        ]),
    );
}

#[test]
fn escape() {
    run(
        runninghub_fuzz::escape,
        &own(&[
            "\u{1b}]8;;https://h/?a\u{7}x\u{1b}[2J\r\u{9b}31m\u{202e}\u{2066}\u{200b}\u{2028}",
            "https://me:pw@h/a?b#c",
            "Ｋサンプラー 👩\u{200d}🎨 \u{e0041}",
        ]),
    );
}

#[test]
fn redact() {
    run(
        runninghub_fuzz::redact,
        &after(&["prompt", "0123456789abcdef", "progress_state", "111111", "a\"b\\c,d"]),
    );
}

#[test]
fn name() {
    run(
        runninghub_fuzz::name,
        &own(&[
            "../../etc/passwd",
            "CON.png",
            "a\u{0}b:c\\d.tar.gz ",
            "https://h/x/y.png?z",
            "采样器 e\u{301}.webp",
        ]),
    );
}
