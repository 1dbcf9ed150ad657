//! Models of the Standard Model API as documented: the exact names and types of their fields, and their results.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use crate::scenario::{File, Scenario, ScriptNode};

/// Fields that every model accepts in addition to its own.
const COMMON: [&str; 2] = ["webhookUrl", "appCode"];
/// The prefixes of URLs. The name of an uploaded file isn't a URL.
const ADDRESSES: [&str; 4] = ["https://", "http://", "data:", "asset://"];

/// A model that the simulator serves at its endpoint: `POST /openapi/v2/{endpoint}`.
///
/// Some are always served ([`Model::documented`]); others can be defined.
#[derive(Clone, Debug)]
#[must_use = "a model does nothing until a simulator has it"]
pub struct Model {
    endpoint: String,
    fields: BTreeMap<String, Field>,
    is_strict: bool,
    makes: String,
    says: Option<String>,
    takes: Duration,
    price: String,
    recorded: Option<Scenario>,
}

#[derive(Clone, Debug)]
struct Field {
    kind: FieldKind,
    is_required: bool,
}

#[derive(Clone, Debug)]
enum FieldKind {
    Text,
    /// One of these strings; numbers are rejected.
    Choice(Vec<String>),
    Number,
    Truth,
    Address,
    Addresses,
}

impl Model {
    /// A model without fields that produces an image at once.
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self {
            endpoint: endpoint.into(),
            fields: BTreeMap::new(),
            is_strict: true,
            makes: "picture.png".to_owned(),
            says: None,
            takes: Duration::ZERO,
            price: "0.50".to_owned(),
            recorded: None,
        }
    }

    /// A recorded model: it takes every body, and its run is always the recorded one.
    pub(crate) fn recorded(endpoint: String, run: Scenario, price: Option<String>) -> Self {
        let model = Self { is_strict: false, recorded: Some(run), ..Self::new(endpoint) };
        match price {
            Some(price) => model.costs(price),
            None => model,
        }
    }

    /// Adds a text field.
    pub fn text(self, name: &str) -> Self {
        self.field(name, FieldKind::Text)
    }

    /// Adds a field with these choices. The number 5 is not the string `5`.
    pub fn choice(self, name: &str, choices: &[&str]) -> Self {
        self.field(name, FieldKind::Choice(choices.iter().map(ToString::to_string).collect()))
    }

    /// Adds a number field.
    pub fn number(self, name: &str) -> Self {
        self.field(name, FieldKind::Number)
    }

    /// Adds a boolean field; strings are rejected.
    pub fn truth(self, name: &str) -> Self {
        self.field(name, FieldKind::Truth)
    }

    /// Adds a field for the URL of a file.
    pub fn address(self, name: &str) -> Self {
        self.field(name, FieldKind::Address)
    }

    /// Adds a field for a list of URLs; a single URL is rejected.
    pub fn addresses(self, name: &str) -> Self {
        self.field(name, FieldKind::Addresses)
    }

    /// Makes these fields optional; they must have been added before.
    pub fn optional(mut self, names: &[&str]) -> Self {
        for (name, field) in &mut self.fields {
            field.is_required &= !names.contains(&name.as_str());
        }
        self
    }

    /// Sets the name of the file that the model produces.
    pub fn makes(mut self, file_name: impl Into<String>) -> Self {
        self.makes = file_name.into();
        self
    }

    /// Produces text instead of a file.
    pub fn says(mut self, text: impl Into<String>) -> Self {
        self.says = Some(text.into());
        self
    }

    /// Sets the duration at speed 1.
    pub fn takes(mut self, duration: Duration) -> Self {
        self.takes = duration;
        self
    }

    /// Sets the price of a request, in CNY.
    pub fn costs(mut self, price: impl Into<String>) -> Self {
        self.price = price.into();
        self
    }

    fn field(mut self, name: &str, kind: FieldKind) -> Self {
        self.fields.insert(name.to_owned(), Field { kind, is_required: true });
        self
    }

    /// Models of every documented kind: choices that look like numbers, booleans with and without quotes, lists of
    /// URLs, keys with `##`, keys with underscores, results that are text.
    pub fn documented() -> Vec<Self> {
        const TRUTH: &[&str] = &["true", "false"];
        let seconds = Duration::from_secs;
        vec![
            Self::new("kling-v3.0-pro/text-to-video")
                .text("prompt")
                .text("negativePrompt")
                .choice("duration", &["3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"])
                .choice("aspectRatio", &["1:1", "16:9", "9:16"])
                .number("cfgScale")
                .truth("sound")
                .truth("multiShot")
                .choice("shotType", &["customize", "intelligence"])
                .optional(&["negativePrompt", "aspectRatio", "cfgScale", "multiShot", "shotType"])
                .makes("kling.mp4")
                .takes(seconds(6))
                .costs("5.20"),
            Self::new("pixverse-v5.6/image-to-video")
                .text("prompt")
                .address("imageUrl")
                .choice("resolution", &["360p", "540p", "720p", "1080p"])
                .choice("duration", &["5", "8", "10"])
                .choice("generateAudioSwitch", TRUTH)
                .choice("thinkingType", &["auto", "enabled", "disabled"])
                .text("negativePrompt")
                .optional(&["resolution", "duration", "thinkingType", "negativePrompt"])
                .makes("pixverse.mp4")
                .takes(seconds(4))
                .costs("2.30"),
            Self::new("rhart-image-n-pro/edit")
                .addresses("imageUrls")
                .text("prompt")
                .text("aspectRatio")
                .choice("resolution", &["1k", "2k", "4k"])
                .optional(&["aspectRatio"])
                .takes(seconds(3))
                .costs("0.40"),
            Self::new("rhart-image/f-2-dev/text-to-image")
                .text("12##text")
                .text("41##select")
                .text("43##file_type")
                .number("30##value")
                .number("29##value")
                .optional(&["30##value", "29##value"])
                .takes(seconds(3))
                .costs("0.20"),
            Self::new("rhart-text-g-25-pro/text-to-text")
                .text("prompt")
                .says("Once upon a time there was a lighthouse.\n从前有一座灯塔。")
                .costs("0.02"),
            Self::new("rhart-audio/text-to-audio/speech-2.8-hd")
                .text("text")
                .text("voice_id")
                .number("speed")
                .truth("enable_base64_output")
                .truth("english_normalization")
                .optional(&["speed"])
                .makes("speech.mp3")
                .takes(seconds(2))
                .costs("0.62"),
        ]
    }

    /// A model that accepts anything; its endpoint determines the result.
    pub(crate) fn made_up(endpoint: &str) -> Self {
        let holds = |words: &[&str]| words.iter().any(|word| endpoint.contains(word));
        let model = Self { is_strict: false, ..Self::new(endpoint) }.takes(Duration::from_secs(3));
        if holds(&["to-text", "chat", "lyrics"]) {
            model.says("Some words.")
        } else if holds(&["video"]) {
            model.makes("film.mp4")
        } else if holds(&["audio", "music", "song", "speech", "tts", "voice"]) {
            model.makes("sound.mp3")
        } else if holds(&["3d", "world"]) {
            model.makes("thing.glb")
        } else {
            model
        }
    }

    /// The endpoint.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(crate) fn price(&self) -> &str {
        &self.price
    }

    /// The error in a body, worded like the platform's.
    pub(crate) fn check(&self, body: &Value) -> Result<(), String> {
        let Some(body) = body.as_object() else { return Err("the body is not an object".to_owned()) };
        if !self.is_strict {
            return Ok(());
        }
        if let Some(key) =
            body.keys().find(|key| !self.fields.contains_key(*key) && !COMMON.contains(&key.as_str()))
        {
            return Err(format!("unknown field {key}"));
        }
        for (name, field) in &self.fields {
            match body.get(name) {
                None if field.is_required => return Err(format!("{name} is required")),
                Some(value) if !field.kind.fits(value) => return Err(format!("{name} is invalid")),
                _ => {}
            }
        }
        Ok(())
    }

    /// A run like any other: one node, one result.
    pub(crate) fn scenario(&self) -> Scenario {
        if let Some(run) = &self.recorded {
            return run.clone();
        }
        let node = ScriptNode::new("1", "Model").takes(self.takes);
        let Some(text) = &self.says else {
            return Scenario::script(&self.endpoint).node(node.saves(&self.makes)).build();
        };
        let mut scenario = Scenario::script(&self.endpoint).node(node).build();
        let content = text.clone().into();
        scenario.files = [File { node_id: "1".to_owned(), name: "text.txt".to_owned(), content }].into();
        scenario
    }
}

impl FieldKind {
    fn fits(&self, value: &Value) -> bool {
        let is_address = |value: &Value| {
            value.as_str().is_some_and(|text| ADDRESSES.iter().any(|start| text.starts_with(start)))
        };
        match self {
            Self::Text => value.is_string(),
            Self::Choice(choices) => {
                value.as_str().is_some_and(|text| choices.iter().any(|choice| choice == text))
            }
            Self::Number => value.is_number(),
            Self::Truth => value.is_boolean(),
            Self::Address => is_address(value),
            Self::Addresses => {
                value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(is_address))
            }
        }
    }
}
