//! Checks whether a file fits a parameter, before anything is sent.

use runninghub_core::{Sentence, say};

use crate::{Error, Param, ParamKind};

/// The largest file that the platform accepts for an upload, in MB.
pub(crate) const LARGEST: u64 = 30;
/// Bytes per MB. The documentation doesn't say whether the platform counts in 1000s or in 1024s, so the platform
/// decides in between.
const MB: u64 = 1 << 20;

/// The extensions of known kinds.
const KINDS: [(ParamKind, &[&str]); 3] = [
    (ParamKind::Image, &["avif", "bmp", "gif", "heic", "jpeg", "jpg", "png", "tif", "tiff", "webp"]),
    (ParamKind::Video, &["avi", "flv", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "webm", "wmv"]),
    (ParamKind::Audio, &["aac", "aiff", "flac", "m4a", "mp3", "ogg", "opus", "wav", "wma"]),
];

/// Checks whether a file with this name and size fits the parameter.
pub(crate) fn check(param: &Param, name: &str, bytes: u64) -> Result<(), Error> {
    let place = &param.name;
    if !param.kind.is_media() {
        return Err(Error::new(say!("`{place}` takes {kind}, not a file", place, kind = param.kind.noun()))
            .with_hint(say!("use a value instead of a file")));
    }
    let Some(extension) = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()) else {
        return Err(Error::new(say!(
            "the file `{name}` has no extension, and the platform relies on it",
            name
        ))
        .with_hint(accepted(param)));
    };
    let same = |known: &String| {
        *known == extension
            || matches!(
                (known.as_str(), extension.as_str()),
                ("jpg", "jpeg") | ("jpeg", "jpg") | ("tif", "tiff") | ("tiff", "tif")
            )
    };
    let fits = if param.accept.is_empty() || param.guessed {
        // An unknown extension may be valid.
        KINDS.iter().find(|(_, known)| known.contains(&extension.as_str())).is_none_or(|(kind, _)| {
            *kind == param.kind || matches!(param.kind, ParamKind::Media | ParamKind::File)
        })
    } else {
        param.accept.iter().any(same)
    };
    if !fits {
        return Err(Error::new(say!("`{place}` does not accept the file `{name}`", place, name))
            .with_hint(accepted(param)));
    }
    if bytes == 0 {
        return Err(Error::new(say!("the file `{name}` is empty", name)));
    }
    let most = param.max_mb.unwrap_or(LARGEST);
    if bytes > most.saturating_mul(MB) {
        let what =
            say!("the file `{name}` is larger than the {most} MB that `{place}` takes", name, most, place);
        return Err(Error::new(what).with_hint(say!("make it smaller")));
    }
    if bytes > LARGEST * MB {
        let what =
            say!("the file `{name}` is larger than the {most} MB that can be uploaded", name, most = LARGEST);
        let hint = say!(
            "`{place}` takes files of up to {most} MB as a URL: give a URL instead of a file",
            place,
            most
        );
        return Err(Error::new(what).with_hint(hint));
    }
    Ok(())
}

fn accepted(param: &Param) -> Sentence {
    if param.accept.is_empty() {
        param.kind.it_takes()
    } else {
        say!("it takes {what}", what = param.accept.join(", "))
    }
}

impl ParamKind {
    /// A noun for what the parameter accepts, to use in a sentence.
    pub(crate) fn noun(self) -> Sentence {
        match self {
            Self::Bool => say!("`true` or `false`"),
            Self::Int => say!("a whole number"),
            Self::Float => say!("a number"),
            Self::String => say!("text"),
            Self::List => say!("one of its choices"),
            Self::Model => say!("the name of a LoRA"),
            Self::Image => say!("an image"),
            Self::Video => say!("a video"),
            Self::Audio => say!("an audio file"),
            Self::Media => say!("an image, a video or an audio file"),
            Self::File => say!("a file"),
            Self::Any => say!("any value"),
        }
    }

    pub(crate) fn it_takes(self) -> Sentence {
        say!("it takes {what}", what = self.noun())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(param: &Param, name: &str, bytes: u64) -> String {
        match check(param, name, bytes) {
            Ok(()) => "fine".to_owned(),
            Err(error) => {
                format!("{error} | {}", error.hint().unwrap_or_default())
            }
        }
    }

    #[test]
    fn a_file_is_checked_by_its_extension_and_its_size() {
        let picture = Param {
            name: "imageUrl".into(),
            kind: ParamKind::Image,
            accept: ["jpg", "png"].map(str::to_owned).into(),
            max_mb: Some(10),
            ..Param::default()
        };
        assert_eq!(verdict(&picture, "a.b.JPEG", 10 * MB), "fine");
        insta::assert_snapshot!(verdict(&picture, "a.png", 10 * MB + 1), @"the file `a.png` is larger than the 10 MB that `imageUrl` takes | make it smaller");
        insta::assert_snapshot!(verdict(&picture, "a.gif", 1), @"`imageUrl` does not accept the file `a.gif` | it takes jpg, png");
        insta::assert_snapshot!(verdict(&picture, "a", 1), @"the file `a` has no extension, and the platform relies on it | it takes jpg, png");
        insta::assert_snapshot!(verdict(&picture, "a.png", 0), @"the file `a.png` is empty | ");
        let film =
            Param { name: "video".into(), kind: ParamKind::Video, max_mb: Some(500), ..Param::default() };
        assert_eq!(verdict(&film, "a.mp4", 30 * MB), "fine");
        assert_eq!(verdict(&film, "a.new", 1), "fine");
        insta::assert_snapshot!(verdict(&film, "a.png", 1), @"`video` does not accept the file `a.png` | it takes a video");
        insta::assert_snapshot!(verdict(&film, "a.mp4", 30 * MB + 1), @"the file `a.mp4` is larger than the 30 MB that can be uploaded | `video` takes files of up to 500 MB as a URL: give a URL instead of a file");
        let any = Param { name: "url".into(), kind: ParamKind::Media, ..Param::default() };
        assert_eq!(verdict(&any, "a.mp3", 1), "fine");
        insta::assert_snapshot!(verdict(&any, "a.mp3", 41 << 20), @"the file `a.mp3` is larger than the 30 MB that `url` takes | make it smaller");
        let text = Param { name: "prompt".into(), kind: ParamKind::String, ..Param::default() };
        insta::assert_snapshot!(verdict(&text, "a.txt", 1), @"`prompt` takes text, not a file | use a value instead of a file");
    }
}
