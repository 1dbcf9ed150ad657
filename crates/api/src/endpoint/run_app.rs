//! `POST /task/openapi/ai-app/run`: makes a paid task of an AI app.

use runninghub_core::WebappId;
use serde::Serialize;
use serde_json::Value;

use super::{create::read, run_builder::run_builder, run_options::check_id};
use crate::{Client, Created, Error, RunOptions, http::Call};

/// Makes a paid task of an AI app. Made by [`Client::run_app`].
///
/// Sent once, with the three outcomes of [`Create`](crate::Create). Clients send the whole list of
/// [`GetApp`](crate::GetApp) back with changed values ([`AppField::with`](crate::AppField::with)); the values are text. The
/// results carry no workflow, and the workflow id in the socket's address is not the app's id. An unknown app is code 901.
#[must_use = "a request does nothing until it is awaited"]
pub struct RunApp {
    client: Client,
    fields: Fields,
    options: RunOptions,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    webapp_id: WebappId,
    node_info_list: Vec<Value>,
}

impl RunApp {
    pub(crate) fn new(client: Client, webapp_id: WebappId) -> Self {
        Self {
            client,
            fields: Fields { webapp_id, node_info_list: Vec::new() },
            options: RunOptions::default(),
        }
    }

    async fn send(self) -> Result<Created, Error> {
        let call = Call::create("run app", "/task/openapi/ai-app/run");
        check_id(&call, self.fields.webapp_id.as_str())?;
        self.options.check(&call)?;
        self.client.post_legacy(call, &self.json()?, read).await
    }
}

run_builder!(RunApp, "run app");
