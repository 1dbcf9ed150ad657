//! Models: another endpoint creates the task, and the same guarantees hold.

use runninghub_sim::{Model, Rule, Toxic};

use crate::{
    case::{Case, MODEL, OUTPUTS, Saved, UPLOAD, ms},
    pool,
};

const QUERY: &str = "/openapi/v2/query";
const NOT_FOUND: &str = r#"{"errorCode":"1004","errorMessage":"not found"}"#;
const PRICE: &str = "/openapi/v2/price-preview/";

#[test]
fn models() {
    let mut cases = lost();
    cases.extend(answers());
    cases.extend(around());
    pool::run(cases);
}

/// A run whose results are not saved: a model's results aren't those of the scenario.
fn case(name: &'static str) -> Case {
    Case::new(name)
        .server(|builder| builder.model(Model::new("lab/model").takes(ms(300))))
        .command(&["model", "run", "lab/model", "--body", "{}", "--record", "{root}/record"])
        .saved(Saved::Nothing)
}

fn answer(body: &'static str) -> Rule {
    Rule::answer(MODEL, 200, body)
}

/// The response does not arrive.
fn lost() -> Vec<Case> {
    vec![
        case("model-answer-lost").fault("lost-create-answer").unknown(1),
        case("model-lost-before-work").rule(Rule::lose(MODEL)).unknown(0),
        case("model-reset-before-body").api(Toxic::reset(0).up().on_path(MODEL)).posts(0).unknown(0),
        case("model-cut-in-body").api(Toxic::cut(40).after_head().on_path(MODEL)).unknown(1),
        case("model-timeout")
            .rule(Rule::hang(MODEL).after_work())
            .arg("--create-timeout")
            .arg("4s")
            .unknown(1),
    ]
}

/// Responses with missing or additional content.
fn answers() -> Vec<Case> {
    let wrapped =
        r#"{"code":0,"message":"success","data":{"taskId":"2000000000000000001","status":"RUNNING"}}"#;
    vec![
        case("model-502").rule(Rule::answer(MODEL, 502, "Bad Gateway")).unknown(0),
        case("model-html").rule(answer("<html><title>Log in</title></html>")).unknown(0).says("Log in"),
        case("model-without-task").rule(answer(r#"{"status":"RUNNING","errorCode":""}"#)).unknown(0),
        case("model-1000").rule(answer(r#"{"errorCode":"1000","errorMessage":"unknown"}"#)).unknown(0),
        case("model-1007")
            .rule(answer(r#"{"errorCode":"1007","errorMessage":"no"}"#))
            .refused(4)
            .says("1007"),
        case("model-1014")
            .rule(answer(r#"{"errorCode":"1014","errorMessage":"no"}"#))
            .refused(4)
            .says("shared key"),
        case("model-1007-as-a-task")
            .rule(answer(r#"{"taskId":"","status":"FAILED","errorCode":"1007","errorMessage":"no"}"#))
            .refused(4)
            .says("1007"),
        case("model-1520-then-free").fault("queue-full=2").posts(3).says("no slot is free"),
        case("model-wrapped").rule(Rule::answer(MODEL, 200, wrapped).after_work()),
        case("model-fails").fault("task-fails").exit(1).says("Generation failed (code 1015)"),
    ]
}

/// Requests before and after the create.
fn around() -> Vec<Case> {
    const LIMIT: &[&str] = &["model", "run", "lab/model", "--body", "{}", "--max-cost", "9"];
    vec![
        case("model-price-lost").command(LIMIT).rule(Rule::lose(PRICE)).refused(3).posts(0),
        case("model-price-unknown").command(LIMIT).rule(Rule::answer(PRICE, 200, "{}")).refused(4).posts(0),
        case("model-price-then-run").command(LIMIT).rule(Rule::lose(PRICE).times(1)),
        case("model-query-html").rule(Rule::answer(QUERY, 200, "<html>").times(3)),
        case("model-query-502")
            // Still running when a busy machine polls for the first time.
            .server(|builder| builder.model(Model::new("lab/model").takes(ms(5_000))))
            .rule(Rule::answer(QUERY, 502, "").skip(1).times(3)),
        case("model-unknown-at-first").rule(Rule::answer(QUERY, 200, NOT_FOUND).times(4)).scale("0.5"),
        case("model-unknown-for-ever")
            .rule(Rule::answer(QUERY, 200, NOT_FOUND))
            .rule(Rule::answer(OUTPUTS, 200, r#"{"code":807,"msg":"APIKEY_TASK_NOT_FOUND"}"#))
            .exit(6)
            .says("the task may still be running"),
        case("model-upload-lost")
            .prepare(|places| std::fs::write(places.root().join("case-cat.png"), "picture").expect("a file"))
            .command(&[
                "model",
                "run",
                "nano-banana-pro/edit-channel-low-price",
                "-p",
                "prompt=x",
                "-p",
                "imageUrls=@case-cat.png",
            ])
            .rule(Rule::lose(UPLOAD))
            .refused(3)
            .posts(0),
    ]
}
