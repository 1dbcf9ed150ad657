//! The driver against fake services.

use std::{
    collections::VecDeque,
    sync::{Mutex, atomic::AtomicU64, atomic::Ordering},
};

use async_trait::async_trait;
use runninghub_core::{Confirm, Machine, OutputFile, Pace, Phase, Sentence, TaskStatus};
use runninghub_transport::Error as SocketError;
use tokio::time::timeout;

use super::*;

const DAY: Duration = Duration::from_hours(24);

/// A service that logs its calls. It runs a task until a test ends it.
#[derive(Default)]
struct World {
    diary: Mutex<Vec<String>>,
    /// Outcomes of the next dials; after these a dial succeeds.
    refusals: Mutex<VecDeque<SocketErrorKind>>,
    /// Socket URLs in the poll responses; the last one repeats.
    addresses: Mutex<VecDeque<&'static str>>,
    over: Mutex<bool>,
    /// How long after the socket broke the task is over.
    over_after: Option<Duration>,
    /// Frames that repeat forever.
    flood: Option<&'static str>,
    /// Frames after which the socket breaks, with a second between them.
    tape: Mutex<VecDeque<String>>,
    broke: Mutex<Option<Instant>>,
    frames: AtomicU64,
    stuck: Mutex<bool>,
    held: Mutex<Option<Duration>>,
}

impl World {
    fn note(&self, what: impl Into<String>) {
        self.diary.lock().expect("not poisoned").push(what.into());
    }

    fn diary(&self) -> Vec<String> {
        self.diary.lock().expect("not poisoned").split_off(0)
    }
}

struct Service(Arc<World>);

#[async_trait]
impl Backend for Service {
    async fn observe(&self, _: &TaskId) -> Result<Observation, BackendError> {
        self.0.note("asked");
        let stuck = *self.0.stuck.lock().expect("not poisoned");
        if stuck {
            std::future::pending::<()>().await;
        }
        let broke = *self.0.broke.lock().expect("not poisoned");
        let is_over = broke.zip(self.0.over_after).is_some_and(|(broke, after)| broke.elapsed() >= after);
        if is_over || *self.0.over.lock().expect("not poisoned") {
            let outputs = vec![OutputFile::default()];
            return Ok(Observation { outputs, ..Observation::of(TaskStatus::Success) });
        }
        let mut addresses = self.0.addresses.lock().expect("not poisoned");
        let address = if addresses.len() > 1 { addresses.pop_front() } else { addresses.front().copied() };
        Ok(Observation { socket: address.map(SocketUrl::new), ..Observation::of(TaskStatus::Running) })
    }

    async fn cancel(&self, _: &TaskId) -> Result<(), Error> {
        Ok(())
    }

    fn held(&self) -> Option<Duration> {
        *self.0.held.lock().expect("not poisoned")
    }

    fn calls(&self) -> u64 {
        0
    }

    fn on_resume(&self, slept: Duration) {
        self.0.note(format!("on_resume after {} s", slept.as_secs()));
    }
}

#[async_trait]
impl Connect for Service {
    async fn connect(&self, address: &SocketUrl) -> Result<Box<dyn FrameSource>, SocketError> {
        self.0.note(format!("dialled {}", address.expose()));
        let is_broken = self.0.broke.lock().expect("not poisoned").is_some();
        if is_broken {
            // Only polls can find the end.
            std::future::pending::<()>().await;
        }
        if let Some(kind) = self.0.refusals.lock().expect("not poisoned").pop_front() {
            return Err(SocketError::new(kind, Sentence::verbatim("no")));
        }
        Ok(Box::new(Source(Arc::clone(&self.0), Instant::now())))
    }
}

/// With the time of the last frame.
struct Source(Arc<World>, Instant);

#[async_trait]
impl FrameSource for Source {
    async fn next_frame(&mut self) -> Result<Option<Frame>, SocketError> {
        match self.0.flood {
            Some(text) => {
                self.0.frames.fetch_add(1, Ordering::Relaxed);
                Ok(Some(Frame { at: Duration::ZERO, body: Body::Text(text.into()) }))
            }
            None if self.0.over_after.is_some() => {
                // `next_frame` is dropped and called again whenever a timer is due.
                tokio::time::sleep_until(self.1 + Duration::from_secs(1)).await;
                self.1 = Instant::now();
                let next = self.0.tape.lock().expect("not poisoned").pop_front();
                if next.is_none() {
                    self.0.broke.lock().expect("not poisoned").get_or_insert_with(Instant::now);
                    self.0.note("broke");
                }
                Ok(next.map(|text| Frame { at: Duration::ZERO, body: Body::Text(text.into()) }))
            }
            None => std::future::pending().await,
        }
    }

    async fn close(&mut self) {
        if self.0.broke.lock().expect("not poisoned").is_some() {
            return;
        }
        // The peer is slow to close: nothing may be dialed before.
        tokio::time::sleep(Duration::from_millis(900)).await;
        self.0.note("closed");
    }
}

fn driver(world: &Arc<World>, scale: f64) -> Driver {
    let service = Arc::new(Service(Arc::clone(world)));
    let session = Session::new(Machine::new(None, Confirm::Http), Pace::default().scaled(scale), 1);
    Driver::new(service.clone(), service, "2000000000000000001".into(), session, None, None)
}

/// Drives for a while, and returns the events.
async fn drive(driver: &mut Driver, length: Duration) -> Vec<Event> {
    let mut events = Vec::new();
    let _ = timeout(length, async {
        while let Some(event) = driver.next().await {
            events.push(event.expect("it goes on"));
        }
    })
    .await;
    events
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_wakes_up_has_new_connections_within_seconds() {
    let world = Arc::new(World { addresses: Mutex::new(["wss://h/ws?1"].into()), ..World::default() });
    let mut driver = driver(&world, 1.0);
    // Only the wall clock advances during the suspend.
    let slept = Arc::new(AtomicU64::new(0));
    let (clock, start) = (Arc::clone(&slept), Instant::now());
    driver.wall = Box::new(move || start.elapsed() + Duration::from_secs(clock.load(Ordering::Relaxed)));
    driver.suspend = Suspend::new(Duration::ZERO, Duration::ZERO);
    drive(&mut driver, Duration::from_secs(12)).await;
    assert_eq!(world.diary()[..2], ["asked", "dialled wss://h/ws?1"]);

    slept.fetch_add(10, Ordering::Relaxed);
    drive(&mut driver, Duration::from_secs(6)).await;
    assert!(world.diary().iter().all(|what| what == "asked"), "ten seconds are nothing");

    slept.fetch_add(3_600, Ordering::Relaxed);
    drive(&mut driver, Duration::from_secs(6)).await;
    let diary = world.diary();
    let at = |what: &str| diary.iter().position(|seen| seen.starts_with(what)).expect(what);
    assert!(at("on_resume after 3600 s") < at("closed") && at("closed") < at("dialled"), "{diary:?}");
    assert!(diary[at("on_resume")..at("closed")].contains(&"asked".to_owned()), "asked at once: {diary:?}");
    assert_eq!(diary.iter().filter(|what| what.starts_with("dialled")).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_hung_during_a_suspend_is_retried() {
    let world = Arc::new(World { stuck: Mutex::new(true), ..World::default() });
    let mut driver = driver(&world, 1.0);
    let slept = Arc::new(AtomicU64::new(0));
    let (clock, start) = (Arc::clone(&slept), Instant::now());
    driver.wall = Box::new(move || start.elapsed() + Duration::from_secs(clock.load(Ordering::Relaxed)));
    driver.suspend = Suspend::new(Duration::ZERO, Duration::ZERO);
    drive(&mut driver, Duration::from_secs(2)).await;
    assert_eq!(world.diary(), ["asked"]);
    slept.fetch_add(60, Ordering::Relaxed);
    *world.stuck.lock().expect("not poisoned") = false;
    *world.over.lock().expect("not poisoned") = true;
    let events = drive(&mut driver, Duration::from_secs(5)).await;
    assert!(matches!(events.last(), Some(Event::Finished(end)) if end.phase == Phase::Success), "{events:?}");
    assert_eq!(world.diary(), ["on_resume after 60 s", "asked"]);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_poll_is_retried_soon_and_then_less_often() {
    let world = Arc::new(World { stuck: Mutex::new(true), ..World::default() });
    let mut driver = driver(&world, 1.0);
    let events = drive(&mut driver, Duration::from_secs(20)).await;
    assert!(
        matches!(&*events, [Event::Warning { code, message }] 
            if code == "poll_failed" && message.to_string() == "cannot poll the task: no response for 5 s"),
        "{events:?}"
    );
    assert_eq!(world.diary().len(), 3, "at once, after 5 s and after 10 s more");
    *world.stuck.lock().expect("not poisoned") = false;
    *world.over.lock().expect("not poisoned") = true;
    let events = drive(&mut driver, Duration::from_secs(25)).await;
    assert!(matches!(events.last(), Some(Event::Finished(end)) if end.phase == Phase::Success), "{events:?}");
}

/// A wait that the server imposed on another task of the same key does not count as a missing response.
#[tokio::test(start_paused = true)]
async fn a_held_back_poll_does_not_count_as_unanswered() {
    let held = Mutex::new(Some(Duration::from_mins(1)));
    let world = Arc::new(World { stuck: Mutex::new(true), held, ..World::default() });
    let mut driver = driver(&world, 1.0);
    let warned = |events: &[Event]| events.iter().any(|event| matches!(event, Event::Warning { .. }));
    let events = drive(&mut driver, Duration::from_mins(1)).await;
    assert!(!warned(&events), "{events:?}");
    let events = drive(&mut driver, Duration::from_secs(10)).await;
    assert!(warned(&events), "a minute and the usual patience: {events:?}");
}

#[tokio::test(start_paused = true)]
async fn an_expired_ticket_is_replaced_and_nothing_is_said_of_it() {
    for status in [401, 403, 404, 410] {
        let addresses = ["wss://h/ws?old", "wss://h/ws?new"];
        let world = Arc::new(World {
            refusals: Mutex::new([SocketErrorKind::Handshake { status }].into()),
            addresses: Mutex::new(addresses.into()),
            ..World::default()
        });
        let mut driver = driver(&world, 1.0);
        let events = drive(&mut driver, Duration::from_secs(10)).await;
        let dials: Vec<_> = world.diary().into_iter().filter(|what| what.starts_with("dialled")).collect();
        assert_eq!(dials, ["dialled wss://h/ws?old", "dialled wss://h/ws?new"], "{status}");
        assert!(!events.iter().any(|event| matches!(event, Event::Warning { .. })), "{status}: {events:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_socket_url_costs_progress_but_not_the_run() {
    for kind in [SocketErrorKind::ForbiddenHost, SocketErrorKind::InsecureAddress, SocketErrorKind::Tls] {
        let world = Arc::new(World {
            refusals: Mutex::new([kind].into()),
            addresses: Mutex::new(["wss://evil.example/ws?x"].into()),
            ..World::default()
        });
        let mut driver = driver(&world, 1.0);
        let mut events = drive(&mut driver, DAY).await;
        *world.over.lock().expect("not poisoned") = true;
        events.extend(drive(&mut driver, DAY).await);
        let warnings: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                Event::Warning { code, message } => Some((&**code, message.to_string())),
                _ => None,
            })
            .collect();
        assert_eq!(
            warnings,
            [("socket_refused", "no; progress is polled over HTTP instead".to_owned())],
            "{kind:?}"
        );
        assert!(matches!(events.last(), Some(Event::Finished(end)) if end.phase == Phase::Success));
        let dials = world.diary().iter().filter(|what| what.starts_with("dialled")).count();
        assert_eq!(dials, 1, "not even once more");
    }
}

/// In real time: with frames always available the paused clock would never advance.
#[tokio::test]
async fn endless_frames_do_not_delay_polls_and_timers() {
    let foreign = r#"{"type":"crystools.monitor","data":{}}"#;
    let ours = r#"{"type":"executing","data":{"node":"1","prompt_id":"p"}}"#;
    for flood in
        [foreign, ours, "{", r#"{"type":"status","data":{"status":{"exec_info":{"queue_remaining":1}}}}"#]
    {
        let world = Arc::new(World {
            addresses: Mutex::new(["wss://h/ws?x"].into()),
            flood: Some(flood),
            ..World::default()
        });
        let mut driver = driver(&world, 0.001);
        let events = drive(&mut driver, Duration::from_millis(300)).await;
        assert!(world.frames.load(Ordering::Relaxed) > 300, "{flood}");
        // Usually thousands of frames, but only the snapshots are reported.
        assert!(events.len() < 100, "{} events of {flood}", events.len());
        if flood == ours {
            continue;
        }
        assert!(world.diary().iter().filter(|what| *what == "asked").count() > 3, "{flood}");
        *world.over.lock().expect("not poisoned") = true;
        let events = drive(&mut driver, Duration::from_secs(20)).await;
        assert!(matches!(events.last(), Some(Event::Finished(_))), "{flood}");
    }
}

/// The first response after the socket broke still reports a running task: the next ones follow quickly.
#[tokio::test(start_paused = true)]
async fn a_socket_that_breaks_just_before_the_end_costs_no_second() {
    let nodes = |n: u32| format!(r#""{n}": {{"class_type": "X", "inputs": {{"x": ["{}", 0]}}}}"#, n - 1);
    let graph = format!("{{{}}}", (1..=5).map(nodes).collect::<Vec<_>>().join(","));
    let graph = runninghub_core::Graph::parse(&graph).expect("a workflow");
    let executing = |n| format!(r#"{{"type": "executing", "data": {{"prompt_id": "p", "node": "{n}"}}}}"#);
    let start = r#"{"type": "execution_start", "data": {"prompt_id": "p"}}"#.to_owned();
    let world = Arc::new(World {
        addresses: Mutex::new(["wss://h/ws?1"].into()),
        over_after: Some(Duration::from_millis(50)),
        tape: Mutex::new(std::iter::once(start).chain((1..=5).map(executing)).collect()),
        ..World::default()
    });
    let service = Arc::new(Service(Arc::clone(&world)));
    let machine = Machine::new(Some(Arc::new(Plan::new(&graph, &[]))), Confirm::Http);
    let session = Session::new(machine, Pace::default(), 1);
    let mut driver = Driver::new(service.clone(), service, "2000000000000000001".into(), session, None, None);
    let events = drive(&mut driver, Duration::from_mins(1)).await;
    let broke = world.broke.lock().expect("not poisoned").expect("it broke").elapsed();
    assert!(matches!(events.last(), Some(Event::Finished(_))), "{events:?}");
    let diary = world.diary();
    let polls = diary.iter().skip_while(|what| *what != "broke").filter(|what| *what == "asked").count();
    assert!(broke <= Duration::from_millis(250), "{broke:?}: {diary:?}");
    assert!(polls <= 3, "at most two more than the one at once: {diary:?}");
}
