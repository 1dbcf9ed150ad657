//! Creates, the only request that costs money. The outcome is accepted, refused, or unknown; an unknown one is never
//! sent again.

use runninghub_sim::{Rule, Toxic};

use crate::{
    case::{CREATE, Case, OUTPUTS, Saved, UPLOAD, WORKFLOW, ms},
    pool,
};

#[test]
fn creates() {
    let mut cases = lost();
    cases.extend(not_the_api());
    cases.extend(codes());
    cases.extend(shapes());
    cases.extend(before());
    cases.extend(uploads());
    pool::run(cases);
}

fn answer(body: impl Into<Vec<u8>>) -> Rule {
    Rule::answer(CREATE, 200, body.into())
}

/// The response does not arrive.
fn lost() -> Vec<Case> {
    vec![
        Case::new("create-answer-lost").fault("lost-create-answer").unknown(1),
        Case::new("create-lost-before-work").rule(Rule::lose(CREATE)).unknown(0),
        Case::new("create-reset-before-body").api(Toxic::reset(0).up().on_path(CREATE)).posts(0).unknown(0),
        Case::new("create-reset-in-body").api(Toxic::reset(20).up().after_head().on_path(CREATE)).unknown(0),
        Case::new("create-reset-after-work").api(Toxic::reset(0).on_path(CREATE)).unknown(1),
        Case::new("create-cut-in-head").api(Toxic::cut(30).on_path(CREATE)).unknown(1),
        Case::new("create-cut-in-body").api(Toxic::cut(40).after_head().on_path(CREATE)).unknown(1),
        Case::new("create-half-closed").api(Toxic::half_close(60).on_path(CREATE)).unknown(1),
        Case::new("create-corrupt-head").api(Toxic::corrupt(3).on_path(CREATE)).unknown(1),
        Case::new("create-timeout")
            .rule(Rule::hang(CREATE).after_work())
            .arg("--create-timeout")
            .arg("4s")
            .unknown(1),
        Case::new("create-black-hole")
            .api(Toxic::silence(0).on_path(CREATE))
            .arg("--create-timeout")
            .arg("4s")
            .unknown(1),
        // A slow response isn't lost.
        Case::new("create-slow")
            .api(Toxic::latency(ms(300)).jitter(ms(100)).on_path(CREATE))
            .api(Toxic::slicer(7, ms(1)).on_path(CREATE)),
        Case::new("create-refused-connection")
            // The response with the workflow is delayed, which leaves time to close the port after its request.
            .api(Toxic::latency(ms(400)).down().on_path(WORKFLOW))
            .act(|running| {
                running.until_called(WORKFLOW, 1);
                running.network.api.add(Toxic::refuse());
            })
            .refused(3)
            .posts(0)
            .says("no connection"),
    ]
}

/// A different server responds.
fn not_the_api() -> Vec<Case> {
    let page = "<!DOCTYPE html><html><head><title>Log in to the café</title></head><body></body></html>";
    let status = |name, status| Case::new(name).rule(Rule::answer(CREATE, status, "Bad Gateway")).unknown(0);
    vec![
        status("create-500", 500),
        status("create-502", 502),
        status("create-504", 504),
        Case::new("create-503-after-work")
            .rule(Rule::answer(CREATE, 503, "busy").header("Retry-After", "1").after_work())
            .unknown(1),
        Case::new("create-html").rule(answer(page)).unknown(0).says("Log in to the café"),
        Case::new("create-empty").rule(answer("").after_work()).unknown(1),
        Case::new("create-redirect")
            .rule_at(|at| {
                Rule::answer(CREATE, 307, "").header("Location", format!("http://{}/steal", at.decoy))
            })
            .unknown(0),
        Case::new("create-redirect-same-host")
            .rule(Rule::answer(CREATE, 308, "").header("Location", "{base}/stolen"))
            .unknown(0)
            .also(|after| assert_eq!(after.calls("/stolen"), 0, "the key went along")),
        Case::new("create-429-of-a-proxy").rule(Rule::answer(CREATE, 429, "slow down")).unknown(0),
        Case::new("create-401-of-a-proxy").rule(Rule::answer(CREATE, 401, "who are you?")).unknown(0),
        Case::new("create-429-retry-after")
            .rule(Rule::answer(CREATE, 429, "").header("Retry-After", "3").times(1))
            .posts(2),
        Case::new("create-429-nonsense-retry-after")
            .rule(
                Rule::answer(CREATE, 429, r#"{"code":1003,"msg":"rate"}"#)
                    .header("Retry-After", "soon; or -1")
                    .times(1),
            )
            .posts(2),
    ]
}

/// Codes that refuse, and codes that ask to retry later.
fn codes() -> Vec<Case> {
    let says_no = |name, body: &'static str| Case::new(name).rule(answer(body)).refused(4);
    // The shortest wait for some of these is thirty seconds.
    let later = |name, code: u32| {
        let body = format!(r#"{{"code":{code},"msg":"later","errorMessages":null,"data":null}}"#);
        Case::new(name).rule(answer(body).times(2)).scale("0.01").posts(3)
    };
    vec![
        says_no(
            "create-no-money",
            r#"{"code":416,"msg":"TASK_CREATE_FAILED_BY_NOT_ENOUGH_WALLET","data":null}"#,
        ),
        says_no("create-invalid", r#"{"code":433,"msg":"VALIDATE_PROMPT_FAILED","data":null}"#),
        says_no("create-code-as-text", r#"{"code":"803","msg":"APIKEY_INVALID_NODE_INFO"}"#),
        Case::new("create-401-with-json")
            .rule(Rule::answer(CREATE, 401, r#"{"code":-1,"msg":"ApiKey verification failed"}"#))
            .refused(4)
            .posts(3),
        Case::new("create-401-once")
            .rule(Rule::answer(CREATE, 401, r#"{"code":-1,"msg":"ApiKey verification failed"}"#).times(1))
            .posts(2),
        Case::new("create-unknown-code").rule(answer(r#"{"code":987654,"msg":"NEW"}"#)).unknown(0),
        Case::new("create-server-code")
            .rule(answer(r#"{"code":500,"msg":"UNKNOWN_ERROR"}"#).after_work())
            .unknown(1),
        later("create-421-waited-for", 421),
        later("create-415-waited-for", 415),
        later("create-814-waited-for", 814),
        later("create-1011-waited-for", 1011),
        later("create-1520-waited-for", 1520),
        later("create-1003-waited-for", 1003),
        // The code is read whatever the text contains.
        Case::new("create-421-lone-surrogate")
            .rule(answer(r#"{"code":421,"msg":"\ud800 full","data":1e400}"#).times(1))
            .posts(2),
        Case::new("create-421-given-up")
            .fault("queue-full=99")
            .arg("--queue-timeout")
            .arg("4s")
            // The shortest wait for a slot is longer.
            .scale("1")
            .refused(4)
            .says("no slot is free"),
        Case::new("create-own-slots-full")
            .server(|builder| builder.concurrency(0))
            .arg("--queue-timeout")
            .arg("4s")
            .scale("1")
            .refused(4)
            .posts(1),
    ]
}

/// Responses of an undocumented shape.
fn shapes() -> Vec<Case> {
    let edit = |name, from: &str, to: &str| Case::new(name).rule(Rule::replace(CREATE, from, to));
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    vec![
        Case::new("create-half-json").rule(answer(r#"{"code":0,"data":{"taskId":"2000"#).after_work()).unknown(1),
        Case::new("create-breaks-off").rule(answer(r#"{"code":0,"data":{"taskId":"2"#).cut(40).after_work()).unknown(1),
        Case::new("create-no-id").rule(answer(r#"{"code":0,"msg":"success","data":{}}"#).after_work()).unknown(1),
        Case::new("create-null").rule(answer("null").after_work()).unknown(1),
        Case::new("create-huge").rule(answer(format!("{{\"code\":0,\"x\":\"{}\"}}", "x".repeat(20 << 20)))).unknown(0),
        Case::new("create-depth-bomb").rule(answer(nested(200_000))).unknown(0),
        Case::new("create-id-and-depth-bomb").rule(Rule::replace(CREATE, "\"promptTips\":", format!("\"bomb\":{},\"promptTips\":", nested(100)))),
        edit("create-bom", r#"{"code":0"#, "\u{feff}{\"code\":0"),
        edit("create-code-in-text", r#""code":0"#, r#""code":"0""#),
        edit("create-id-as-number", r#""taskId":"2000000000000000001""#, r#""taskId":2000000000000000001"#),
        edit("create-odd-types", r#""clientId":""#, r#""taskStatus":[7],"netWssUrl":{"a":1},"clientId":null,"x":""#),
        edit("create-tips-are-broken", r#""promptTips":""#, r#""promptTips":"{{{"#),
        edit("create-errors-of-nodes", "\\\"node_errors\\\": {}", "\\\"node_errors\\\": {\\\"9\\\": {\\\"errors\\\": [{\\\"message\\\": \\\"required input is missing\\\"}]}}").says("required input is missing"),
    ]
}

/// Requests before the create: nothing is paid when they fail.
fn before() -> Vec<Case> {
    let nothing = |case: Case, exit| Case { posts: 0, ..case.refused(exit) };
    vec![
        nothing(Case::new("workflow-html").rule(Rule::answer(WORKFLOW, 200, "<html>")), 3),
        nothing(
            Case::new("workflow-unknown").rule(Rule::answer(
                WORKFLOW,
                200,
                r#"{"code":380,"msg":"WORKFLOW_NOT_EXISTS"}"#,
            )),
            4,
        ),
        nothing(Case::new("nobody-listens").api(Toxic::refuse()), 3),
        nothing(Case::new("wrong-key").env("RUNNINGHUB_API_KEY", "11111111111111111111111111111111"), 4),
        Case::new("workflow-flaps")
            .rule(Rule::answer(WORKFLOW, 502, "").times(2))
            .rule(Rule::lose(OUTPUTS).times(1))
            .saved(Saved::All),
    ]
}

/// An attached file is uploaded before the create is sent; if that fails, nothing is sent.
fn uploads() -> Vec<Case> {
    let with = |name| {
        let case = Case::new(name).arg("--set").arg("4.ckpt_name=@{root}/case-file.png");
        case.prepare(|places| {
            std::fs::write(places.root().join("case-file.png"), "\u{89}PNG").expect("a file");
        })
    };
    let large = |case: Case| {
        case.prepare(|places| {
            let file = std::fs::File::create(places.root().join("case-file.png")).expect("a file");
            file.set_len(25_000_000).expect("room");
        })
    };
    let nothing = |case: Case| Case { posts: 0, ..case.refused(3) };
    vec![
        with("upload-5xx-once").rule(Rule::answer(UPLOAD, 503, "").times(1)),
        with("upload-lost-once").rule(Rule::lose(UPLOAD).after_work().times(1)),
        with("upload-reset-in-body").api(Toxic::reset(40).up().after_head().on_path(UPLOAD).first(2)),
        with("upload-breaks-off").rule(Rule::answer(UPLOAD, 200, r#"{"code":0,"da"#).cut(70).times(2)),
        nothing(with("upload-html-for-ever").rule(Rule::answer(UPLOAD, 200, "<html><title>no</title>"))),
        nothing(with("upload-too-large").rule(Rule::answer(UPLOAD, 413, "<html>"))),
        large(with("upload-is-told"))
            .api(Toxic::bandwidth(40_000_000).up())
            .says("⬆️ Uploading case-file.png"),
        Case { posts: 0, ..large(with("interrupt-during-upload")).refused(-2) }
            .api(Toxic::bandwidth(1_000_000).up())
            .act(|running| {
                running.until("Uploading case-file.png");
                running.signal("-INT");
            })
            .says("nothing was submitted"),
        nothing(with("upload-redirect").rule_at(|at| {
            Rule::answer(UPLOAD, 307, "").header("Location", format!("http://{}/steal", at.decoy))
        })),
    ]
}
