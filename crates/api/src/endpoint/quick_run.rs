//! `POST /task/openapi/quick-ai-app/run`: makes a paid task of a quick-create app.

use runninghub_core::WebappId;
use serde::Serialize;
use serde_json::Value;

use super::{create::read, run_builder::run_builder, run_options::check_id};
use crate::{Client, Created, Error, RunOptions, http::Call};

/// Makes a paid task by Quick Create. Made by [`Client::quick_run`].
///
/// The code (`001`, `002`, `006`) chooses what is created; the models and styles of it are listed by
/// [`GetQuickStyles`](crate::GetQuickStyles). Sent once, with the three outcomes of [`Create`](crate::Create).
#[must_use = "a request does nothing until it is awaited"]
pub struct QuickRun {
    client: Client,
    fields: Fields,
    options: RunOptions,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    webapp_id: WebappId,
    quick_create_code: String,
    node_info_list: Vec<Value>,
}

impl QuickRun {
    pub(crate) fn new(client: Client, webapp_id: WebappId, code: String) -> Self {
        Self {
            client,
            fields: Fields { webapp_id, quick_create_code: code, node_info_list: Vec::new() },
            options: RunOptions::default(),
        }
    }

    async fn send(self) -> Result<Created, Error> {
        let call = Call::create("quick run", "/task/openapi/quick-ai-app/run");
        check_id(&call, self.fields.webapp_id.as_str())?;
        self.options.check(&call)?;
        self.client.post_legacy(call, &self.json()?, read).await
    }
}

run_builder!(QuickRun, "quick run");
