//! Unreachable URLs, suspended machines, and servers that are temporarily down.

use super::*;

fn at(address: &str) -> Observation {
    Observation { socket: Some(SocketUrl::new(address)), ..Observation::of(TaskStatus::Running) }
}

fn refused() -> Input<'static> {
    Input::Refused { warning: None }
}

fn forbidden() -> Input<'static> {
    Input::Refused { warning: Some(Sentence::verbatim("the address is a foreign one")) }
}

fn failed(after: Option<u64>) -> Input<'static> {
    Input::NoAnswer {
        after: after.map(Duration::from_secs),
        reason: Sentence::verbatim("timed out"),
        is_gone: false,
    }
}

impl World {
    fn dialled(&self) -> Vec<&str> {
        fn address(action: &Action) -> Option<&str> {
            match action {
                Action::Connect(address) => Some(address.expose()),
                _ => None,
            }
        }
        self.log.iter().filter_map(|(_, action)| address(action)).collect()
    }

    /// Advances the time until one more dial, or for eleven minutes.
    fn until_dialled(&mut self, dials: usize) {
        let until = self.now + Duration::from_mins(11);
        while self.dials().len() <= dials
            && let Some(at) = self.session.deadline().filter(|at| *at <= until)
        {
            self.now = at.max(self.now);
            self.give(Input::Tick);
        }
    }

    fn hangups(&self) -> Vec<u64> {
        self.times(|action| matches!(action, Action::Hangup))
    }
}

mod addresses {
    use super::*;

    #[test]
    fn an_expired_ticket_is_used_again_only_if_it_is_reported_again() {
        let mut world = World::new();
        world.platform = Some(at("wss://host/ws?ticket=old"));
        world.give(Input::Tick).wait_ms(400);
        world.platform = Some(Observation::of(TaskStatus::Running));
        world.give(refused());
        assert_eq!(world.polls(), [0, 400], "asked at once");
        world.wait(Duration::from_mins(10));
        assert_eq!(world.dialled(), ["wss://host/ws?ticket=old"], "the answers have none");
        let polls = world.polls();
        assert!(polls.windows(2).all(|pair| pair[1] - pair[0] <= 15_001), "{polls:?}");
        assert!(polls.len() < 60, "as without a socket, not as in a queue: {}", polls.len());
        // The reason for the refusal may be gone: a firewall, a restart.
        world.platform = Some(at("wss://host/ws?ticket=old"));
        world.wait(Duration::from_mins(1));
        assert_eq!(world.dialled().len(), 2, "it is told again");
        world.give(refused());
        world.platform = Some(at("wss://host/ws?ticket=new"));
        world.wait(Duration::from_secs(30)).give(Input::Connected).say(&executing("1"));
        assert_eq!(world.dialled().last().copied(), Some("wss://host/ws?ticket=new"));
        assert_eq!((world.connection(), world.warnings()), (ConnectionState::Live, vec![]));
    }

    #[test]
    fn refused_tickets_pause_reconnecting() {
        let mut world = World::new();
        for ticket in 0..250 {
            let dials = world.dials().len();
            world.platform = Some(at(&format!("wss://host/ws?ticket={ticket}")));
            world.give(Input::Tick).wait_ms(3_000);
            if world.dials().len() > dials {
                world.give(refused());
            }
        }
        let (early, late): (Vec<u64>, Vec<u64>) = world.dials().into_iter().partition(|at| *at < 600_000);
        assert_eq!((early.len(), late.len()), (5, 5), "five, ten minutes of rest, and five more");
    }

    #[test]
    fn a_forbidden_socket_url_is_reported_once_and_the_run_continues() {
        let mut world = World::new();
        world.platform = Some(at("wss://evil.example/ws"));
        world.give(Input::Tick).give(forbidden()).wait(Duration::from_mins(5));
        assert_eq!((world.dials().len(), world.warnings()), (1, vec!["socket_refused"]));
        world.platform = Some(at("wss://worse.example/ws"));
        world.wait(Duration::from_mins(1)).give(forbidden());
        assert_eq!((world.dials().len(), world.warnings()), (2, vec!["socket_refused"]));
        world.platform = Some(success(1));
        world.wait(Duration::from_mins(1));
        assert_eq!(world.end().phase, Phase::Success);
    }

    #[test]
    fn a_newer_url_is_tried_when_the_older_one_is_refused() {
        let mut world = World::new();
        world.give(Input::Address(address())).give(Input::Address(SocketUrl::new("wss://other/ws")));
        world.give(refused()).wait_ms(1_000);
        assert_eq!(world.dialled(), [address().expose(), "wss://other/ws"]);
    }

    #[test]
    fn a_silent_socket_is_left_for_where_the_run_has_gone() {
        let moved = "wss://host/ws?c_host=2&Rh-Comfy-Auth=b";
        for (url, hangups) in [(moved, vec![30_000]), ("wss://host/ws?c_host=1&Rh-Comfy-Auth=b", vec![])] {
            let mut world = World::new();
            world.platform = Some(at("wss://host/ws?c_host=1&Rh-Comfy-Auth=a"));
            world.give(Input::Tick).give(Input::Connected).say(&executing("1"));
            world.platform = Some(at(url));
            world.wait_ms(30_000);
            // The next poll falls in between; it gets its response before the 30 s are over.
            assert_eq!(world.hangups(), hangups, "{url}");
            if !hangups.is_empty() {
                world.give(Input::Disconnected).give(Input::Connected).wait(Duration::from_hours(1));
                assert_eq!(world.dialled().last(), Some(&moved));
                assert_eq!(world.dials(), [0, 30_000], "at once, and once");
            }
        }
    }

    #[test]
    fn a_silent_socket_reconnects_once_and_then_only_after_news() {
        let mut world = World::new();
        world.platform = Some(running_at());
        world.give(Input::Tick).give(Input::Connected).wait_ms(60_000);
        world.give(Input::Disconnected).give(Input::Connected).wait(Duration::from_hours(1));
        assert_eq!((world.hangups(), world.dials()), (vec![60_000], vec![0, 60_000]));
        world.say(&executing("1")).give(Input::Disconnected).wait_ms(1_000).give(Input::Connected);
        world.wait_ms(60_000);
        assert_eq!(world.hangups().len(), 2, "the next connection may be deaf again");
    }
}

mod sleeping {
    use super::*;

    const SLEPT: Duration = Duration::from_hours(8);

    fn on_resume() -> Input<'static> {
        Input::Woke { slept: SLEPT }
    }

    #[test]
    fn an_open_socket_is_closed_first_then_dialled_at_once() {
        let mut world = World::live();
        world.wait_ms(3_000).give(on_resume());
        assert_eq!((world.polls(), world.hangups(), world.dials()), (vec![3_000], vec![3_000], vec![]));
        assert_eq!(world.connection(), ConnectionState::Reconnecting);
        world.wait_ms(500).give(Input::Disconnected);
        assert_eq!(world.dials(), [3_500]);
        world.give(Input::Connected).say(&executing("2"));
        assert_eq!(world.connection(), ConnectionState::Live);
    }

    #[test]
    fn an_answered_wait_ends() {
        let mut world = World::new();
        world.give(Input::Address(address()));
        for _ in 0..5 {
            world.give(Input::Disconnected).wait(Duration::from_secs(30));
        }
        let dials = world.dials().len();
        assert_eq!((dials, world.connection()), (5, ConnectionState::Polling), "it rests");
        world.log.clear();
        let now = ms(world.now);
        world.give(on_resume());
        assert_eq!((world.polls(), world.dials()), (vec![now], vec![now]));

        let mut world = World::new();
        world.platform = None;
        world.give(Input::Tick).give(failed(Some(300))).give(on_resume());
        assert_eq!(world.polls(), [0, 0], "the server's 300 s are over by its own clock");
        world.give(Input::Woke { slept: Duration::ZERO });
        assert_eq!(world.polls(), [0, 0, 0], "a question that was under way is asked anew");
    }

    #[test]
    fn time_asleep_does_not_count_as_silence() {
        let mut world = World::new();
        world.platform = None;
        world.give(Input::Tick).give(failed(None)).wait(Duration::from_secs(595));
        world.give(on_resume()).give(failed(None)).wait(Duration::from_secs(599));
        assert!(!world.session.is_over());
        world.wait(Duration::from_secs(2));
        assert!(matches!(world.log.last(), Some((_, Action::GiveUp))));
    }
}

mod servers {
    use super::*;

    #[test]
    fn a_server_that_says_when_to_ask_again_is_there() {
        let mut world = World::new();
        world.platform = None;
        world.give(Input::Tick).give(failed(Some(600))).wait(Duration::from_mins(10));
        assert_eq!(world.polls(), [0, 600_000]);
        world.give(failed(None)).wait(Duration::from_mins(9));
        assert!(!world.session.is_over());
        world.wait(Duration::from_mins(2));
        assert!(world.session.is_over(), "silent for ten minutes since");
    }

    #[test]
    fn time_without_polls_does_not_count_as_silence() {
        let mut world = World::live();
        world.platform = None;
        // The process was stopped: no input arrived, not even the time.
        world.now += Duration::from_hours(1);
        world.give(Input::Tick).give(failed(None));
        assert!(!world.session.is_over());
        world.wait(Duration::from_secs(599));
        assert!(!world.session.is_over());
        world.wait(Duration::from_secs(1));
        assert!(world.session.is_over());
    }

    #[test]
    fn failures_slow_down_the_following_starts() {
        let mut world = World::new();
        world.give(Input::Tick).wait(Duration::from_mins(2));
        world.platform = None;
        world.wait_ms(6_000);
        for _ in 0..8 {
            world.give(failed(None)).wait(Duration::from_secs(30));
        }
        world.platform = Some(Observation::of(TaskStatus::Running));
        world.give(Input::Answer(Observation::of(TaskStatus::Running)));
        world.log.clear();
        let back = ms(world.now);
        world.wait(Duration::from_secs(20));
        assert_eq!(world.polls().iter().map(|at| at - back).collect::<Vec<_>>(), [6_000, 12_000, 18_000]);
    }

    /// The load on a server from 500 followers: before, during and after a minute of downtime.
    #[test]
    fn followers_do_not_storm_a_server_that_is_back() {
        const FOLLOWERS: u64 = 500;
        const DOWN: std::ops::Range<u64> = 120_000..180_000;
        let mut polls = Vec::new();
        for seed in 0..FOLLOWERS {
            let mut world = World::with(seed, Confirm::Http);
            // The followers start at different times.
            world.wait_ms(seed * 12).give(Input::Tick);
            while ms(world.now) < 240_000 {
                world.now = world.session.deadline().expect("it follows").max(world.now);
                let down = DOWN.contains(&ms(world.now));
                world.platform = (!down).then(|| Observation::of(TaskStatus::Running));
                let polls = world.polls().len();
                world.give(Input::Tick);
                if down && world.polls().len() > polls {
                    world.give(failed(None));
                }
            }
            polls.extend(world.polls());
        }
        let rate = |from: u64, to: u64| {
            let count = polls.iter().filter(|at| (from..to).contains(*at)).count();
            count as f64 * 1000.0 / (to - from) as f64
        };
        let steady = rate(60_000, 120_000);
        let worst_second = |from: u64, to: u64| {
            (from..to).step_by(1_000).map(|at| rate(at, at + 1_000)).fold(0.0_f64, f64::max)
        };
        assert!((70.0..90.0).contains(&steady), "{steady} a second");
        assert!(
            rate(140_000, 180_000) < steady / 2.0,
            "{} a second while it is down",
            rate(140_000, 180_000)
        );
        assert!(rate(180_000, 190_000) <= 2.0 * steady, "{} just after", rate(180_000, 190_000));
        assert!(worst_second(180_000, 240_000) <= 2.0 * steady, "{}", worst_second(180_000, 240_000));
    }
}

proptest! {
    /// At most eight dials in any minute, and never two at once, whatever happens to the connections.
    #[test]
    fn at_most_eight_dials_in_any_minute(
        fates in prop::collection::vec((0u8..5, prop_oneof![0u64..2_000, 0u64..130_000]), 1..60),
        seed in any::<u64>(),
    ) {
        let mut world = World::with(seed, Confirm::Http);
        world.platform = Some(running_at());
        world.give(Input::Tick);
        for (fate, length) in fates {
            let dials = world.dials().len();
            match fate {
                0 => {
                    world.give(Input::Connected).say(&executing("1")).wait_ms(length).give(Input::Disconnected);
                }
                1 => {
                    // No frames arrive, so the session may close it in the meantime.
                    world.give(Input::Connected).wait_ms(length).give(Input::Disconnected);
                }
                2 => {
                    world.give(refused()).give(Input::Address(SocketUrl::new(format!("wss://h/{length}"))));
                }
                _ => {
                    world.wait_ms(length / 13).give(Input::Disconnected);
                }
            }
            prop_assert!(world.dials().len() <= dials + 1, "two at a time");
            world.until_dialled(dials);
        }
        let dials = world.dials();
        for at in &dials {
            let minute = dials.iter().filter(|other| (*at..*at + 60_000).contains(*other)).count();
            prop_assert!(minute <= 8, "{minute} in a minute: {dials:?}");
        }
    }
}

mod denials {
    use super::*;

    fn denied() -> Input<'static> {
        Input::Denied { after: None, reason: Sentence::verbatim("code 807"), is_unlisted: false }
    }

    /// A task accepted this many seconds ago that the platform doesn't know.
    fn accepted(seconds: u64) -> World {
        let mut world = World::new();
        world.session = Session::new(Machine::new(None, Confirm::Http), Pace::default(), 7)
            .accepted(Duration::from_secs(seconds));
        world.platform = None;
        world.give(Input::Tick);
        world
    }

    /// Denies every poll; returns when the denial was believed, in milliseconds, and the known facts about the task.
    fn deny(world: &mut World) -> Option<(u64, Known)> {
        let mut answered = 0;
        for _ in 0..1_000 {
            if world.polls().len() > answered {
                answered += 1;
                world.give(denied());
            }
            if let Some((at, Action::Deny(known))) = world.log.last() {
                return Some((*at, *known));
            }
            world.now = world.session.deadline()?.max(world.now);
            world.give(Input::Tick);
        }
        None
    }

    #[test]
    fn a_task_that_was_just_accepted_is_not_given_up_for_twenty_seconds() {
        let mut world = accepted(0);
        let (at, known) = deny(&mut world).expect("at last");
        assert!((20_000..40_000).contains(&at), "{at}");
        assert_eq!(known, Known::Accepted);
        assert!(world.polls().len() > 4, "{:?}", world.polls());
        assert!(world.session.is_over());
        let mut world = accepted(15);
        let (at, _) = deny(&mut world).expect("at last");
        assert!((5_000..12_000).contains(&at), "the rest of them: {at}");
    }

    #[test]
    fn quick_polls_do_not_use_up_the_timeout() {
        let mut world = accepted(0);
        for _ in 0..100 {
            world.give(denied()).wait_ms(100);
        }
        assert!(!world.session.is_over(), "ten seconds, whatever was asked");
    }

    #[test]
    fn a_mistyped_id_is_an_error_and_an_old_task_is_gone() {
        let mut world = World::new();
        world.platform = None;
        assert_eq!(deny(world.give(Input::Tick)), Some((0, Known::Nothing)));
        assert_eq!(deny(&mut accepted(20)), Some((0, Known::Seen)));
    }

    #[test]
    fn a_key_that_is_refused_in_the_middle_has_twenty_seconds_to_be_right_again() {
        let mut world = World::live();
        world.platform = None;
        world.wait_ms(5_000).give(denied());
        world.wait_ms(3_000).give(denied()).wait_ms(3_000);
        world.give(Input::Answer(Observation::of(TaskStatus::Running)));
        assert!(!world.session.is_over());
        world.log.clear();
        let (at, known) = deny(&mut world).expect("believed");
        assert!(at >= 31_000, "counted anew since the answer: {at}");
        assert_eq!(known, Known::Seen);
    }

    #[test]
    fn task_updates_from_the_socket_are_applied() {
        let mut world = accepted(0);
        world.give(Input::Address(address())).give(Input::Connected).say(&executing("1"));
        assert_eq!(deny(&mut world).expect("believed").1, Known::Seen);
    }
}

mod silence {
    use super::*;

    fn gone() -> Input<'static> {
        Input::NoAnswer { after: None, reason: Sentence::verbatim("connection refused"), is_gone: true }
    }

    /// Fails every poll until the session gives up or the time is over.
    fn fail_until(world: &mut World, end: Duration, failure: impl Fn() -> Input<'static>) {
        world.platform = None;
        while let Some(at) = world.session.deadline().filter(|at| *at <= end) {
            world.now = at.max(world.now);
            let polls = world.polls().len();
            world.give(Input::Tick);
            if world.polls().len() > polls {
                world.give(failure());
            }
        }
    }

    #[test]
    fn an_unresponsive_service_is_reported_at_growing_intervals() {
        let mut world = World::live();
        world.give(Input::Disconnected);
        fail_until(&mut world, Duration::from_hours(1), || failed(None));
        let warned = world.warnings().iter().filter(|code| **code == "no_answer").count();
        assert!((4..=5).contains(&warned), "30 s, 1, 2, 4 and 8 minutes or later: {warned}");
        assert_eq!(world.times(|action| matches!(action, Action::GiveUp)).len(), 1);
    }

    #[test]
    fn a_process_that_has_ended_is_given_up_within_a_minute() {
        let mut world = World::live();
        world.give(Input::Disconnected);
        fail_until(&mut world, Duration::from_hours(1), gone);
        let given_up = world.times(|action| matches!(action, Action::GiveUp));
        assert!(matches!(given_up[..], [at] if (45_000..60_000).contains(&at)), "{given_up:?}");
    }

    #[test]
    fn a_restart_within_that_time_is_waited_for() {
        let mut world = World::live();
        world.give(Input::Disconnected);
        let restart = world.now + Duration::from_secs(40);
        fail_until(&mut world, restart, gone);
        world.platform = Some(Observation::of(TaskStatus::Running));
        world.wait(Duration::from_secs(30));
        world.log.clear();
        let later = world.now + Duration::from_secs(40);
        fail_until(&mut world, later, gone);
        assert!(world.times(|action| matches!(action, Action::GiveUp)).is_empty(), "the time starts anew");
    }

    #[test]
    fn a_run_without_news_has_no_eta() {
        let mut world = World::live();
        world.session.watch(true);
        for done in 1..4 {
            world.say(&executing(&done.to_string())).wait_ms(2_000);
        }
        world.give(Input::Disconnected);
        let before = world.now + Duration::from_secs(20);
        fail_until(&mut world, before, || failed(None));
        let last = world.log.iter().rev().find_map(|(_, action)| match action {
            Action::Emit(Event::Progress(progress)) => Some(progress.eta),
            _ => None,
        });
        assert_eq!(last, Some(None));
    }
}
