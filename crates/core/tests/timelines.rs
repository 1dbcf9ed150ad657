//! The events that a watcher receives for each recording: one line per event.
//!
//! In long runs, snapshots that differ only in numbers within a node are thinned out.

mod common;

use std::{fmt::Write as _, time::Duration};

use common::{Body, Frame, Scenario, scenarios};
use runninghub_core::{Action, Event, Input, Machine, Pace, Progress, Session};

/// Above this number of lines for one run, lines with little news are omitted.
const MANY: usize = 60;

/// A line, and its key for deduplication: for snapshots, everything but the numbers within nodes.
struct Line {
    text: String,
    key: Option<String>,
}

/// Plays a recording through a session, using the recorded times as the clock.
fn timeline(scenario: &Scenario) -> Vec<Line> {
    let frames = scenario.own_frames();
    let begin = frames.first().map_or(Duration::ZERO, |frame| frame.at);
    let machine: Machine = scenario.machine().with_previews(true);
    let mut session = Session::new(machine, Pace::default(), 1);
    let (mut lines, mut ticks) = (Vec::new(), 0);
    for Frame { at, body } in &frames {
        let at = at.saturating_sub(begin);
        while let Some(due) = session.deadline().filter(|due| *due < at) {
            ticks += 1;
            assert!(ticks < 10_000, "{} wakes up for nothing", scenario.name);
            session.handle(due, Input::Tick);
            drain(&mut session, due, &mut lines);
        }
        let input = match body {
            Body::Text(text) => Input::Text(text),
            Body::Binary(bytes) => Input::Binary(bytes),
            Body::Open => Input::Connected,
            Body::Closed => Input::Disconnected,
        };
        session.handle(at, input);
        drain(&mut session, at, &mut lines);
    }
    let end = frames.last().map_or(Duration::ZERO, |frame| frame.at.saturating_sub(begin));
    session.stop(end);
    drain(&mut session, end, &mut lines);
    assert!(session.is_over());
    lines
}

fn drain(session: &mut Session, at: Duration, lines: &mut Vec<Line>) {
    while let Some(action) = session.next_action() {
        let Action::Emit(event) = action else { continue };
        if let Some((text, key)) = describe(&event) {
            let text = format!("{:>8.3}  {text}", at.as_secs_f64());
            // Nearly every step sends a preview image.
            if text.contains("preview") && lines.iter().any(|line| line.text.get(10..) == text.get(10..)) {
                continue;
            }
            lines.push(Line { text, key });
        }
    }
}

fn describe(event: &Event) -> Option<(String, Option<String>)> {
    let text = match event {
        Event::Plan(plan) => format!("plan: {} of {} nodes needed", plan.total(), plan.nodes().len()),
        Event::Connection(connection) => {
            format!("socket {}, attempt {}", connection.state.as_str(), connection.attempt)
        }
        Event::Node { id, title, state, elapsed } => {
            let took = elapsed.map(|took| format!(" after {:.2} s", took.as_secs_f64())).unwrap_or_default();
            format!("[{id}] {title}: {}{took}", state.as_str())
        }
        Event::Progress(progress) => return Some((snapshot(progress), Some(key(progress)))),
        Event::Preview { node_id, mime, .. } => {
            format!("preview of [{}], {mime}", node_id.as_ref().map_or("?", |id| id.as_str()))
        }
        Event::Text { node_id, text, .. } => format!("[{node_id}] says {text}"),
        Event::Warning { code, message } => format!("warning {code}: {message}"),
        Event::Finished(end) => {
            let why = end.failure.as_ref().map(|failure| {
                let node = failure.node.as_ref().map(ToString::to_string).unwrap_or_default();
                format!(": {node} {}", failure.message.as_ref().map(ToString::to_string).unwrap_or_default())
            });
            format!("finished: {}{}", end.phase.as_str(), why.unwrap_or_default())
        }
        _ => return None,
    };
    Some((text, None))
}

fn snapshot(progress: &Progress) -> String {
    let mut line = format!(
        "{:5.1} %  {}  ",
        progress.overall.map_or(f64::NAN, |fraction| fraction * 100.0),
        key(progress)
    );
    for (n, node) in progress.current.iter().enumerate() {
        let _ = write!(line, "{}[{}] {}", if n == 0 { " " } else { ", " }, node.id, node.title);
        if let (Some(value), Some(max)) = (node.value, node.max) {
            let _ = write!(line, " {value}/{max}");
        }
        if node.pass > 1 {
            let _ = write!(line, " pass {}", node.pass);
        }
    }
    line.trim_end().to_owned()
}

fn key(progress: &Progress) -> String {
    let total = progress.total.map_or("?".to_owned(), |total| total.to_string());
    let passes: Vec<_> = progress.current.iter().map(|node| node.pass).filter(|pass| *pass > 1).collect();
    let passes = if passes.is_empty() { String::new() } else { format!(" passes {passes:?}") };
    format!("{}/{total} {}{passes}", progress.done, progress.phase.as_str())
}

/// Of consecutive snapshots that differ only in numbers, keeps the first and the last.
fn thin(lines: Vec<Line>) -> Vec<Line> {
    if lines.len() <= MANY {
        return lines;
    }
    let keep: Vec<bool> = (0..lines.len())
        .map(|at| {
            let agrees = |other: Option<&Line>| {
                other.is_some_and(|other| other.key.is_some() && other.key == lines[at].key)
            };
            !(agrees(at.checked_sub(1).and_then(|before| lines.get(before))) && agrees(lines.get(at + 1)))
        })
        .collect();
    lines.into_iter().zip(keep).filter_map(|(line, keep)| keep.then_some(line)).collect()
}

#[test]
fn timelines_read_true() {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for rows in scenarios().chunk_by(|a, b| a.name == b.name) {
            let mut text = String::new();
            for row in rows {
                let stream = if row.expected.stream == "a" { "" } else { ", as seen by another client" };
                let _ = writeln!(text, "# run {}{stream}", row.expected.prompt_id);
                for line in thin(timeline(row)) {
                    let _ = writeln!(text, "{}", line.text);
                }
            }
            insta::assert_snapshot!(rows[0].name.as_str(), text);
        }
    });
}
