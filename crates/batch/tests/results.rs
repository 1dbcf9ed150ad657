//! The folder of a batch's results, and exports.

use std::{fs, path::Path};

use proptest::prelude::*;
use runninghub_batch::{
    Digest, Disk, Export, Failed, Head, Item, ItemError, ItemState, NodeTime, Record, Repeat, ResultFile,
    Results, Rows, Setting, Source, Target,
};
use runninghub_core::{Charge, Kind, Place};
use serde_json::{Value, json};

fn target() -> Target {
    Target { place: Place::new("cn", "https://h"), kind: Kind::App, id: "1877".into() }
}

fn head(version: &str) -> Head {
    Head { batch: "cats".into(), spec: Digest::of("spec"), target: target(), version: version.into() }
}

fn freeze(rows: Rows) -> Vec<Item> {
    let read = &mut |path: &Path| Ok(Digest::of(path.to_string_lossy().as_bytes()));
    rows.freeze(&target(), false, read).expect("items").items
}

fn items(table: &str) -> Vec<Item> {
    freeze(Rows::from_table(table.as_bytes()).expect("a table"))
}

fn open(folder: &Path, version: &str) -> Results {
    Results::open(folder, head(version)).expect("results")
}

/// An item that cost coins.
fn done(item: &Item, coins: &str) -> Record {
    let cost = Charge { coins: Some(coins.into()), ..Charge::default() };
    let mut record = Record::new(item);
    (record.state, record.task_id, record.cost) = (ItemState::Done, Some("7".into()), Some(cost));
    record
}

fn failed(item: &Item, message: &str) -> Record {
    let mut error = ItemError::default();
    (error.class, error.message, error.code) = ("node 9".into(), message.into(), Some("805".into()));
    let mut record = Record::new(item);
    (record.state, record.task_id, record.error) = (ItemState::Failed, Some("8".into()), Some(error));
    record
}

fn json_of(folder: &Path, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join(name)).expect("a file")).expect("JSON")
}

fn lines(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("items.jsonl")).expect("a file");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn what_earlier_runs_wrote_is_merged_and_never_reset() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("results");
    let first = items("_id,6.text\ncat-1,a\ncat-2,b\ncat-3,c\n");
    let mut results = open(&folder, "1.0.0");
    results.expect(&first);
    results.put(done(&first[0], "2.5"));
    results.put(failed(&first[1], "out of memory"));
    results.write(1_000).expect("written");
    let report = json_of(&folder, "batch.json");
    assert_eq!(report["counts"], json!({"ready": 1, "done": 1, "failed": 1}));
    assert_eq!((&report["cost"]["coins"], &report["cost"]["unknown"]), (&json!("2.5"), &json!(1)));
    // Another program adds a field, and a newer version writes with a changed source.
    let mut changed = report.clone();
    changed["note"] = json!("mine");
    fs::write(folder.join("batch.json"), changed.to_string()).expect("written");
    let second = items("_id,6.text\ncat-4,d\ncat-3,C\ncat-1,a\n");
    let mut results = open(&folder, "1.1.0");
    results.expect(&second);
    results.put(done(&second[0], "1"));
    results.write(2_000).expect("written");
    let report = json_of(&folder, "batch.json");
    assert_eq!(report["note"], "mine");
    assert_eq!(report["versions"], json!(["1.0.0", "1.1.0"]));
    assert_eq!((&report["created_ms"], &report["updated_ms"]), (&json!(1_000), &json!(2_000)));
    assert_eq!(report["cost"]["coins"], "3.5");
    let order: Vec<_> =
        lines(&folder).iter().map(|line| format!("{} {}", line["id"], line["state"])).collect();
    // The item with another fingerprint starts over, and the removed one stays.
    assert_eq!(
        order,
        [r#""cat-4" "done""#, r#""cat-3" "ready""#, r#""cat-1" "done""#, r#""cat-2" "failed""#]
    );
}

#[test]
fn a_folder_belongs_to_one_batch() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut results = open(dir.path(), "1.0.0");
    results.write(1).expect("written");
    let other = Head { batch: "dogs".into(), ..head("1.0.0") };
    let error = Results::open(dir.path(), other).expect_err("another batch");
    assert!(error.to_string().ends_with("has the results of the batch `cats`"), "{error}");
    for foreign in ["{\"name\": \"a package\"}", "[]", "no JSON"] {
        fs::write(dir.path().join("batch.json"), foreign).expect("written");
        let error = Results::open(dir.path(), head("1.0.0")).expect_err(foreign);
        assert!(error.to_string().contains("was not written by this program"), "{error}");
        assert!(error.hint().is_some());
    }
}

#[test]
fn a_line_of_a_newer_version_costs_only_itself() {
    let dir = tempfile::tempdir().expect("a folder");
    let all = items("_id,6.text\ncat-1,a\ncat-2,b\n");
    let mut results = open(dir.path(), "1.0.0");
    results.expect(&all);
    results.write(1).expect("written");
    let path = dir.path().join("items.jsonl");
    let text = fs::read_to_string(&path).expect("a file");
    let text = text.replacen("\"state\":\"ready\"", "\"state\":\"dreaming\"", 1) + "{\"cut off";
    fs::write(&path, text).expect("written");
    let ids: Vec<_> = open(dir.path(), "1.0.0").records().map(|record| record.id.to_string()).collect();
    assert_eq!(ids, ["cat-2"]);
}

#[test]
fn results_are_whole_or_missing() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("cat-1/a.png");
    fs::create_dir_all(path.parent().expect("a folder")).expect("created");
    fs::write(&path, "abc").expect("written");
    let sha256 = Digest::of("abc").to_string();
    let mut record = Record::new(&items("_id,6.text\ncat-1,a\n")[0]);
    assert_eq!(record.has_files(dir.path()), None, "nothing says that its results were saved");
    record.timings.saved_ms = Some(1);
    assert_eq!(record.has_files(dir.path()), Some(true), "a run without results has all of them");
    record.files.extend(ResultFile::new(dir.path(), &path, 3, sha256));
    assert_eq!(record.files[0].path, "cat-1/a.png");
    assert_eq!(record.has_files(dir.path()), Some(true));
    // A copy has another time: it is read.
    record.files[0].modified_ms = Some(1);
    assert_eq!(record.has_files(dir.path()), Some(true));
    fs::write(&path, "abd").expect("written");
    assert_eq!(record.has_files(dir.path()), Some(false), "another content of the same size");
    fs::remove_file(&path).expect("removed");
    assert_eq!(record.has_files(dir.path()), Some(false));
    assert!(ResultFile::new(dir.path(), Path::new("/elsewhere/a.png"), 3, "").is_none());
    for leads_away in ["../a.png", "/etc/passwd", "a/../../b", "C:\\a"] {
        record.files[0].path = leads_away.into();
        assert_eq!(record.has_files(dir.path()), Some(false), "{leads_away}");
    }
}

#[test]
fn failed_rows_are_a_table_again() {
    let table = "_id,6.text,10.image@,_out,_instance\n\
                 cat-1,\"a \"\"cat\"\", in the rain;\nat night\",in/a.png,cats/{id},plus\n\
                 cat-2,null,in/b.png,,\n\
                 猫-3,一只猫,in/c.png,,\n";
    let all = items(table);
    let records = [done(&all[0], "1"), failed(&all[1], "=1+1"), failed(&all[2], "out of memory")];
    let failed = Failed::of(&records).expect("failed rows");
    assert_eq!(failed.name, "failed.csv");
    // The byte order mark shows spreadsheets the encoding.
    let text = failed.text.strip_prefix('\u{feff}').expect("a mark, for the text has Chinese");
    insta::assert_snapshot!(text, @r"
    _id,10.image@,6.text,_error,_code,_task
    cat-2,in/b.png,null,'=1+1,805,8
    猫-3,in/c.png,一只猫,out of memory,805,8
    ");
    assert_eq!(
        ids_and_prints(&freeze(Rows::from_table(failed.text.as_bytes()).expect("a table"))),
        ids_and_prints(&all[1..])
    );
    assert_eq!(Failed::of(&records[..1]), None);
}

/// The ids, with digests of what they run.
fn ids_and_prints(items: &[Item]) -> Vec<(String, Digest)> {
    items.iter().map(|item| (item.id.to_string(), item.fingerprint)).collect()
}

#[test]
fn failed_rows_that_set_different_fields_are_json_lines() {
    let dir = tempfile::tempdir().expect("a folder");
    let text =
        "{\"id\":\"a\",\"set\":{\"6.text\":\"x\",\"3.seed\":7}}\n{\"id\":\"b\",\"set\":{\"6.text\":\"\"}}\n";
    let all = freeze(Rows::from_json_lines(text.as_bytes()).expect("rows"));
    let mut results = open(dir.path(), "1.0.0");
    results.expect(&all);
    results.put(failed(&all[0], "no"));
    results.finish(1).expect("written");
    assert!(dir.path().join("failed.csv").exists());
    results.put(failed(&all[1], "no"));
    results.finish(2).expect("written");
    assert!(!dir.path().join("failed.csv").exists(), "only one of them is true");
    let text = fs::read_to_string(dir.path().join("failed.jsonl")).expect("a file");
    insta::assert_snapshot!(text, @r#"
    {"id":"a","set":{"3.seed":7,"6.text":"x"},"error":"no","code":"805","task":"8"}
    {"id":"b","set":{"6.text":""},"error":"no","code":"805","task":"8"}
    "#);
    assert_eq!(
        ids_and_prints(&freeze(Rows::from_json_lines(text.as_bytes()).expect("rows"))),
        ids_and_prints(&all)
    );
    results.put(done(&all[0], "1"));
    results.put(done(&all[1], "1"));
    results.finish(3).expect("written");
    assert!(!dir.path().join("failed.jsonl").exists());
}

proptest! {
    /// Every cell is the same after it is written and read again.
    #[test]
    fn failed_rows_run_the_same_again(
        texts in proptest::collection::vec(("[^\0]*", "[\r\n\",;\t='@ +a-]*"), 1..6),
    ) {
        let rows: Vec<Value> = texts
            .iter()
            .enumerate()
            .map(|(at, (a, b))| json!({"id": format!("row-{at}"), "set": {"6.text": a, "7.text": b}}))
            .collect();
        let text = rows.iter().map(ToString::to_string).chain([String::new()]).collect::<Vec<_>>().join("\n");
        let all = freeze(Rows::from_json_lines(text.as_bytes()).expect("rows"));
        let records: Vec<Record> = all.iter().map(|item| failed(item, "no")).collect();
        let failed = Failed::of(&records).expect("failed rows");
        prop_assert_eq!(failed.name, "failed.csv");
        let again = freeze(Rows::from_table(failed.text.as_bytes()).expect("a table"));
        prop_assert_eq!(ids_and_prints(&again), ids_and_prints(&all));
    }
}

#[test]
fn what_ran_is_beside_its_results() {
    let dir = tempfile::tempdir().expect("a folder");
    let all = items("_id,6.text,_out\ncat/1,a,cats/{id}\n");
    let results = open(dir.path(), "1.0.0");
    let path = results.keep_repeat(&Repeat::new("cats", &all[0], Some("7"))).expect("written");
    assert_eq!(path, dir.path().join("cats/cat_1/cat_1.run.json"));
    let text = fs::read_to_string(&path).expect("a file");
    let read: Repeat = serde_json::from_str(&text).expect("JSON");
    assert_eq!(read.set.get("6.text"), Some(&Setting::Text("a".into())));
    assert_eq!((read.fingerprint, read.target), (all[0].fingerprint, target()));
}

/// A matrix with a failed item and hostile texts.
fn matrix() -> Vec<Record> {
    let job = "id = \"{animal}-{3.seed}\"\n[set]\n\"6.text\" = \"a {animal}\"\n\
               [matrix]\nanimal = [\"cat\", \"<b>dog\"]\n\"3.seed\" = \"1..2\"\n";
    let disk = Disk { base: ".".into() };
    let source = Source::read(Some(Path::new("a.toml")), job.as_bytes(), &disk).expect("a job");
    let all = freeze(source.rows);
    let mut records: Vec<Record> = all.iter().map(|item| done(item, "1")).collect();
    for record in &mut records {
        record.files.push(ResultFile {
            path: format!("{}/out #1.png", record.out),
            bytes: 3,
            sha256: String::new(),
            modified_ms: None,
        });
    }
    records[1] = failed(&all[1], "<script>alert(1)</script>");
    records
}

#[test]
fn the_contact_sheet_is_a_table_of_the_matrix_without_any_script() {
    let page = Export::Html.text("cats & dogs", &matrix());
    let body = page.split_once("<body>").expect("a body").1;
    insta::assert_snapshot!(body, @r#"

    <h1>cats &amp; dogs</h1>
    <p>3 of 4 done, 1 failed</p>
    <div class="wide"><table>
    <tr><th>animal ↓ 3.seed →</th><th scope="col"><bdi>1</bdi></th><th scope="col"><bdi>2</bdi></th></tr>
    <tr><th scope="row"><bdi>cat</bdi></th><td><figure class="done"><a href="./cat-1/out%20%231.png"><img loading="lazy" src="./cat-1/out%20%231.png" alt="cat-1"></a><figcaption><bdi>cat-1</bdi></figcaption></figure>
    </td><td><figure class="failed"><div class="none">failed<br><bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi></div><figcaption><bdi>cat-2</bdi></figcaption></figure>
    </td></tr>
    <tr><th scope="row"><bdi>&lt;b&gt;dog</bdi></th><td><figure class="done"><a href="./_b_dog-1/out%20%231.png"><img loading="lazy" src="./_b_dog-1/out%20%231.png" alt="&lt;b&gt;dog-1"></a><figcaption><bdi>&lt;b&gt;dog-1</bdi></figcaption></figure>
    </td><td><figure class="done"><a href="./_b_dog-2/out%20%231.png"><img loading="lazy" src="./_b_dog-2/out%20%231.png" alt="&lt;b&gt;dog-2"></a><figcaption><bdi>&lt;b&gt;dog-2</bdi></figcaption></figure>
    </td></tr>
    </table></div>
    </body>
    </html>
    "#);
    assert!(!page.contains("<script") && !page.contains("http:") && !page.contains("https:"), "{page}");
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn rows_of_a_table_are_one_after_another() {
    let all = items("_id,6.text,7.text\ncat-1,a,same\ncat-2,b,same\n");
    let page = Export::Html.text("cats", &[done(&all[0], "1"), done(&all[1], "1")]);
    assert!(page.contains("class=\"flow\"") && !page.contains("<table>"));
    assert!(page.contains("<dt>6.text</dt><dd><bdi>a</bdi></dd>") && !page.contains("same"), "{page}");
}

#[test]
fn a_table_has_what_became_of_each_row_and_what_was_set() {
    insta::assert_snapshot!(Export::Csv.text("cats", &matrix()), @r"
    id,state,row,task_id,coins,money,third_party_money,seconds,submitted_ms,started_ms,ended_ms,files,error,3.seed,6.text
    cat-1,done,1,7,1,,,,,,,cat-1/out #1.png,,1,a cat
    cat-2,failed,2,8,,,,,,,,,<script>alert(1)</script>,2,a cat
    <b>dog-1,done,3,7,1,,,,,,,_b_dog-1/out #1.png,,1,a <b>dog
    <b>dog-2,done,4,7,1,,,,,,,_b_dog-2/out #1.png,,2,a <b>dog
    ");
    let lines = Export::JsonLines.text("cats", &matrix());
    assert_eq!(lines.lines().count(), 4);
}

#[test]
fn a_trace_has_a_lane_for_each_slot_and_a_block_for_each_node() {
    let mut records = matrix();
    for (record, slot) in records.iter_mut().zip([0, 1, 0]) {
        let start = 1_000_000 + u64::from(slot) * 500;
        let timings = &mut record.timings;
        (timings.submitted_ms, timings.started_ms) = (Some(start), Some(start + 200));
        (timings.ended_ms, timings.saved_ms, timings.slot) =
            (Some(start + 1_200), Some(start + 1_300), Some(slot));
        timings.nodes.push(NodeTime {
            id: "3".into(),
            title: "KSampler".into(),
            started_ms: start + 300,
            seconds: 0.8,
        });
    }
    let trace: Value = serde_json::from_str(&Export::Perfetto.text("cats", &records)).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("events");
    let named = |name: &str| events.iter().filter(|event| event["name"] == name).collect::<Vec<_>>();
    assert_eq!(named("thread_name").len(), 2);
    let nodes = named("KSampler");
    assert_eq!(nodes.len(), 3);
    assert_eq!(
        (&nodes[1]["ts"], &nodes[1]["dur"], &nodes[1]["tid"]),
        (&json!(800_000), &json!(800_000.0), &json!(2))
    );
    assert_eq!(named("cat-1")[0]["dur"], 1_300_000);
}
