//! Submits models of the Standard Model API.

use std::{collections::HashMap, fs, path::Path};

use runninghub_api::{DownloadUrl, ModelPrice, UploadSource};
use runninghub_catalog::{Catalog, Input};
use runninghub_core::{Kind, say};
use serde_json::{Map, Value};

use super::{
    Ready,
    change::{NewValue, USE_TEXT},
    check::{cannot_upload, no_file},
    expired,
};
use crate::{Error, ErrorKind, Submit, attempts::Subject, hub::Hub, platform::Family};

/// The request body and its endpoint.
struct Request {
    endpoint: String,
    params: Map<String, Value>,
}

pub(super) async fn ready(hub: &Hub, submit: &Submit, name: &str) -> Result<Ready, Error> {
    let request = prepare(hub, submit, name).await?;
    if let Some(limit) = submit.max_cost {
        affordable(&price_of(hub, &request).await?, limit)?;
    }
    let Request { endpoint, params } = request;
    Ok(Ready {
        subject: Subject::named(Kind::Model, &endpoint),
        request: hub.client.run_model(endpoint).params(params),
        graph: None,
        names: HashMap::new(),
        family: Family::Model,
    })
}

pub(super) async fn price(hub: &Hub, submit: &Submit, name: &str) -> Result<ModelPrice, Error> {
    price_of(hub, &prepare(hub, submit, name).await?).await
}

async fn price_of(hub: &Hub, request: &Request) -> Result<ModelPrice, Error> {
    let price = hub.client.model_price(&request.endpoint).params(request.params.clone()).await;
    price.map_err(|error| Error::api(say!("cannot get the price"), error))
}

/// Checks everything before any file is uploaded.
async fn prepare(hub: &Hub, submit: &Submit, name: &str) -> Result<Request, Error> {
    let catalog = submit.catalog.as_deref().unwrap_or_else(|| Catalog::embedded());
    let known = catalog.find(name);
    let values = submit.changes.named();
    if let Some(body) = &submit.body {
        if !values.is_empty() {
            return Err(Error::usage(say!("single parameters cannot be combined with a whole body")));
        }
        let endpoint = known.map_or_else(|_| name.to_owned(), |model| model.endpoint.clone());
        expired::check(body)?;
        return Ok(Request { endpoint, params: body.clone() });
    }
    let model = known?;
    let mut inputs: Vec<(&str, Input)> = Vec::new();
    for (name, value) in values {
        let takes_file = model.find_param(name).is_ok_and(|param| param.kind.is_media());
        let input = value.unsent();
        inputs.push((
            name,
            if takes_file { input? } else { input.map_err(|error| error.with_hint(USE_TEXT))? },
        ));
    }
    expired::check(&model.body(inputs.iter().map(|(name, input)| (*name, input)))?)?;
    let mut sent: HashMap<&Path, DownloadUrl> = HashMap::new();
    for ((_, input), (_, value)) in inputs.iter_mut().zip(values) {
        let NewValue::File(path) = value else { continue };
        let address = match sent.get(path.as_path()) {
            Some(address) => address,
            None => sent.entry(path).or_insert(upload(hub, path).await?),
        };
        *input = Input::Address(address.expose().to_owned());
    }
    let params = model.body(inputs.iter().map(|(name, input)| (*name, input)))?;
    Ok(Request { endpoint: model.endpoint.clone(), params })
}

async fn upload(hub: &Hub, path: &Path) -> Result<DownloadUrl, Error> {
    let uploaded = hub.client.upload(UploadSource::path(path)).await;
    let uploaded = uploaded.map_err(|error| Error::api(cannot_upload(path), error))?;
    uploaded
        .download_url
        .ok_or_else(|| Error::new(ErrorKind::Network, say!("the upload response has no URL for models")))
}

impl NewValue {
    /// The input for the catalog's check. Files are inspected, but not uploaded.
    pub(crate) fn unsent(&self) -> Result<Input, Error> {
        let path = match self {
            Self::Json(value) => return Ok(Input::Json(value.clone())),
            Self::Written(text) | Self::Text(text) => return Ok(Input::Json(text.as_str().into())),
            Self::File(path) => path,
        };
        let meta = fs::metadata(path).ok().filter(fs::Metadata::is_file);
        let meta = meta.ok_or_else(|| no_file(path))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Input::File { name, bytes: meta.len() })
    }
}

/// Checks that a run's price is within the limit.
fn affordable(price: &ModelPrice, limit: f64) -> Result<(), Error> {
    let refused = |what| Error::new(ErrorKind::Refused, what);
    let Some(amount) = price.amount() else {
        return Err(refused(say!("nothing was submitted: the platform does not give a price"))
            .with_hint(say!("submit without a limit, or with other values")));
    };
    if amount <= limit {
        return Ok(());
    }
    let cost = match &price.currency {
        Some(currency) => format!("{amount} {}", currency.raw()),
        None => amount.to_string(),
    };
    Err(refused(say!("nothing was submitted: it would cost {cost}, and the limit is {limit}", cost, limit))
        .with_hint(say!("raise the limit, or choose values that cost less")))
}
