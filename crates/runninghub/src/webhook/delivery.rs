//! Parses a delivery.

use runninghub_core::{TaskId, is_task_id};
use serde::Deserialize;

/// `{"event":"TASK_END","taskId":"…","eventData":…}`. `eventData` has been seen as text, as an object and missing;
/// it is ignored, since anyone can send a delivery.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delivery {
    task_id: TaskId,
}

/// The task that a delivery is for; `None` if it has no valid task id.
pub(super) fn task(body: &[u8]) -> Option<TaskId> {
    let delivery: Delivery = serde_json::from_slice(body).ok()?;
    is_task_id(delivery.task_id.as_str()).then_some(delivery.task_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_names_its_task() {
        for body in [
            r#"{"event":"TASK_END","taskId":"1904154698679771137","eventData":"{\"code\":0}"}"#,
            r#"{"event":"TASK_END","taskId":1904154698679771137,"eventData":{"status":"SUCCESS"}}"#,
            r#"{"taskId":"1904154698679771137","status":"SUCCESS","results":null}"#,
        ] {
            assert_eq!(task(body.as_bytes()), Some("1904154698679771137".into()), "{body}");
        }
        for body in [
            "",
            "[]",
            "{}",
            r#"{"taskId":""}"#,
            r#"{"taskId":"../etc"}"#,
            r#"{"taskId":"$(id)"}"#,
            r#"{"taskId":{"a":1}}"#,
        ] {
            assert_eq!(task(body.as_bytes()), None, "{body}");
        }
    }
}
