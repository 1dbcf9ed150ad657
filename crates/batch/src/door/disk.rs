//! The only I/O of this crate: files that match a pattern, texts and digests.

use std::{
    cmp::Ordering,
    fs, io,
    path::{Component, Path, PathBuf},
};

use globset::GlobBuilder;
use runninghub_core::{Sentence, say};
use walkdir::{DirEntry, WalkDir};

use crate::{Digest, Error, MAX_ROWS, Problem};

/// File system operations for jobs and patterns.
pub trait Files {
    /// The files that match a pattern, in natural order: `a2` before `a10`.
    ///
    /// # Errors
    /// If the pattern is wrong, or matches nothing.
    fn matching(&self, pattern: &str) -> Result<Vec<PathBuf>, Error>;

    /// The content of a file.
    ///
    /// # Errors
    /// The operating system's message.
    fn read(&self, path: &Path) -> Result<Vec<u8>, Sentence>;
}

/// The files of this machine. Relative paths are resolved against `base`, and returned as written.
#[derive(Clone, Debug)]
pub struct Disk {
    /// The folder against which relative paths are resolved.
    pub base: PathBuf,
}

impl Disk {
    /// The digest of a file's content, for [`Rows::freeze`](crate::Rows::freeze).
    ///
    /// # Errors
    /// The operating system's message.
    pub fn digest(&self, path: &Path) -> Result<Digest, Sentence> {
        Digest::of_file(self.base.join(path)).map_err(|error| words(&error))
    }
}

impl Files for Disk {
    /// `*` and `?` stay within a folder, `**` is any number of folders, `{a,b}` either, `[ab]` one character. Hidden
    /// files and folders match only if the pattern contains their dot. Links are followed.
    fn matching(&self, pattern: &str) -> Result<Vec<PathBuf>, Error> {
        let glob = GlobBuilder::new(pattern).literal_separator(true).build().map_err(|error| {
            Problem::source(say!(
                "the pattern `{pattern}` is wrong: {why}",
                pattern,
                why = error.kind().to_string()
            ))
        })?;
        let matcher = glob.compile_matcher();
        let names_hidden =
            pattern.split(['/', '\\']).any(|part| part.starts_with('.') && part != "." && part != "..");
        let start = literal_folder(pattern);
        let root = self.base.join(&start);
        let shown = |entry: &DirEntry| {
            entry.depth() == 0 || names_hidden || !entry.file_name().as_encoded_bytes().starts_with(b".")
        };
        let walk = WalkDir::new(&root).follow_links(true).into_iter().filter_entry(shown);
        let mut found = Vec::new();
        // A folder that can't be read, or a link in a circle, has no files.
        for entry in walk.filter_map(Result::ok).filter(|entry| entry.file_type().is_file()) {
            let below = entry.path().strip_prefix(&root).unwrap_or(entry.path());
            let path = if below.as_os_str().is_empty() { start.clone() } else { start.join(below) };
            if matcher.is_match(&path) {
                found.push(path);
            }
            if found.len() > MAX_ROWS {
                let what = say!("more than {most} files match `{pattern}`", most = MAX_ROWS, pattern);
                return Err(Problem::source(what).into());
            }
        }
        if found.is_empty() {
            let cure = say!("relative paths start at {base}", base = self.base.display().to_string());
            return Err(Problem::source(say!("no file matches `{pattern}`", pattern)).cure(cure).into());
        }
        found.sort_by(|a, b| natural(&a.to_string_lossy(), &b.to_string_lossy()));
        Ok(found)
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, Sentence> {
        fs::read(self.base.join(path)).map_err(|error| words(&error))
    }
}

fn words(error: &io::Error) -> Sentence {
    match error.kind() {
        io::ErrorKind::NotFound => say!("it does not exist"),
        _ => Sentence::verbatim(error.to_string()),
    }
}

/// The folders of a pattern before the first one with a special character.
fn literal_folder(pattern: &str) -> PathBuf {
    let plain = |part: &Component<'_>| {
        !part.as_os_str().as_encoded_bytes().iter().any(|byte| b"*?[]{}\\".contains(byte))
    };
    Path::new(pattern).components().take_while(plain).collect()
}

/// Natural order: compares digits within texts as numbers.
fn natural(a: &str, b: &str) -> Ordering {
    let (mut a_rest, mut b_rest) = (a, b);
    loop {
        let ((a_part, a_after), (b_part, b_after)) = (part(a_rest), part(b_rest));
        let digits = |text: &str| text.trim_start_matches('0').to_owned();
        let order = if is_number(a_part) && is_number(b_part) {
            let (x, y) = (digits(a_part), digits(b_part));
            x.len().cmp(&y.len()).then_with(|| x.cmp(&y))
        } else {
            a_part.to_lowercase().cmp(&b_part.to_lowercase())
        };
        if order.is_ne() || a_part.is_empty() && b_part.is_empty() {
            // Breaks ties between texts that differ only in case or leading zeros.
            return order.then_with(|| a.cmp(b));
        }
        (a_rest, b_rest) = (a_after, b_after);
    }
}

/// The next number, or the text before it.
fn part(text: &str) -> (&str, &str) {
    let number = is_number(text);
    let end = text.find(|c: char| c.is_ascii_digit() != number).unwrap_or(text.len());
    text.split_at(end)
}

fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_are_compared_as_numbers() {
        let mut names = ["a10.png", "a2.png", "A1.png", "b", "a02.png", "a", "", "10", "9"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["", "9", "10", "a", "A1.png", "a02.png", "a2.png", "a10.png", "b"]);
    }

    #[test]
    fn patterns_find_files_below_their_folder() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["in/a10.png", "in/a2.png", "in/deep/b.PNG", "in/deep/c.png", "in/.hidden/d.png", "e.png"]
        {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "abc").unwrap();
        }
        let disk = Disk { base: folder.path().into() };
        for (pattern, files) in [
            ("in/*.png", &["in/a2.png", "in/a10.png"][..]),
            ("in/**/*.png", &["in/a2.png", "in/a10.png", "in/deep/c.png"]),
            ("in/**/*.{png,PNG}", &["in/a2.png", "in/a10.png", "in/deep/b.PNG", "in/deep/c.png"]),
            ("**/a?.png", &["in/a2.png"]),
            ("in/.hidden/*", &["in/.hidden/d.png"]),
            ("e.png", &["e.png"]),
        ] {
            let found = disk.matching(pattern).unwrap();
            assert_eq!(found, files.iter().map(PathBuf::from).collect::<Vec<_>>(), "{pattern}");
        }
        let absolute = folder.path().join("in/*.png");
        assert_eq!(disk.matching(absolute.to_str().unwrap()).unwrap().len(), 2);
        assert_eq!(disk.matching("*.jpg").unwrap_err().to_string(), "no file matches `*.jpg`");
        assert!(disk.matching("in/[").unwrap_err().to_string().starts_with("the pattern `in/[` is wrong: "));
        assert_eq!(disk.digest(Path::new("e.png")), Ok(Digest::of("abc")));
        assert_eq!(disk.digest(Path::new("none")).unwrap_err().to_string(), "it does not exist");
    }
}
