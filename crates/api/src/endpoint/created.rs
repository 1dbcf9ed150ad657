//! The response to a create.

use runninghub_core::{ClientId, NodeError, NodeId, SocketUrl, TaskId, TaskStatus, Untrusted, is_task_id};
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use crate::{Error, envelope::Envelope, http::Answer, lenient, observation};

/// An accepted task.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CreatedTask {
    /// The task, which is paid for from now on.
    pub task_id: TaskId,
    /// Its initial status.
    pub status: TaskStatus,
    /// The socket URL, if the task is already running; otherwise it has to be polled for.
    pub socket: Option<SocketUrl>,
    /// For debugging only.
    pub client_id: Option<ClientId>,
    /// The messages of the workflow's validation.
    pub tips: PromptTips,
}

/// The messages of a workflow's validation. A task can be accepted although some of its nodes are invalid: their
/// outputs will be missing.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PromptTips {
    /// The output nodes that will run; `None` if the response does not list them.
    pub outputs_to_execute: Option<Vec<NodeId>>,
    /// Errors of nodes.
    pub node_errors: Vec<NodeError>,
    /// The error of the workflow as a whole.
    pub error: Option<Untrusted>,
}

/// Parses the response of the legacy family.
pub(crate) fn read(answer: &Answer) -> Result<CreatedTask, Error> {
    let envelope = answer.envelope()?;
    if envelope.failure().is_some() {
        return Err(answer.refusal_with(&envelope, Complaints::of(envelope.data)));
    }
    created(&lenient::entries(envelope.data), "taskStatus").ok_or_else(|| answer.unexpected("data.taskId"))
}

/// Parses the bare task object of the v2 family, or one inside `{code, data}` as some gateways wrap it. A task in
/// the response always counts; without one, a code gives the reason.
pub(crate) fn read_bare(answer: &Answer) -> Result<CreatedTask, Error> {
    let envelope = answer.success()?;
    let outer: Box<RawValue> = answer.object()?;
    [Some(&*outer), envelope.data]
        .into_iter()
        .find_map(|raw| created(&lenient::entries(raw), "status"))
        .ok_or_else(|| {
            let refused = |message: &Envelope<'_>| Some(answer.refused_with(&message.error_code()?, message));
            refused(&envelope)
                .or_else(|| refused(&envelope.inner()?))
                .unwrap_or_else(|| answer.unexpected("taskId"))
        })
}

/// Every field stays raw until it is read: an error in another field must not lose the task id. The last of
/// duplicate fields wins, as in most languages.
fn created(fields: &[(String, Box<RawValue>)], status: &str) -> Option<CreatedTask> {
    let field = |name: &str| fields.iter().rev().find(|(key, _)| key == name).map(|(_, raw)| &**raw);
    Some(CreatedTask {
        // It will be part of URLs, file names and commands.
        task_id: lenient::scalar(field("taskId")).filter(|id| is_task_id(id))?.into(),
        status: lenient::scalar(field(status)).map_or(TaskStatus::Queued, |word| TaskStatus::parse(&word)),
        socket: observation::socket(field("netWssUrl")),
        client_id: lenient::scalar(field("clientId")).map(Into::into),
        tips: tips(field("promptTips")),
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tips {
    outputs_to_execute: Option<Box<RawValue>>,
    node_errors: Option<Box<RawValue>>,
    error: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Complaint {
    #[serde(default, deserialize_with = "lenient::filled")]
    message: Option<String>,
    #[serde(default, deserialize_with = "lenient::filled")]
    details: Option<String>,
}

/// The errors in a refusal (433), in `promptTips` or in its place.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    pub(crate) general: Option<Untrusted>,
    pub(crate) nodes: Vec<NodeError>,
}

impl Complaints {
    pub(crate) fn of(data: Option<&RawValue>) -> Self {
        let fields = lenient::entries(data);
        let inside = fields.iter().rev().find(|(key, _)| key == "promptTips").map(|(_, raw)| &**raw);
        let tips = tips(inside.or(data));
        Self { general: tips.error, nodes: tips.node_errors }
    }

    /// All of them as one message; empty if there are none.
    pub(crate) fn text(&self) -> String {
        let general = self.general.iter().map(|error| error.raw().to_owned());
        let nodes = NodeError::sentences(&self.nodes).map(|sentence| sentence.to_string());
        general.chain(nodes).collect::<Vec<_>>().join("; ")
    }
}

/// Parses JSON in a string, an object, empty text or `null`.
fn tips(raw: Option<&RawValue>) -> PromptTips {
    let tips: Tips = lenient::object(raw).unwrap_or_default();
    let node_errors = lenient::entries(tips.node_errors.as_deref());
    PromptTips {
        outputs_to_execute: lenient::list(tips.outputs_to_execute.as_deref())
            .map(|ids| ids.iter().filter_map(|id| lenient::scalar(Some(id)).map(Into::into)).collect()),
        node_errors: node_errors.iter().flat_map(|(node, raw)| of_node(&node.as_str().into(), raw)).collect(),
        error: tips.error.as_deref().map(complaint),
    }
}

/// Parses ComfyUI's errors of a node; anything else is kept unchanged.
fn of_node(node: &NodeId, raw: &RawValue) -> Vec<NodeError> {
    let known: Option<Value> = lenient::object::<Map<String, Value>>(Some(raw)).map(Value::Object);
    NodeError::read(node, &known.unwrap_or_else(|| complaint(raw).raw().into()))
}

fn complaint(raw: &RawValue) -> Untrusted {
    let known: Option<Complaint> = lenient::object(Some(raw));
    let text = known.and_then(|known| match (known.message, known.details) {
        (Some(message), Some(details)) => Some(format!("{message}: {details}")),
        (message, details) => message.or(details),
    });
    text.or_else(|| lenient::scalar(Some(raw))).unwrap_or_else(|| raw.get().to_owned()).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        CreateOutcome, Retry,
        http::tests::{create_with, error_with},
    };

    /// The responses that prove that no task was created.
    const LISTED: &str = "301 380 412 415 416 421 433 435 436 801 802 803 806 810 811 812 814 901 1001 1002 1003 \
                          1007 1011 1014 1101 1501 1505 1520 1601";

    fn outcome(text: &str) -> Option<CreateOutcome> {
        create_with(text, read_bare).expect_err(text).create_outcome()
    }

    fn get(data: &str) -> CreatedTask {
        create_with(&format!(r#"{{"code":0,"msg":"success","data":{data}}}"#), read)
            .unwrap_or_else(|error| panic!("{data}: {error}"))
    }

    #[test]
    fn comfyuis_json_as_the_message_is_read() {
        let message = r#"{"code":433,"msg":"{\"error\":{\"message\":\"Prompt outputs failed validation\"},\"node_errors\":{\"3\":{\"errors\":[{\"message\":\"Value not in list\",\"details\":\"sampler_name\"}]}}}","data":null}"#;
        let error = create_with(message, read).expect_err("refused").to_string();
        assert!(
            error.contains("(Prompt outputs failed validation; node 3: Value not in list (sampler_name))"),
            "{error}"
        );
    }

    #[test]
    fn a_queued_and_a_running_task() {
        let queued = get(
            r#"{"netWssUrl":null,"taskId":"2000000000000000001","clientId":"ab","taskStatus":"CREATE",
                "promptTips":"{\"result\": true, \"error\": null, \"outputs_to_execute\": [\"9\", 57], \"node_errors\": {}}"}"#,
        );
        assert_eq!(queued.task_id, "2000000000000000001".into());
        assert_eq!((queued.status, queued.client_id), (TaskStatus::Queued, Some("ab".into())));
        assert!(queued.socket.is_none() && queued.tips.node_errors.is_empty() && queued.tips.error.is_none());
        assert_eq!(queued.tips.outputs_to_execute, Some(vec!["9".into(), "57".into()]));
        let running =
            get(r#"{"netWssUrl":"wss://h/?a=%3D%3D","taskId":1904154698679771137,"taskStatus":"RUNNING"}"#);
        assert_eq!(running.task_id, "1904154698679771137".into());
        assert_eq!(running.socket.expect("an address").expose(), "wss://h/?a=%3D%3D");
    }

    #[test]
    fn nothing_costs_the_task_id() {
        for data in [
            r#"{"taskId":"7","promptTips":"","clientId":null}"#,
            r#"{"taskId":"7","promptTips":"{","taskStatus":3,"netWssUrl":{}}"#,
            r#"{"taskId":"7","promptTips":[],"clientId":"\ud800","taskStatus":""}"#,
            r#"{"taskId":"7","promptTips":1e999,"netWssUrl":[1e999]}"#,
            r#"{"taskId":" 7 ","more":{"a":["\ud800"]}}"#,
            r#"{"clientId":1,"taskId":"6","clientId":2,"taskId":"7","netWssUrl":{},"netWssUrl":null}"#,
        ] {
            assert_eq!(get(data).task_id, "7".into(), "{data}");
        }
        let other_success = r#"{"code":200,"message":"ok","data":{"taskId":7}}"#;
        assert_eq!(create_with(other_success, read).expect("accepted").task_id, "7".into());
    }

    #[test]
    fn an_accepted_task_may_be_broken() {
        let tips = get(
            r#"{"taskId":"7","promptTips":{"error":{"type":"prompt_outputs_failed_validation","message":"Some failed","details":""},
                "node_errors":{"3":{"errors":[{"message":"Value not in list","details":"ckpt_name"},{"message":"b"}],"class_type":"K"},
                "4":"broken","5":{"what":1}}}}"#,
        )
        .tips;
        assert_eq!(tips.error, Some("Some failed".into()));
        let said: Vec<_> = NodeError::sentences(&tips.node_errors).map(|said| said.to_string()).collect();
        let broken = [r"node 4: broken", r#"node 5: {"what":1}"#];
        assert_eq!(said, ["node 3 (K): Value not in list (ckpt_name), b", broken[0], broken[1]]);
    }

    #[test]
    fn without_a_task_id_nothing_is_known() {
        for text in [
            r#"{"code":0,"msg":"success","data":null}"#,
            r#"{"code":0,"data":{"taskId":null}}"#,
            r#"{"code":0,"data":{"taskId":""}}"#,
            r#"{"code":0,"data":["7"]}"#,
            r#"{"code":0}"#,
            r#"{"data":{}}"#,
            r#"{"code":99999,"msg":"new"}"#,
            r#"{"code":500}"#,
            r#"{"code":0,"data":{"taskId":"7""#,
            "<html><title>502</title></html>",
            "[]",
            "",
        ] {
            let error = create_with(text, read).expect_err(text);
            assert_eq!(error.create_outcome(), Some(CreateOutcome::Unknown), "{text}");
            assert_eq!(error.retry(), Retry::Ambiguous, "{text}");
        }
        let refused = error_with(401, r#"{"code":-1,"msg":"ApiKey verification failed"}"#, read);
        assert_eq!(refused.create_outcome(), Some(CreateOutcome::Refused));
        assert_eq!(error_with(401, "no", read).create_outcome(), Some(CreateOutcome::Unknown));
    }

    #[test]
    fn a_refusal_names_the_nodes() {
        let tips = r#"{"error":null,"node_errors":{"4":{"errors":[{"message":"Value not in list","details":"ckpt_name"}]}}}"#;
        let quoted = serde_json::to_string(tips).expect("text");
        for data in [
            format!(r#"{{"promptTips":{quoted}}}"#),
            format!(r#"{{"promptTips":{tips}}}"#),
            tips.to_owned(),
            quoted,
        ] {
            let text = format!(r#"{{"code":433,"msg":"VALIDATE_PROMPT_FAILED","data":{data}}}"#);
            let error = create_with(&text, read).expect_err("refused");
            assert_eq!(error.create_outcome(), Some(CreateOutcome::Refused));
            let message = error.to_string();
            assert!(message.contains("FAILED: node 4: Value not in list (ckpt_name)"), "{message}");
        }
        let error = create_with(r#"{"code":433,"msg":"no","data":null}"#, read).expect_err("refused");
        assert!(error.to_string().ends_with("(no)"), "{error}");
    }

    #[test]
    fn a_response_with_a_task_id_is_never_a_refusal() {
        for (status, text) in [
            (200, r#"{"code":421,"msg":"TASK_QUEUE_MAXED","data":{"taskId":"7"}}"#),
            (200, r#"{"code":433,"data":"{\"taskId\":7}"}"#),
            (200, r#"{"errorCode":"1007","errorMessage":"bad","taskId":"7"}"#),
            (401, r#"{"code":-1,"data":{"taskId":7}}"#),
            (502, r#"{"code":0,"data":{"taskId":"7"}}"#),
        ] {
            for read in [read, read_bare] {
                let error = error_with(status, text, read);
                assert_eq!(error.create_outcome(), Some(CreateOutcome::Unknown), "{text}");
                assert_eq!(error.retry(), Retry::Ambiguous, "{text}");
                assert_eq!(error.task(), Some(&"7".into()), "{text}");
            }
        }
        for text in
            [r#"{"code":421,"data":{"taskId":""}}"#, r#"{"errorCode":"1007","taskId":null,"data":{}}"#]
        {
            let error = error_with(200, text, read);
            assert_eq!(
                (error.create_outcome(), error.task()),
                (Some(CreateOutcome::Refused), None),
                "{text}"
            );
        }
    }

    #[test]
    fn a_bare_answer_may_be_wrapped() {
        for (text, task) in [
            (r#"{"taskId":"7","status":"QUEUED","errorCode":""}"#, "7"),
            (r#"{"code":0,"data":{"taskId":"7","status":"QUEUED"}}"#, "7"),
            (r#"{"code":0,"data":{"taskId":"7","errorCode":"1007"}}"#, "7"),
        ] {
            assert_eq!(create_with(text, read_bare).expect(text).task_id, task.into());
        }
        for text in [
            r#"{"errorCode":"1007","errorMessage":"bad"}"#,
            r#"{"code":0,"data":{"errorCode":"1007","errorMessage":"bad"}}"#,
            r#"{"code":0,"errorCode":"0","data":{"taskId":"","errorCode":1007,"errorMessage":"bad"}}"#,
        ] {
            let error = create_with(text, read_bare).expect_err(text);
            assert_eq!(error.create_outcome(), Some(CreateOutcome::Refused), "{text}");
            assert!(error.to_string().contains("bad"), "{error}");
        }
        let unknown = create_with(r#"{"code":0,"data":{"errorCode":"0"}}"#, read_bare).expect_err("no task");
        assert_eq!(unknown.create_outcome(), Some(CreateOutcome::Unknown));
    }

    #[test]
    fn a_task_is_accepted_running_or_over() {
        for (text, status) in [
            (
                r#"{"taskId":"7","status":"RUNNING","errorCode":"","errorMessage":"","results":null}"#,
                TaskStatus::Running,
            ),
            (r#"{"taskId":7,"status":"success","results":[{"url":"https://h/a.png"}]}"#, TaskStatus::Success),
            (
                r#"{"taskId":"7","status":"FAILED","errorCode":"1501","errorMessage":"no"}"#,
                TaskStatus::Failed,
            ),
            (r#"{"taskId":"7","errorCode":null}"#, TaskStatus::Queued),
            (r#"{"code":0,"message":"success","data":{"taskId":"7","status":"QUEUED"}}"#, TaskStatus::Queued),
            (r#"{"taskId":"7","status":{},"clientId":1e999,"news":["\ud800"]}"#, TaskStatus::Queued),
        ] {
            let created = create_with(text, read_bare).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((created.task_id.as_str(), created.status), ("7", status), "{text}");
        }
    }

    #[test]
    fn without_a_task_it_is_refused_by_a_code_of_the_list_or_unknown() {
        for text in [
            r#"{"errorCode":"1014","errorMessage":"enterprise only"}"#,
            r#"{"errorCode":1007,"errorMessage":"Invalid parameters"}"#,
            r#"{"code":1520,"msg":"busy"}"#,
            r#"{"taskId":"","status":"FAILED","errorCode":"1007","errorMessage":"Invalid parameters"}"#,
        ] {
            assert_eq!(outcome(text), Some(CreateOutcome::Refused), "{text}");
        }
        for text in [
            r#"{"errorCode":"1000","errorMessage":"unknown"}"#,
            r#"{"taskId":null,"status":"QUEUED","errorCode":""}"#,
            r#"{"status":"FAILED","errorCode":"1005"}"#,
            r#"{"code":0,"data":null}"#,
            "{}",
            "[]",
            "",
            "<html>",
        ] {
            assert_eq!(outcome(text), Some(CreateOutcome::Unknown), "{text}");
        }
        let busy = create_with(r#"{"errorCode":"1011"}"#, read_bare).expect_err("busy");
        assert!(matches!(busy.retry(), Retry::Safe { .. }));
        assert_eq!(error_with(502, "", read_bare).create_outcome(), Some(CreateOutcome::Unknown));
    }

    proptest! {
        #[test]
        fn accepted_means_a_task_id_in_the_newer_family_too(text in r#"(\{|\}|\[|\]|,|:|"|null|0|7|"code"|"taskId"|"data"|"status"|"errorCode"|\\ud800)*"#) {
            match create_with(&text, read_bare) {
                Ok(created) => prop_assert!(!created.task_id.as_str().is_empty()),
                Err(error) => prop_assert!(error.create_outcome().is_some()),
            }
        }

        #[test]
        fn accepted_means_a_task_id(text in r#"(\{|\}|\[|\]|,|:|"|null|0|7|"code"|"taskId"|"data"|"promptTips"|\\ud800)*"#) {
            match create_with(&text, read) {
                Ok(created) => prop_assert!(!created.task_id.as_str().is_empty()),
                Err(error) => prop_assert!(error.create_outcome().is_some()),
            }
        }

        /// Compares every rule with an independent implementation: only a task id is a success, and only the listed
        /// codes are a refusal.
        #[test]
        fn three_outcomes(
            status in prop_oneof![Just(200_u16), Just(401), Just(429), Just(502), 100..600_u16],
            wait in prop::option::of(prop_oneof![Just("7"), Just("soon"), Just("Wed, 21 Oct 2026 07:28:00 GMT")]),
            code in prop_oneof![
                Just("0".to_owned()), Just("\"0\"".to_owned()), Just("200".to_owned()), Just("null".to_owned()),
                (-1..2000_i32).prop_map(|code| code.to_string()),
                proptest::sample::select(LISTED.split(' ').collect::<Vec<_>>()).prop_map(|code| format!("\"{code}\"")),
                "\"[a-zA-Z0-9_ ]{0,9}\"",
            ],
            data in prop_oneof![
                Just("null"), Just("{}"), Just(r#"{"taskId":"7"}"#), Just(r#"{"taskId":""}"#), Just(r#"["7"]"#),
                Just(r#"{"taskId":NaN}"#), Just(r#"{"taskId":7,"promptTips":"{"}"#),
            ],
            shape in 0..5_usize,
        ) {
            let text = match shape {
                0 | 1 => format!(r#"{{"code":{code},"msg":"m","data":{data}}}"#),
                2 => format!(r#"{{"errorCode":{code},"errorMessage":"m","taskId":"7"}}"#),
                3 => format!(r#"{{"code":{code},"data":{data}"#),
                _ => format!("<html><title>{code}</title>{data}"),
            };
            let said = code.trim_matches('"').trim();
            let is_answer = shape < 3;
            let has_code = is_answer && !matches!(said, "null" | "");
            let is_success = shape < 2 && matches!(said, "0" | "200");
            let is_failure = has_code && !is_success && !(shape == 2 && said == "0");
            // A task id without any code is a task: it may be paid for, and it can be followed.
            let accepted = shape < 2
                && !is_failure
                && (200..300).contains(&status)
                && data.starts_with("{\"taskId\":")
                && data.contains('7');
            let names_task = shape == 2 || shape < 2 && data.starts_with("{\"taskId\":") && data.contains('7');
            let refused = !names_task && (is_failure && (LISTED.split(' ').any(|listed| listed == said) || matches!(status, 401 | 429))
                || !is_failure && !(200..300).contains(&status) && matches!(status, 401 | 429) && wait.is_some_and(|wait| wait != "soon"));
            match crate::read_created(status, wait, &text) {
                Ok(created) => prop_assert!(accepted && created.task_id.as_str() == "7", "{status} {text}"),
                Err(error) => {
                    prop_assert!(!accepted, "{status} {text}: {error}");
                    let expected = if refused { CreateOutcome::Refused } else { CreateOutcome::Unknown };
                    prop_assert_eq!(error.task().is_some(), names_task, "{}", text);
                    prop_assert_eq!(error.create_outcome(), Some(expected), "{} {:?} {}: {}", status, wait, text, error);
                    let again = matches!(error.retry(), Retry::Safe { .. });
                    prop_assert!(!again || refused && error.class().is_transient(), "{status} {text}");
                }
            }
        }

        #[test]
        fn any_tips_are_read(text in ".*") {
            tips(Some(&serde_json::value::to_raw_value(&text).expect("a string")));
        }
    }
}
