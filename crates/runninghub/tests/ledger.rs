//! The contents of the ledger at each step.

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use common::{WORKFLOW, key, sim, watch};
use runninghub::{
    Code, ErrorKind, Event, Follow, Phase, RunningHub, Sentence, Service as _, Submit, SubmitStep,
    ledger::{
        AttemptId, Delivery, Digest, Entry, Error as LedgerError, ErrorKind as LedgerErrorKind, Filter,
        Intent, Ledger, MemoryLedger, Pool, Salt, State, Step,
    },
};
use runninghub_sim::{Fault, Rate, Rule, Sim};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinSet,
};

fn ledger() -> Arc<MemoryLedger> {
    Arc::new(MemoryLedger::new().expect("a ledger"))
}

fn hub(url: &str, ledger: Arc<dyn Ledger>) -> RunningHub {
    RunningHub::builder(key()).base_url(url).time_scale(0.01).ledger(ledger).build().expect("a hub")
}

/// A simulator that creates the first task, but loses the answer. The task waits in the queue.
async fn losing_one_answer() -> Sim {
    let sim = sim().fault(Fault::LostCreateAnswer(Rate::First(1))).queue_delay(Duration::from_mins(10));
    sim.start().await.expect("the simulator starts")
}

async fn entries(ledger: &dyn Ledger) -> Vec<Entry> {
    ledger.entries(Filter::all()).await.expect("read")
}

async fn only(ledger: &dyn Ledger) -> Entry {
    ledger.entry(Filter::all()).await.expect("one")
}

#[tokio::test]
async fn a_task_is_written_down_from_the_intent_to_the_end() {
    let sim = sim().speed(10.0).start().await.expect("the simulator starts");
    let ledger = ledger();
    let hub = hub(sim.base_url(), Arc::clone(&ledger) as _);
    let run = hub.submit(Submit::workflow(WORKFLOW).set("6.text", "a dog")).await.expect("accepted");
    let entry = only(&*ledger).await;
    assert_eq!((entry.state, entry.task.as_ref()), (State::Accepted, Some(run.task_id())));
    assert_eq!((Some(&entry.attempt), entry.intent.workflow), (run.attempt(), Some(WORKFLOW.into())));
    assert!(!format!("{:?}", only(&*ledger).await).contains(Sim::DEMO_KEY), "the key is not kept");
    // Dropped and followed again, it is the same submit.
    let task = run.detach();
    let mut run = hub.follow(Follow::task(task)).await.expect("followed");
    assert_eq!(run.attempt(), Some(&entry.attempt));
    assert_eq!(watch(&mut run).await.end.phase, Phase::Success);
    let entry = only(&*ledger).await;
    assert_eq!(entry.state, State::Done);
    assert!(entry.cost.is_some(), "what it cost is kept");
}

#[tokio::test]
async fn a_task_of_a_graph_is_followed_with_the_graph_that_the_ledger_keeps() {
    let sim = sim().fault(Fault::UrlNever).speed(10.0).start().await.expect("the simulator starts");
    let ledger = ledger();
    let graph = common::scenario().workflow_json();
    let here = hub(sim.base_url(), Arc::clone(&ledger) as _);
    let task = here.submit(Submit::graph(graph)).await.expect("accepted").detach();
    let has_plan = async |hub: RunningHub| {
        let mut run = hub.follow(Follow::task(task.clone())).await.expect("followed");
        watch(&mut run).await.events.iter().any(|event| matches!(event, Event::Plan(_)))
    };
    assert!(has_plan(here).await);
    assert!(!has_plan(common::hub(&sim)).await, "only the ledger has the graph");
}

#[tokio::test]
async fn failed_and_cancelled_tasks_are_distinguished() {
    let sim = sim().fault(Fault::TaskFails).speed(10.0).start().await.expect("the simulator starts");
    let failing = ledger();
    let hub_of = hub(sim.base_url(), Arc::clone(&failing) as _);
    let mut run = hub_of.submit(Submit::workflow(WORKFLOW)).await.expect("accepted");
    assert_eq!(watch(&mut run).await.end.phase, Phase::Failed);
    let entry = only(&*failing).await;
    assert_eq!(entry.state, State::Failed);
    assert!(entry.note.is_some_and(|note| !note.is_empty()), "why is kept");

    let sim = common::sim().start().await.expect("the simulator starts");
    let cancelled = ledger();
    let hub_of = hub(sim.base_url(), Arc::clone(&cancelled) as _);
    let mut run = hub_of.submit(Submit::workflow(WORKFLOW)).await.expect("accepted");
    run.cancel().await.expect("cancelled");
    assert_eq!(watch(&mut run).await.end.phase, Phase::Interrupted);
    assert_eq!(only(&*cancelled).await.state, State::Cancelled);
}

#[tokio::test]
async fn an_unknown_outcome_is_kept_with_evidence_and_settled_by_the_one_who_knows() {
    let sim = losing_one_answer().await;
    let ledger = ledger();
    let hub = hub(sim.base_url(), Arc::clone(&ledger) as _);
    let submit = Submit::workflow(WORKFLOW).webhook("http://127.0.0.1:9/done/{secret}");
    let error = hub.submit(submit).await.expect_err("nobody knows");
    assert_eq!(error.kind(), ErrorKind::SubmitUnknown);
    assert!(error.to_string().contains("one more was probably created"), "{error}");
    let entry = only(&*ledger).await;
    assert_eq!((entry.state, Some(&entry.attempt)), (State::Unknown, error.attempt()));
    assert_eq!(sim.stats().creates, 1, "it is not sent again");

    let task = runninghub::TaskId::from(sim.tasks()[0].task_id.as_str());
    let forged =
        hub.resolve_from_webhook("0123456789abcdef0123456789abcdef", &task).await.expect_err("forged");
    assert_eq!(forged.kind(), ErrorKind::Refused);
    let secret = sim.tasks()[0].webhook_url.clone().expect("the address was sent");
    let secret = secret.rsplit('/').next().expect("a secret");
    assert_eq!(secret.len(), 32, "128 bits");
    assert!(!format!("{entry:?}").contains(secret), "the secret is not kept");
    let stranger = hub.resolve_from_webhook(secret, &"999".into()).await.expect_err("no such task");
    assert_eq!(stranger.kind(), ErrorKind::Refused);
    assert_eq!(only(&*ledger).await.state, State::Unknown);
    let settled = hub.resolve_from_webhook(secret, &task).await.expect("settled");
    assert_eq!((settled.state, settled.task), (State::Accepted, Some(task.clone())));
    // Deliveries are repeated.
    assert_eq!(hub.resolve_from_webhook(secret, &task).await.expect("known").state, State::Accepted);
}

#[tokio::test]
async fn a_note_does_not_hold_the_key_in_any_spelling() {
    let key = Sim::DEMO_KEY;
    let hex = key.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let percent = key.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, key);
    for spelling in [key.to_owned(), key.to_uppercase(), hex, percent, base64] {
        // One refused, and one of unknown outcome.
        for code in ["433", "500"] {
            let body = format!(r#"{{"code":{code},"msg":"no node takes {spelling}, sorry"}}"#);
            let rule = Rule::answer("/task/openapi/create", 200, body);
            let sim = sim().rule(rule).start().await.expect("the simulator starts");
            let ledger = ledger();
            let submit =
                hub(sim.base_url(), Arc::clone(&ledger) as _).submit(Submit::workflow(WORKFLOW)).await;
            submit.expect_err("not accepted");
            let note = only(&*ledger).await.note.expect("why is kept");
            let shown = spelling.trim_end_matches('=');
            assert!(note.contains("no node takes") && !note.contains(shown), "{spelling}: {note}");
        }
    }
}

#[tokio::test]
async fn unwatched_ends_do_not_hide_a_new_task() {
    let sim = sim()
        .rule(Rule::lose("/task/openapi/create").after_work().skip(3))
        .speed(4.0)
        .start()
        .await
        .expect("the simulator starts");
    let ledger = ledger();
    let elsewhere = common::sim().start().await.expect("the simulator starts");
    let other = hub(elsewhere.base_url(), Arc::clone(&ledger) as _);
    other.submit(Submit::workflow(WORKFLOW)).await.expect("accepted");
    let hub = hub(sim.base_url(), Arc::clone(&ledger) as _);
    for _ in 0..3 {
        let task = hub.submit(Submit::workflow(WORKFLOW)).await.expect("accepted").detach();
        while !hub.status(&task).await.expect("a status").status.is_over() {}
    }
    assert_eq!(entries(&*ledger).await.iter().filter(|entry| entry.state == State::Accepted).count(), 4);
    let error = hub.submit(Submit::workflow(WORKFLOW)).await.expect_err("nobody knows");
    assert!(error.to_string().contains("knows of 0: one more was probably created"), "{error}");
}

#[tokio::test]
async fn a_person_can_say_which_task_it_was() {
    let sim = sim()
        .fault(Fault::LostCreateAnswer(Rate::First(1)))
        .speed(20.0)
        .start()
        .await
        .expect("the simulator starts");
    let ledger = ledger();
    let hub = hub(sim.base_url(), Arc::clone(&ledger) as _);
    let error = hub.submit(Submit::workflow(WORKFLOW)).await.expect_err("nobody knows");
    let attempt = error.attempt().expect("it is in the ledger").clone();
    let task = runninghub::TaskId::from(sim.tasks()[0].task_id.as_str());
    let other = hub.submit(Submit::workflow(WORKFLOW)).await.expect("accepted");
    let taken = hub.resolve(attempt.as_str(), other.task_id()).await.expect_err("another's");
    assert_eq!(taken.kind(), ErrorKind::Usage);
    hub.resolve(attempt.as_str(), &task).await.expect("resolved");
    let mut run = hub.follow(Follow::task(task)).await.expect("followed");
    watch(&mut run).await;
    let entry = ledger.entry(Filter::all().attempt(attempt.as_str())).await.expect("found");
    assert_eq!(entry.state, State::Done);
}

#[tokio::test]
async fn a_create_whose_key_is_refused_by_mistake_is_sent_again_and_a_wrong_key_is_refused() {
    let refused = r#"{"code":-1,"msg":"ApiKey verification failed"}"#;
    let rule = || Rule::answer("/task/openapi/create", 401, refused);
    for (times, is_accepted) in [(1, true), (2, true), (3, false)] {
        let sim = sim().rule(rule().times(times)).start().await.expect("the simulator starts");
        let ledger = ledger();
        let submit = hub(sim.base_url(), Arc::clone(&ledger) as _).submit(Submit::workflow(WORKFLOW)).await;
        assert_eq!(submit.is_ok(), is_accepted, "{times}: {submit:?}");
        let state = only(&*ledger).await.state;
        assert_eq!(state, if is_accepted { State::Accepted } else { State::Refused }, "{times}");
        assert_eq!(sim.stats().creates, u64::from(is_accepted), "{times}");
    }
}

#[tokio::test]
async fn a_full_queue_is_waited_for_without_a_refusal() {
    let sim = sim().concurrency(1).speed(4.0).start().await.expect("the simulator starts");
    let ledger = ledger();
    let hub = hub(sim.base_url(), Arc::clone(&ledger) as _);
    let mut first = hub.submit(Submit::workflow(WORKFLOW)).await.expect("accepted");
    let mut tasks = JoinSet::new();
    let waiting = Arc::new(tokio::sync::Notify::new());
    for _ in 0..3 {
        let (hub, notify) = (hub.clone(), Arc::clone(&waiting));
        tasks.spawn(async move {
            let submit = Submit::workflow(WORKFLOW).on_step(move |step| {
                if let SubmitStep::Waiting { error, slots, .. } = step {
                    assert!(error.is_none(), "{error:?}");
                    if slots.is_some_and(|slots| (slots.busy, slots.limit) == (1, Some(1))) {
                        notify.notify_one();
                    }
                }
            });
            let mut run = hub.submit(submit).await.expect("accepted in the end");
            watch(&mut run).await;
        });
    }
    waiting.notified().await;
    assert_eq!(entries(&*ledger).await.len(), 1, "nothing is sent that would be refused");
    watch(&mut first).await;
    while let Some(result) = tasks.join_next().await {
        result.expect("no panic");
    }
    let written = entries(&*ledger).await;
    assert!(written.len() == 4 && written.iter().all(|entry| entry.state == State::Done));
    let stats = sim.stats();
    assert_eq!((stats.creates, stats.calls.get(CREATE)), (4, Some(&4)));
}

#[tokio::test]
async fn a_refusal_for_lack_of_a_slot_is_written_down_and_gives_the_slot_back() {
    let sim = sim().fault(Fault::QueueFull(1_000_000)).start().await.expect("the simulator starts");
    let ledger = ledger();
    let hub = hub(sim.base_url(), Arc::clone(&ledger) as _);
    let submit = tokio::spawn(async move { hub.submit(Submit::workflow(WORKFLOW)).await });
    while entries(&*ledger).await.first().is_none_or(|entry| entry.state != State::Waiting) {
        tokio::task::yield_now().await;
    }
    submit.abort();
    let _ = submit.await;
    let entry = only(&*ledger).await;
    let slots = ledger.slots(&Pool::of(&entry.intent), None).await.expect("read").expect("kept");
    assert!(slots.held.is_empty() || entry.state == State::Submitting, "{entry:?} {slots:?}");
    assert_eq!(sim.stats().creates, 0);
}

#[tokio::test]
async fn giving_up_a_wait_creates_nothing() {
    let sim = sim().fault(Fault::QueueFull(1000)).start().await.expect("the simulator starts");
    let ledger = ledger();
    let hub = hub(sim.base_url(), Arc::clone(&ledger) as _);
    let error = hub.submit(Submit::workflow(WORKFLOW).queue_timeout(Duration::from_millis(200))).await;
    assert_eq!(error.expect_err("given up").kind(), ErrorKind::Refused);
    assert_eq!(only(&*ledger).await.state, State::Refused);
}

/// Sends the same JSON in every response, and counts creates.
async fn one_answer(json: &'static str) -> (String, Arc<AtomicU32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let creates = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&creates);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 16384];
            let read = stream.read(&mut request).await.unwrap_or(0);
            if request[..read].starts_with(b"POST /task/openapi/create") {
                count.fetch_add(1, Ordering::Relaxed);
            }
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{json}",
                json.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, creates)
}

const CREATE: &str = "/task/openapi/create";

const GRAPH: &str = r#"{"9":{"class_type":"SaveImage","inputs":{}}}"#;

#[tokio::test]
async fn a_key_that_cannot_pay_is_left_in_peace_for_a_while() {
    let (url, creates) = one_answer(r#"{"code":416,"msg":"TASK_CREATE_FAILED_BY_NOT_ENOUGH_WALLET"}"#).await;
    let hub = RunningHub::builder(key()).base_url(&url).build().expect("a hub");
    let submit = async || hub.submit(Submit::graph(GRAPH)).await.expect_err("refused");
    assert_eq!(submit().await.code().map(Code::as_str), Some("416"));
    let again = submit().await;
    assert_eq!(again.kind(), ErrorKind::Refused);
    assert!(again.to_string().contains("not sent") && again.to_string().contains("416"), "{again}");
    assert_eq!(creates.load(Ordering::Relaxed), 1);
    // Other refusals have no effect on the next submit.
    let (url, creates) = one_answer(r#"{"code":433,"msg":"VALIDATE_PROMPT_FAILED"}"#).await;
    let hub = RunningHub::builder(key()).base_url(&url).build().expect("a hub");
    for _ in 0..2 {
        assert_eq!(
            hub.submit(Submit::graph(GRAPH)).await.expect_err("refused").code().map(Code::as_str),
            Some("433")
        );
    }
    assert_eq!(creates.load(Ordering::Relaxed), 2);
}

/// A ledger on a disk that fills up.
#[derive(Debug)]
struct Full {
    inner: MemoryLedger,
    begins: bool,
}

#[async_trait::async_trait]
impl Ledger for Full {
    async fn begin(&self, intent: Intent) -> Result<AttemptId, LedgerError> {
        if self.begins { self.inner.begin(intent).await } else { Err(Self::full()) }
    }

    async fn advance(&self, _: &AttemptId, _: Step) -> Result<State, LedgerError> {
        Err(Self::full())
    }

    async fn saved(&self, _: &AttemptId, _: &str) -> Result<(), LedgerError> {
        Err(Self::full())
    }

    async fn cancelling(&self, _: &AttemptId, _: bool) -> Result<(), LedgerError> {
        Err(Self::full())
    }

    async fn keep_delivery(&self, _: &Delivery) -> Result<(), LedgerError> {
        Err(Self::full())
    }

    async fn deliveries(&self) -> Result<Vec<Delivery>, LedgerError> {
        self.inner.deliveries().await
    }

    async fn forget_delivery(&self, _: &Delivery) -> Result<(), LedgerError> {
        Err(Self::full())
    }

    async fn keep_graph(&self, _: &str) -> Result<Digest, LedgerError> {
        Err(Self::full())
    }

    async fn graph(&self, _: Digest) -> Result<Option<String>, LedgerError> {
        Ok(None)
    }

    async fn entries(&self, filter: Filter) -> Result<Vec<Entry>, LedgerError> {
        self.inner.entries(filter).await
    }

    fn salt(&self) -> Salt {
        self.inner.salt()
    }
}

impl Full {
    fn new(begins: bool) -> Arc<Self> {
        Arc::new(Self { inner: MemoryLedger::new().expect("a ledger"), begins })
    }

    fn full() -> LedgerError {
        LedgerError::new(LedgerErrorKind::Store, Sentence::verbatim("the disk is full"))
    }
}

#[tokio::test]
async fn a_submit_that_cannot_be_recorded_is_not_sent() {
    let sim = sim().start().await.expect("the simulator starts");
    let hub = hub(sim.base_url(), Full::new(false));
    let error = hub.submit(Submit::workflow(WORKFLOW)).await.expect_err("not sent");
    assert!(error.to_string().contains("nothing was sent"), "{error}");
    assert_eq!(sim.stats().creates, 0);
}

#[tokio::test]
async fn an_id_that_cannot_be_recorded_is_printed_and_followed() {
    let sim = sim().speed(10.0).start().await.expect("the simulator starts");
    let hub = hub(sim.base_url(), Full::new(true));
    let mut run = hub.submit(Submit::workflow(WORKFLOW)).await.expect("it is paid for");
    let task = run.task_id().clone();
    let warns = |events: &[Event]| {
        events.iter().any(|event| match event {
            Event::Warning { message, .. } => message.raw().contains(task.as_str()),
            _ => false,
        })
    };
    assert!(warns(run.opening()), "also to those who do not follow");
    let watched = watch(&mut run).await;
    assert_eq!(watched.end.phase, Phase::Success);
    assert!(warns(&watched.events), "the id is reported");
}

fn keyed(key: &str, text: &str) -> Submit {
    Submit::workflow(WORKFLOW).set("6.text", text).once(key)
}

#[tokio::test]
async fn submits_with_one_key_create_one_task() {
    let sim = sim().speed(10.0).start().await.expect("the simulator starts");
    let ledger: Arc<dyn Ledger> = ledger();
    let mut all = JoinSet::new();
    for _ in 0..8 {
        // Each as a process of its own would.
        let hub = hub(sim.base_url(), Arc::clone(&ledger));
        all.spawn(async move { hub.submit(keyed("tonight", "a dog")).await.expect("a run").detach() });
    }
    let tasks = all.join_all().await;
    assert!(tasks.iter().all(|task| *task == tasks[0]), "{tasks:?}");
    assert_eq!((sim.stats().creates, entries(&*ledger).await.len()), (1, 1));
    // Also after it has ended, and a run that follows it has its end.
    let hub = hub(sim.base_url(), Arc::clone(&ledger));
    for _ in 0..2 {
        let mut run = hub.submit(keyed("tonight", "a dog")).await.expect("followed");
        assert_eq!(watch(&mut run).await.end.phase, Phase::Success);
        assert_eq!(*run.task_id(), tasks[0]);
    }
    let other = hub.submit(keyed("tomorrow", "a dog")).await.expect("another key");
    assert_ne!(*other.task_id(), tasks[0]);
    assert_eq!(sim.stats().creates, 2);
}

#[tokio::test]
async fn a_key_is_for_one_submit_only() {
    let sim = sim().speed(10.0).start().await.expect("the simulator starts");
    let ledger = ledger();
    let hub = hub(sim.base_url(), Arc::clone(&ledger) as _);
    hub.submit(keyed("tonight", "a dog")).await.expect("accepted");
    let others = [
        keyed("tonight", "a cat"),
        Submit::workflow(WORKFLOW).once("tonight"),
        Submit::workflow("1904136902449209999").set("6.text", "a dog").once("tonight"),
        keyed("tonight", "a dog").add_metadata(false),
    ];
    for other in others {
        let error = hub.submit(other).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Usage, "{error:?}");
        assert!(error.to_string().contains("the key was used for another submit"), "{error}");
    }
    for bad in ["", " ", "a\nb", &"k".repeat(256)] {
        assert_eq!(hub.submit(keyed(bad, "a dog")).await.expect_err("refused").kind(), ErrorKind::Usage);
    }
    let keeps_nothing = RunningHub::builder(key()).base_url(sim.base_url()).build().expect("a hub");
    let error = keeps_nothing.submit(keyed("tonight", "a dog")).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert_eq!(sim.stats().creates, 1);
}

#[tokio::test]
async fn a_submit_that_created_nothing_frees_its_key() {
    let sim = sim().fault(Fault::QueueFull(1)).speed(10.0).start().await.expect("the simulator starts");
    let ledger = ledger();
    let hub = hub(sim.base_url(), Arc::clone(&ledger) as _);
    let impatient = keyed("tonight", "a dog").queue_timeout(Duration::ZERO);
    assert_eq!(hub.submit(impatient).await.expect_err("full").kind(), ErrorKind::Refused);
    hub.submit(keyed("tonight", "a cat")).await.expect("the key is free");
    let states: Vec<_> = entries(&*ledger).await.iter().map(|entry| entry.state).collect();
    assert_eq!((states, sim.stats().creates), (vec![State::Accepted, State::Refused], 1));
}

#[tokio::test]
async fn a_key_of_a_submit_of_unknown_outcome_sends_nothing_again() {
    let sim = losing_one_answer().await;
    let ledger = ledger();
    let hub = hub(sim.base_url(), Arc::clone(&ledger) as _);
    let first = hub.submit(keyed("tonight", "a dog")).await.expect_err("unknown");
    let second = hub.submit(keyed("tonight", "a dog")).await.expect_err("unknown");
    assert_eq!((second.kind(), second.attempt()), (ErrorKind::SubmitUnknown, first.attempt()));
    assert_eq!(sim.stats().creates, 1);
    // Once its task is found, it is followed.
    let task = sim.tasks().into_iter().next().expect("it was created");
    let attempt = first.attempt().expect("recorded").to_string();
    hub.resolve(&attempt, &task.task_id.into()).await.expect("bound");
    let run = hub.submit(keyed("tonight", "a dog")).await.expect("followed");
    assert_eq!((run.attempt(), sim.stats().creates), (first.attempt(), 1));
}
