//! A model and its parameters, as the catalog's lines have them.

use std::fmt;

use runninghub_core::{Sentence, say};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A model: one endpoint of the Standard Model API.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct Model {
    /// What stands behind `/openapi/v2/` in its address, to the letter: some are misspelt.
    pub endpoint: String,
    /// What else it is called: in English, in Chinese, in the documentation's navigation.
    #[serde(default)]
    pub names: Vec<String>,
    /// What it makes.
    #[serde(default)]
    pub kind: Kind,
    /// What it does, for example `image-to-video`.
    #[serde(default)]
    pub task: Option<String>,
    /// Who made it, for example `Kling`.
    #[serde(default)]
    pub family: Option<String>,
    /// Newer lists do not have it any more; it may be gone.
    #[serde(default)]
    pub retired: bool,
    /// What it is said to cost; guidance, not a promise.
    #[serde(default)]
    pub price: Option<Price>,
    /// What it takes.
    #[serde(default)]
    pub params: Vec<Param>,
}

/// What a model makes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Sound, music, speech.
    Audio,
    /// Pictures.
    Image,
    /// Text.
    Text,
    /// Models in three dimensions.
    #[serde(rename = "3d")]
    ThreeD,
    /// Films.
    Video,
    /// Something that this version does not know.
    #[default]
    #[serde(other)]
    Other,
}

impl Kind {
    /// `audio`, `image`, `text`, `3d`, `video` or `other`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audio => "audio",
            Self::Image => "image",
            Self::Text => "text",
            Self::ThreeD => "3d",
            Self::Video => "video",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a model is said to cost.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Price {
    /// For example `CNY`.
    pub currency: String,
    /// What is paid for, for example `call`, `second` or `image`.
    pub unit: String,
    /// The least for one unit.
    #[serde(default)]
    pub min: Option<f64>,
    /// The most for one unit.
    #[serde(default)]
    pub max: Option<f64>,
    /// The parameters that it depends on.
    #[serde(default)]
    pub by: Vec<String>,
    /// The day when it was so, `YYYY-MM-DD`.
    #[serde(default)]
    pub as_of: Option<String>,
}

/// A parameter of a model.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the list")]
#[non_exhaustive]
#[serde(default)]
pub struct Param {
    /// The key in the request, to the letter: `imageUrl`, `image_url` and `12##text` all exist.
    pub name: String,
    /// What it takes.
    #[serde(rename = "type")]
    pub kind: ParamKind,
    /// Whether the request needs it. One with a default is filled in.
    pub required: bool,
    /// What it is when nobody says.
    pub default: Option<Value>,
    /// The values that it can have, as they are sent: most are text, also `"5"` and `"true"`.
    pub choices: Vec<Value>,
    /// Sources disagree about the choices: there may be more.
    pub open: bool,
    /// Only the name of the field was known, so the type is a guess.
    pub guessed: bool,
    /// The least number.
    pub min: Option<f64>,
    /// The largest number.
    pub max: Option<f64>,
    /// The step from number to number.
    pub step: Option<f64>,
    /// The shortest text, characters.
    pub min_length: Option<usize>,
    /// The longest text, characters.
    pub max_length: Option<usize>,
    /// Whether it is a list, also of one.
    pub multiple: bool,
    /// The longest list.
    pub max_items: Option<usize>,
    /// The largest file, MB.
    pub max_mb: Option<u64>,
    /// The extensions of files that it takes, in lower case; empty where nothing is known.
    pub accept: Vec<String>,
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
#[serde(rename_all = "lowercase")]
pub enum ParamKind {
    /// `true` or `false`.
    Bool,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// Text.
    String,
    /// One of some choices.
    List,
    /// The name of a `LoRA`.
    Model,
    /// The address of a picture.
    Image,
    /// The address of a film.
    Video,
    /// The address of a sound.
    Audio,
    /// The address of a picture, a film or a sound.
    Media,
    /// The address of a file.
    File,
    /// Something that this version does not know; sent as it is.
    #[default]
    #[serde(other)]
    Any,
}

impl ParamKind {
    /// Whether files can stand there.
    pub fn is_media(self) -> bool {
        matches!(self, Self::Image | Self::Video | Self::Audio | Self::Media | Self::File)
    }

    /// The word that the catalog has for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Float => "float",
            Self::String => "string",
            Self::List => "list",
            Self::Model => "model",
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Media => "media",
            Self::File => "file",
            Self::Any => "any",
        }
    }
}

impl fmt::Display for ParamKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Model {
    /// What it is called: its first name, else its endpoint.
    pub fn name(&self) -> &str {
        self.names.first().map_or(&self.endpoint, String::as_str)
    }

    /// The parameter with this name, to the letter.
    pub fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|param| param.name == name)
    }
}

/// What is wrong with a model as it was read, if anything is.
pub(crate) fn flaw(model: &Model) -> Option<Sentence> {
    if model.endpoint.is_empty() {
        return Some(say!("its endpoint is empty"));
    }
    let mut names: Vec<_> = model.params.iter().map(|param| param.name.as_str()).collect();
    names.sort_unstable();
    let twice = names.windows(2).any(|pair| matches!(pair, [a, b] if a == b));
    (twice || names.first().is_some_and(|name| name.is_empty()))
        .then(|| say!("two of its parameters share a name, or one has no name"))
}
