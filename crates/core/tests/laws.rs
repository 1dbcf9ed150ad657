//! Properties that hold for any input: recordings with lost, duplicated, reordered, cut or garbled frames, and
//! generated runs.

mod common;
#[path = "common/made_up.rs"]
mod made_up;

use std::{collections::HashSet, fmt, sync::Arc, time::Duration};

use common::{Body, Frame, Scenario, feed, play, scenarios};
use made_up::{graph, made_up, weights};
use proptest::{prelude::*, sample::Index, test_runner::FileFailurePersistence};
use runninghub_core::{
    Confirm, Connection, Failure, Graph, Machine, NodeId, NodeState, Phase, Plan, Progress,
};

/// A fault injected into a recording.
#[derive(Clone, Debug)]
enum Fault {
    Lose(Index),
    Double(Index),
    Swap(Index),
    /// No further frames.
    End(Index),
    /// The connection breaks and is restored.
    Reconnect(Index),
    /// The rest of a frame is missing.
    Truncate(Index, Index),
    /// One byte of a frame is changed.
    Garble(Index, Index, u8),
}

fn fault() -> impl Strategy<Value = Fault> {
    let at = any::<Index>;
    prop_oneof![
        6 => at().prop_map(Fault::Lose),
        3 => at().prop_map(Fault::Double),
        6 => at().prop_map(Fault::Swap),
        1 => at().prop_map(Fault::End),
        1 => at().prop_map(Fault::Reconnect),
        2 => (at(), at()).prop_map(|(frame, byte)| Fault::Truncate(frame, byte)),
        4 => (at(), at(), 0x20u8..0x7f).prop_map(|(frame, byte, new)| Fault::Garble(frame, byte, new)),
    ]
}

fn apply(frames: &mut Vec<Frame>, fault: &Fault) {
    let len = frames.len();
    if len < 2 {
        return;
    }
    match fault {
        Fault::Lose(at) => drop(frames.remove(at.index(len))),
        Fault::Double(at) => frames.insert(at.index(len), frames[at.index(len)].clone()),
        Fault::Swap(at) => frames.swap(at.index(len - 1), at.index(len - 1) + 1),
        Fault::End(at) => frames.truncate(len / 2 + at.index(len / 2)),
        Fault::Reconnect(at) => {
            let at = at.index(len);
            frames.insert(at, Frame { at: frames[at].at, body: Body::Open });
        }
        Fault::Truncate(at, byte) => match &mut frames[at.index(len)].body {
            Body::Text(text) if !text.is_empty() => {
                text.truncate(text.floor_char_boundary(byte.index(text.len())));
            }
            Body::Binary(bytes) if !bytes.is_empty() => bytes.truncate(byte.index(bytes.len())),
            _ => {}
        },
        Fault::Garble(at, byte, new) => match &mut frames[at.index(len)].body {
            Body::Text(text) if text.is_ascii() && !text.is_empty() => {
                let at = byte.index(text.len());
                text.replace_range(at..=at, &char::from(*new).to_string());
            }
            Body::Binary(bytes) if !bytes.is_empty() => {
                let at = byte.index(bytes.len());
                bytes[at] = new.wrapping_mul(37);
            }
            _ => {}
        },
    }
}

/// A recording with its faults.
struct Damaged {
    scenario: &'static Scenario,
    faults: Vec<Fault>,
}

impl fmt::Debug for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:?}", self.scenario.name, self.scenario.expected.prompt_id, self.faults)
    }
}

impl Damaged {
    fn frames(&self) -> Vec<Frame> {
        let mut frames = self.scenario.own_frames();
        self.faults.iter().for_each(|fault| apply(&mut frames, fault));
        frames
    }
}

fn damaged() -> impl Strategy<Value = Damaged> {
    let faults = prop::collection::vec(fault(), 0..16);
    (any::<Index>(), faults).prop_map(|(row, faults)| Damaged { scenario: row.get(scenarios()), faults })
}

fn at_rest(machine: &mut Machine) -> Progress {
    machine.progress(Connection::default())
}

fn rank(phase: Phase) -> u8 {
    match phase {
        Phase::Waiting => 0,
        Phase::Queued => 1,
        Phase::Running => 2,
        Phase::Ended => 3,
        _ => 4,
    }
}

fn is_settled(state: NodeState) -> bool {
    matches!(state, NodeState::Done | NodeState::Cached | NodeState::Skipped)
}

/// The settled nodes by definition: required, and not reachable by walking back from an output without passing through
/// a done node. Written from the rule alone, independent of the machine's own walk.
fn settled_by_the_book(graph: &Graph, outputs: &[NodeId], done: &HashSet<&str>) -> usize {
    fn walk<'a>(graph: &'a Graph, id: &'a str, stop: &HashSet<&str>, seen: &mut HashSet<&'a str>) {
        let Some(node) = graph.node(id).filter(|node| !stop.contains(node.id.as_str())) else { return };
        if seen.insert(node.id.as_str()) {
            for link in node.links() {
                if let Some(above) = graph.node(link.as_str()) {
                    walk(graph, above.id.as_str(), stop, seen);
                }
            }
        }
    }
    let (mut required, mut needed) = (HashSet::new(), HashSet::new());
    for output in outputs {
        walk(graph, output.as_str(), &HashSet::new(), &mut required);
        walk(graph, output.as_str(), done, &mut needed);
    }
    required.len() - needed.len()
}

/// Checks a machine's invariants at every step.
struct Watch {
    machine: Machine,
    last: Progress,
    confirm: Confirm,
}

impl Watch {
    fn new(mut machine: Machine, confirm: Confirm) -> Self {
        let last = at_rest(&mut machine);
        Self { machine, last, confirm }
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        let (new, old) = (at_rest(&mut self.machine), &self.last);
        prop_assert_eq!(new.total, old.total, "the total never changes");
        prop_assert!(new.done >= old.done, "done falls: {} to {}", old.done, new.done);
        prop_assert!(rank(new.phase) >= rank(old.phase), "{:?} after {:?}", new.phase, old.phase);
        if let (Some(new), Some(old)) = (new.overall, old.overall) {
            prop_assert!(new >= old, "overall falls: {old} to {new}");
        }
        if let (Some(new), Some(old)) = (new.counted, old.counted) {
            prop_assert!(new >= old, "counted falls: {old} to {new}");
            prop_assert!((0.0..=1.0).contains(&new), "{new}");
        }
        if let Some(total) = new.total {
            prop_assert!(new.overall.is_some(), "a plan gives a figure");
            prop_assert!(new.done <= total, "{} of {total}", new.done);
            let settled = new.nodes.iter().filter(|node| is_settled(node.state)).count();
            let failed = new.nodes.iter().filter(|node| node.state == NodeState::Failed).count();
            prop_assert!(new.done <= settled + failed, "{} done, {settled} shown so", new.done);
        } else {
            prop_assert_eq!(
                new.overall.is_some(),
                new.phase == Phase::Success,
                "without a plan nothing is invented"
            );
        }
        let overall = new.overall.unwrap_or(0.0);
        prop_assert!((0.0..=1.0).contains(&overall), "{overall}");
        prop_assert_eq!(
            overall >= 1.0,
            new.phase == Phase::Success,
            "1 exactly on success: {} {:?}",
            overall,
            new.phase
        );
        for (new, old) in new.nodes.iter().zip(&*old.nodes) {
            prop_assert!(new.fraction >= old.fraction, "{}: {} to {}", new.id, old.fraction, new.fraction);
            prop_assert!((0.0..=1.0).contains(&new.fraction), "{}: {}", new.id, new.fraction);
            if is_settled(old.state) {
                prop_assert!(
                    new.state != NodeState::Waiting && new.state != NodeState::Running,
                    "{} reopened",
                    new.id
                );
            }
        }
        for node in &new.current {
            prop_assert!(
                node.pass >= 1 && node.fraction.is_none_or(|f| (0.0..=1.0).contains(&f)),
                "{node:?}"
            );
        }
        if new.phase.is_final() {
            prop_assert!(new.current.is_empty(), "nothing runs after the end");
            prop_assert!(self.confirm == Confirm::Frames, "frames alone have ended it");
        }
        if old.phase.is_final() {
            prop_assert_eq!(&new, old, "something changed after the end");
        }
        self.last = new;
        Ok(())
    }

    fn run(&mut self, frames: &[Frame]) -> Result<(), TestCaseError> {
        let mut last = Duration::ZERO;
        for frame in frames {
            // A timer ticks independently of the frames.
            self.machine.tick(last + frame.at.saturating_sub(last) / 2);
            self.check()?;
            feed(&mut self.machine, frame);
            self.check()?;
            last = last.max(frame.at);
        }
        Ok(())
    }
}

/// No input after the end changes the machine.
fn absorbs(machine: &mut Machine, frames: &[Frame]) -> Result<(), TestCaseError> {
    let (end, outcome) = (at_rest(machine), format!("{:?}", machine.outcome()));
    while machine.next_event().is_some() {}
    let later = frames.last().map_or(Duration::ZERO, |frame| frame.at) + Duration::from_mins(1);
    for frame in frames {
        feed(machine, &Frame { at: later, body: frame.body.clone() });
    }
    machine.connected();
    machine.observe(later, Phase::Running);
    for phase in [Phase::Success, Phase::Failed, Phase::Interrupted] {
        machine.finish(later, phase, Some(Failure { code: Some("805".into()), ..Failure::default() }));
    }
    prop_assert!(machine.next_event().is_none(), "an event after the end");
    prop_assert_eq!(at_rest(machine), end);
    prop_assert_eq!(format!("{:?}", machine.outcome()), outcome);
    Ok(())
}

fn all_laws(make: impl Fn(Confirm) -> Machine, frames: &[Frame]) -> Result<(), TestCaseError> {
    let mut watch = Watch::new(make(Confirm::Frames), Confirm::Frames);
    watch.run(frames)?;
    if watch.last.phase.is_final() {
        absorbs(&mut watch.machine, frames)?;
    }
    for phase in [Phase::Success, Phase::Failed, Phase::Interrupted] {
        let mut watch = Watch::new(make(Confirm::Http), Confirm::Http);
        watch.run(frames)?;
        converges(watch.machine, phase)?.absorbs_all(frames)?;
    }
    twice_is_once(&make, frames)
}

/// Whatever was lost, a final response leads to the same end.
fn converges(mut machine: Machine, phase: Phase) -> Result<Ended, TestCaseError> {
    let before = at_rest(&mut machine);
    machine.finish(Duration::from_mins(15), phase, None);
    let end = at_rest(&mut machine);
    prop_assert_eq!(end.phase, phase);
    prop_assert_eq!(end.total, before.total);
    prop_assert!(end.current.is_empty() && end.eta.is_none());
    if phase == Phase::Success {
        prop_assert_eq!(end.overall, Some(1.0));
        prop_assert!(end.total.is_none_or(|total| total == end.done), "{} of {:?}", end.done, end.total);
        let open = |state| matches!(state, NodeState::Running | NodeState::Failed);
        prop_assert!(!end.nodes.iter().any(|node| open(node.state)), "{:?}", end.nodes);
        prop_assert!(machine.outcome().failure.is_none(), "a success has no failure");
    } else {
        prop_assert_eq!((end.overall, end.done), (before.overall, before.done), "a failure adds nothing");
    }
    Ok(Ended(machine))
}

struct Ended(Machine);

impl Ended {
    fn absorbs_all(mut self, frames: &[Frame]) -> Result<(), TestCaseError> {
        absorbs(&mut self.0, &frames[..frames.len().min(20)])
    }
}

fn twice_is_once(make: &impl Fn(Confirm) -> Machine, frames: &[Frame]) -> Result<(), TestCaseError> {
    let (mut once, mut twice) = (make(Confirm::Frames), make(Confirm::Frames));
    for frame in frames {
        feed(&mut once, frame);
        feed(&mut twice, frame);
        feed(&mut twice, frame);
        prop_assert_eq!(at_rest(&mut once), at_rest(&mut twice), "after {:?}", frame);
    }
    Ok(())
}

/// The same frames under another prompt id; frames without one are omitted.
fn of_another(frames: &[Frame], ours: &str) -> Vec<Frame> {
    let rename = |frame: &Frame| match &frame.body {
        Body::Text(text) if text.contains(ours) => {
            Some(Frame { at: frame.at, body: Body::Text(text.replace(ours, "another-prompt")) })
        }
        _ => None,
    };
    frames.iter().filter_map(rename).collect()
}

fn cases(cases: u32) -> ProptestConfig {
    let regressions = FileFailurePersistence::Direct("tests/laws.proptest-regressions");
    ProptestConfig { cases, failure_persistence: Some(Box::new(regressions)), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn damaged_recordings_satisfy_the_laws(case in damaged(), planned in prop::bool::weighted(0.8), named in any::<bool>()) {
        let scenario = case.scenario;
        let make = |confirm| {
            let machine = Machine::new(planned.then(|| scenario.plan.clone()), confirm).with_previews(true);
            if named { machine.only(scenario.expected.prompt_id.as_str().into(), scenario.sole) } else { machine }
        };
        all_laws(make, &case.frames())?;
    }

    #[test]
    fn frames_of_another_prompt_change_nothing(case in damaged(), gap in 1usize..5) {
        let scenario = case.scenario;
        let ours = scenario.expected.prompt_id.as_str();
        let (mut alone, mut beset) = (scenario.machine().only(ours.into(), false), scenario.machine().only(ours.into(), false));
        let mut foreign = of_another(&scenario.frames, ours).into_iter();
        for frame in &case.frames() {
            feed(&mut alone, frame);
            feed(&mut beset, frame);
            // No foreign frame can arrive while a connection is being opened.
            let gap = if matches!(frame.body, Body::Text(_)) { gap } else { 0 };
            for other in foreign.by_ref().take(gap) {
                feed(&mut beset, &Frame { at: frame.at, body: other.body });
            }
            prop_assert_eq!(at_rest(&mut alone), at_rest(&mut beset));
        }
        prop_assert_eq!(format!("{:?}", alone.outcome()), format!("{:?}", beset.outcome()));
    }

    /// Any loss, even of all frames, leads to the same end as the complete recording.
    #[test]
    fn any_loss_of_frames_leads_to_the_same_end(row in any::<Index>(), kept in prop::collection::vec(any::<bool>(), 64)) {
        let scenario = row.get(scenarios());
        let frames = scenario.own_frames();
        let some: Vec<_> = frames.iter().zip(kept.iter().cycle()).filter(|(_, kept)| **kept).map(|(f, _)| f.clone()).collect();
        let end = |frames: &[Frame]| {
            let machine = Machine::new(Some(scenario.plan.clone()), Confirm::Http);
            let mut machine = play(machine.only(scenario.expected.prompt_id.as_str().into(), scenario.sole), frames);
            machine.finish(Duration::from_mins(15), Phase::Success, None);
            let progress = at_rest(&mut machine);
            let open = progress.nodes.iter().filter(|node| !is_settled(node.state)).count();
            (progress.phase, progress.overall, progress.done, progress.total, open)
        };
        prop_assert_eq!(end(&frames), end(&some));
        prop_assert_eq!(end(&frames), end(&[]));
    }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn generated_runs_satisfy_the_laws((graph, outputs) in graph(), frames in made_up(), learned in weights(), named in any::<bool>(), sole in any::<bool>()) {
        let plan = Arc::new(Plan::new(&graph, &outputs).with_learned(&learned));
        let make = |confirm| {
            let machine = Machine::new(Some(plan.clone()), confirm);
            if named { machine.only("ours".into(), sole) } else { machine }
        };
        all_laws(make, &frames)?;
        all_laws(|confirm| Machine::new(None, confirm), &frames)?;
    }

    #[test]
    fn settled_is_what_the_rule_says((graph, outputs) in graph(), frames in made_up()) {
        let plan = Arc::new(Plan::new(&graph, &outputs));
        let mut machine = Machine::new(Some(plan), Confirm::Http);
        for frame in &frames {
            feed(&mut machine, frame);
            let progress = at_rest(&mut machine);
            if progress.nodes.iter().any(|node| node.state == NodeState::Failed) {
                break;
            }
            let states = progress.nodes.iter().filter(|node| matches!(node.state, NodeState::Done | NodeState::Cached));
            let done = states.map(|node| node.id.as_str()).collect();
            prop_assert_eq!(progress.done, settled_by_the_book(&graph, &outputs, &done), "{:?}", progress.nodes);
            let share = progress.done as f64 / progress.total.expect("planned") as f64;
            prop_assert!(progress.counted >= Some(share.min(0.999) - 1e-9), "{:?} with {share} settled", progress.counted);
        }
    }
}
