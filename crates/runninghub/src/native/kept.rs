//! A file that caches a server's node classes.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use runninghub_comfyui::ClassInfo;
use runninghub_ledger::Digest;
use runninghub_net::{check_folder, open_file, replace_file};
use serde::{Deserialize, Serialize};

/// How long cached classes are valid. Custom nodes are updated without the server's version changing, and models are
/// added and removed.
const LIFE: Duration = Duration::from_hours(1);
/// Maximum file size, bytes: a few hundred classes with long lists of models.
const LONGEST: usize = 16 << 20;

/// One file for one server.
#[derive(Debug)]
pub(crate) struct Kept(PathBuf);

#[derive(Deserialize, Serialize)]
struct File {
    /// The version that the server reports: another version may have other classes.
    version: Option<String>,
    /// When the oldest class expires, in seconds since 1970.
    until: u64,
    classes: HashMap<String, Arc<ClassInfo>>,
}

impl Kept {
    /// The file for the server at a URL, which may contain a key.
    pub(crate) fn new(dir: &Path, url: &str) -> Self {
        Self(dir.join(format!("{}.json", Digest::of(url.trim_end_matches('/')))))
    }

    /// The classes, unless expired. An unreadable file is ignored.
    pub(super) fn read(&self, version: Option<&str>) -> HashMap<String, Arc<ClassInfo>> {
        self.file(version).map(|file| file.classes).unwrap_or_default()
    }

    /// Adds classes. An error is ignored: without the file they are only requested again.
    pub(super) fn add(&self, version: Option<&str>, classes: HashMap<String, Arc<ClassInfo>>) {
        if classes.is_empty() {
            return;
        }
        let mut file = self.file(version).unwrap_or_else(|| File {
            version: version.map(str::to_owned),
            until: now() + LIFE.as_secs(),
            classes: HashMap::new(),
        });
        file.classes.extend(classes);
        if let Err(error) = self.write(&file) {
            tracing::debug!(error, "the node classes are not remembered");
        }
    }

    pub(super) fn forget(&self) {
        let _ = fs::remove_file(&self.0);
    }

    fn file(&self, version: Option<&str>) -> Option<File> {
        let longest = u64::try_from(LONGEST).unwrap_or(u64::MAX);
        let text = io::read_to_string(io::Read::take(open_file(&self.0).ok()?, longest)).ok()?;
        let file: File = serde_json::from_str(&text).ok()?;
        // An expiry too far in the future was written while the clock was wrong.
        let is_good = (now() + 1..=now() + LIFE.as_secs()).contains(&file.until);
        (is_good && file.version.as_deref() == version).then_some(file)
    }

    fn write(&self, file: &File) -> Result<(), String> {
        let text = serde_json::to_vec(file).map_err(|error| error.to_string())?;
        if text.len() > LONGEST {
            return Err("they are too many".to_owned());
        }
        check_folder(self.0.parent().unwrap_or(Path::new("."))).map_err(|error| error.to_string())?;
        replace_file(&self.0, &text).map_err(|error| error.to_string())
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(is_output: bool) -> Arc<ClassInfo> {
        let text =
            format!(r#"{{"output_node": {is_output}, "input": {{"required": {{"a": [["x"], {{}}]}}}}}}"#);
        Arc::new(serde_json::from_str(&text).expect("a class"))
    }

    #[test]
    fn classes_come_back_for_the_same_server_and_version() {
        let dir = tempfile::tempdir().expect("a folder");
        let kept = Kept::new(&dir.path().join("new"), "http://h/proxy/KEY");
        kept.add(Some("1"), HashMap::from([("A".to_owned(), class(true))]));
        kept.add(Some("1"), HashMap::from([("B".to_owned(), class(false))]));
        let again = Kept::new(&dir.path().join("new"), "http://h/proxy/KEY/");
        assert_eq!(
            again.read(Some("1")),
            HashMap::from([("A".into(), class(true)), ("B".into(), class(false))])
        );
        assert!(again.read(Some("2")).is_empty() && again.read(None).is_empty());
        assert!(Kept::new(&dir.path().join("new"), "http://h").read(Some("1")).is_empty());
        assert!(!format!("{again:?}").contains("KEY"));
        again.forget();
        assert!(kept.read(Some("1")).is_empty());
    }

    #[test]
    fn damaged_and_outdated_files_are_ignored() {
        let dir = tempfile::tempdir().expect("a folder");
        let kept = Kept::new(dir.path(), "http://h");
        kept.add(None, HashMap::from([("A".to_owned(), class(true))]));
        let text = fs::read_to_string(&kept.0).expect("a file");
        let until = kept.file(None).expect("a good file").until;
        for bad in [
            "",
            "{",
            "[]",
            &text[..text.len() / 2],
            &text.replace(&until.to_string(), &now().to_string()),
            &text.replace(&until.to_string(), &u64::MAX.to_string()),
        ] {
            fs::write(&kept.0, bad).expect("written");
            assert!(kept.read(None).is_empty(), "{bad}");
        }
        kept.add(None, HashMap::from([("A".to_owned(), class(true))]));
        assert_eq!(kept.read(None).len(), 1, "a bad file is replaced");
    }
}
