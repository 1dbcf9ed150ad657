//! Values are checked against a target as a submit checks them, without a request for each.

mod common;

use std::{fmt::Write as _, fs, path::Path};

use common::{WORKFLOW, hub, sim};
use runninghub::{Field, Fields, RunningHub, Service as _, Submit, Work, Workflow};
use runninghub_sim::{App, Scenario, Sim};
use serde_json::{Value, json};

const IMAGES: &str = "rhart-image-n-pro/edit";

/// A value, and how it is given.
enum Given<'a> {
    Text(&'a str),
    Value(Value),
    File(&'a Path),
}

impl Given<'_> {
    fn check(&self, fields: &Fields, name: &str) -> Result<(), runninghub::Error> {
        match self {
            Self::Text(text) => fields.check_text(name, text),
            Self::Value(value) => fields.check_value(name, value),
            Self::File(path) => fields.check_file(name, path),
        }
    }

    fn set(self, submit: Submit, name: &str) -> Submit {
        match self {
            Self::Text(text) => submit.set_text(name, text),
            Self::Value(value) => submit.set(name, value),
            Self::File(path) => submit.set_file(name, path),
        }
    }
}

async fn start() -> (Sim, RunningHub) {
    let sim = sim().app(App::demo()).app(App::new("bare", Scenario::demo())).speed(50.0).start().await;
    let sim = sim.expect("the simulator starts");
    let hub = hub(&sim);
    (sim, hub)
}

/// The sentence and the hint of each refused value; the submit says the same.
async fn refused(hub: &RunningHub, work: &Work, values: Vec<(&str, Given<'_>)>) -> String {
    let fields = hub.fields(work, None).await.expect("fields");
    let mut summary = String::new();
    for (name, given) in values {
        let Err(error) = given.check(&fields, name) else {
            writeln!(summary, "{name}: taken").expect("text");
            continue;
        };
        let hint = error.hint().map_or("-".to_owned(), ToString::to_string);
        writeln!(summary, "{name}: {error} | {hint}").expect("text");
        let submit = given.set(Submit::new(work.clone()), name);
        let refusal = hub.submit(submit).await.expect_err("refused");
        assert_eq!(refusal.to_string(), error.to_string(), "{name}");
    }
    summary
}

#[tokio::test]
async fn a_workflow_takes_text_to_the_letter_and_numbers_where_it_has_numbers() {
    let (sim, hub) = start().await;
    let text = |name, text| (name, Given::Text(text));
    let values = vec![
        text("6.text", r#""quoted""#),
        text("Prompt.text", "null"),
        text("3.seed", "7"),
        text("3.seed", "random"),
        text("3.seed", "seven"),
        text("3.seed", ""),
        text("3.sed", "7"),
        text("33.seed", "7"),
        text("3.model", "7"),
        ("3.seed", Given::Value(json!("7"))),
        ("6.text", Given::Value(json!([7]))),
        ("6.text", Given::File(Path::new("Cargo.toml"))),
    ];
    insta::assert_snapshot!(refused(&hub, &Work::Workflow(WORKFLOW.into()), values).await, @r#"
    6.text: taken
    Prompt.text: taken
    3.seed: taken
    3.seed: taken
    3.seed: `3.seed` takes a number, not text | its current value is `1`
    3.seed: `3.seed` takes a number, not text | its current value is `1`
    3.sed: node `3` (KSampler) has no field `sed` | did you mean `seed`?
    33.seed: the workflow has no node `33` | did you mean `3`?
    3.model: `3.model` is connected to node `4` and cannot be set | set a field of node `4` instead
    3.seed: `3.seed` takes a number, not text | its current value is `1`
    6.text: `6.text` takes text, not a list | its current value is `"a cat"`
    6.text: cannot upload Cargo.toml | use the text itself instead of a file
    "#);
    assert_eq!(sim.stats().creates, 0);
}

#[tokio::test]
async fn an_app_takes_what_its_form_allows() {
    let (sim, hub) = start().await;
    let text = |name, text| (name, Given::Text(text));
    let values = vec![
        text("提示词", r#""quoted""#),
        text("steps", "61"),
        text("steps", "many"),
        text("promt", "x"),
        text("ratio", "竖图"),
        text("ratio", "wide"),
        text("image", "/home/me/a.png"),
        text("image", "openapi/a.png"),
        ("image", Given::File(Path::new("Cargo.toml"))),
        ("image", Given::File(Path::new("/nowhere/to/be.png"))),
    ];
    insta::assert_snapshot!(refused(&hub, &Work::App(App::demo().id().into()), values).await, @r"
    提示词: taken
    steps: `61` is outside the range of `3.steps` | it takes a number from 1 to 60
    steps: `3.steps` takes a whole number, not `many` | its current value is `20`
    promt: the app has no field `promt` | did you mean `prompt`?
    ratio: taken
    ratio: `5.ratio` has no choice `wide` | choices: `1:1` (方形), `3:4` (竖图)
    image: `10.image` takes the name of an uploaded file, not a path on this machine: `/home/me/a.png` | upload the file `/home/me/a.png` for `10.image`
    image: taken
    image: `10.image` does not take files like Cargo.toml | the platform accepts jpg, jpeg, png, webp there
    image: file /nowhere/to/be.png not found | -
    ");
    let bare = Work::App(App::new("bare", Scenario::demo()).id().into());
    let fields = hub.fields(&bare, None).await.expect("fields");
    fields.check_text("6.text", "x").expect("nobody knows better");
    assert_eq!(sim.stats().creates, 0);
}

#[tokio::test]
async fn a_model_takes_what_the_catalog_says() {
    let (sim, hub) = start().await;
    let values = vec![
        ("resolution", Given::Text("4k")),
        ("resolution", Given::Text("9k")),
        ("promt", Given::Text("a cat")),
        ("imageUrls", Given::Text("openapi/a.png")),
        ("imageUrls", Given::Text("https://h/a.png")),
        ("prompt", Given::File(Path::new("Cargo.toml"))),
    ];
    let work = Work::Model(IMAGES.into());
    let fields = hub.fields(&work, None).await.expect("fields");
    insta::assert_snapshot!(refused(&hub, &work, values).await, @r"
    resolution: taken
    resolution: `resolution` cannot be `9k` | it is one of 1k, 2k, 4k
    promt: `rhart-image-n-pro/edit` has no parameter `promt` | did you mean `prompt`?
    imageUrls: `imageUrls` takes a URL, and `openapi/a.png` is a file name, which only workflows take | upload a file for `imageUrls`, or use a URL that begins with `https://`
    imageUrls: taken
    prompt: `prompt` takes text, not a file | use a value instead of a file
    ");
    let missing = fields.check_complete(&["prompt"]).expect_err("an image is missing");
    insta::assert_snapshot!(missing, @"`imageUrls` is missing");
    fields.check_complete(&["prompt", "imageUrls"]).expect("the rest has defaults");
    assert_eq!(sim.stats().creates, 0);
}

#[tokio::test]
async fn a_field_has_one_name_and_says_whether_it_takes_files() {
    let (_sim, hub) = start().await;
    let of = async |work: Work| hub.fields(&work, None).await.expect("fields");
    let known = |fields: &Fields, name: &str| {
        let Field { name, takes_files, takes_text, .. } = fields.find(name).expect("a field");
        (name, takes_files, takes_text)
    };
    let app = of(Work::App(App::demo().id().into())).await;
    assert_eq!(known(&app, "提示词"), ("6.text".into(), false, true));
    assert_eq!(known(&app, "steps"), ("3.steps".into(), false, false));
    assert_eq!(known(&app, "reference"), ("10.image".into(), true, false));
    let workflow = of(Work::Workflow(WORKFLOW.into())).await;
    assert_eq!(known(&workflow, "Prompt.text"), ("6.text".into(), false, true));
    let model = of(Work::Model(IMAGES.into())).await;
    assert_eq!(known(&model, "imageUrls"), ("imageUrls".into(), true, false));
    assert_eq!(known(&model, "prompt"), ("prompt".into(), false, true));
    let image = app.find("reference").expect("a field");
    let names_file = |text: &str| image.names_file(text, |_| false);
    assert!(names_file("in/cat.png") && names_file("cat.png"));
    assert!(!names_file("openapi/cat.png") && !names_file("https://h/cat.png"));
    assert!(!app.find("6.text").expect("a field").names_file("cat.png", |_| true), "it takes text");
}

#[test]
fn a_graph_that_is_sent_whole_needs_its_files() {
    let graph = json!({
        "1": {"class_type": "LoadImage", "inputs": {"image": "/home/me/a.png"}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
    });
    let fields = Fields::of_graph(Workflow::parse(graph.to_string()).expect("a workflow"));
    let missing = fields.check_complete(&[]).expect_err("the file is elsewhere");
    insta::assert_snapshot!(missing, @"`1.image` takes the name of an uploaded file, not a path on this machine: `/home/me/a.png`");
    fields.check_complete(&["1.image"]).expect("every run sets it");
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("a.png");
    fs::write(&path, "abc").expect("written");
    fields.check_file("1.image", &path).expect("an image");
}
