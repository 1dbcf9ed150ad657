//! Ids, fingerprints and folders of items.

use std::{cell::RefCell, collections::HashSet, fmt::Write as _, path::Path};

use proptest::{collection::vec, prelude::*};
use runninghub_batch::{At, Digest, Error, Given, Item, Items, Row, Rows, Set, Setting, Target};
use runninghub_core::{Kind, Place, Sentence, say};
use serde_json::json;

fn target() -> Target {
    let place = Place::new("cn", "https://www.runninghub.cn");
    Target { place, kind: Kind::Workflow, id: "1979".into() }
}

/// The content of a file is its path.
fn digest() -> impl FnMut(&Path) -> Result<Digest, Sentence> {
    |path| Ok(Digest::of(path.to_string_lossy().as_bytes()))
}

fn freeze(rows: Rows) -> Result<Items, Error> {
    rows.freeze(&target(), false, &mut digest())
}

fn table(text: &str) -> Rows {
    Rows::from_table(text.as_bytes()).unwrap()
}

fn items(text: &str) -> Vec<Item> {
    freeze(table(text)).unwrap().items
}

fn ids(items: &[Item]) -> Vec<&str> {
    items.iter().map(|item| item.id.as_str()).collect()
}

fn problems(error: &Error) -> Vec<String> {
    error.problems().iter().map(ToString::to_string).collect()
}

#[test]
fn an_id_is_the_rows_own_or_the_beginning_of_its_fingerprint() {
    let items = items("_id,6.text,_repeat\ncat,a,2\n,b,3\n");
    let own = items[2].fingerprint.to_string();
    let begin = &own[..10];
    assert_eq!(ids(&items), ["cat", "cat-2", begin, &format!("{begin}-2"), &format!("{begin}-3")]);
    assert_eq!(items.iter().map(|item| item.repeat).collect::<Vec<_>>(), [1, 2, 1, 2, 3]);
    assert_eq!(items[0].fingerprint, items[1].fingerprint);
}

#[test]
fn equal_rows_run_with_a_note_or_are_refused() {
    let text = "6.text\na\nb\na\n";
    let Items { items, notes } = freeze(table(text)).unwrap();
    assert_eq!(items[2].id.as_str(), format!("{}-2", items[0].id.as_str()));
    assert_eq!(notes.iter().map(ToString::to_string).collect::<Vec<_>>(), ["row 4: it equals row 2"]);
    let error = table(text).freeze(&target(), true, &mut digest()).unwrap_err();
    assert_eq!(problems(&error), ["row 4: it equals row 2"]);
}

#[test]
fn an_id_that_is_used_twice_is_refused() {
    let error = freeze(table("_id,6.text,_repeat\ncat,a,2\ncat,b,\ncat-2,c,\n")).unwrap_err();
    assert_eq!(
        problems(&error),
        [
            "row 3, column `_id`: row 2 has the id `cat` too",
            "row 4, column `_id`: row 2 has the id `cat-2` too"
        ]
    );
}

#[test]
fn files_are_compared_by_content_and_read_once() {
    let read = RefCell::new(Vec::new());
    let mut content = |path: &Path| {
        read.borrow_mut().push(path.to_owned());
        match path.to_str() {
            Some("gone.png") => Err(say!("it does not exist")),
            _ => Ok(Digest::of("the same")),
        }
    };
    let rows = || table("10.image@\nin/a.png\nb.png\nin/a.png\n");
    let items = rows().freeze(&target(), false, &mut content).unwrap().items;
    assert_eq!(read.borrow().len(), 2);
    assert_eq!(items[0].fingerprint, items[1].fingerprint);
    assert_eq!(
        items[0].set.get("10.image"),
        Some(&Setting::File {
            sha256: Digest::of("the same"),
            name: "a.png".into(),
            path: "in/a.png".into()
        })
    );
    let rows = table("10.image@\ngone.png\ngone.png\n");
    let error = rows.freeze(&target(), false, &mut content).unwrap_err();
    assert_eq!(problems(&error), ["row 2, column `10.image`: cannot read gone.png: it does not exist"]);
}

#[test]
fn a_folder_stays_below_that_of_the_results() {
    let folders = |text: &str| -> Vec<String> { items(text).into_iter().map(|item| item.out).collect() };
    assert_eq!(
        folders("_id,6.text,_out\na/b,x,\n..,y,\nc,../z,{6.text}/{id}/{row}\nd,w,a\\b//c\n"),
        ["a_b", "_", ".._z/c/4", "a/b/c"]
    );
    for (out, problem) in [
        ("../x", "row 2, column `_out`: `../x` is not inside the results folder"),
        ("/x", "row 2, column `_out`: `/x` is not inside the results folder"),
        ("c:/x", "row 2, column `_out`: `c:/x` is not inside the results folder"),
        ("{ids}", "row 2, column `_out`: `{ids}` is neither `id`, `row` nor a field that is set"),
    ] {
        let error = freeze(table(&format!("6.text,_out\na,{out}\n"))).unwrap_err();
        assert_eq!(problems(&error), [problem]);
    }
}

#[test]
fn too_many_runs_are_refused_before_they_are_made() {
    let row = Row { at: At::Row(2), repeat: Some(10_000), ..Row::default() };
    let error = freeze(Rows { rows: vec![row; 101], ..Rows::default() }).unwrap_err();
    assert_eq!(problems(&error), ["the batch has 1010000 runs; the maximum is 1000000"]);
}

#[test]
fn an_item_is_stored_as_json_and_read_back() {
    let mut rows = table("_id,6.text,10.image@,_instance,_profile\ncat,a,in/b.png,plus,work\n");
    rows.set_everywhere("3.seed", &Given::Json(json!(42)));
    let item = freeze(rows).unwrap().items.remove(0);
    let text = serde_json::to_string(&item).unwrap();
    assert_eq!(serde_json::from_str::<Item>(&text).unwrap(), item);
    assert!(
        text.starts_with(r#"{"id":"cat","set":{"10.image":{"file":{"sha256":""#)
            && text.contains(r#""3.seed":{"json":42}"#),
        "{text}"
    );
    assert!(serde_json::from_str::<Set<Setting>>(r#"{"a":{"text":"x"},"a":{"text":"y"}}"#).is_err());
}

#[test]
fn place_target_and_instance_are_part_of_the_fingerprint() {
    let row = || table("6.text\na\n");
    let base = freeze(row()).unwrap().items[0].fingerprint;
    let other_place = Target { place: Place::new("ai", "https://www.runninghub.ai"), ..target() };
    let other_kind = Target { kind: Kind::App, ..target() };
    let other_id = Target { id: "1980".into(), ..target() };
    let mut seen = HashSet::from([base]);
    for target in [other_place, other_kind, other_id] {
        assert!(seen.insert(row().freeze(&target, false, &mut digest()).unwrap().items[0].fingerprint));
    }
    assert!(seen.insert(items("6.text,_instance\na,plus\n")[0].fingerprint));
    // Changes that don't affect the run don't change the fingerprint.
    let steered = items("6.text,_id,_out,_priority,_profile,_webhook\na,x,y,3,z,https://h\n");
    assert_eq!(steered[0].fingerprint, base);
}

/// A hundred thousand rows take less than 150 MiB.
#[test]
fn a_row_takes_less_than_one_and_a_half_kibibytes() {
    const ROWS: usize = 5_000;
    let mut text = String::from("_id,6.text,7.text,3.seed,_out\n");
    for row in 0..ROWS {
        let _ = writeln!(
            text,
            "cat-{row},\"a cat of row {row}, in the rain, at night, with neon lights\",blurry,{row},cats"
        );
    }
    let memory = allocation_counter::measure(|| assert_eq!(items(&text).len(), ROWS));
    assert!(memory.bytes_max < 1_536 * ROWS as u64, "{} bytes a row", memory.bytes_max / ROWS as u64);
}

fn given() -> impl Strategy<Value = Given> {
    prop_oneof![
        "[a-c]{0,2}".prop_map(Given::Text),
        (0..4_i32).prop_map(|number| Given::Json(number.into())),
        "[a-c]".prop_map(|path| Given::File(path.into())),
    ]
}

/// Rows of the same three fields, some with a value, with few values so that many are equal.
fn all_rows() -> impl Strategy<Value = Vec<Vec<(&'static str, Given)>>> {
    let row = vec(proptest::option::of(given()), 3);
    let named = row.prop_map(|row| {
        ["1.a", "2.b", "3.c"]
            .into_iter()
            .zip(row)
            .filter_map(|(field, value)| Some((field, value?)))
            .collect()
    });
    vec(named, 1..12)
}

fn rows(of: &[Vec<(&'static str, Given)>]) -> Rows {
    let row = |(number, fields): (u64, &Vec<(&'static str, Given)>)| {
        let mut row = Row { at: At::Row(number), ..Row::default() };
        for (field, value) in fields {
            assert!(row.set.insert(*field, value.clone()));
        }
        row
    };
    Rows { rows: (2..).zip(of).map(row).collect(), ..Rows::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_columns_and_rows_changes_neither_fingerprints_nor_ids(of in all_rows()) {
        let turned: Vec<_> = of.iter().rev().map(|row| row.iter().rev().cloned().collect()).collect();
        let (a, b) = (freeze(rows(&of)).unwrap().items, freeze(rows(&turned)).unwrap().items);
        let of_a: Vec<_> = a.iter().map(|item| item.fingerprint).collect();
        let of_b: Vec<_> = b.iter().rev().map(|item| item.fingerprint).collect();
        prop_assert_eq!(of_a, of_b);
        let set = |items: &[Item]| items.iter().map(|item| item.id.clone()).collect::<HashSet<_>>();
        prop_assert_eq!(set(&a), set(&b));
    }

    #[test]
    fn rows_are_equal_exactly_if_their_fingerprints_are(of in all_rows()) {
        let items = freeze(rows(&of)).unwrap().items;
        for (a, x) in of.iter().zip(&items) {
            for (b, y) in of.iter().zip(&items) {
                prop_assert_eq!(a == b, x.fingerprint == y.fingerprint);
            }
        }
    }

    #[test]
    fn ids_are_unique(of in all_rows()) {
        let items = freeze(rows(&of)).unwrap().items;
        let ids: HashSet<_> = items.iter().map(|item| &item.id).collect();
        prop_assert_eq!(ids.len(), items.len());
    }

    #[test]
    fn rows_added_later_leave_the_ids_of_others(of in all_rows(), more in all_rows()) {
        let before = freeze(rows(&of)).unwrap().items;
        let all: Vec<_> = of.iter().chain(&more).cloned().collect();
        let after = freeze(rows(&all)).unwrap().items;
        prop_assert_eq!(ids(&before), ids(&after[..before.len()]));
    }
}
