//! A connector from another crate, passed to the builders.

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use common::{WORKFLOW, key, scenario, sim, watch};
use futures_util::StreamExt as _;
use runninghub::{
    Comfy, Connect, Event, Phase, Replay, RunningHub, Service as _, SocketUrl, Speed, Submit,
    transport::{Error, FrameSource, Live, LiveOptions},
};
use runninghub_sim::Native;

/// Counts the sockets that are opened through it.
struct Counting {
    live: Live,
    opened: AtomicUsize,
}

impl Counting {
    fn new() -> Arc<Self> {
        Arc::new(Self { live: Live::new(LiveOptions::default()), opened: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Connect for Counting {
    async fn connect(&self, address: &SocketUrl) -> Result<Box<dyn FrameSource>, Error> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        self.live.connect(address).await
    }
}

#[tokio::test]
async fn sockets_are_opened_by_the_connector_that_the_builder_was_given_and_recorded() {
    let sim = sim().start().await.expect("the simulator starts");
    let folder = tempfile::tempdir().expect("a folder");
    let (connect, tape) = (Counting::new(), folder.path().join("tape"));
    let hub = RunningHub::builder(key()).base_url(sim.base_url()).connect(Arc::clone(&connect) as _);
    let hub = hub.record(&tape).build().expect("a handle");
    let mut run = hub.submit(Submit::workflow(WORKFLOW)).await.expect("accepted");
    assert_eq!(watch(&mut run).await.end.phase, Phase::Success);
    assert_eq!(connect.opened.load(Ordering::Relaxed), 1);
    let runs = Replay::open(&tape).expect("a recording").speed(Speed::Max).runs().expect("runs");
    let [replay] = <[_; 1]>::try_from(runs).expect("one run");
    let events: Vec<Event> = replay.map(|line| line.event).collect().await;
    let last_frame =
        events.iter().any(|event| matches!(event, Event::Progress(progress) if progress.done == 5));
    assert!(last_frame, "the frames are in the recording");

    let server = Native::builder().scenario(scenario()).start().await.expect("the server starts");
    let connect = Counting::new();
    let comfy = Comfy::builder(server.base_url()).connect(Arc::clone(&connect) as _).build();
    let mut run =
        comfy.expect("a handle").submit(Submit::graph(scenario().workflow_json())).await.expect("queued");
    assert_eq!(watch(&mut run).await.end.phase, Phase::Success);
    assert_eq!(connect.opened.load(Ordering::Relaxed), 1);
}
