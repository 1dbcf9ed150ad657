//! Images of a run: their names, and the comparison with the expected ones.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs, io,
    path::{Path, PathBuf},
};

use image::{DynamicImage, ImageReader, Limits, Rgb, RgbImage};
use image_compare::{Algorithm, rgb_similarity_structure};
use runninghub::{
    Output,
    net::{copy_file, sanitize},
    say, sentence_of,
};

use crate::{
    args::Pictures,
    event::{PictureTest, PictureVerdict},
    exit::{Error, Exit},
};

/// Subfolders of a run in a report: its images, the expected ones, and their differences.
pub(super) const FOUND: &str = "pictures";
const EXPECTED: &str = "expected";
const DIFFERENCE: &str = "difference";
/// Limits for images to compare: pixels per side, and bytes of memory.
const SIDE: u32 = 16_384;
const MEMORY: u64 = 1 << 30;

/// The images among the results of a run: their names and files. Names are the same in each run of a workflow.
pub(super) fn of_run(outputs: &[Output]) -> BTreeMap<String, PathBuf> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut found = BTreeMap::new();
    for output in outputs.iter().filter(|output| !output.intermediate) {
        let node = output.node_id.as_ref().map_or("result", |node| node.as_str());
        let count = counts.entry(node).or_default();
        *count += 1;
        if let Some(path) = output.path.as_ref().map(PathBuf::from).filter(|path| is_picture(path)) {
            let extension = path.extension().unwrap_or_default().to_string_lossy();
            found.insert(sanitize(&format!("{node}-{count}.{extension}")), path.clone());
        }
    }
    found
}

/// The expected images of a recording; none if there is no folder.
pub(super) fn expected(folder: &Path) -> BTreeMap<String, PathBuf> {
    in_folder(&folder.join(runninghub::transport::EXPECTED))
}

/// The images in a folder, with names from [`keep`].
pub(super) fn in_folder(folder: &Path) -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    let named = files.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()));
    named.filter(|(name, path)| sanitize(name) == *name && is_picture(path)).collect()
}

/// Copies images into a folder, under their names.
///
/// # Errors
/// If they can't be written.
pub(super) fn keep(pictures: &BTreeMap<String, PathBuf>, folder: &Path) -> Result<(), Error> {
    let cannot = |why: io::Error| {
        Error::new(
            Exit::Store,
            say!("cannot write to the folder {path}: {why}", path = folder.display(), why),
        )
    };
    fs::create_dir_all(folder).map_err(cannot)?;
    for (name, path) in pictures {
        copy_file(path, &folder.join(name)).map_err(|error| {
            let (path, why) = (folder.join(name), sentence_of(&error));
            Error::new(Exit::Store, say!("cannot write {path}: {why}", path = path.display(), why))
        })?;
    }
    Ok(())
}

/// Replaces the expected images of a recording.
///
/// # Errors
/// If they can't be written.
pub(super) fn accept(pictures: &BTreeMap<String, PathBuf>, folder: &Path) -> Result<(), Error> {
    let before = expected(folder);
    keep(pictures, &folder.join(runninghub::transport::EXPECTED))?;
    for (_, path) in before.iter().filter(|(name, _)| !pictures.contains_key(*name)) {
        fs::remove_file(path).map_err(|why| {
            Error::new(Exit::Store, say!("cannot remove {path}: {why}", path = path.display(), why))
        })?;
    }
    Ok(())
}

/// Compares the images of a run with the expected ones. The report's folder of the run gets copies of both, and the
/// differences. Decoding takes a while, so call it on a separate thread.
///
/// # Errors
/// If the copies can't be written.
pub(super) fn compare(
    how: Pictures,
    found: &BTreeMap<String, PathBuf>,
    expected: &BTreeMap<String, PathBuf>,
    folder: &Path,
    name: &str,
) -> Result<Vec<PictureTest>, Error> {
    keep(expected, &folder.join(EXPECTED))?;
    let names: BTreeSet<&String> = found.keys().chain(expected.keys()).collect();
    let mut tests = Vec::new();
    for picture in names {
        let (new, old) = (found.get(picture), expected.get(picture));
        let at = |part: &str| format!("{name}/{part}/{picture}");
        let mut test = PictureTest {
            name: picture.clone(),
            verdict: PictureVerdict::New,
            similarity: None,
            expected: old.map(|_| at(EXPECTED)),
            found: new.map(|_| at(FOUND)),
            difference: None,
        };
        match (old, new) {
            (Some(old), Some(new)) => {
                let compared = Compared::of(old, new);
                test.similarity = compared.similarity;
                let is_good = match how {
                    Pictures::Exact => compared.is_same,
                    Pictures::Similar(least) => compared.similarity.is_some_and(|found| found >= least),
                };
                test.verdict = if is_good { PictureVerdict::Passed } else { PictureVerdict::Changed };
                if let Some(difference) = compared.difference {
                    let file = format!("{picture}.png");
                    let path = folder.join(DIFFERENCE);
                    fs::create_dir_all(&path)
                        .map_err(|why| why.to_string())
                        .and_then(|()| difference.save(path.join(&file)).map_err(|why| why.to_string()))
                        .map_err(|why| {
                            let path = path.display();
                            Error::new(
                                Exit::Store,
                                say!("cannot write to the folder {path}: {why}", path, why),
                            )
                        })?;
                    test.difference = Some(format!("{name}/{DIFFERENCE}/{file}"));
                }
            }
            (Some(_), None) => test.verdict = PictureVerdict::Missing,
            _ => {}
        }
        tests.push(test);
    }
    Ok(tests)
}

/// Two pictures.
#[derive(Debug, Default)]
struct Compared {
    is_same: bool,
    /// `None` if one can't be decoded, or their dimensions differ.
    similarity: Option<f64>,
    /// The difference of each pixel from the expected one, unless all are equal.
    difference: Option<RgbImage>,
}

impl Compared {
    fn of(expected: &Path, found: &Path) -> Self {
        let (Some(expected), Some(found)) = (decode(expected), decode(found)) else { return Self::default() };
        if same(&expected, &found) {
            return Self { is_same: true, similarity: Some(1.0), difference: None };
        }
        let (expected, found) = (expected.into_rgb8(), found.into_rgb8());
        let compared = rgb_similarity_structure(&Algorithm::MSSIMSimple, &expected, &found);
        let Ok(compared) = compared else { return Self::default() };
        let mut difference = expected;
        for (Rgb(one), Rgb(other)) in difference.pixels_mut().zip(found.pixels()) {
            one.iter_mut().zip(other).for_each(|(one, other)| *one = one.abs_diff(*other));
        }
        Self { is_same: false, similarity: Some(compared.score), difference: Some(difference) }
    }
}

/// Whether two images have the same pixels, whatever their formats.
fn same(one: &DynamicImage, other: &DynamicImage) -> bool {
    if one.color() == other.color() { one == other } else { one.to_rgba16() == other.to_rgba16() }
}

/// Whether a file is a decodable image, by its first bytes.
fn is_picture(path: &Path) -> bool {
    let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format);
    reader.is_ok_and(|reader| reader.format().is_some_and(|format| format.reading_enabled()))
}

/// The pixels of a file from a server, within limits.
fn decode(path: &Path) -> Option<DynamicImage> {
    let mut reader = ImageReader::open(path).ok()?.with_guessed_format().ok()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    reader.decode().ok()
}
