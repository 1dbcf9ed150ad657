//! Reading recordings.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use runninghub_core::{TaskId, repair, say};
use serde::de::DeserializeOwned;

use super::meta::{HTTP, HttpRow, META, Meta, Prompt, RecordedResult, plain_name};
use crate::{Error, ErrorKind, Tape, tape::check_format};

/// The largest accepted file other than tapes; a server's complete `object_info` is 10 MiB.
const MAX_FILE: u64 = 256 << 20;

/// A readable recording: a folder with `meta.json`, tapes, workflows and HTTP exchanges, or a single tape.
///
/// Files are read on demand. A missing file isn't an error, but a damaged one is.
#[derive(Clone, Debug)]
pub struct Recording {
    folder: Option<PathBuf>,
    meta: Meta,
    /// The tapes of each stream, in connection order.
    tapes: BTreeMap<String, Vec<PathBuf>>,
}

impl Recording {
    /// Opens a folder, or a single `.jsonl` file as a recording of one connection.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if nothing can be read, [`ErrorKind::Recording`] if it isn't a recording,
    /// [`ErrorKind::TapeVersion`] if a newer version made it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let what = fs::metadata(path).map_err(|error| Error::file(path, say!("cannot be opened"), error))?;
        if what.is_file() {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let stream = tape_name(&format!("{name}.jsonl")).map_or(name.into_owned(), |(stream, _)| stream);
            let tapes = BTreeMap::from([(stream, vec![path.to_owned()])]);
            return Ok(Self { folder: None, meta: Meta::default(), tapes });
        }
        let tapes = find_tapes(path).map_err(|error| Error::file(path, say!("cannot be read"), error))?;
        let mut recording = Self { folder: Some(path.to_owned()), meta: Meta::default(), tapes };
        match recording.read_json::<Meta>(META)? {
            Some(meta) => recording.meta = meta,
            None if recording.tapes.is_empty() => {
                let what = say!("not a recording: it contains neither meta.json nor any ws-….jsonl");
                return Err(Error::new(ErrorKind::Recording, what).in_file(path));
            }
            None => {}
        }
        check_format(recording.meta.format.unwrap_or_default()).map_err(|error| error.in_file(path))?;
        Ok(recording)
    }

    /// The names of the streams, one per connected client, such as `a` or `observer`.
    pub fn streams(&self) -> impl Iterator<Item = &str> {
        self.tapes.keys().map(String::as_str)
    }

    /// The tapes of a stream's connections, in order; empty if the stream doesn't exist.
    ///
    /// # Errors
    /// As [`Tape::read`].
    pub fn tapes(&self, stream: &str) -> Result<Vec<Tape>, Error> {
        self.tapes.get(stream).into_iter().flatten().map(Tape::read).collect()
    }

    /// The prompts that were sent, in order.
    pub fn prompts(&self) -> &[Prompt] {
        &self.meta.prompts
    }

    /// The description by the recording's author.
    pub fn about(&self) -> Option<&str> {
        self.meta.about.as_deref()
    }

    /// The RunningHub task that was recorded.
    pub fn task_id(&self) -> Option<&TaskId> {
        self.meta.task_id.as_ref()
    }

    /// The results of the task, if they were saved while it was recorded.
    pub fn results(&self) -> &[RecordedResult] {
        &self.meta.results
    }

    /// The workflow of the prompt with this index, as JSON text.
    ///
    /// # Errors
    /// The file can't be read, or `meta.json` names one outside of the folder.
    pub fn workflow_text(&self, prompt: usize) -> Result<Option<String>, Error> {
        match self.meta.prompts.get(prompt).and_then(|prompt| prompt.workflow.as_deref()) {
            Some(name) => self.read_text(name),
            None => Ok(None),
        }
    }

    /// The HTTP exchanges, in order.
    ///
    /// # Errors
    /// The file can't be read, or one of its lines is invalid.
    pub fn http(&self) -> Result<Vec<HttpRow>, Error> {
        let text = self.read_text(HTTP)?.unwrap_or_default();
        let lines = (1_u64..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        lines
            .map(|(number, line)| {
                parse(line).map_err(|error| {
                    let what =
                        if error.is_eof() { say!("is cut off") } else { say!("is not an HTTP exchange") };
                    Error::line(number, what).with_source(error).in_file(Path::new(HTTP))
                })
            })
            .collect()
    }

    /// A JSON file in the folder, such as `history.json` or `object_info.json`. `None` if it doesn't exist.
    ///
    /// # Errors
    /// The file can't be read, doesn't contain this type, or the name is a path.
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let Some(text) = self.read_text(name)? else { return Ok(None) };
        parse(&text).map(Some).map_err(|error| {
            let what = if error.is_eof() { say!("is cut off") } else { say!("is not valid") };
            Error::new(ErrorKind::Recording, what).with_source(error).in_file(Path::new(name))
        })
    }

    fn read_text(&self, name: &str) -> Result<Option<String>, Error> {
        let name = plain_name(name)?;
        let Some(folder) = &self.folder else { return Ok(None) };
        let file = match File::open(folder.join(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file(Path::new(name), say!("cannot be opened"), error)),
        };
        let mut text = String::new();
        let size = file
            .take(MAX_FILE + 1)
            .read_to_string(&mut text)
            .map_err(|error| Error::file(Path::new(name), say!("cannot be read"), error))?;
        if size as u64 > MAX_FILE {
            return Err(
                Error::new(ErrorKind::Recording, say!("too large for a recording")).in_file(Path::new(name))
            );
        }
        Ok(Some(text))
    }
}

/// Parses Python's JSON: bodies and histories contain `NaN` where a workflow does.
fn parse<T: DeserializeOwned>(text: &str) -> serde_json::Result<T> {
    serde_json::from_str(text)
        .or_else(|error| repair(text).ok_or(error).and_then(|text| serde_json::from_str(&text)))
}

fn find_tapes(folder: &Path) -> io::Result<BTreeMap<String, Vec<PathBuf>>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if let Some((stream, number)) = entry.file_name().to_str().and_then(tape_name) {
            found.push((stream, number, entry.path()));
        }
    }
    found.sort();
    let mut tapes = BTreeMap::<_, Vec<_>>::new();
    for (stream, _, path) in found {
        tapes.entry(stream).or_default().push(path);
    }
    Ok(tapes)
}

/// The stream and number of a tape: `ws-a2.jsonl` is the second of `a`, `ws-a.jsonl` its only one.
pub(super) fn tape_name(file: &str) -> Option<(String, u32)> {
    let name = file.strip_prefix("ws-")?.strip_suffix(".jsonl")?;
    let stream = name.trim_end_matches(|char: char| char.is_ascii_digit());
    let number = name.strip_prefix(stream)?.parse().unwrap_or_default();
    (!stream.is_empty()).then(|| (stream.to_owned(), number))
}
