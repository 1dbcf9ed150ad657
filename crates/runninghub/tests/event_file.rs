//! Replays of event files.

use std::{fs, path::PathBuf, time::Duration};

use futures_util::StreamExt as _;
use runninghub::{Direction, Event, Phase, Replay, ReplayRun, Speed};
use tempfile::TempDir;
use tokio::time::Instant;

const RESULT: &str = r#""event":"result","status":"success","exit_code":0,"task_id":"7","percent":100.0,"done":2,"total":2,"outputs":[{"node_id":"2","url":"https://h/a.png","type":"png","text":null,"path":"/x/a.png","bytes":3,"sha256":null},{"node_id":"1","url":null,"type":"png","text":null,"path":"/x/b.png","bytes":3,"sha256":null,"intermediate":true}],"failure":null,"cost":null,"elapsed_s":6.0,"api_calls":3"#;

fn line(t: f64, fields: &str) -> String {
    format!(r#"{{"schema":"rhub.event/1","t":{t},{fields}}}"#) + "\n"
}

fn progress(t: f64, percent: f64, done: u32) -> String {
    let figures =
        format!(r#""percent":{percent},"basis":"learned","counted":{percent},"done":{done},"total":2"#);
    line(t, &format!(r#""event":"progress",{figures},"current":[],"eta_s":null,"task_id":"7""#))
}

fn file(text: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("run.ndjson");
    fs::write(&path, text).expect("written");
    (dir, path)
}

fn runs(text: &str, speed: Speed) -> Vec<ReplayRun> {
    let (_dir, path) = file(text);
    Replay::open(&path).expect("a file of events").speed(speed).runs().expect("runs")
}

#[tokio::test(start_paused = true)]
async fn lines_come_at_their_times_in_every_run_of_the_file() {
    let one = progress(0.0, 0.0, 0) + &progress(2.0, 50.0, 1) + &line(6.0, RESULT);
    let runs = runs(&(one.clone() + &one), Speed::Times(2.0));
    assert_eq!(runs.len(), 2);
    for run in runs {
        let started = Instant::now();
        let times: Vec<Duration> = run.map(|_| started.elapsed()).collect().await;
        // The fourth is the end of the stream, which is not in the file.
        assert_eq!(times.iter().map(Duration::as_secs).collect::<Vec<_>>(), [0, 1, 1, 3]);
    }
}

#[tokio::test(start_paused = true)]
async fn each_run_of_a_recording_takes_its_own_time() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/05-cached-partial");
    let runs = Replay::open(&folder).expect("a recording").speed(Speed::Times(1.0)).runs().expect("runs");
    assert_eq!(runs.len(), 2);
    for run in runs {
        let started = Instant::now();
        let last = run.fold(Duration::ZERO, async |last, line| last.max(line.t)).await;
        assert!(last > Duration::ZERO && started.elapsed() >= last, "{last:?} in {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn event_lines_restore_omitted_fields() {
    let status = r#""event":"status","status":"queued","waited_s":0.0,"task_id":"7""#;
    let transfer =
        r#""event":"transfer","direction":"download","name":"a.png","bytes":3,"total":3,"percent":100.0"#;
    let text = line(0.0, status)
        + &progress(1.0, 0.0, 0)
        + &line(1.5, status)
        + &progress(2.0, 50.0, 1)
        + &progress(5.0, 100.0, 2)
        + &line(5.5, transfer)
        + &line(6.0, RESULT);
    let run = runs(&text, Speed::Max).remove(0);
    assert_eq!(run.task_id().map(runninghub::TaskId::as_str), Some("7"));
    let lines: Vec<_> = run.collect().await;
    let mut polls = Vec::new();
    let mut shown = Vec::new();
    for line in &lines {
        match &line.event {
            Event::Status { poll, .. } => polls.push(*poll),
            Event::Progress(progress) => shown.push((progress.phase, progress.elapsed.as_secs())),
            Event::Transfer(transfer) => assert!(transfer.is_over && transfer.direction == Direction::Down),
            _ => {}
        }
    }
    assert_eq!(polls, [1, 2]);
    assert_eq!(shown, [(Phase::Waiting, 0), (Phase::Running, 0), (Phase::Success, 3)]);
    let at = lines.iter().position(|line| matches!(line.event, Event::Finished(_))).expect("an end");
    let Event::Finished(end) = &lines[at].event else { unreachable!() };
    assert_eq!((at, lines[at].t, end.phase), (5, Duration::from_secs(5), Phase::Success));
    assert_eq!(end.outputs.len(), 1, "what was kept on the way is no result");
}

#[tokio::test]
async fn a_single_request_has_no_run_result() {
    let status = r#""event":"status","status":"success","waited_s":0.0,"task_id":"7""#;
    let run = runs(&(line(0.0, status) + &line(0.1, RESULT)), Speed::Max).remove(0);
    let lines: Vec<_> = run.collect().await;
    assert!(!lines.iter().any(|line| matches!(line.event, Event::Finished(_))), "{lines:?}");
}
