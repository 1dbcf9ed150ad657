//! The settings of a submit, stored in the ledger so that runs can be found by them and repeated.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use runninghub_core::{Fact, Kind, Place, TaskId, WorkflowId, say};
use runninghub_ledger::{Digest, Entry};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::MapAccess, ser::SerializeMap as _};
use serde_json::{Map, Value};
use tokio::task::spawn_blocking;

use crate::{Error, InstanceType, Submit, Work, Workspace, submit::NewValue};

/// Maximum size of a stored recipe, bytes. Longer ones store digests only, since some requests contain whole files.
const LONGEST: usize = 1 << 20;

/// The settings of a submit, without secrets: webhook and password have to be given again.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Recipe {
    /// The changed fields in their order, by the names that were given.
    #[serde(serialize_with = "write", deserialize_with = "read")]
    pub set: Vec<(String, Given)>,
    /// Changes in the API's own format.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub node_info_list: Vec<Value>,
    /// The whole body of a model's request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Map<String, Value>>,
    /// The digest of the graph that was submitted, before its changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graph_sha256: Option<Digest>,
    /// The code of Quick Create.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The instance type, if one was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Whether result images contain the workflow, if that was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<bool>,
    /// Whether the newer endpoint was used.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub v2: bool,
}

/// A value that was set.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    /// Verbatim text.
    Text(String),
    /// A JSON value.
    Json(Value),
    /// Text whose meaning depends on the field.
    Written(String),
    /// A file, identified by its content.
    File {
        /// The digest of its content.
        sha256: Digest,
        /// Its name, without folders.
        name: String,
        /// Where it was.
        path: PathBuf,
    },
    /// A value that isn't stored.
    Hidden {
        /// The digest of its text.
        sha256: Digest,
    },
}

impl Recipe {
    /// The settings of a checked submit, including drawn seeds. Reads the files once.
    pub(crate) async fn of(submit: &Submit) -> Self {
        submit.recipe.get_or_init(|| Self::read(submit)).await.clone()
    }

    /// The settings of a submit. A seed that isn't drawn yet is a wish. Reads the files.
    pub(crate) async fn read(submit: &Submit) -> Self {
        let mut set: Vec<(String, Given)> = Vec::new();
        for (name, value) in submit.changes.named() {
            let drawn = submit.drawn.get().into_iter().flatten().find(|(drawn, _)| drawn == name);
            let given = match (value, drawn) {
                (_, Some((_, seed))) => Given::Json(seed.clone()),
                (NewValue::Json(value), _) => Given::Json(value.clone()),
                (NewValue::Written(text), _) => Given::Written(text.clone()),
                (NewValue::Text(text), _) => Given::Text(text.clone()),
                (NewValue::File(path), _) => Given::file(path, submit.digests.get(path)).await,
            };
            set.push((name.clone(), given));
        }
        let options = &submit.options;
        let recipe = Self {
            set,
            node_info_list: submit.changes.raw_list().to_vec(),
            body: submit.body.clone(),
            graph_sha256: match &submit.work {
                Work::Graph(json) => Some(Digest::of(json)),
                _ => None,
            },
            code: match &submit.work {
                Work::Quick { code, .. } => Some(code.clone()),
                _ => None,
            },
            instance: options.instance_type.map(|instance| instance.as_str().to_owned()),
            metadata: options.add_metadata,
            v2: submit.is_v2,
        };
        if submit.is_private { recipe.hidden() } else { recipe }
    }

    /// Without the folders of files, which belong to one machine.
    pub(crate) fn portable(mut self) -> Self {
        self.files(|path| path.file_name().map(PathBuf::from).unwrap_or_default());
        self
    }

    /// Changes the paths of the files.
    pub(crate) fn files(&mut self, change: impl Fn(&Path) -> PathBuf) {
        for (_, value) in &mut self.set {
            if let Given::File { path, .. } = value {
                *path = change(path);
            }
        }
    }

    /// In the ledger's format.
    pub(crate) fn json(self) -> String {
        let text = |recipe: &Self| serde_json::to_string(recipe).unwrap_or_default();
        let json = text(&self);
        if json.len() <= LONGEST { json } else { text(&self.hidden()) }
    }

    /// Only digests of the values.
    fn hidden(mut self) -> Self {
        let lists =
            self.node_info_list.drain(..).map(|entry| ("nodeInfoList".to_owned(), Given::Json(entry)));
        let body = self.body.take().into_iter().flatten().map(|(name, value)| (name, Given::Json(value)));
        self.set.extend(lists.chain(body));
        self.set.iter_mut().for_each(|(_, value)| value.hide());
        self
    }

    /// The settings of a submit in the ledger; `None` if it has none, because an older version wrote it.
    pub fn kept(entry: &Entry) -> Option<Self> {
        serde_json::from_str(entry.intent.recipe.as_deref()?).ok()
    }

    /// The same submit again. Fields named in `without` are left out, for new values.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if a value or a file is no longer known.
    pub fn submit(&self, work: Work, without: &[&str]) -> Result<Submit, Error> {
        let mut submit = Submit::new(work);
        for (name, value) in self.set.iter().filter(|(name, _)| !without.contains(&&**name)) {
            submit = value.put(submit, name)?;
        }
        if !self.node_info_list.is_empty() {
            submit = submit.node_info_list(self.node_info_list.clone());
        }
        if let Some(body) = &self.body {
            submit = submit.body(body.clone());
        }
        if let Some(instance) = &self.instance {
            let unknown = || Error::usage(say!("unknown instance type"));
            submit = submit.instance_type(instance.parse::<InstanceType>().map_err(|_| unknown())?);
        }
        if let Some(metadata) = self.metadata {
            submit = submit.add_metadata(metadata);
        }
        Ok(if self.v2 { submit.v2() } else { submit })
    }
}

/// The target and settings of a run: everything needed to repeat it. The manifest contains it, and the `.run.json` of a
/// batch's row has the same facts.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunFile {
    target: Target,
    /// Its task.
    #[serde(skip)]
    pub task_id: Option<TaskId>,
    /// What was set.
    pub recipe: Recipe,
}

/// The target of a run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Target {
    /// The word for the place, and its URL.
    place: String,
    url: String,
    kind: String,
    /// The id of the workflow or app, or the endpoint of the model. Of a graph there is only the digest.
    #[serde(default)]
    id: Option<String>,
}

impl RunFile {
    /// The run of a submit; `None` if the ledger doesn't have its settings, because an older version wrote it.
    pub fn of(entry: &Entry) -> Option<Self> {
        let intent = &entry.intent;
        let id = intent.workflow.as_ref().map(ToString::to_string);
        let target = Target {
            place: intent.place.word().into(),
            url: intent.place.url().into(),
            kind: intent.kind.as_str().into(),
            id: id.or_else(|| intent.target.clone()),
        };
        Some(Self { target, task_id: entry.task.clone(), recipe: Recipe::kept(entry)? })
    }

    /// Reads a manifest, or a `.run.json`.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if the text is neither, or lacks the run.
    pub fn read(text: &str) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Manifest {
            task_id: Option<TaskId>,
            run: RunFile,
        }
        /// The file of a row, whose other fields are those of a recipe.
        #[derive(Deserialize)]
        struct Row {
            task_id: Option<TaskId>,
            target: Target,
        }
        let manifest = || {
            let Manifest { task_id, run } = serde_json::from_str(text)?;
            Ok::<_, serde_json::Error>(Self { task_id, ..run })
        };
        let row = || {
            let Row { task_id, target } = serde_json::from_str(text)?;
            Ok::<_, serde_json::Error>(Self { target, task_id, recipe: serde_json::from_str(text)? })
        };
        manifest().or_else(|_| row()).map_err(|why| {
            Error::usage(say!("it does not name the run: {why}", why))
                .with_hint(say!("use a file named `….manifest.json` or `….run.json`"))
        })
    }

    /// In the format of a file next to the results.
    pub(crate) fn portable(self) -> Self {
        // The file names its task.
        Self { task_id: None, recipe: self.recipe.portable(), ..self }
    }

    /// The place where it ran.
    pub fn place(&self) -> Place {
        Place::new(self.target.place.clone(), self.target.url.clone())
    }

    /// The kind of task.
    pub fn kind(&self) -> Kind {
        let Ok(kind) = self.target.kind.parse();
        kind
    }
}

impl Given {
    /// A file with its digest, if not already known. The upload reports files that can't be read.
    async fn file(path: &Path, known: Option<&Digest>) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let sha256 = if let Some(known) = known {
            Some(*known)
        } else {
            let file = path.clone();
            spawn_blocking(move || Digest::of_file(file)).await.ok().and_then(Result::ok)
        };
        Self::File { sha256: sha256.unwrap_or_else(|| Digest::of("")), name, path }
    }

    fn hide(&mut self) {
        let sha256 = match &*self {
            Self::File { sha256, .. } | Self::Hidden { sha256 } => *sha256,
            shown => Digest::of(shown.to_string()),
        };
        *self = Self::Hidden { sha256 };
    }

    fn put(&self, submit: Submit, name: &str) -> Result<Submit, Error> {
        Ok(match self {
            Self::Text(text) => submit.set_text(name, text),
            Self::Json(value) => submit.set(name, value.clone()),
            Self::Written(text) => submit.set_written(name, text),
            Self::File { sha256, path, .. } => {
                if Digest::of_file(path).ok() != Some(*sha256) {
                    let file = Fact::of(path.display());
                    return Err(Error::usage(say!(
                        "`{name}` is set to the file {file}, which is missing or has changed since",
                        name,
                        file
                    ))
                    .with_hint(say!("set the field again")));
                }
                submit.set_file(name, path)
            }
            Self::Hidden { .. } => {
                return Err(Error::usage(say!("the value of `{name}` was not stored", name))
                    .with_hint(say!("set the field again")));
            }
        })
    }
}

/// The value on one line: text and JSON verbatim, a file by its name.
impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) | Self::Written(text) | Self::Json(Value::String(text)) => f.write_str(text),
            Self::Json(value) => write!(f, "{value}"),
            Self::File { name, .. } => f.write_str(name),
            Self::Hidden { .. } => f.write_str("***"),
        }
    }
}

impl Workspace {
    /// The work of a run, to run it again.
    ///
    /// # Errors
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if the ledger doesn't have it; when the ledger cannot be read.
    pub async fn work(&self, run: &RunFile) -> Result<Work, Error> {
        let not_kept = || {
            Error::usage(say!("the workflow of this run was not stored, so it cannot be run again"))
                .with_hint(say!("an image from the run contains its workflow, and can be run directly"))
        };
        let id = run.target.id.clone();
        // A batch names a graph by its digest.
        let of_batch = || id.as_ref()?.parse::<Digest>().ok();
        if let Some(digest) = run.recipe.graph_sha256.or_else(of_batch) {
            let unread = |error| Error::ledger(say!("the ledger cannot be read"), error);
            let json = self.ledger_to_read().map_err(unread)?.graph(digest).await.map_err(unread)?;
            return json.map(Work::Graph).ok_or_else(not_kept);
        }
        let workflow = id.clone().map(WorkflowId::from);
        work(&run.kind(), workflow, id, run.recipe.code.clone()).ok_or_else(not_kept)
    }
}

/// The work that isn't a graph: by its kind, the saved workflow, and the app or the endpoint.
pub(crate) fn work(
    kind: &Kind,
    workflow: Option<WorkflowId>,
    target: Option<String>,
    code: Option<String>,
) -> Option<Work> {
    Some(match (kind, workflow, target, code) {
        (Kind::Workflow, Some(id), ..) => Work::Workflow(id),
        (Kind::App, _, Some(app), _) => Work::App(app.into()),
        (Kind::Quick, _, Some(app), Some(code)) => Work::Quick { app: app.into(), code },
        (Kind::Model, _, Some(endpoint), _) => Work::Model(endpoint),
        _ => return None,
    })
}

pub(crate) fn write<S: Serializer>(set: &[(String, Given)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(set.len()))?;
    for (name, value) in set {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

/// A map would sort the fields, and the last of several changes to a field wins.
fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, Given)>, D::Error> {
    struct Visitor;

    impl<'de> serde::de::Visitor<'de> for Visitor {
        type Value = Vec<(String, Given)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("fields and their values")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut set = Vec::new();
            while let Some(entry) = map.next_entry()? {
                set.push(entry);
            }
            Ok(set)
        }
    }

    deserializer.deserialize_map(Visitor)
}
