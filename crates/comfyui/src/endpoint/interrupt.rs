//! `POST /interrupt`.

use serde_json::json;

use crate::{Client, Error, http::Call};

pub(crate) async fn post(client: &Client, prompt_id: &str) -> Result<(), Error> {
    let call = Call { name: "interrupt", segments: &["interrupt"] };
    client.post(&call, json!({ "prompt_id": prompt_id }).to_string()).await?.done()
}
