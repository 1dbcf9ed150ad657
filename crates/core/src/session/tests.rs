//! A session on a simulated clock: which actions it takes, and when.

use std::{sync::Arc, time::Duration};

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    Confirm, ConnectionState, End, Event, Failure, Graph, Machine, Observation, OutputFile, Phase, Plan,
    Sentence, SocketUrl, TaskStatus,
};

mod outages;

const NEVER: [u64; 0] = [];

/// Five nodes in a row; the last one is the output.
fn plan() -> Arc<Plan> {
    let nodes: serde_json::Map<_, _> = (1..=5)
        .map(|n| (n.to_string(), json!({ "class_type": "X", "inputs": { "x": [(n - 1).to_string(), 0] } })))
        .collect();
    Arc::new(Plan::new(&Graph::parse(&json!(nodes).to_string()).expect("a workflow"), &[]))
}

fn address() -> SocketUrl {
    SocketUrl::new("wss://host/ws?ticket=1")
}

fn running_at() -> Observation {
    Observation { socket: Some(address()), ..Observation::of(TaskStatus::Running) }
}

fn success(outputs: usize) -> Observation {
    Observation { outputs: vec![OutputFile::default(); outputs], ..Observation::of(TaskStatus::Success) }
}

fn message(kind: &str, data: &str) -> String {
    format!(r#"{{"type":"{kind}","data":{{"prompt_id":"p"{data}}}}}"#)
}

fn executing(node: &str) -> String {
    message("executing", &format!(r#","node":"{node}""#))
}

fn progress(value: u64) -> String {
    message("progress", &format!(r#","node":"1","value":{value},"max":1000000"#))
}

fn queue(remaining: u32) -> String {
    format!(r#"{{"type":"status","data":{{"status":{{"exec_info":{{"queue_remaining":{remaining}}}}}}}}}"#)
}

fn ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).expect("a short test")
}

/// A session, its clock, and a platform that responds to every poll at once, if at all.
struct World {
    session: Session,
    now: Duration,
    platform: Option<Observation>,
    /// All actions of the session, with their times in milliseconds.
    log: Vec<(u64, Action)>,
}

impl World {
    fn new() -> Self {
        Self::with(1, Confirm::Http)
    }

    fn with(seed: u64, confirm: Confirm) -> Self {
        let mut session = Session::new(Machine::new(Some(plan()), confirm), Pace::default(), seed);
        // Without display ticks, so that days of waiting stay cheap.
        session.watch(false);
        Self {
            session,
            now: Duration::ZERO,
            platform: Some(Observation::of(TaskStatus::Running)),
            log: Vec::new(),
        }
    }

    /// A running task at time zero, whose open socket has brought its first frames.
    fn live() -> Self {
        let mut world = Self::new();
        world.platform = Some(running_at());
        world.give(Input::Tick).give(Input::Connected).say(&message("execution_start", ""));
        world.platform = Some(Observation::of(TaskStatus::Running));
        world.log.clear();
        world
    }

    fn give(&mut self, input: Input<'_>) -> &mut Self {
        self.session.handle(self.now, input);
        while let Some(action) = self.session.next_action() {
            let is_poll = matches!(action, Action::Poll);
            self.log.push((ms(self.now), action));
            if is_poll && let Some(answer) = self.platform.clone() {
                self.session.handle(self.now, Input::Answer(answer));
            }
        }
        self
    }

    fn say(&mut self, text: &str) -> &mut Self {
        self.give(Input::Text(text))
    }

    /// Advances the time, with a tick whenever the session requested one.
    fn wait(&mut self, length: Duration) -> &mut Self {
        let until = self.now + length;
        while let Some(at) = self.session.deadline().filter(|at| *at <= until) {
            assert!(at >= self.now || self.session.is_over(), "{at:?} is over");
            self.now = at.max(self.now);
            self.give(Input::Tick);
        }
        self.now = until;
        self
    }

    fn wait_ms(&mut self, length: u64) -> &mut Self {
        self.wait(Duration::from_millis(length))
    }

    fn times(&self, wanted: impl Fn(&Action) -> bool) -> Vec<u64> {
        self.log.iter().filter(|(_, action)| wanted(action)).map(|(at, _)| *at).collect()
    }

    fn polls(&self) -> Vec<u64> {
        self.times(|action| matches!(action, Action::Poll))
    }

    fn dials(&self) -> Vec<u64> {
        self.times(|action| matches!(action, Action::Connect(_)))
    }

    fn warnings(&self) -> Vec<&str> {
        let warning = self.log.iter().filter_map(|(_, action)| match action {
            Action::Emit(Event::Warning { code, .. }) => Some(&**code),
            _ => None,
        });
        warning.collect()
    }

    /// The end, which must be emitted last, and only once.
    fn end(&self) -> &End {
        let emitted = self.times(|action| matches!(action, Action::Emit(Event::Finished(_))));
        assert_eq!(emitted.len(), 1, "finished is reported once");
        match self.log.as_slice() {
            [.., (_, Action::Emit(Event::Progress(last))), (_, Action::Emit(Event::Finished(end)))] => {
                assert_eq!(last.phase, end.phase, "the last snapshot shows the end");
                assert!(self.session.is_over() && self.session.deadline().is_none());
                end
            }
            log => panic!("the end is not told last: {:?}", log.last()),
        }
    }

    fn connection(&self) -> ConnectionState {
        let state = |action: &_| match action {
            Action::Emit(Event::Connection(connection)) => Some(connection.state),
            _ => None,
        };
        self.log.iter().rev().find_map(|(_, action)| state(action)).expect("a connection was told")
    }
}

mod asking {
    use super::*;

    #[test]
    fn nothing_is_polled_while_frames_arrive() {
        let mut world = World::live();
        for step in 0..1_000 {
            world.wait_ms(4_900).say(&progress(step));
        }
        assert_eq!(world.polls(), NEVER, "far from the end");
        for node in ["1", "2", "3", "4"] {
            world.say(&executing(node));
        }
        for step in 0..1_000 {
            world.wait_ms(900).say(&progress(step));
        }
        assert_eq!(world.polls(), NEVER, "near the end");
    }

    #[test]
    fn the_end_is_polled_at_once_and_then_quickly() {
        for end in [message("execution_success", ""), message("executing", r#","node":null"#)] {
            let mut world = World::live();
            world.wait_ms(700).say(&end).wait_ms(1_500);
            assert_eq!(world.polls(), [700, 800, 925, 1_081, 1_276, 1_520, 1_825]);
            world.wait(Duration::from_hours(1));
            let polls = world.polls();
            assert!(polls.windows(2).all(|pair| pair[1] - pair[0] <= 15_001), "at most 15 s: {polls:?}");
            assert!(polls.windows(2).next_back().is_some_and(|pair| pair[1] - pair[0] >= 14_999));
        }
    }

    #[test]
    fn frames_after_the_end_do_not_disturb_polling() {
        let mut world = World::live();
        world
            .say(&message("execution_success", ""))
            .wait_ms(10)
            .say(&message("executing", r#","node":null"#));
        world.wait_ms(50).say(&message("executed", r#","node":"5""#)).wait_ms(240);
        assert_eq!(world.polls(), [0, 100, 225]);
    }

    #[test]
    fn silence_in_mid_run_is_polled_slowly() {
        let mut world = World::live();
        world.say(&executing("2")).wait_ms(130_000);
        assert_eq!(world.polls(), [5_000, 12_500, 23_750, 40_625, 65_937, 95_937, 125_937]);
        world.say(&progress(1)).wait_ms(6_000);
        assert_eq!(world.polls().last(), Some(&135_000), "a frame starts it over");
    }

    #[test]
    fn silence_near_the_end_is_polled_sooner() {
        let mut world = World::live();
        for node in ["1", "2", "3", "4"] {
            world.say(&executing(node));
        }
        world.wait_ms(6_000);
        assert_eq!(world.polls(), [1_000, 2_250, 3_812, 5_765]);
        world.wait(Duration::from_hours(1));
        assert!(world.polls().windows(2).all(|pair| pair[1] - pair[0] <= 15_001), "at most 15 s");
    }

    #[test]
    fn a_queue_is_polled_early_and_then_every_few_seconds() {
        let mut world = World::new();
        world.session.watch(true);
        world.platform = Some(Observation::of(TaskStatus::Queued));
        world.give(Input::Tick).wait_ms(30_000);
        assert_eq!(world.polls(), [0, 1_000, 2_250, 3_812, 5_765, 8_207, 11_258, 15_073, 19_841, 25_802]);
        let calls = World::polls(world.wait(Duration::from_mins(10))).len();
        assert!(calls < 122, "a long queue costs a call in five seconds: {calls}");
    }

    #[test]
    fn only_one_poll_is_in_flight() {
        let mut world = World::live();
        world.platform = None;
        world.say(&message("execution_success", "")).give(Input::Disconnected).wait(Duration::from_hours(1));
        assert_eq!(world.polls(), [0]);
        // The poll started before the end was known, so another follows soon.
        world.give(Input::Answer(Observation::of(TaskStatus::Running))).wait_ms(99);
        assert_eq!(world.polls(), [0]);
        world.wait_ms(1);
        assert_eq!(world.polls().len(), 2);
    }

    #[test]
    fn a_socket_url_in_the_create_response_saves_polls() {
        let mut world = World::new();
        world.give(Input::Address(address()));
        assert_eq!((world.polls(), world.dials()), (vec![], vec![0]));
        world.wait_ms(300).give(Input::Connected).wait_ms(500).say(&executing("1"));
        world.wait_ms(4_000).say(&executing("5")).wait_ms(500);
        assert_eq!(world.polls(), NEVER);
        world.platform = Some(success(1));
        world.say(&message("execution_success", ""));
        assert_eq!(world.polls(), [5_300], "one call for the whole task");
        assert_eq!(world.end().phase, Phase::Success);
    }

    #[test]
    fn polling_pauses_after_the_first_socket_url() {
        let mut world = World::new();
        world.platform = Some(running_at());
        world
            .give(Input::Tick)
            .wait_ms(200)
            .give(Input::Connected)
            .wait_ms(200)
            .say(&executing("1"))
            .wait_ms(4_999);
        assert_eq!(world.polls(), [0]);
    }

    #[test]
    fn an_idle_server_means_that_the_end_was_missed() {
        let mut world = World::new();
        world.give(Input::Tick).say(&queue(0)).wait_ms(100);
        assert_eq!(world.polls(), [0], "nobody has said that this server has the task");
        world.platform = Some(running_at());
        world.wait_ms(900).give(Input::Connected).wait_ms(20).say(&queue(1));
        world.log.clear();
        world.say(&queue(0)).wait_ms(230);
        assert_eq!(world.polls(), [1_020, 1_120, 1_245]);
        world.say(&executing("1")).wait_ms(900);
        assert_eq!(world.polls().len(), 3, "it was busy all the same");
    }

    #[test]
    fn missing_responses_are_reported_once_and_retried_when_the_server_allows() {
        let mut world = World::new();
        world.platform = None;
        let failed =
            |after| Input::NoAnswer { after, reason: Sentence::verbatim("timed out"), is_gone: false };
        world.give(Input::Tick).give(failed(None)).wait_ms(1_000).give(failed(None)).wait_ms(1_500);
        let [0, first, second] = world.polls()[..] else { panic!("three questions: {:?}", world.polls()) };
        assert!((500..=1_000).contains(&first), "{first}");
        assert!((1_000 + 750..=2_500).contains(&second), "{second}");
        assert_eq!(world.warnings(), ["poll_failed"]);
        world.give(failed(Some(Duration::from_secs(20)))).give(Input::Address(address()));
        world.give(Input::Connected).say(&message("execution_success", "")).wait_ms(19_999);
        assert_eq!(world.polls().len(), 3, "not even for the end");
        world.wait_ms(1);
        assert_eq!(world.polls().last(), Some(&22_500), "20 s after it was said");
        world.give(Input::Answer(Observation::of(TaskStatus::Running))).wait_ms(200).give(failed(None));
        assert_eq!(world.warnings(), ["poll_failed", "poll_failed"], "a new failure is news again");
    }

    #[test]
    fn silence_of_api_and_socket_ends_the_watch() {
        let mut world = World::live();
        world.platform = None;
        let failed =
            || Input::NoAnswer { after: None, reason: Sentence::verbatim("timed out"), is_gone: false };
        world.wait_ms(5_000).give(failed()).wait(Duration::from_mins(9)).give(failed()).say(&progress(1));
        world.wait(Duration::from_mins(9)).give(failed());
        assert!(!world.session.is_over(), "frames are a sign");
        world.wait(Duration::from_mins(2));
        assert!(matches!(world.log.last(), Some((1_145_000, Action::GiveUp))), "{:?}", world.log.last());
        assert!(world.session.is_over() && world.session.deadline().is_none());
    }

    #[test]
    fn silence_alone_is_not_a_failure() {
        let mut world = World::live();
        world.wait(Duration::from_hours(24));
        assert!(!world.session.is_over());
    }
}

mod dialling {
    use super::*;

    #[test]
    fn a_lost_socket_polls_at_once_and_reconnects() {
        let mut jitter = std::collections::HashSet::new();
        for seed in 0..50 {
            let mut world = World::with(seed, Confirm::Http);
            world.give(Input::Address(address())).give(Input::Connected).say(&executing("1"));
            world.log.clear();
            world.wait_ms(2_000).give(Input::Disconnected);
            assert_eq!((world.polls(), world.connection()), (vec![2_000], ConnectionState::Reconnecting));
            world.wait_ms(1_000);
            let [dial] = world.dials()[..] else { panic!("one dial: {:?}", world.dials()) };
            assert!((2_050..=3_000).contains(&dial), "{dial}");
            jitter.insert(dial);
            world.give(Input::Connected);
            assert_eq!((world.polls().last(), world.connection()), (Some(&3_000), ConnectionState::Live));
        }
        assert!(jitter.len() > 25, "clients do not dial in step: {jitter:?}");
    }

    #[test]
    fn five_failures_pause_reconnecting_with_growing_delays() {
        let mut world = World::new();
        world.give(Input::Address(address()));
        for bound in [1_000, 2_000, 4_000, 8_000] {
            let failed = ms(world.now);
            world.give(Input::Disconnected).wait_ms(bound);
            let dial = *world.dials().last().expect("it dials");
            assert!(dial > failed && dial <= failed + bound, "{dial} after {failed}");
        }
        let (dials, rests) = (world.dials().len(), ms(world.now));
        world.give(Input::Disconnected).wait(Duration::from_secs(599));
        assert_eq!((dials, world.dials().len(), world.connection()), (5, 5, ConnectionState::Polling));
        world.wait_ms(1_000);
        assert_eq!(world.dials().last(), Some(&(rests + 600_000)));
        world.give(Input::Disconnected).wait_ms(1_000);
        assert_eq!(world.dials().len(), 7, "the count starts over");
    }

    #[test]
    fn a_connection_that_lasted_clears_the_failures() {
        let mut world = World::new();
        world.give(Input::Address(address()));
        for _ in 0..20 {
            world.give(Input::Connected).say(&executing("1")).wait_ms(121_000).give(Input::Disconnected);
            world.wait_ms(1_000);
        }
        assert_eq!(world.dials().len(), 21);
    }

    #[test]
    fn a_deaf_socket_is_hung_up_once() {
        let mut world = World::new();
        world.platform = Some(running_at());
        world
            .give(Input::Tick)
            .give(Input::Connected)
            .say(&queue(1))
            .wait_ms(50_000)
            .say(&queue(1))
            .wait_ms(60_000);
        let hangups = |world: &World| world.times(|action| matches!(action, Action::Hangup));
        assert_eq!(hangups(&world), [60_000]);
        world.give(Input::Disconnected).wait_ms(1_000).give(Input::Connected).say(&executing("1"));
        world.wait(Duration::from_hours(1));
        assert_eq!(hangups(&world), [60_000], "this one has told something");
    }

    #[test]
    fn a_queued_task_has_nothing_to_tell() {
        let mut world = World::new();
        world.platform = Some(Observation { socket: Some(address()), ..Observation::of(TaskStatus::Queued) });
        world.give(Input::Tick).give(Input::Connected).wait(Duration::from_hours(1));
        assert_eq!(world.times(|action| matches!(action, Action::Hangup)), NEVER);
    }

    #[test]
    fn a_socket_without_frames_is_called_stale_until_one_comes() {
        let mut world = World::live();
        world.wait_ms(29_999);
        assert!(world.times(|action| matches!(action, Action::Emit(Event::Connection(_)))).is_empty());
        world.wait_ms(1);
        assert_eq!(world.connection(), ConnectionState::Stale);
        world.wait_ms(30_000).say(&queue(1));
        assert_eq!(world.connection(), ConnectionState::Live, "any frame shows that it works");
    }

    #[test]
    fn the_newest_url_is_dialled() {
        let mut world = World::live();
        world.give(Input::Address(SocketUrl::new("wss://other/ws"))).give(Input::Disconnected).wait_ms(1_000);
        let dialled = world.log.iter().find_map(|(_, action)| match action {
            Action::Connect(address) => Some(address.expose()),
            _ => None,
        });
        assert_eq!(dialled, Some("wss://other/ws"));
    }
}

mod ending {
    use super::*;

    #[test]
    fn files_that_the_socket_has_named_are_waited_for() {
        let saved = message(
            "executed",
            r#","node":"5","output":{"images":[{"filename":"a.png","type":"output"},{"filename":"b.png","type":"output"},{"filename":"c.png","type":"temp"}]}"#,
        );
        let mut world = World::live();
        world.platform = Some(success(1));
        world.say(&saved).say(&message("execution_success", "")).wait_ms(400);
        assert_eq!((world.polls(), world.session.is_over()), (vec![0, 100, 225, 381], false));
        world.platform = Some(success(2));
        world.wait_ms(400);
        assert_eq!((world.end().outputs.len(), world.warnings()), (2, vec![]));

        let mut world = World::live();
        world.platform = Some(success(1));
        world.say(&saved).say(&message("execution_success", "")).wait_ms(20_000);
        assert_eq!((world.end().outputs.len(), world.warnings()), (1, vec!["outputs_incomplete"]));
        let last = *world.polls().last().expect("asked");
        assert!((15_000..19_000).contains(&last), "{last}");
    }

    #[test]
    fn frames_that_are_read_after_the_success_was_confirmed_still_count() {
        let mut world = World::live();
        world.give(Input::Answer(success(1))).wait_ms(100);
        assert!(!world.session.is_over());
        for value in [250_000, 500_000, 1_000_000] {
            world.say(&progress(value));
        }
        world.say(&message("execution_success", ""));
        assert_eq!((world.end().outputs.len(), world.end().phase), (1, Phase::Success));
        let steps = world.log.iter().rev().find_map(|(_, action)| match action {
            Action::Emit(Event::Progress(progress)) => progress.nodes.iter().find_map(|node| node.max),
            _ => None,
        });
        assert_eq!((steps, world.polls()), (Some(1_000_000.0), NEVER.to_vec()));

        // A file that only these frames name is waited for too.
        let saved = message(
            "executed",
            r#","node":"5","output":{"images":[{"filename":"a.png","type":"output"},{"filename":"b.png","type":"output"}]}"#,
        );
        let mut world = World::live();
        world.platform = Some(success(2));
        world.give(Input::Answer(success(1)));
        world.say(&saved).say(&message("execution_success", "")).wait_ms(1_000);
        assert_eq!((world.end().outputs.len(), world.warnings()), (2, vec![]));
    }

    #[test]
    fn a_confirmed_success_waits_a_moment_for_the_end_on_an_open_socket() {
        let mut world = World::live();
        world.give(Input::Answer(success(1))).wait_ms(400);
        assert!(!world.session.is_over());
        world.wait_ms(100);
        assert_eq!((world.end().phase, world.polls()), (Phase::Success, NEVER.to_vec()));
        // A socket that closes brings nothing more.
        let mut world = World::live();
        world.give(Input::Answer(success(1))).give(Input::Disconnected);
        assert_eq!(world.end().phase, Phase::Success);
        let mut world = World::live();
        world.give(Input::Answer(success(1)));
        world.session.stop(world.now);
        world.give(Input::Tick);
        assert_eq!(world.end().phase, Phase::Success);
    }

    #[test]
    fn a_socket_that_breaks_near_the_end_is_followed_by_quick_polls() {
        for (node, polls) in [("5", vec![0, 100, 225]), ("1", vec![0])] {
            let mut world = World::live();
            for done in 1..node.parse().expect("a number") {
                world.say(&executing(&done.to_string()));
            }
            world.say(&executing(node)).give(Input::Disconnected).wait_ms(45);
            assert_eq!(world.polls(), [0], "at once");
            // Without a new connection, which would poll anyway.
            while world.session.deadline().is_some_and(|at| ms(at) < 300) && world.dials().is_empty() {
                let at = world.session.deadline().expect("a deadline");
                world.now = at.max(world.now);
                world.give(Input::Tick);
            }
            world.wait_ms(300u64.saturating_sub(ms(world.now)));
            assert_eq!(world.polls(), polls, "{node}");
        }
    }

    #[test]
    fn an_empty_result_list_is_polled_a_little_longer() {
        let mut world = World::live();
        world.platform = Some(success(0));
        world.say(&message("execution_success", "")).wait_ms(20_000);
        assert_eq!((world.end().phase, world.warnings()), (Phase::Success, vec!["outputs_incomplete"]));
        let last = *world.polls().last().expect("asked");
        assert!((15_000..19_000).contains(&last), "{last}");
    }

    #[test]
    fn a_poll_can_end_a_run_without_frames() {
        let failure = Failure { code: Some("805".into()), ..Failure::default() };
        let failed = Observation { failure: Some(failure), ..Observation::of(TaskStatus::Failed) };
        for (answer, phase) in [
            (success(1), Phase::Success),
            (failed, Phase::Failed),
            (Observation::of(TaskStatus::Cancelled), Phase::Interrupted),
        ] {
            let mut world = World::new();
            world.platform = Some(answer.clone());
            world.give(Input::Tick).wait_ms(60_000).give(Input::Connected).say(&executing("1"));
            assert_eq!((world.end().phase, &world.end().failure), (phase, &answer.failure));
        }
    }

    #[test]
    fn failure_details_from_the_socket_are_kept() {
        let raised =
            message("execution_error", r#","node_id":"2","exception_type":"OOM","exception_message":"no""#);
        let mut world = World::live();
        let failure = Failure { code: Some("805".into()), ..Failure::default() };
        world.platform = Some(Observation { failure: Some(failure), ..Observation::of(TaskStatus::Failed) });
        world.say(&raised);
        let failure = world.end().failure.clone().expect("a failure");
        assert_eq!((failure.node_id, failure.code), (Some("2".into()), Some("805".into())));
        assert_eq!(failure.exception_type.map(|text| text.to_string()).as_deref(), Some("OOM"));
    }

    #[test]
    fn a_failure_without_reason_after_an_interruption_was_the_interruption() {
        let code = Failure { code: Some("805".into()), ..Failure::default() };
        let reason = Failure { message: Some("out of memory".into()), ..code.clone() };
        for (failure, phase) in
            [(None, Phase::Interrupted), (Some(code), Phase::Interrupted), (Some(reason), Phase::Failed)]
        {
            let mut world = World::live();
            world.platform = Some(Observation { failure, ..Observation::of(TaskStatus::Failed) });
            world.say(&message("execution_interrupted", r#","node_id":"2""#));
            assert_eq!(world.end().phase, phase);
        }
    }

    #[test]
    fn a_queued_task_that_is_not_listed_while_the_socket_stays_open_was_cancelled() {
        let unlisted =
            |is_unlisted| Input::Denied { after: None, reason: Sentence::verbatim("not known"), is_unlisted };
        let queued = |inputs: Vec<Input<'static>>| {
            let mut world = World::new();
            world.platform =
                Some(Observation { socket: Some(address()), ..Observation::of(TaskStatus::Queued) });
            world.give(Input::Tick).give(Input::Connected).wait_ms(7_000);
            world.platform = None;
            world.wait_ms(10_000);
            for input in inputs {
                world.give(input);
            }
            world
        };
        assert_eq!(queued(vec![unlisted(true)]).end().phase, Phase::Interrupted);
        // The service may not know it for another reason.
        assert!(!queued(vec![unlisted(false)]).session.is_over());
        // It may have been restarted.
        assert!(!queued(vec![Input::Disconnected, Input::Connected, unlisted(true)]).session.is_over());
        assert!(!queued(vec![Input::Disconnected, unlisted(true)]).session.is_over());
        // It was running.
        let mut world = World::live();
        world.wait_ms(60_000).give(unlisted(true));
        assert!(!world.session.is_over());
    }

    #[test]
    fn success_requires_confirmation_by_the_api() {
        let mut world = World::live();
        world.say(&message("execution_success", "")).wait(Duration::from_hours(1));
        assert!(!world.session.is_over(), "still running, says the platform");
        world.platform = Some(Observation::of(TaskStatus::Failed));
        world.wait_ms(15_000);
        assert_eq!(world.end().phase, Phase::Failed);
    }

    #[test]
    fn a_recording_ends_by_its_own_frames() {
        let mut world = World::with(1, Confirm::Frames);
        world.platform = None;
        world.give(Input::Connected).say(&executing("1")).say(&message("execution_success", ""));
        world.say(&executing("2")).wait_ms(60_000);
        assert_eq!(world.end().phase, Phase::Success);
    }

    #[test]
    fn stopping_returns_the_last_snapshot() {
        let mut world = World::live();
        world.say(&executing("3"));
        world.session.stop(world.now);
        world.session.stop(world.now);
        world.give(Input::Tick).say(&executing("4"));
        assert_eq!(world.end().phase, Phase::Running);
    }
}

#[test]
fn snapshots_come_ten_a_second_and_the_last_one_always() {
    let mut world = World::live();
    for step in 0..1_000 {
        world.say(&progress(step)).wait_ms(7);
    }
    let emitted = world.times(|action| matches!(action, Action::Emit(Event::Progress(_))));
    assert!(emitted.windows(2).all(|pair| pair[1] - pair[0] >= 100), "{emitted:?}");
    assert!((69..=71).contains(&emitted.len()), "7 s: {}", emitted.len());
    world.wait_ms(93).say(&progress(500_000)).wait_ms(100);
    let last = world.log.iter().rev().find_map(|(_, action)| match action {
        Action::Emit(Event::Progress(progress)) => Some(progress),
        _ => None,
    });
    let value = last.and_then(|progress| progress.current.first()).and_then(|node| node.value);
    assert_eq!(value, Some(500_000.0), "what came after the last snapshot is told as well");
}

/// An input, chosen by number.
fn made_up(kind: u8, status: u8) -> Option<(&'static str, TaskStatus)> {
    let status = [TaskStatus::Queued, TaskStatus::Running, TaskStatus::Success, TaskStatus::Failed]
        [usize::from(status) % 4]
        .clone();
    let kind =
        ["text", "binary", "open", "gone", "address", "answer", "no answer", "tick", "refused", "on_resume"]
            .get(usize::from(kind))?;
    Some((kind, status))
}

proptest! {
    /// After a tick on time, the next deadline is later, or an action was emitted: a driver never spins.
    #[test]
    fn the_driver_never_spins_and_reports_one_end(
        steps in prop::collection::vec((0u8..10, 0u8..64, 0u64..20_000, any::<bool>()), 0..60),
        factor in prop_oneof![Just(1.0), Just(1e-9), 0.001..3.0],
        seed in any::<u64>(),
    ) {
        let machine = Machine::new(Some(plan()), Confirm::Http);
        let mut session = Session::new(machine, Pace::default().scaled(factor), seed);
        let (mut now, mut finished, mut is_poll) = (Duration::ZERO, 0, false);
        let texts = [executing("1"), executing("5"), progress(3), queue(0), queue(2), message("execution_success", ""),
            message("execution_error", ""), "{".to_owned()];
        for (kind, detail, wait, early) in steps {
            // Up to the next deadline, or earlier.
            let until = now + Duration::from_millis(wait);
            now = session.deadline().filter(|at| !early && *at <= until).map_or(until, |at| at.max(now));
            let (kind, status) = made_up(kind, detail).expect("one of ten");
            let input = match kind {
                "text" => Input::Text(&texts[usize::from(detail) % texts.len()]),
                "binary" => Input::Binary(b"\0\0\0\x01\0\0\0\x01jpeg"),
                "open" => Input::Connected,
                "gone" => Input::Disconnected,
                "refused" => Input::Refused { warning: (detail > 30).then(|| Sentence::verbatim("no")) },
                "on_resume" => Input::Woke { slept: Duration::from_secs(u64::from(detail)) },
                "address" => Input::Address(address()),
                "answer" if is_poll => Input::Answer(Observation { socket: (detail > 30).then(address), ..Observation::of(status) }),
                "no answer" if is_poll && detail % 5 == 0 => Input::Denied { after: (detail > 30).then_some(Duration::MAX), reason: Sentence::verbatim("no"), is_unlisted: detail % 2 == 0 },
                "no answer" if is_poll => Input::NoAnswer { after: (detail > 30).then_some(Duration::MAX), reason: Sentence::verbatim("no"), is_gone: detail % 2 == 0 },
                _ => Input::Tick,
            };
            is_poll &= !matches!(input, Input::Answer(_) | Input::Denied { .. } | Input::NoAnswer { .. } | Input::Woke { .. });
            for input in [input, Input::Tick, Input::Tick] {
                let is_tick = matches!(input, Input::Tick);
                session.handle(now, input);
                let mut quiet = true;
                while let Some(action) = session.next_action() {
                    quiet = false;
                    prop_assert!(finished == 0, "{action:?} after the end");
                    let is_end = matches!(action, Action::Emit(Event::Finished(_)) | Action::GiveUp | Action::Deny(_));
                    finished += usize::from(is_end);
                    if matches!(action, Action::Poll) {
                        prop_assert!(!is_poll, "two questions at a time");
                        is_poll = true;
                    }
                }
                if let Some(next) = session.deadline().filter(|_| is_tick && quiet) {
                    prop_assert!(next > now, "{next:?} is no later than {now:?}");
                }
                prop_assert_eq!(session.is_over(), finished > 0);
            }
        }
    }
}

mod looking {
    use super::*;

    fn figures(world: &World) -> Vec<f64> {
        let progress = world.log.iter().filter_map(|(_, action)| match action {
            Action::Emit(Event::Progress(progress)) => progress.overall,
            _ => None,
        });
        progress.collect()
    }

    #[test]
    fn a_run_that_is_looked_at_moves_also_while_nothing_comes() {
        let mut world = World::live();
        world.session.watch(true);
        world.say(&executing("1")).wait_ms(3_000);
        let shown = figures(&world);
        assert!((12..=31).contains(&shown.len()), "4 to 10 a second: {}", shown.len());
        assert!(shown.windows(2).all(|pair| pair[0] < pair[1]), "{shown:?}");
    }

    #[test]
    fn an_unwatched_run_is_not_woken_by_ticks() {
        let mut world = World::live();
        world.say(&executing("1")).wait_ms(200);
        world.log.clear();
        assert!(world.session.deadline() > Some(world.now + Duration::from_millis(500)));
        world.wait_ms(3_000);
        assert_eq!(figures(&world).len(), 0);
        world.session.watch(true);
        world.give(Input::Tick).wait_ms(1_000);
        assert!(figures(&world).len() >= 4);
    }

    #[test]
    fn a_run_that_waits_in_the_queue_or_is_over_is_not_woken_either() {
        let mut world = World::new();
        world.platform = Some(Observation::of(TaskStatus::Queued));
        world.give(Input::Tick).wait_ms(150);
        world.log.clear();
        world.wait_ms(3_000);
        assert_eq!(figures(&world).len(), 0);
    }
}
