//! Checks rows against their target.

use std::{fmt::Write as _, fs, path::Path};

use runninghub::{Fields, Workflow, catalog::Catalog};
use runninghub_batch::{Error, Given, Rows};
use serde_json::json;

fn graph() -> Fields {
    let graph = json!({
        "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}, "_meta": {"title": "Photo"}},
        "3": {"class_type": "KSampler", "inputs": {"seed": 1, "steps": 20, "cfg": 7.5, "image": ["1", 0]}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat"}, "_meta": {"title": "Prompt"}},
    });
    Fields::of_graph(Workflow::parse(graph.to_string()).expect("a workflow"))
}

fn fit(table: &str, fields: &Fields, base: &Path) -> Result<Rows, Error> {
    Rows::from_table(table.as_bytes()).expect("a table").fit(fields, base)
}

/// Every problem with its cure.
fn summary(error: &Error) -> String {
    let mut summary = String::new();
    for problem in error.problems() {
        let cure = problem.cure.as_ref().map_or("-".to_owned(), ToString::to_string);
        writeln!(summary, "{problem} | {cure}").expect("text");
    }
    summary
}

#[test]
fn every_wrong_value_is_named_with_its_place_and_a_cure() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::write(dir.path().join("notes.txt"), "abc").expect("written");
    let table = "_id,_instance,3.seed,6.txet,33.x,Photo.image\n\
                 a,,7,x,,none.png\n\
                 b,plsu,many,x,,notes.txt\n\
                 c,plus,,x,,openapi/a.png\n";
    let error = fit(table, &graph(), dir.path()).expect_err("problems");
    let summary = summary(&error).replace(&dir.path().display().to_string(), "[dir]");
    insta::assert_snapshot!(summary, @r"
    `33.x`: the workflow has no node `33` | did you mean `3`?
    `6.txet`: node `6` (Prompt) has no field `txet` | did you mean `text`?
    row 2, column `Photo.image`: file none.png not found | relative paths start at [dir]
    row 3, column `_instance`: unknown instance type `plsu` | it is `default`, `plus` or `ultra`
    row 3, column `3.seed`: `3.seed` takes a number, not text | its current value is `1`
    row 3, column `Photo.image`: cannot upload [dir]/notes.txt: the platform does not accept files of this type | supported file extensions: jpg, jpeg, png, webp, zip, mp3, wav, flac, mp4, avi, mov, mkv
    ");
}

#[test]
fn texts_in_fields_that_take_files_are_paths_and_become_absolute() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir(dir.path().join("in")).expect("created");
    fs::write(dir.path().join("in/a.png"), "abc").expect("written");
    let table = "1.image,6.text\nin/a.png,in/a.png\nopenapi/b.png,@handle\n,\"\"\"quoted\"\"\"\n";
    let rows = fit(table, &graph(), dir.path()).expect("it fits").rows;
    let image = |at: usize| rows[at].set.get("1.image");
    assert_eq!(image(0), Some(&Given::File(dir.path().join("in/a.png"))));
    assert_eq!(image(1), Some(&Given::Text("openapi/b.png".into())), "it is uploaded already");
    assert_eq!(image(2), None, "an empty cell leaves the field as it is");
    let text = |at: usize| rows[at].set.get("6.text");
    assert_eq!(text(0), Some(&Given::Text("in/a.png".into())));
    assert_eq!(text(2), Some(&Given::Text("\"quoted\"".into())), "to the letter");
}

#[test]
fn empty_cells_empty_texts_and_leave_numbers_alone() {
    let rows = fit("_id,6.text,3.seed\na,,\nb,x,7\n", &graph(), Path::new(".")).expect("it fits").rows;
    assert_eq!(rows[0].set.get("6.text"), Some(&Given::Text(String::new())));
    assert_eq!(rows[0].set.get("3.seed"), None);
}

#[test]
fn two_names_of_one_field_are_a_problem() {
    let error = fit("6.text,Prompt.text\na,b\n", &graph(), Path::new(".")).expect_err("twice");
    insta::assert_snapshot!(summary(&error), @"row 2, column `Prompt.text`: it sets the same field as `6.text` | keep one of them");
}

#[test]
fn what_a_run_needs_is_looked_for_in_each_combination_of_columns() {
    let model = Catalog::embedded().find("rhart-image-n-pro/edit").expect("a model").clone();
    let fields = Fields::of_model(model);
    let lines = "{\"set\":{\"prompt\":\"a cat\",\"imageUrls\":\"https://h/a.png\"}}\n{\"set\":{\"prompt\":\"a dog\"}}\n";
    let rows = Rows::from_json_lines(lines.as_bytes()).expect("rows");
    let error = rows.fit(&fields, Path::new(".")).expect_err("an image is missing");
    insta::assert_snapshot!(summary(&error), @"line 2: `imageUrls` is missing | upload a file for `imageUrls`: it takes an image");
}
