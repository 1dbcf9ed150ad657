//! `POST /openapi/v2/run/ai-app/{webappId}`: makes a paid task of an AI app, by the newer family.

use runninghub_core::WebappId;
use serde::Serialize;
use serde_json::Value;

use super::{create::read_bare, run_builder::run_builder, run_options::check_id};
use crate::{Client, Created, Error, RunOptions, http::Call};

/// Makes a paid task of an AI app. Made by [`Client::run_app_v2`].
///
/// The same as [`RunApp`](crate::RunApp) with the key in the header only: sent once, with the three outcomes of
/// [`Create`](crate::Create). The answer names no socket.
#[must_use = "a request does nothing until it is awaited"]
pub struct RunAppV2 {
    client: Client,
    webapp_id: WebappId,
    fields: Fields,
    options: RunOptions,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    node_info_list: Vec<Value>,
}

impl RunAppV2 {
    pub(crate) fn new(client: Client, webapp_id: WebappId) -> Self {
        Self {
            client,
            webapp_id,
            fields: Fields { node_info_list: Vec::new() },
            options: RunOptions::default(),
        }
    }

    async fn send(self) -> Result<Created, Error> {
        let call = Call::create("run app", format!("/openapi/v2/run/ai-app/{}", self.webapp_id.as_str()));
        check_id(&call, self.webapp_id.as_str())?;
        self.options.check(&call)?;
        self.client.post_v2(call, &self.json()?, read_bare).await
    }
}

run_builder!(RunAppV2, "run app");
