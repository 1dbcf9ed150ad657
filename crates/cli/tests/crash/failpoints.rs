//! The process dies or hangs before and after every change of state: nothing is lost, and nothing is paid twice.

use std::{
    fs,
    process::{Child, Command},
    time::Duration,
};

use runninghub::{
    TaskId,
    ledger::{AttemptId, Digest, EDGES, Filter, Intent, Kind, Ledger as _, Place, Site, State, Step},
};
use runninghub_sim::{Fault, Rate, Rule, Scenario, ScriptNode, Sim, SimBuilder};

use crate::lab::{Lab, kill, read_until};

fn scenario() -> Scenario {
    Scenario::script("short")
        .node(
            ScriptNode::new("1", "Sleep").input("seconds", 1).takes(Duration::from_millis(20)).saves("a.png"),
        )
        .build()
}

fn sim() -> SimBuilder {
    Sim::builder().scenario(scenario())
}

/// A lab and a command that takes this edge in it.
fn stage(from: Option<State>, to: State) -> (Lab, Command) {
    use State::{Absent, Accepted, Cancelled, Done, Failed, Gone, Refused, Submitting, Unknown, Waiting};

    let id = scenario().workflow_id();
    let run = |lab: Lab, more: &[&str]| {
        let command = lab.rhub(&[&["run", &*id], more].concat());
        (lab, command)
    };
    match (from, to) {
        (None | Some(Submitting), Submitting | Accepted) | (Some(Accepted), Done) => {
            run(Lab::new(sim()), &[])
        }
        (Some(Submitting), Unknown) => {
            run(Lab::new(sim().fault(Fault::LostCreateAnswer(Rate::First(1)))), &[])
        }
        (Some(Submitting), Waiting) | (Some(Waiting), Submitting) => {
            run(Lab::new(sim().fault(Fault::QueueFull(1))), &[])
        }
        (Some(Waiting), Refused) => {
            run(Lab::new(sim().fault(Fault::QueueFull(1000))), &["--queue-timeout", "0"])
        }
        (Some(Submitting), Refused) => {
            // A user's own graph needs no earlier request, so that the create is the request refused for the key.
            let lab = Lab::new(sim());
            let file = lab.state.path().join("own.json");
            fs::write(&file, r#"{"1":{"class_type":"SaveImage","inputs":{}}}"#).expect("written");
            let mut command = lab.rhub(&["run", &file.to_string_lossy(), "--under", &id]);
            command.env("RUNNINGHUB_API_KEY", "ffffffffffffffffffffffffffffffff");
            (lab, command)
        }
        (Some(Submitting), Absent) => {
            let broke = r#"{"code":812,"msg":"APIKEY_ENTERPRISE_BALANCE_INSUFFICIENT","data":null}"#;
            batch(Lab::new(sim().rule(Rule::answer("/task/openapi/create", 200, broke).times(1))), &id)
        }
        (Some(Waiting), Absent) => batch(Lab::new(sim().fault(Fault::QueueFull(1000))), &id),
        (Some(Accepted), Failed) => run(Lab::new(sim().fault(Fault::TaskFails)), &[]),
        (Some(Accepted), Cancelled) => {
            let slow = Fault::QueueDelay(Duration::from_mins(10));
            run(Lab::new(sim().fault(slow)), &["--cancel-on-interrupt"])
        }
        (Some(Accepted), Gone) => {
            let lab = Lab::new(sim());
            prepare(&lab, &[Step::Accepted { task: "999".into() }]);
            let mut command = lab.rhub(&["tasks", "--refresh"]);
            // A task accepted a moment ago would not be written off.
            command.env("RUNNINGHUB_TIME_SCALE", "0.00001");
            (lab, command)
        }
        (Some(before @ (Unknown | Absent)), Absent | Accepted) => {
            let lab = Lab::new(sim().fault(Fault::LostCreateAnswer(Rate::First(1))));
            assert_eq!(lab.run(&["run", &id]), Some(5));
            let attempt = lab.entries()[0].attempt.to_string();
            if before == Absent {
                assert_eq!(lab.run(&["resolve", &attempt, "--not-created"]), Some(0));
            }
            let task = lab.sim.tasks()[0].task_id.clone();
            let answer = if to == Absent { vec!["--not-created"] } else { vec!["--task-id", &task] };
            let command = lab.rhub(&[&["resolve", &*attempt], &answer[..]].concat());
            (lab, command)
        }
        (Some(Refused), Accepted) => {
            let no = r#"{"code":433,"msg":"VALIDATE_PROMPT_FAILED","data":null}"#;
            let lab = Lab::new(sim().rule(Rule::answer("/task/openapi/create", 200, no).after_work()));
            assert_eq!(lab.run(&["run", &id]), Some(4));
            let attempt = lab.entries()[0].attempt.to_string();
            let task = lab.sim.tasks()[0].task_id.clone();
            let command = lab.rhub(&["resolve", &attempt, "--task-id", &task]);
            (lab, command)
        }
        (Some(Gone), Done | Failed | Cancelled) => {
            let mut sim = sim();
            if to == Failed {
                sim = sim.fault(Fault::TaskFails);
            }
            if to == Cancelled {
                // Only the newer endpoint distinguishes cancelled from failed tasks.
                let unknown = r#"{"code":807,"msg":"APIKEY_TASK_NOT_FOUND"}"#;
                sim = sim.fault(Fault::QueueDelay(Duration::from_mins(10)));
                sim = sim.rule(Rule::answer("/task/openapi/outputs", 200, unknown));
            }
            let lab = Lab::new(sim);
            assert_eq!(lab.run(&["run", &id, "--detach"]), Some(0));
            let task = lab.sim.tasks()[0].task_id.clone();
            if to == Cancelled {
                // From another machine: this one would record it at once.
                let elsewhere = tempfile::tempdir().expect("a folder");
                let mut cancel = lab.rhub(&["cancel", &task]);
                let status = cancel.env("RUNNINGHUB_STATE_DIR", elsewhere.path()).status();
                assert!(status.expect("the binary").success());
            }
            let attempt = lab.entries()[0].attempt.clone();
            lab.wait(lab.ledger().advance(&attempt, Step::Gone)).expect("written");
            let words: &[&str] = match to {
                Cancelled => &["resolve", attempt.as_str(), "--task-id", &task],
                _ => &["watch", &task],
            };
            let command = lab.rhub(words);
            (lab, command)
        }
        _ => panic!("no command is known that leads from {from:?} to {to}: write one"),
    }
}

/// A batch of one row.
fn batch(lab: Lab, workflow: &str) -> (Lab, Command) {
    let table = lab.state.path().join("one.csv");
    fs::write(&table, "_id,1.seconds\none,2\n").expect("written");
    let command = lab.rhub(&["batch", "run", &table.to_string_lossy(), "--workflow", workflow]);
    (lab, command)
}

/// A submit with a history.
fn prepare(lab: &Lab, steps: &[Step]) -> AttemptId {
    let ledger = lab.ledger();
    let place = Place::RunningHub { site: Site::Cn, base_url: lab.sim.base_url().into() };
    let intent = Intent::new(place, Kind::Workflow, "k", Digest::of("{}"));
    lab.wait(async {
        let attempt = ledger.begin(intent).await.expect("written");
        for step in steps {
            ledger.advance(&attempt, step.clone()).await.expect("written");
        }
        attempt
    })
}

/// The state that the next process finds after this one has died.
fn found(state: State, is_of_batch: bool) -> State {
    state.left_behind(is_of_batch).map_or(state, |(left, _)| left)
}

fn interrupt(child: &Child) {
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(interrupted.expect("kill").success());
}

fn check(from: Option<State>, to: State, place: &str, action: &str) {
    let (lab, mut command) = stage(from, to);
    let point = format!("{}>{to}:{place}", from.map_or("none", State::as_str));
    let case = format!("{point}={action}");
    let mut child = command.env("RUNNINGHUB_FAILPOINT", &case).spawn().expect("the binary");
    // Kept open: a process without a reader ends.
    let mut out = child.stdout.take().expect("a pipe");
    if (from, to) == (Some(State::Accepted), State::Cancelled) {
        assert!(read_until(&mut out, "taskId"), "{case}: it was submitted");
        interrupt(&child);
    }
    let is_of_batch = (from, to) == (Some(State::Waiting), State::Absent);
    if is_of_batch {
        while lab.entries().first().is_none_or(|entry| entry.state != State::Waiting) {
            std::thread::yield_now();
        }
        interrupt(&child);
    }
    let mut talk = child.stderr.take().expect("a pipe");
    assert!(read_until(&mut talk, &format!("failpoint {point}")), "{case}: the place is reached");
    match action {
        "hang" => kill(child),
        _ => assert!(!child.wait().expect("it ends").success(), "{case}"),
    }
    let entry = lab.entries().into_iter().next();
    let expected = match (place, from) {
        ("before", None) => None,
        ("before", Some(from)) => Some(found(from, is_of_batch)),
        _ => Some(found(to, is_of_batch)),
    };
    assert_eq!(entry.as_ref().map(|entry| entry.state), expected, "{case}");
    let tasks = lab.sim.tasks();
    assert!(tasks.len() <= 1, "{case}: paid twice");
    if let Some(task) = tasks.first() {
        let entry = entry.expect("a paid task is in the ledger");
        let is_known = entry.task.as_ref().is_some_and(|id| id.as_str() == task.task_id);
        // Absent is a user's decision, and refused the platform's.
        let is_said =
            entry.state == State::Absent || (entry.state, from) == (State::Refused, Some(State::Refused));
        assert!(is_known || is_said || entry.state == State::Unknown, "{case}: lost");
        // One more command finishes the task.
        let resume: &[&str] = if is_known {
            &["watch", "last"]
        } else {
            &["resolve", entry.attempt.as_str(), "--task-id", &task.task_id]
        };
        if to != State::Cancelled {
            let code = lab.run(resume);
            assert!(matches!(code, Some(0 | 1)), "{case}: {code:?}");
            let ledger = lab.ledger();
            let entry = lab.wait(ledger.entry(Filter::all().task(&TaskId::from(&*task.task_id))));
            let state = entry.expect("found").state;
            assert!(matches!(state, State::Done | State::Failed | State::Accepted), "{case}: {state}");
        }
        assert_eq!(lab.sim.tasks().len(), 1, "{case}: nothing was sent again");
    }
}

/// Every edge of the table, and the first one, which creates an entry.
fn edges() -> impl Iterator<Item = (Option<State>, State)> {
    std::iter::once((None, State::Submitting)).chain(EDGES.iter().map(|(from, to)| (Some(*from), *to)))
}

#[test]
fn dying_at_any_edge_loses_nothing() {
    for (from, to) in edges() {
        for place in ["before", "after"] {
            check(from, to, place, "abort");
        }
    }
}

#[test]
fn being_killed_at_any_edge_loses_nothing() {
    for (from, to) in edges() {
        for place in ["before", "after"] {
            check(from, to, place, "hang");
        }
    }
}
