//! Rows that were planned and run are not run again.

use std::{collections::HashMap, time::Duration};

use proptest::{collection::vec, prelude::*};
use runninghub_batch::{
    Action, Decision, Digest, Event, Fault, Item, ItemId, ItemState, Limits, Policies, Recorded, Rows,
    Schedule, Target, Work, compare,
};
use runninghub_core::{Kind, Place};

/// The records of a batch in a ledger.
#[derive(Clone, Debug, Default)]
struct Ledger(HashMap<ItemId, Recorded>);

fn items(texts: &[String]) -> Vec<Item> {
    let table = texts.iter().fold(String::from("6.text\n"), |table, text| table + text + "\n");
    let target = Target { place: Place::new("cn", "https://h"), kind: Kind::App, id: "1877".into() };
    let rows = Rows::from_table(table.as_bytes()).unwrap();
    rows.freeze(&target, false, &mut |_| Ok(Digest::of(""))).unwrap().items
}

/// Plans and runs a batch to its end, and returns the ids that were started. Some of them fail, by their id.
fn plan_and_run(items: &[Item], ledger: &mut Ledger) -> Vec<ItemId> {
    let recorded: Vec<Recorded> = ledger.0.values().cloned().collect();
    let comparison = compare(items, recorded, Policies::default(), &mut |_| None);
    let mut schedule = Schedule::new(["main"], Limits { max_alike: None, ..Limits::default() });
    let mut now = Duration::ZERO;
    for (item, action) in items.iter().zip(&comparison.actions) {
        if matches!(action, Action::Run(_)) {
            schedule.add(Work::new(item.id.as_str(), "app"));
        }
    }
    let mut started = Vec::new();
    loop {
        let (item, key) = match schedule.next(now) {
            Decision::Start { item, key, .. } => (item, key),
            Decision::Wait { until: Some(until), .. } => {
                now = until;
                continue;
            }
            Decision::Done => return started,
            other => panic!("{other:?}"),
        };
        schedule.on(now, Event::Started { item: item.clone(), key });
        started.push(item.clone());
        let is_bad = item.as_str().starts_with(['0', '1', '2']);
        let fingerprint = items.iter().find(|known| known.id == item).unwrap().fingerprint;
        let state = if is_bad { ItemState::Failed } else { ItemState::Done };
        ledger.0.insert(
            item.clone(),
            Recorded { id: item.clone(), fingerprint, state, has_files: true, class: None },
        );
        schedule.on(
            now,
            if is_bad {
                Event::Failed { item, fault: Fault::Row, class: "bad".into(), cost: None }
            } else {
                Event::Ended { item, cost: None }
            },
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn planned_and_run_twice_is_planned_and_run_once(
        first in vec("[a-d]{1,2}", 1..20),
        more in vec("[a-d]{1,2}", 0..20),
    ) {
        let mut ledger = Ledger::default();
        let mut once = items(&first);
        prop_assert_eq!(plan_and_run(&once, &mut ledger).len(), once.len());
        prop_assert_eq!(plan_and_run(&once, &mut ledger), []);
        // In another order, and with more rows, only the new ones run.
        let all: Vec<String> = more.iter().chain(first.iter().rev()).cloned().collect();
        let twice = items(&all);
        let mut started = plan_and_run(&twice, &mut ledger);
        prop_assert_eq!(started.len(), more.len());
        started.extend(once.drain(..).map(|item| item.id));
        started.sort_unstable();
        let mut ids: Vec<ItemId> = twice.into_iter().map(|item| item.id).collect();
        ids.sort_unstable();
        prop_assert_eq!(started, ids);
    }
}
