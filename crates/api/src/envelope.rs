//! The four formats of a response, parsed by one type.
//!
//! 1. legacy: `{"code":0,"msg":"…","data":…}` · 2. v2 upload: `message` instead of `msg` · 3. a bare task object with
//!    `status` and `errorCode` · 4. a bare error object with only `errorCode`.
//!
//! Every field stays raw here, so that one invalid value does not affect the others. `msg` never decides: it has
//! been `success`, `SUCCESS` and empty on success.

use runninghub_core::TaskId;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Code, lenient};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Envelope<'a> {
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow)]
    msg: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    error_messages: Option<&'a RawValue>,
    #[serde(borrow)]
    error_code: Option<&'a RawValue>,
    #[serde(borrow)]
    error_message: Option<&'a RawValue>,
    #[serde(borrow)]
    status: Option<&'a RawValue>,
    /// The payload of formats 1 and 2; `null` is `None`.
    #[serde(borrow)]
    pub(crate) data: Option<&'a RawValue>,
}

impl<'a> Envelope<'a> {
    /// `None` if the text is not a JSON object.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        text.trim_start().starts_with('{').then(|| serde_json::from_str(text).ok())?
    }

    /// Whether the response explicitly reports success. Newer endpoints have been seen to use `200` for `0`.
    pub(crate) fn is_success(&self) -> bool {
        lenient::scalar(self.code).is_some_and(|code| matches!(code.as_str(), "0" | "200"))
    }

    /// The code, unless it means success. The `errorCode` of a task object is the task's, not the call's.
    pub(crate) fn failure(&self) -> Option<Code> {
        match lenient::scalar(self.code) {
            Some(_) if self.is_success() => None,
            Some(code) => Some(Code::new(code)),
            None if lenient::scalar(self.status).is_some() => None,
            None => self.error_code(),
        }
    }

    /// The v2 `errorCode`, unless it means success: of the call, or of the task.
    pub(crate) fn error_code(&self) -> Option<Code> {
        lenient::scalar(self.error_code).filter(|code| code != "0").map(Code::new)
    }

    /// Whether there is a v2 `errorCode`, empty or not.
    pub(crate) fn has_error_code(&self) -> bool {
        self.error_code.is_some()
    }

    /// The payload as a nested response, in which gateways wrap the bare objects of v2.
    pub(crate) fn inner(&self) -> Option<Self> {
        Self::parse(self.data?.get())
    }

    /// All messages in the response.
    pub(crate) fn message(&self) -> String {
        let mut messages: Vec<String> = Vec::new();
        for raw in [self.msg, self.message, self.error_message, self.error_messages].into_iter().flatten() {
            let text = lenient::scalar(Some(raw))
                .or_else(|| raw.get().starts_with('[').then(|| raw.get().to_owned()));
            messages.extend(text.filter(|text| text != "[]" && !messages.contains(text)));
        }
        messages.join(": ")
    }
}

/// The task that a response names, in any field and regardless of the rest.
pub(crate) fn named_task(text: &str) -> Option<TaskId> {
    let outer: Box<RawValue> = serde_json::from_str(text).ok()?;
    let id = |fields: &[(String, Box<RawValue>)]| {
        let ids = fields.iter().rev().filter(|(name, _)| name == "taskId");
        ids.filter_map(|(_, raw)| lenient::scalar(Some(raw))).find(|id| id != "0").map(TaskId::from)
    };
    let fields = lenient::entries(Some(&outer));
    let mut data = fields.iter().rev().filter(|(name, _)| name == "data");
    id(&fields).or_else(|| data.find_map(|(_, raw)| id(&lenient::entries(Some(raw)))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> (Option<String>, String) {
        let envelope = Envelope::parse(text).expect("an object");
        (envelope.failure().map(|code| code.as_str().to_owned()), envelope.message())
    }

    #[test]
    fn the_four_shapes_and_the_drift_of_the_code() {
        let failure = |text| read(text).0;
        assert_eq!(failure(r#"{"code":0,"msg":"","errorMessages":null,"data":null,"more":[]}"#), None);
        assert_eq!(failure(r#"{"code":"0","message":"success","data":{}}"#), None);
        assert_eq!(failure(r#"{"code":0.0,"data":[]}"#), None);
        assert_eq!(failure(r#"{"code":200,"msg":"SUCCESS"}"#), None);
        assert_eq!(failure(r#"{"taskId":"1","status":"FAILED","errorCode":"1000"}"#), None);
        assert_eq!(failure(r#"{"errorCode":"","errorMessage":""}"#), None);
        assert_eq!(failure(r#"{"errorCode":1601,"errorMessage":"no"}"#), Some("1601".into()));
        assert_eq!(failure(r#"{"code":"421","msg":"TASK_QUEUE_MAXED"}"#), Some("421".into()));
        assert_eq!(failure(r#"{"code":-1}"#), Some("-1".into()));
        assert_eq!(failure(r#"{"code":"E_NEW","msg":"\ud800"}"#), Some("E_NEW".into()));
    }

    #[test]
    fn the_message_comes_from_wherever_it_is() {
        assert_eq!(read(r#"{"code":1,"msg":"a","message":"a","errorMessages":["b"]}"#).1, r#"a: ["b"]"#);
        assert_eq!(read(r#"{"errorCode":"1601","errorMessage":"bad key"}"#).1, "bad key");
        assert_eq!(read(r#"{"code":1,"msg":null,"errorMessages":[]}"#).1, "");
    }

    #[test]
    fn other_texts_are_not_an_envelope() {
        for text in ["", "[]", "null", "<html>", "{", "{\"code\":0}x"] {
            assert!(Envelope::parse(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "\\PC*", tail in "(>|é|\\{|\"code\"|:|\\[|1e999|\\\\ud800)*") {
            for text in [&text, &tail] {
                if let Some(envelope) = Envelope::parse(text) {
                    envelope.failure();
                    envelope.message();
                }
            }
        }
    }
}
