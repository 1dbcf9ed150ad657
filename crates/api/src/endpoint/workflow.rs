//! `POST /api/openapi/getJsonApiFormat`: a saved workflow in API format.

use runninghub_core::WorkflowId;
use serde::Deserialize;
use serde_json::{json, value::RawValue};

use crate::{
    Client, Error,
    http::{Answer, Call},
    lenient,
};

impl Client {
    /// Fetches a saved workflow. Returns its JSON text, in ComfyUI's API format.
    ///
    /// # Errors
    /// When there is no response, or the platform refuses the request.
    pub async fn workflow(&self, workflow_id: &WorkflowId) -> Result<String, Error> {
        let call = Call::repeatable("workflow", "/api/openapi/getJsonApiFormat");
        self.post_legacy(call, &json!({ "workflowId": workflow_id }), read).await
    }
}

#[derive(Deserialize)]
struct Data {
    prompt: Option<Box<RawValue>>,
}

/// The workflow is JSON inside a string; an object is accepted too.
fn read(answer: &Answer) -> Result<String, Error> {
    let prompt = answer.data::<Data>()?.prompt;
    let prompt = prompt.as_deref();
    lenient::scalar(prompt)
        .or_else(|| Some(prompt?.get().to_owned()).filter(|json| json.starts_with('{')))
        .ok_or_else(|| answer.unexpected("data.prompt"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::tests::read_with;

    #[test]
    fn a_workflow_is_text_or_an_object_but_never_missing() {
        let get = |data: &str| read_with(&format!(r#"{{"code":0,"msg":"SUCCESS","data":{data}}}"#), read);
        assert_eq!(get(r#"{"prompt":"{\"3\":{}}"}"#).expect("text"), r#"{"3":{}}"#);
        assert_eq!(get(r#"{"prompt":{"3":{}}}"#).expect("an object"), r#"{"3":{}}"#);
        for missing in ["null", "{}", r#"{"prompt":null}"#, r#"{"prompt":""}"#, r#"{"prompt":[]}"#, "[]"] {
            get(missing).expect_err(missing);
        }
    }
}
