//! Models as they are written.

use runninghub::{ModelPrice, Untrusted, catalog};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// A model of the Standard Model API.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Model {
    /// What it is run by.
    pub(crate) endpoint: String,
    /// What else it is called.
    pub(crate) names: Vec<String>,
    /// What it makes.
    #[schemars(extend("enum" = ["audio", "image", "text", "3d", "video", "other"]))]
    pub(crate) kind: &'static str,
    /// What it does, for example `image-to-video`.
    pub(crate) task: Option<String>,
    /// Who made it.
    pub(crate) family: Option<String>,
    /// Newer lists do not have it any more.
    pub(crate) retired: bool,
    /// What it was said to cost; null where nothing is known.
    pub(crate) list_price: Option<ListPrice>,
    /// What it takes (`model show`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) params: Option<Vec<ModelParam>>,
}

/// What a model was said to cost. `price` asks the platform.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct ListPrice {
    pub(crate) currency: String,
    /// What is paid for, for example `call` or `second`.
    pub(crate) unit: String,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    /// The parameters that it depends on.
    pub(crate) by: Vec<String>,
    /// `YYYY-MM-DD`.
    pub(crate) as_of: Option<String>,
}

/// A parameter of a model.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact about it")]
pub(crate) struct ModelParam {
    pub(crate) name: String,
    #[serde(rename = "type")]
    #[schemars(extend("enum" = ["bool", "int", "float", "string", "list", "model", "image", "video", "audio", "media", "file", "any"]))]
    pub(crate) kind: &'static str,
    pub(crate) required: bool,
    /// What it is when nobody says.
    pub(crate) default: Option<Value>,
    /// The values that it can have, as they are sent; empty where it is not a list or they are not known.
    pub(crate) choices: Vec<Value>,
    /// Sources disagree about the choices: there may be more.
    pub(crate) open: bool,
    /// The type is a guess.
    pub(crate) guessed: bool,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) step: Option<f64>,
    /// Characters.
    pub(crate) min_length: Option<usize>,
    /// Characters.
    pub(crate) max_length: Option<usize>,
    /// Whether it takes several.
    pub(crate) multiple: bool,
    pub(crate) max_items: Option<usize>,
    /// Of each file.
    pub(crate) max_mb: Option<u64>,
    /// Extensions; empty where they are not known.
    pub(crate) accept: Vec<String>,
}

/// What a run would cost, as the platform estimates it.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(crate) struct Price {
    /// The model, as it was named.
    pub(crate) model: String,
    /// As the platform writes it; null where it does not say.
    pub(crate) amount: Option<String>,
    #[schemars(with = "Option<String>")]
    pub(crate) currency: Option<Untrusted>,
    /// The same in the platform's words.
    #[schemars(with = "Option<String>")]
    pub(crate) text: Option<Untrusted>,
    /// Whether this run would be free.
    pub(crate) free: bool,
    /// How many runs are still free.
    pub(crate) free_calls: Option<u64>,
}

impl From<&catalog::Model> for Model {
    fn from(model: &catalog::Model) -> Self {
        Self {
            endpoint: model.endpoint.clone(),
            names: model.names.clone(),
            kind: model.kind.as_str(),
            task: model.task.clone(),
            family: model.family.clone(),
            retired: model.retired,
            list_price: model.price.as_ref().map(ListPrice::from),
            params: None,
        }
    }
}

impl From<&catalog::Price> for ListPrice {
    fn from(price: &catalog::Price) -> Self {
        Self {
            currency: price.currency.clone(),
            unit: price.unit.clone(),
            min: price.min,
            max: price.max,
            by: price.by.clone(),
            as_of: price.as_of.clone(),
        }
    }
}

impl From<&catalog::Param> for ModelParam {
    fn from(param: &catalog::Param) -> Self {
        Self {
            name: param.name.clone(),
            kind: param.kind.as_str(),
            required: param.required,
            default: param.default.clone(),
            choices: param.choices.clone(),
            open: param.open,
            guessed: param.guessed,
            min: param.min,
            max: param.max,
            step: param.step,
            min_length: param.min_length,
            max_length: param.max_length,
            multiple: param.multiple,
            max_items: param.max_items,
            max_mb: param.max_mb,
            accept: param.accept.clone(),
        }
    }
}

impl Price {
    /// The platform's answer for a model.
    pub(crate) fn of(model: &str, price: ModelPrice) -> Self {
        Self {
            model: model.to_owned(),
            amount: price.estimated_price,
            currency: price.currency,
            text: price.text.or(price.text_zh),
            free: price.is_free,
            free_calls: price.free_calls,
        }
    }
}
