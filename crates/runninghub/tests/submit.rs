//! Submitting: checked before it is paid, sent once, and waited for when there is no slot.

mod common;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use common::{WORKFLOW, hub, key, sim, watch};
use runninghub::{ErrorKind, Phase, RunningHub, SubmitStep};
use runninghub_sim::{Fault, Rate};
use serde_json::json;

#[tokio::test]
async fn nothing_is_paid_for_a_mistake() {
    let sim = sim().start().await.expect("the simulator starts");
    let hub = hub(&sim);
    let mistakes = [
        hub.workflow(WORKFLOW).set("33", "seed", 1),
        hub.workflow(WORKFLOW).set("3", "sed", 1),
        hub.workflow(WORKFLOW).set("3", "seed", "many"),
        hub.workflow(WORKFLOW).set("3", "model", 1),
        hub.workflow(WORKFLOW).set_file("6", "text", "/nowhere/to/be.png"),
        hub.workflow(WORKFLOW)
            .node_info_list(vec![json!({"nodeId": "99", "fieldName": "x", "fieldValue": "1"})]),
        hub.workflow(WORKFLOW).node_info_list(vec![json!({"nodeId": "6"})]),
        hub.workflow_json(r#"{"nodes": [], "links": []}"#),
        hub.workflow_json("not json"),
    ];
    for mistake in mistakes {
        let error = mistake.submit().await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
        assert!(error.hint().is_some() || error.to_string().contains("no file"), "{error} has a hint");
    }
    let error = hub.workflow("1000000000000000000").submit().await.expect_err("no such workflow");
    assert_eq!(error.kind(), ErrorKind::Refused, "{error}");
    assert_eq!(sim.stats().creates, 0);
}

#[tokio::test]
async fn a_lost_answer_is_unknown_and_never_sent_again() {
    let sim =
        sim().fault(Fault::LostCreateAnswer(Rate::First(1))).start().await.expect("the simulator starts");
    let error = hub(&sim).workflow(WORKFLOW).submit().await.expect_err("nobody knows");
    assert_eq!(error.kind(), ErrorKind::SubmitUnknown);
    assert_eq!(sim.stats().creates, 1);
}

#[tokio::test]
async fn a_full_queue_is_waited_for() {
    let sim = sim().fault(Fault::QueueFull(2)).start().await.expect("the simulator starts");
    let hub = RunningHub::builder(key()).base_url(sim.base_url()).time_scale(0.01).build().expect("a hub");
    let steps = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&steps);
    let submit = hub.workflow(WORKFLOW).on_step(move |step| {
        told.lock().expect("not poisoned").push(match step {
            SubmitStep::Waiting { error, .. } => error.code().expect("the platform's"),
            _ => "sending".to_owned(),
        });
    });
    submit.submit().await.expect("accepted in the end");
    let steps = steps.lock().expect("not poisoned").join(" ");
    assert_eq!(steps, "sending 421 sending 421 sending");
    assert_eq!(sim.stats().creates, 1);
}

#[tokio::test]
async fn a_full_queue_can_be_given_up() {
    let sim = sim().fault(Fault::QueueFull(1000)).start().await.expect("the simulator starts");
    let hub = RunningHub::builder(key()).base_url(sim.base_url()).time_scale(0.01).build().expect("a hub");
    let submit = hub.workflow(WORKFLOW).queue_timeout(Duration::from_millis(300)).submit();
    let error = submit.await.expect_err("given up");
    assert_eq!((error.kind(), error.code().as_deref()), (ErrorKind::Refused, Some("421")));
    assert_eq!(sim.stats().creates, 0);
}

#[tokio::test]
async fn a_wrong_key_is_refused() {
    let sim = sim().start().await.expect("the simulator starts");
    let wrong = runninghub::ApiKey::new("ffffffffffffffffffffffffffffffff").expect("a key");
    let hub = RunningHub::builder(wrong).base_url(sim.base_url()).time_scale(0.01).build().expect("a hub");
    let error = hub.workflow(WORKFLOW).submit().await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(!format!("{error:?} {error}").contains("ffffffff"), "the key is not shown");
}

#[tokio::test]
async fn fields_and_own_workflows_reach_the_platform() {
    let sim = sim().speed(10.0).start().await.expect("the simulator starts");
    let hub = hub(&sim);
    let mut run = hub
        .workflow(WORKFLOW)
        .set("Prompt", "text", "a dog")
        .set("3", "seed", 7)
        .submit()
        .await
        .expect("accepted");
    assert_eq!(watch(&mut run).await.end.phase, Phase::Success);
    let text = hub.graph(&WORKFLOW.into()).await.expect("the workflow").text().to_owned();
    let mut run =
        hub.workflow_json(text).under(WORKFLOW).set("6", "text", "a bird").submit().await.expect("accepted");
    assert_eq!(watch(&mut run).await.end.phase, Phase::Success);
}
