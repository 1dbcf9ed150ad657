//! Workflows in the editor's format: converted with the classes of the server.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use runninghub_comfyui::{ClassInfo, EditorWorkflow};
use runninghub_core::{editor_workflow, say};
use serde_json::{Map, Value};

use super::comfy::{Comfy, Server};
use crate::Error;

impl Comfy {
    /// Converts a workflow in the editor's format to API format, as JSON text. The server says which inputs its node
    /// classes have. A workflow in API format stays as it is.
    ///
    /// # Errors
    /// The server cannot be reached, lacks a node class, or a node has values that don't fit its class.
    pub async fn convert(&self, json: impl AsRef<str>) -> Result<String, Error> {
        let server = &*self.0;
        let Some(editor) = editor_workflow(json.as_ref()) else { return Ok(json.as_ref().to_owned()) };
        server.is_there().await?;
        Ok(format!("{:#}", Value::from(server.convert(&editor).await?)))
    }
}

impl Server {
    /// The workflow in API format, and the editor's one if it was that.
    pub(super) async fn in_api_format<'a>(
        &self,
        json: &'a str,
    ) -> Result<(Cow<'a, str>, Option<Value>), Error> {
        match editor_workflow(json) {
            None => Ok((json.into(), None)),
            Some(editor) => {
                self.is_there().await?;
                let nodes = self.convert(&editor).await?;
                Ok((Value::from(nodes).to_string().into(), Some(editor)))
            }
        }
    }

    async fn convert(&self, editor: &Value) -> Result<Map<String, Value>, Error> {
        let cannot = |why| {
            Error::usage(say!("the workflow cannot be converted: {why}", why))
                .with_hint(say!("export it from the editor in API format instead: `Workflow > Export (API)`"))
        };
        let workflow = EditorWorkflow::read(editor).map_err(|why| cannot(why.sentence().clone()))?;
        // What is missing is reported for the converted workflow: labels of extensions have no class.
        self.classes.request(&self.client, workflow.classes()).await?;
        let classes = workflow.classes().into_iter();
        let known: HashMap<String, Arc<ClassInfo>> =
            classes.filter_map(|class| Some((class.clone(), self.classes.get(&class)?))).collect();
        let nodes = workflow.convert(|class| known.get(class).map(|info| &**info));
        nodes.map_err(|why| cannot(why.sentence().clone()))
    }
}
