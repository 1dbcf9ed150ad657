//! The outcome of a create over a TLS connection that breaks anywhere, in any way: a request that the server may
//! have read is never reported as refused.

use std::time::Duration;

use proptest::prelude::*;
use runninghub_api::{ApiKey, Client, CreateOutcome, ErrorKind};
use runninghub_net::{ErrorKind as NetErrorKind, NetOptions};
use runninghub_sim::{Authority, Certificate, FaultProxy, Rule, Sim, Toxic};
use tokio::runtime::Runtime;

const CREATE: &str = "/task/openapi/create";
/// The client waits for a record with a broken length until this timeout, and the outcome is unknown.
const SOON: Duration = Duration::from_millis(300);
const LATE: Duration = Duration::from_mins(1);
/// A record of invalid encrypted data.
const GARBAGE: [u8; 9] = [23, 3, 3, 0, 4, 1, 2, 3, 4];

/// The server's response, if the request gets that far.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Says {
    Yes,
    No,
}

/// The connection to a simulator: the wire, and the endpoint of TLS.
struct Way {
    sim: Sim,
    wire: FaultProxy,
    end: FaultProxy,
    client: Client,
    _folder: tempfile::TempDir,
}

impl Way {
    async fn open(says: Says, timeout: Duration) -> Self {
        let authority = Authority::new().expect("an authority");
        let mut sim = crate::sim::simulator();
        if says == Says::No {
            sim = sim.rule(Rule::answer(CREATE, 200, r#"{"code":421,"msg":"TASK_QUEUE_MAXED","data":null}"#));
        }
        let sim = sim.start().await.expect("a simulator");
        let end = FaultProxy::with_tls(&authority, Certificate::Good).await.expect("a port");
        let address = sim.base_url().strip_prefix("http://").and_then(|address| address.parse().ok());
        end.forward_to(address.expect("an address"));
        let wire = FaultProxy::start().await.expect("a port");
        wire.forward_to(end.address());
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, authority.pem()).expect("a file");
        let client = Client::builder(ApiKey::new(Sim::DEMO_KEY).expect("a key"))
            .base_url(&format!("https://127.0.0.1:{}", wire.address().port()))
            .net(NetOptions::default().ca_file(file))
            .create_timeout(timeout)
            .build()
            .expect("a client");
        Self { sim, wire, end, client, _folder: folder }
    }

    /// Creates a task, and returns the outcome; `None` is a success.
    async fn create(&self) -> Option<CreateOutcome> {
        let id = self.sim.workflow_ids().first().expect("a workflow").as_str().into();
        let created = self.client.create(Some(id)).await;
        created.err().map(|error| error.create_outcome().expect("of a create"))
    }
}

/// How the connection breaks: on the wire, within the handshake or after it; or at the endpoint of TLS, which is after
/// the handshake. Bytes are the client's if `up`, or else the server's.
fn toxic(on_the_wire: bool, kind: u8, after: u16, up: bool) -> Toxic {
    let (wire, after) = (on_the_wire, u64::from(after));
    let toxic = match kind {
        0 => Toxic::cut(after),
        1 => Toxic::reset(after),
        2 if wire => Toxic::corrupt(after),
        3 if wire => Toxic::insert(after, GARBAGE.to_vec()),
        2 | 3 => Toxic::garbage(after),
        // A fatal alert in plain text: internal_error.
        _ if wire => Toxic::insert(after, [21, 3, 3, 0, 2, 2, 80].to_vec()),
        _ => Toxic::alert(after),
    };
    if up { toxic.up() } else { toxic }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_create_is_refused_only_by_a_proof(
        on_the_wire: bool,
        kind in 0..5_u8,
        after in prop_oneof![0..600_u16, 0..3_500_u16],
        up: bool,
        says in prop_oneof![Just(Says::Yes), Just(Says::No)],
    ) {
        let toxic = toxic(on_the_wire, kind, after, up);
        let runtime = Runtime::new().expect("a runtime");
        let (outcome, read, stats) = runtime.block_on(async {
            let way = Way::open(says, SOON).await;
            if on_the_wire { &way.wire } else { &way.end }.add(toxic);
            let outcome = way.create().await;
            (outcome, way.end.seen().bytes_up, way.sim.stats())
        });
        let answered = says == Says::No && stats.rules == [1];
        match outcome {
            None => prop_assert_eq!(stats.creates, 1),
            Some(CreateOutcome::Unknown) => {}
            Some(outcome) => {
                prop_assert!(read == 0 || answered, "{outcome:?} of a request of which {read} bytes were read");
                prop_assert_eq!(stats.creates, 0);
            }
        }
        prop_assert!(stats.calls.get(CREATE).copied().unwrap_or_default() <= 1, "sent twice");
    }
}

/// Both cases of the property occur: the same break is a refusal before the end of the handshake, but not after it.
#[tokio::test(flavor = "multi_thread")]
async fn where_tls_breaks_decides_and_not_how() {
    let way = Way::open(Says::Yes, LATE).await;
    way.wire.add(Toxic::insert(0, GARBAGE.to_vec()));
    let id = way.sim.workflow_ids().first().expect("a workflow").as_str().into();
    let error = way.client.create(Some(id)).await.expect_err("no handshake");
    assert!(matches!(error.kind(), ErrorKind::Net(NetErrorKind::Tls)), "{error:?}");
    assert_eq!(error.create_outcome(), Some(CreateOutcome::Refused));
    assert_eq!((way.end.seen().bytes_up, way.sim.stats().creates), (0, 0));
    for toxic in [Toxic::garbage(0), Toxic::alert(0), Toxic::cut(0), Toxic::reset(0)] {
        let way = Way::open(Says::Yes, LATE).await;
        way.end.add(toxic.clone());
        assert_eq!(way.create().await, Some(CreateOutcome::Unknown), "{toxic:?}");
        assert_eq!(way.sim.stats().creates, 1, "the task is there");
    }
    let way = Way::open(Says::No, LATE).await;
    assert_eq!(way.create().await, Some(CreateOutcome::Refused), "a complete answer from the list");
}
