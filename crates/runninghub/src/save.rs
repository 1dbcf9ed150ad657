//! Bringing results home.

use std::{
    fmt,
    future::{Future, IntoFuture},
    path::PathBuf,
    pin::{Pin, pin},
    sync::Arc,
};

use futures_util::StreamExt as _;
use runninghub_api::{Downloaded, ErrorKind as ApiErrorKind, extension, result_name, sanitize, save_bytes};
use runninghub_core::{FileUrl, OutputFile, TaskId};

use crate::{Error, ErrorKind, hub::Hub};

/// What a template may hold, in braces.
const PARTS: [&str; 4] = ["task", "node", "n", "ext"];

/// Results that are about to be saved. Await it.
#[must_use = "nothing is fetched until it is awaited"]
pub struct Save {
    hub: Arc<Hub>,
    task: TaskId,
    dir: PathBuf,
    template: Option<String>,
    outputs: Option<Vec<OutputFile>>,
}

/// What became of one result.
#[derive(Debug)]
#[non_exhaustive]
pub struct Saved {
    /// The result.
    pub output: OutputFile,
    /// The file, or why there is none.
    pub file: Result<SavedFile, Error>,
}

/// A result on disk, whole.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SavedFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256, 64 hexadecimal digits.
    pub sha256: String,
}

impl Save {
    pub(crate) fn new(hub: Arc<Hub>, task: TaskId, dir: PathBuf) -> Self {
        Self { hub, task, dir, template: None, outputs: None }
    }

    /// These results, instead of asking the platform for them.
    pub fn files(mut self, outputs: &[OutputFile]) -> Self {
        self.outputs = Some(outputs.to_vec());
        self
    }

    /// How to name files: text with `{task}`, `{node}`, `{n}` and `{ext}`. It names a file in the folder and never
    /// leads out of it; a name that is taken gets a number.
    pub fn template(mut self, template: impl Into<String>) -> Self {
        self.template = Some(template.into());
        self
    }

    /// Checks the template and the folder, so that nothing is paid for what cannot be kept.
    ///
    /// # Errors
    /// When the template has an unknown part, or the folder cannot be made or written to.
    pub fn check(&self) -> Result<(), Error> {
        if let Some(template) = &self.template {
            check_template(template)?;
        }
        let cannot = |error| {
            Error::new(ErrorKind::Io, format!("cannot write to the folder {}", self.dir.display()))
                .because(error)
        };
        std::fs::create_dir_all(&self.dir).map_err(cannot)?;
        let probe = self.dir.join(format!(".rhub-{:016x}", fastrand::u64(..)));
        std::fs::OpenOptions::new().write(true).create_new(true).open(&probe).map_err(cannot)?;
        std::fs::remove_file(&probe).map_err(cannot)
    }

    async fn run(self) -> Result<Vec<Saved>, Error> {
        self.check()?;
        let outputs = match &self.outputs {
            Some(outputs) => outputs.clone(),
            None => self.ask().await?,
        };
        let names = self.names(&outputs);
        let mut saved = self.fetch(&outputs, &names).await;
        let expired = saved.iter().any(|one| is_expired(&one.file));
        if expired {
            // Links live for about a day: the platform is asked once for fresh ones.
            let fresh = self.ask().await?;
            if fresh.len() == outputs.len() {
                let wanted: Vec<usize> = saved
                    .iter()
                    .enumerate()
                    .filter(|(_, one)| is_expired(&one.file))
                    .map(|(at, _)| at)
                    .collect();
                let pick = |at: &usize| Some((fresh.get(*at)?.clone(), names.get(*at)?.clone()));
                let (outputs, names): (Vec<_>, Vec<_>) = wanted.iter().filter_map(pick).unzip();
                for (at, again) in wanted.iter().zip(self.fetch(&outputs, &names).await) {
                    if let Some(slot) = saved.get_mut(*at) {
                        *slot = again;
                    }
                }
            }
        }
        Ok(saved)
    }

    async fn ask(&self) -> Result<Vec<OutputFile>, Error> {
        let answer = self.hub.client.outputs(&self.task).await;
        Ok(answer.map_err(|error| Error::api("cannot ask for the task's results", error))?.outputs)
    }

    fn names(&self, outputs: &[OutputFile]) -> Vec<String> {
        outputs
            .iter()
            .enumerate()
            .map(|(at, output)| {
                let extension =
                    extension(output.url.as_ref().map(FileUrl::expose), output.file_type.as_deref());
                match &self.template {
                    Some(template) => fill(template, &self.task, output, at + 1, &extension),
                    None => result_name(&self.task, output.node_id.as_ref(), at + 1, &extension),
                }
            })
            .collect()
    }

    async fn fetch(&self, outputs: &[OutputFile], names: &[String]) -> Vec<Saved> {
        let mut saved: Vec<Saved> = Vec::new();
        let (mut places, mut downloads) = (Vec::new(), Vec::new());
        for (at, (output, name)) in outputs.iter().zip(names).enumerate() {
            let file = match (&output.url, &output.text) {
                (Some(url), _) => {
                    places.push(at);
                    downloads.push(self.hub.client.download(url.expose(), &self.dir, name));
                    Err(Error::new(ErrorKind::Results, "the result was not fetched"))
                }
                (None, Some(text)) => {
                    save_bytes(&self.dir, name, text.as_bytes()).map(SavedFile::from).map_err(failed)
                }
                (None, None) => {
                    Err(Error::new(ErrorKind::Results, "the result has neither an address nor a text"))
                }
            };
            saved.push(Saved { output: output.clone(), file });
        }
        let mut fetched = pin!(self.hub.client.download_all(downloads, |_, _, _| {}));
        while let Some((place, result)) = fetched.next().await {
            if let Some(slot) = places.get(place).and_then(|at| saved.get_mut(*at)) {
                slot.file = result.map(SavedFile::from).map_err(failed);
            }
        }
        saved
    }
}

impl From<Downloaded> for SavedFile {
    fn from(file: Downloaded) -> Self {
        Self { path: file.path, bytes: file.bytes, sha256: file.sha256 }
    }
}

fn failed(error: runninghub_api::Error) -> Error {
    let kind =
        if matches!(error.kind(), ApiErrorKind::Io { .. }) { ErrorKind::Io } else { ErrorKind::Results };
    Error::new(kind, "the result was not saved").because(error)
}

fn is_expired(file: &Result<SavedFile, Error>) -> bool {
    let Err(error) = file else { return false };
    let source =
        std::error::Error::source(error).and_then(|source| source.downcast_ref::<runninghub_api::Error>());
    source.is_some_and(|source| matches!(source.kind(), ApiErrorKind::Expired { .. }))
}

impl IntoFuture for Save {
    type Output = Result<Vec<Saved>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

fn fill(template: &str, task: &TaskId, output: &OutputFile, n: usize, extension: &str) -> String {
    let node = output.node_id.as_ref().map_or("", |node| node.as_str());
    let mut name = template.to_owned();
    for (part, value) in PARTS.iter().zip([task.as_str(), node, &n.to_string(), extension]) {
        name = name.replace(&format!("{{{part}}}"), &sanitize(value));
    }
    if !template.contains("{ext}") {
        name = format!("{name}.{extension}");
    }
    sanitize(&name)
}

fn check_template(template: &str) -> Result<(), Error> {
    let hint = "a template is a file name with {task}, {node}, {n} and {ext}";
    if template.is_empty() || template.contains(['/', '\\']) {
        return Err(Error::usage("the name template is empty or leads into another folder").with_hint(hint));
    }
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('{') {
        let (part, after) = after.split_once('}').unwrap_or(("", ""));
        if !PARTS.contains(&part) {
            return Err(Error::usage(format!("the name template has an unknown or open part `{{{part}}}`"))
                .with_hint(hint));
        }
        rest = after;
    }
    Ok(())
}

impl fmt::Debug for Save {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Save").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_name_files_and_nothing_else() {
        let output = OutputFile { node_id: Some("../9".into()), ..OutputFile::default() };
        let name = |template: &str| fill(template, &"77".into(), &output, 2, "png");
        assert_eq!(name("{task}-{n}.{ext}"), "77-2.png");
        assert_eq!(name("cat"), "cat.png");
        assert!(!name("{node}").contains('/'));
        for bad in ["", "a/b", "{seed}", "{task", "..\\x"] {
            assert!(check_template(bad).is_err(), "{bad}");
        }
        assert!(check_template("{task}_{node}_{n}.{ext}").is_ok());
    }
}
