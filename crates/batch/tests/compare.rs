//! The contract: the action for a row that is in the file, in the ledger, or in both.

use runninghub_batch::{
    Action, Comparison, Digest, Item, ItemId, ItemState, OnChange, Policies, Recorded, Rows, Target, Version,
    compare,
};
use runninghub_core::{Kind, Place};

fn items(table: &str) -> Vec<Item> {
    let target = Target { place: Place::new("cn", "https://h"), kind: Kind::App, id: "1877".into() };
    let rows = Rows::from_table(table.as_bytes()).unwrap();
    rows.freeze(&target, false, &mut |_| Ok(Digest::of(""))).unwrap().items
}

fn cat() -> Vec<Item> {
    items("_id,6.text\ncat,a cat\n")
}

fn recorded(item: &Item, state: ItemState) -> Recorded {
    let Item { id, fingerprint, .. } = item.clone();
    Recorded { id, fingerprint, state, has_files: true, class: None }
}

/// The action for an unchanged row.
fn unchanged(entry: impl FnOnce(Recorded) -> Recorded, policies: Policies) -> (Action, String) {
    let items = cat();
    let entry = entry(recorded(&items[0], ItemState::Done));
    let Comparison { actions, summary, gone } = compare(&items, [entry], policies, &mut |_| None);
    assert_eq!((actions.len(), gone.len()), (1, 0));
    (actions[0], summary.to_string())
}

fn in_state(state: ItemState, policies: Policies) -> (Action, String) {
    unchanged(|entry| Recorded { state, ..entry }, policies)
}

/// The action for a row whose text was `a dog` in the ledger.
fn changed(state: ItemState, policies: Policies) -> (Action, String) {
    let (items, before) = (cat(), items("_id,6.text\ncat,a dog\n"));
    let entry = Recorded { has_files: false, ..recorded(&before[0], state) };
    let comparison = compare(&items, [entry], policies, &mut |_| Some(before[0].clone()));
    (comparison.actions[0], comparison.summary.to_string())
}

const NONE: Policies =
    Policies { retry_failed: false, retry_cancelled: false, retry_refused: false, changed: OnChange::Ask };
const RETRY: Policies =
    Policies { retry_failed: true, retry_cancelled: true, retry_refused: true, changed: OnChange::Ask };

#[test]
fn a_done_row_with_its_files_does_nothing() {
    assert_eq!(in_state(ItemState::Done, RETRY), (Action::Nothing, "done 1".into()));
}

#[test]
fn a_done_row_without_its_files_is_only_downloaded() {
    let (action, plan) = unchanged(|entry| Recorded { has_files: false, ..entry }, RETRY);
    assert_eq!((action, &*plan), (Action::Fetch, "fetch 1: done, but files are missing or changed"));
}

#[test]
fn a_row_with_a_task_is_followed() {
    let (action, plan) = in_state(ItemState::Running, RETRY);
    assert_eq!((action, &*plan), (Action::Adopt, "adopt 1: their tasks are already running"));
}

#[test]
fn a_row_that_may_have_a_task_is_held() {
    let (action, plan) = in_state(ItemState::Unknown, RETRY);
    assert_eq!(action, Action::Hold);
    assert_eq!(plan, "unknown 1: each may have a task, and holds its slot until it is resolved");
}

#[test]
fn a_row_that_was_never_started_runs() {
    assert_eq!(in_state(ItemState::Ready, NONE), (Action::Run(Version::Ledger), "ready 1".into()));
}

#[test]
fn a_row_without_success_is_sent_again_only_by_its_policy() {
    let class = |state| move |entry| Recorded { state, class: Some("node 9".into()), ..entry };
    for (state, plan) in [
        (ItemState::Failed, "failed 1 (node 9 1)"),
        (ItemState::Refused, "refused 1 (node 9 1)"),
        (ItemState::Cancelled, "cancelled 1"),
    ] {
        assert_eq!(unchanged(class(state), NONE), (Action::Leave, plan.into()));
        assert_eq!(unchanged(class(state), RETRY), (Action::Run(Version::Ledger), "retry 1".into()));
    }
    let only_failed = Policies { retry_failed: true, ..NONE };
    assert_eq!(in_state(ItemState::Refused, only_failed).0, Action::Leave);
    assert_eq!(in_state(ItemState::Cancelled, only_failed).0, Action::Leave);
    let only_refused = Policies { retry_refused: true, ..NONE };
    assert_eq!(in_state(ItemState::Failed, only_refused).0, Action::Leave);
}

#[test]
fn a_changed_row_asks_in_every_state() {
    for state in ItemState::ALL {
        let (action, plan) = changed(state, RETRY);
        assert_eq!((action, &*plan), (Action::Ask, "changed 1: cat 6.text \"a dog\" → \"a cat\""), "{state}");
    }
}

#[test]
fn a_changed_row_that_may_run_waits_for_the_end_of_its_old_task() {
    let policies = Policies { changed: OnChange::Run, ..NONE };
    for state in ItemState::ALL {
        let action = match state {
            ItemState::Running => Action::Adopt,
            ItemState::Unknown => Action::Hold,
            _ => Action::Run(Version::File),
        };
        assert_eq!(changed(state, policies).0, action, "{state}");
    }
}

#[test]
fn a_changed_row_that_is_kept_is_treated_like_an_unchanged_one() {
    let policies = Policies { changed: OnChange::Keep, ..NONE };
    for state in ItemState::ALL {
        let same = unchanged(|entry| Recorded { state, has_files: false, ..entry }, policies).0;
        assert_eq!(changed(state, policies).0, same, "{state}");
    }
}

#[test]
fn a_new_row_runs() {
    let items = cat();
    let comparison = compare(&items, [], NONE, &mut |_| None);
    assert_eq!(comparison.actions, [Action::Run(Version::File)]);
    assert_eq!((comparison.summary.to_string(), comparison.summary.runs()), ("new 1".into(), 1));
}

#[test]
fn a_row_missing_from_the_file_is_kept_and_listed() {
    let old = items("_id,6.text\nd,x\nb,x\na,x\nc,x\n");
    let entries = old.iter().map(|item| recorded(item, ItemState::Running));
    let comparison = compare(&[], entries, RETRY, &mut |_| None);
    assert!(comparison.actions.is_empty());
    assert_eq!(comparison.gone.iter().map(ItemId::as_str).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
    assert_eq!(comparison.summary.to_string(), "no longer in the file 4: a, b, c, and 1 more");
}

#[test]
fn a_plan_shows_counts_and_the_first_changes() {
    let now = items("_id,6.text,_instance\na,1,\nb,1,\nc,1,plus\nd,1,\ne,1,\nf,1,\ng,1,\nh,1,\n");
    let long = "x".repeat(50);
    let before = items(&format!("_id,6.text\na,2\nb,{long}\nc,1\nd,2\n"));
    let failed = |item: &Item, class: &str| Recorded {
        class: Some(class.into()),
        ..recorded(item, ItemState::Failed)
    };
    let entries = before.iter().map(|item| recorded(item, ItemState::Done)).chain([
        failed(&now[4], "content"),
        failed(&now[5], "node 9"),
        failed(&now[6], "node 9"),
    ]);
    let mut read = Vec::new();
    let comparison = compare(&now, entries, NONE, &mut |id| {
        read.push(id.clone());
        before.iter().find(|item| item.id == *id).cloned()
    });
    assert_eq!(
        comparison.summary.to_string(),
        format!(
            "new 1\nfailed 3 (node 9 2, content 1)\n\
             changed 4: a 6.text \"2\" → \"1\"; b 6.text \"{}…\" → \"1\"; c instance is new: \"plus\"; and 1 more",
            "x".repeat(40)
        )
    );
    assert_eq!(read.len(), 3, "only examples are read");
    let json = serde_json::to_value(&comparison.summary).unwrap();
    assert_eq!(
        (&json["failed"]["node 9"], &json["asked"], &json["changes"][0]["id"]),
        (&2.into(), &4.into(), &"a".into())
    );
}

#[test]
fn a_file_with_other_content_is_a_change() {
    let target = Target { place: Place::new("cn", "https://h"), kind: Kind::App, id: "1877".into() };
    let of = |content: &str| {
        let rows = Rows::from_table(b"_id,10.image@\ncat,in/a.png\n").unwrap();
        rows.freeze(&target, false, &mut |_| Ok(Digest::of(content))).unwrap().items
    };
    let (before, now) = (of("old"), of("new"));
    let comparison =
        compare(&now, [recorded(&before[0], ItemState::Done)], NONE, &mut |_| Some(before[0].clone()));
    assert_eq!(comparison.actions, [Action::Ask]);
    assert_eq!(
        comparison.summary.to_string(),
        format!(
            "changed 1: cat 10.image \"a.png ({})\" → \"a.png ({})\"",
            &Digest::of("old").to_string()[..8],
            &Digest::of("new").to_string()[..8]
        )
    );
}
