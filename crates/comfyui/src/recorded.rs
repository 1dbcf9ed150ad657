//! Parses responses that were recorded in an earlier run.

use runninghub_core::NodeFile;
use serde_json::Value;
use url::form_urlencoded;

use crate::{Finished, endpoint::history};

/// The finished prompt in the recorded body of `/history`, if it has that prompt.
pub fn read_finished(prompt_id: &str, history: &Value) -> Option<Finished> {
    history.get(prompt_id).filter(|entry| entry.is_object()).map(history::read)
}

/// The path and query of a file's URL, below that of its server.
pub fn view_path(file: &NodeFile) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(file.view_query()).finish();
    format!("/view?{query}")
}
