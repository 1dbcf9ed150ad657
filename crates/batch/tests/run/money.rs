//! A batch costs no more than it may.

use std::time::Duration;

use runninghub_batch::{Amount, ItemState, Limits, Paused};

use crate::lab::{BATCH, Diary, Lab};

const SHORT: Duration = Duration::from_millis(120);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_starts_that_could_cost_more_than_is_left() {
    let lab = Lab::new(SHORT, |sim| sim).await;
    let items = lab.items(12);
    // The cost of a row.
    let mut first = lab.open(&items[..1], Limits::default()).await;
    assert_eq!(Diary::all(&mut first).await.count(ItemState::Done), 1);
    let ledger = lab.workspace().ledger().expect("a ledger");
    let each = ledger.spending(BATCH).await.expect("read").spent;
    assert!(each > Amount::ZERO, "the simulator says what a row costs");
    drop(first);
    let max = Amount::from_millionths(each.millionths() * 6);
    let mut batch = lab.open(&items, Limits { max_cost: Some(max), ..Limits::default() }).await;
    Diary::all(&mut batch).await;
    assert!(matches!(batch.paused(), Some(Paused::Cost { .. })), "{:?}", batch.paused());
    let spending = ledger.spending(BATCH).await.expect("read");
    assert!(spending.spent <= max && spending.spent > each, "{spending:?} of {max}");
    assert_eq!(spending.reserved, Amount::ZERO);
}
