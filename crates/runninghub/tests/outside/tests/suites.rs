//! Runs the conformance suites of `runninghub` on the implementations of this crate.

use std::sync::Arc;

use outside::{Script, Store, Toy};
use runninghub::{
    ApiKey, Comfy, RunningHub, backend_conformance,
    ledger::{ledger_conformance, shared_ledger_conformance},
    transport::{Body, frame_source_conformance},
};

ledger_conformance!(ledger, ((), Store::new().expect("a store").open()));

shared_ledger_conformance!(shared_ledger, {
    let store = Store::new().expect("a store");
    ((), move || store.open())
});

frame_source_conformance!(socket, async |messages: Vec<Body>| Script::new(messages));

backend_conformance!(service, Toy);

#[test]
fn the_builders_take_a_ledger_and_a_connector_of_another_crate() {
    let store = Store::new().expect("a store");
    let key = ApiKey::new("0123456789abcdef").expect("a key");
    let hub = RunningHub::builder(key).ledger(Arc::new(store.open())).connect(Arc::new(Toy::default()));
    hub.build().expect("a handle");
    let comfy = Comfy::builder("http://127.0.0.1:8188");
    comfy.ledger(Arc::new(store.open())).connect(Arc::new(Toy::default())).build().expect("a handle");
}
