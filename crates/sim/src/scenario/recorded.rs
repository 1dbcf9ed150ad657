//! The kind of a recorded run: workflow, app or model, according to its requests.

use std::{path::Path, time::Duration};

use bytes::Bytes;
use runninghub_transport::{HttpRow, Recording};
use serde_json::Value;

use super::{End, File, Scenario, ScriptNode, extension, made_up};
use crate::{App, Error, ErrorKind, Model};

/// The paths of requests that start something, up to its name.
const MODEL: &str = "/openapi/v2/";
const RUN_WORKFLOW: &str = "/openapi/v2/run/workflow/";
const RUN_APP: &str = "/openapi/v2/run/ai-app/";

/// A recorded run, ready to be served under the id it was recorded with.
#[derive(Clone, Debug)]
pub enum Recorded {
    /// Of a workflow.
    Workflow(Scenario),
    /// Of an AI app, with its form.
    App(App),
    /// Of a model. Every body is accepted.
    Model(Model),
}

/// The task that a request started.
enum Started {
    Workflow(Option<String>),
    App(String),
    Model(String),
}

impl Recorded {
    /// Reads a recording.
    ///
    /// # Errors
    /// [`ErrorKind::Scenario`] if a file cannot be read, or nothing ran.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let unreadable = |error| Error::unreadable(path, error);
        let http = Recording::open(path).and_then(|recording| recording.http()).map_err(unreadable)?;
        let started = http.iter().enumerate().rev().find_map(|(at, row)| Some((at, started(row)?)));
        Ok(match started {
            Some((at, Started::Model(endpoint))) => {
                let run = Run::of(&http, at).ok_or_else(|| {
                    Error::new(ErrorKind::Scenario, "the recording stops before the end of the run")
                })?;
                Self::Model(Model::recorded(endpoint.clone(), run.scenario(&endpoint), run.price))
            }
            Some((at, Started::App(id))) => {
                let run = || Run::of(&http, at).map(|run| run.scenario(&id));
                // Without a socket, its end is all there is.
                let scenario = Scenario::load(path).or_else(|error| run().ok_or(error))?;
                Self::App(App::recorded(id, scenario, http.iter().find_map(form)))
            }
            Some((_, Started::Workflow(id))) => Self::Workflow(Scenario { id, ..Scenario::load(path)? }),
            None => Self::Workflow(Scenario::load(path)?),
        })
    }
}

/// The task that a request started, if it was accepted.
fn started(row: &HttpRow) -> Option<Started> {
    let path = row.path.split('?').next().unwrap_or_default();
    let answer: Value = serde_json::from_str(&row.text).ok()?;
    let body: Value =
        row.body.as_ref().and_then(|body| serde_json::from_str(body.get()).ok()).unwrap_or_default();
    let has_task = answer["taskId"].is_string() || answer["data"]["taskId"].is_string();
    if row.method != "POST" || !has_task {
        return None;
    }
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    match path {
        "/task/openapi/create" => Some(Started::Workflow(text("workflowId"))),
        "/task/openapi/ai-app/run" | "/task/openapi/quick-ai-app/run" => text("webappId").map(Started::App),
        "/openapi/v2/query" => None,
        _ => {
            if let Some(id) = path.strip_prefix(RUN_WORKFLOW) {
                return Some(Started::Workflow(Some(id.to_owned())));
            }
            if let Some(id) = path.strip_prefix(RUN_APP) {
                return Some(Started::App(id.to_owned()));
            }
            path.strip_prefix(MODEL).map(|endpoint| Started::Model(endpoint.to_owned()))
        }
    }
}

/// The fields of the app's form.
fn form(row: &HttpRow) -> Option<Vec<Value>> {
    let mut answer: Value = serde_json::from_str(&row.text).ok()?;
    let is_form = row.path.starts_with("/api/webapp/apiCallDemo");
    let Value::Array(fields) = answer["data"]["nodeInfoList"].take() else { return None };
    is_form.then_some(fields)
}

/// A run as its polls report it.
struct Run {
    took: Duration,
    end: End,
    files: Vec<File>,
    price: Option<String>,
}

impl Run {
    /// The run that the request at this index started; `None` if its end isn't recorded.
    fn of(http: &[HttpRow], at: usize) -> Option<Self> {
        let (start, later) = http.get(at..)?.split_first()?;
        let began = start.at_ms + start.took_ms;
        // A quick task is over in its first response.
        std::iter::once(start).chain(later).find_map(|row| {
            let answer: Value = serde_json::from_str(&row.text).ok()?;
            let legacy = answer["data"].as_array().filter(|_| row.path.ends_with("/outputs"));
            let end = match answer["status"].as_str() {
                Some("SUCCESS") => End::Success,
                Some("FAILED" | "CANCEL") => End::Failed(None),
                _ if legacy.is_some() => End::Success,
                _ => return None,
            };
            let results = legacy.or_else(|| answer["results"].as_array());
            let usage = legacy.and_then(|results| results.first()).unwrap_or(&answer["usage"]);
            let price = usage["thirdPartyConsumeMoney"].as_str().map(str::to_owned);
            let files = results.into_iter().flatten().zip(1..).map(|(result, number)| file(result, number));
            let took = Duration::try_from_secs_f64((row.at_ms + row.took_ms - began) / 1000.0);
            Some(Self { took: took.unwrap_or_default(), end, files: files.collect(), price })
        })
    }

    fn scenario(&self, name: &str) -> Scenario {
        let node = ScriptNode::new("1", "Model").takes(self.took);
        let script = Scenario::script(name).node(node).build();
        Scenario { files: self.files.clone().into(), end: self.end.clone(), ..script }
    }
}

/// A result; its content isn't recorded, unless it is text.
fn file(result: &Value, number: usize) -> File {
    let text = |name: &str| result[name].as_str();
    let node_id = text("nodeId").unwrap_or("1").to_owned();
    if let Some(text_file) = text("text") {
        let content = Bytes::from(text_file.to_owned());
        return File { node_id, name: format!("text-{number}.txt"), content };
    }
    let link = text("url").or_else(|| text("fileUrl")).unwrap_or_default();
    let name = link.split('?').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    let kind = text("outputType").or_else(|| text("fileType")).unwrap_or("bin");
    let is_plain = !extension(name).is_empty() && !name.contains('\\');
    let name = if is_plain { name.to_owned() } else { format!("result-{number}.{kind}") };
    File { node_id, content: made_up(&name), name }
}
