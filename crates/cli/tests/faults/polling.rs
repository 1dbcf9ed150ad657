//! Polling: whatever goes wrong, a paid task is followed to its end.

use runninghub_sim::{Rule, Toxic};

use crate::{
    case::{Case, OUTPUTS, Saved, long, ms, patient},
    pool,
};

#[test]
fn polling() {
    let mut cases = flaps();
    cases.extend(ends());
    cases.extend(outages());
    pool::run(cases);
}

fn once(name: &'static str, status: u16, body: impl Into<Vec<u8>>) -> Case {
    Case::new(name).rule(Rule::answer(OUTPUTS, status, body.into()).times(1))
}

fn flaps() -> Vec<Case> {
    vec![
        Case::new("poll-5xx").fault("http-5xx=2"),
        Case::new("poll-5xx-often")
            .server(|builder| builder.speed(0.1))
            .rule(Rule::answer(OUTPUTS, 502, "").skip(1).times(5))
            .fault("url-never"),
        Case::new("poll-html").fault("html=2"),
        Case::new("poll-lost").fault("lost-answers=2"),
        Case::new("poll-slow").fault("slow-answers=0.15"),
        Case::new("poll-empty").rule(Rule::answer(OUTPUTS, 200, "").times(2)),
        once("poll-807-once", 200, r#"{"code":807,"msg":"APIKEY_TASK_NOT_FOUND","data":null}"#),
        once("poll-401-once", 401, r#"{"code":-1,"msg":"ApiKey verification failed"}"#),
        once("poll-429", 429, ""),
        once("poll-half-json", 200, r#"{"code":804,"data":{"netW"#),
        once("poll-huge", 200, "x".repeat(20 << 20)),
        once("poll-depth-bomb", 200, "[".repeat(1 << 20)),
        once("poll-lone-surrogate", 200, r#"{"code":804,"msg":"\ud800","data":{"netWssUrl":null}}"#),
        once("poll-success-without-data", 200, r#"{"code":0,"msg":"success","data":null}"#),
        once("poll-unknown-code", 200, r#"{"code":77777,"msg":"?","data":null}"#),
        once("poll-redirect", 302, "").also(|after| assert_eq!(after.calls("/"), 0)),
        Case::new("poll-answers-in-slices")
            .api(Toxic::slicer(11, ms(2)))
            .api(Toxic::latency(ms(20)).jitter(ms(30))),
        Case::new("poll-never-answered").rule(Rule::hang(OUTPUTS).times(1)),
        // Servers on this machine are reached without a proxy.
        Case::new("proxy-of-the-environment")
            .env("http_proxy", "http://{decoy}")
            .env("HTTPS_PROXY", "http://me:canaryproxypassword@{decoy}")
            .env("ALL_PROXY", "socks5://{decoy}")
            .never("canaryproxypassword"),
        Case::new("poll-connections-die").api(Toxic::reset(1500).first(3)),
    ]
}

/// The platform denies a paid task after a number of polls.
fn denied(name: &'static str, status: u16, body: &'static str, after: u32) -> Case {
    Case::new(name)
        .server(patient)
        .rule(Rule::answer(OUTPUTS, status, body).skip(after))
        .exit(6)
        .saved(Saved::Nothing)
        .says("the task may still be running")
        .says("rhub watch 2000000000000000001")
}

fn ends() -> Vec<Case> {
    let failed = r#"{"code":805,"msg":"APIKEY_TASK_STATUS_ERROR","data":null}"#;
    vec![
        Case::new("task-fails").fault("task-fails").exit(1).saved(Saved::Nothing).says("CUDA out of memory"),
        Case::new("task-fails-without-reason")
            .server(patient)
            .fault("task-fails")
            .rule(Rule::answer(OUTPUTS, 200, failed).skip(1))
            .exit(1)
            .saved(Saved::Nothing),
        Case::new("task-fails-with-list-as-reason")
            .server(patient)
            .fault("task-fails")
            .rule(
                Rule::answer(OUTPUTS, 200, r#"{"code":805,"msg":"x","data":[1,{"failedReason":7}]}"#).skip(1),
            )
            .exit(1)
            .saved(Saved::Nothing),
        // The run is long, and the user cancels it on the website.
        Case::new("task-cancelled-elsewhere")
            .scenario(long())
            .act(|running| {
                running.until("Progress monitoring started");
                running.command(&["cancel", "2000000000000000001"]);
            })
            .exit(1)
            .saved(Saved::Nothing),
        // At a smaller scale a busy machine would not have the time for so many polls.
        Case::new("outputs-empty-first").fault("empty-outputs-first=3").scale("0.5"),
        Case::new("outputs-late").fault("settle=0.8").fault("cut-before-end"),
        Case::new("outputs-incomplete-with-socket")
            .fault("empty-outputs-first=4")
            .scale("0.5")
            .server(patient),
        Case::new("queued-then-done").fault("url-never").fault("queue-delay=0.5"),
        // Only the poll was refused, and the task may still be running.
        denied("poll-807-for-ever", 200, r#"{"code":807,"msg":"APIKEY_TASK_NOT_FOUND"}"#, 0),
        denied("poll-423-for-ever", 200, r#"{"code":423,"msg":"TASK_NOT_FOUNED"}"#, 0),
        denied("poll-401-for-ever", 401, r#"{"code":-1,"msg":"ApiKey verification failed"}"#, 0)
            .says("check the key"),
        denied("poll-401-in-the-middle", 401, r#"{"code":-1,"msg":"ApiKey verification failed"}"#, 1)
            .says("check the key"),
        denied("poll-403-in-the-middle", 403, r#"{"code":403,"msg":"no"}"#, 1).says("the key has no access"),
        Case::new("poll-807-in-the-middle")
            .server(patient)
            .rule(Rule::answer(OUTPUTS, 200, r#"{"code":807,"msg":"APIKEY_TASK_NOT_FOUND"}"#).skip(1))
            .exit(1)
            .saved(Saved::Nothing)
            .says("the task no longer exists"),
        // Four polls are many, but quick: at this scale the limit of ten seconds is five.
        Case::new("poll-807-at-first")
            .rule(Rule::answer(OUTPUTS, 200, r#"{"code":807,"msg":"APIKEY_TASK_NOT_FOUND"}"#).times(4))
            .scale("0.5"),
        Case::new("watch-unknown-task")
            .command(&["watch", "1999999999999999999"])
            .posts(0)
            .creates(0)
            .exit(4)
            .saved(Saved::Nothing),
        Case::new("timeout-leaves-the-task")
            .scenario(long())
            .arg("--timeout")
            .arg("4s")
            .exit(6)
            .saved(Saved::Nothing)
            .says("rhub watch 2000000000000000001"),
        Case::new("detached").arg("--detach").saved(Saved::Nothing).says("rhub watch 2000000000000000001"),
    ]
}

fn outages() -> Vec<Case> {
    vec![
        Case::new("server-away-for-a-while").server(patient).act(|running| {
            running.until("Progress monitoring started");
            running.network.api.add(Toxic::refuse());
            running.network.api.reset_all();
            running.network.sockets.reset_all();
            running.until_over();
            running.network.api.clear();
        }),
        Case::new("server-gone-for-good")
            .scenario(long())
            .scale("0.003")
            .act(|running| {
                running.until("Progress monitoring started");
                running.network.api.add(Toxic::refuse());
                running.network.sockets.add(Toxic::refuse());
                running.network.api.reset_all();
                running.network.sockets.reset_all();
            })
            .exit(3)
            .saved(Saved::Nothing)
            .says("rhub watch 2000000000000000001"),
        Case::new("api-black-hole-for-a-while").act(|running| {
            running.until("Task initiated");
            running.network.api.add(Toxic::cut(0));
            running.until_over();
            running.network.api.clear();
        }),
    ]
}
