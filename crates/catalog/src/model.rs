//! A model and its parameters, as the lines of the catalog describe them.

use std::fmt;

use runninghub_core::{Sentence, say};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A model: one endpoint of the Standard Model API.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[non_exhaustive]
pub struct Model {
    /// The path after `/openapi/v2/`, verbatim: some are misspelled.
    pub endpoint: String,
    /// Its names: in English, in Chinese, in the documentation's navigation.
    #[serde(default)]
    pub names: Vec<String>,
    /// The kind of its results.
    #[serde(default)]
    pub kind: Kind,
    /// Its task, for example `image-to-video`.
    #[serde(default)]
    pub task: Option<String>,
    /// Its maker, for example `Kling`.
    #[serde(default)]
    pub family: Option<String>,
    /// Whether newer lists lack it; it may no longer be available.
    #[serde(default)]
    pub retired: bool,
    /// The documented price; guidance, not a promise.
    #[serde(default)]
    pub price: Option<Price>,
    /// Its parameters.
    #[serde(default)]
    pub params: Vec<Param>,
}

/// The kind of a model's results.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Sound, music, speech.
    Audio,
    /// Images.
    Image,
    /// Text.
    Text,
    /// 3D models.
    #[serde(rename = "3d")]
    ThreeD,
    /// Videos.
    Video,
    /// A kind that this version doesn't know.
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

/// The documented price of a model.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Price {
    /// The currency, for example `CNY`.
    pub currency: String,
    /// The billed unit, for example `call`, `second` or `image`.
    pub unit: String,
    /// The lowest price per unit.
    #[serde(default)]
    pub min: Option<f64>,
    /// The highest price per unit.
    #[serde(default)]
    pub max: Option<f64>,
    /// The parameters that the price depends on.
    #[serde(default)]
    pub by: Vec<String>,
    /// The date of the price, `YYYY-MM-DD`.
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
    /// The key in the request, verbatim: `imageUrl`, `image_url` and `12##text` all exist.
    pub name: String,
    /// The type of its values.
    #[serde(rename = "type")]
    pub kind: ParamKind,
    /// Whether the request requires it. If it is missing, its default is filled in.
    pub required: bool,
    /// The default value.
    pub default: Option<Value>,
    /// The allowed values, in the form to send: most are text, even `"5"` and `"true"`.
    pub choices: Vec<Value>,
    /// Whether sources disagree about the choices, so that there may be more.
    pub open: bool,
    /// Whether the type is a guess, because only the field's name was known.
    pub guessed: bool,
    /// The smallest number.
    pub min: Option<f64>,
    /// The largest number.
    pub max: Option<f64>,
    /// The step between numbers.
    pub step: Option<f64>,
    /// The minimum length of a text, in characters.
    pub min_length: Option<usize>,
    /// The maximum length of a text, in characters.
    pub max_length: Option<usize>,
    /// Whether the value is a list, even if it has a single item.
    pub multiple: bool,
    /// The maximum length of the list.
    pub max_items: Option<usize>,
    /// The maximum size of a file, in MB.
    pub max_mb: Option<u64>,
    /// The accepted file extensions, in lower case; empty if unknown.
    pub accept: Vec<String>,
}

/// The type of a parameter.
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
    /// One of the choices.
    List,
    /// The name of a `LoRA`.
    Model,
    /// The URL of an image.
    Image,
    /// The URL of a video.
    Video,
    /// The URL of an audio file.
    Audio,
    /// The URL of an image, a video or an audio file.
    Media,
    /// The URL of a file.
    File,
    /// A type that this version doesn't know; values are sent unchanged.
    #[default]
    #[serde(other)]
    Any,
}

impl ParamKind {
    /// Whether the value can be a file.
    pub fn is_media(self) -> bool {
        matches!(self, Self::Image | Self::Video | Self::Audio | Self::Media | Self::File)
    }

    /// The word in the catalog.
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
    /// The display name: the first name, or else the endpoint.
    pub fn name(&self) -> &str {
        self.names.first().map_or(&self.endpoint, String::as_str)
    }

    /// The parameter with exactly this name.
    pub fn param(&self, name: &str) -> Option<&Param> {
        self.params.iter().find(|param| param.name == name)
    }
}

/// The defect of a parsed model, if there is one.
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
