//! Workflows in the editor's format: converted with the classes of the server.

use std::{collections::HashMap, sync::Arc};

use runninghub_comfyui::{ClassInfo, EditorWorkflow};
use runninghub_core::{editor_workflow, say};
use serde_json::{Map, Value};

use super::comfy::{Comfy, Server};
use crate::{Error, Workflow};

impl Comfy {
    /// Converts a workflow in the editor's format to API format, as JSON text. The server describes the inputs of its
    /// node classes. A workflow in API format is left unchanged.
    ///
    /// # Errors
    /// The server cannot be reached, lacks a node class, or a node has values that don't fit its class.
    pub async fn convert(&self, json: impl AsRef<str>) -> Result<String, Error> {
        let Some(editor) = editor_workflow(json.as_ref()) else { return Ok(json.as_ref().to_owned()) };
        Ok(format!("{:#}", Value::from(self.0.convert(&editor).await?)))
    }
}

impl Server {
    /// The workflow in API format, and the editor's one if it was that.
    pub(super) async fn workflow(&self, json: &str) -> Result<(Workflow, Option<Value>), Error> {
        let error = match Workflow::parse(json) {
            Ok(workflow) => return Ok((workflow, None)),
            Err(error) => error,
        };
        let Some(editor) = editor_workflow(json) else { return Err(error) };
        let nodes = Value::from(self.convert(&editor).await?);
        Ok((Workflow::parse(nodes.to_string())?, Some(editor)))
    }

    async fn convert(&self, editor: &Value) -> Result<Map<String, Value>, Error> {
        let cannot = |why| {
            Error::usage(say!("the workflow cannot be converted: {why}", why))
                .with_hint(say!("export it from the editor in API format instead: `Workflow > Export (API)`"))
        };
        let workflow = EditorWorkflow::read(editor).map_err(|why| cannot(why.sentence().clone()))?;
        self.is_there().await?;
        let classes = workflow.classes();
        // Missing classes are reported for the converted workflow only: labels of extensions have no class.
        self.classes.request(&self.client, classes.clone()).await?;
        let known =
            classes.into_iter().filter_map(|class| self.classes.get(&class).map(|info| (class, info)));
        let known: HashMap<String, Arc<ClassInfo>> = known.collect();
        let nodes = workflow.convert(|class| known.get(class).map(|info| &**info));
        nodes.map_err(|why| cannot(why.sentence().clone()))
    }
}
