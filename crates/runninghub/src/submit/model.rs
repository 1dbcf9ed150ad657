//! A run of a model that is being prepared.

use std::{
    collections::HashMap,
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use runninghub_api::{DownloadUrl, ModelPrice, RunModel, RunOptions, UploadSource};
use runninghub_catalog::{Catalog, Input};
use runninghub_core::Kind;
use serde_json::{Map, Value};

use super::{
    check::cannot_upload,
    expired,
    terms::{NewValue, Terms, terms},
};
use crate::{Error, ErrorKind, Run, book::What, hub::Hub, platform::Family};

/// A run of a model that is being prepared, by [`RunningHub::model`](crate::RunningHub::model). Nothing is sent and nothing is
/// paid before [`SubmitModel::submit`].
#[must_use = "nothing is submitted until `submit` is called"]
pub struct SubmitModel {
    hub: Arc<Hub>,
    name: String,
    catalog: Option<Arc<Catalog>>,
    values: Vec<(String, NewValue)>,
    body: Option<Map<String, Value>>,
    max_cost: Option<f64>,
    terms: Terms,
}

/// What is sent, and where.
struct Request {
    endpoint: String,
    params: Map<String, Value>,
}

impl SubmitModel {
    pub(crate) fn new(hub: Arc<Hub>, name: String) -> Self {
        Self {
            hub,
            name,
            catalog: None,
            values: Vec::new(),
            body: None,
            max_cost: None,
            terms: Terms::default(),
        }
    }

    /// Sets a parameter. Text is read as the parameter's type wants it. What takes several can be set several times.
    pub fn set(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.values.push((name.into(), NewValue::Json(value.into())));
        self
    }

    /// Uploads a file and puts its address into a parameter.
    pub fn set_file(mut self, name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.values.push((name.into(), NewValue::File(path.into())));
        self
    }

    /// The whole body, sent as it is and not checked: for a model that the catalog does not know, or knows wrongly.
    pub fn body(mut self, body: Map<String, Value>) -> Self {
        self.body = Some(body);
        self
    }

    /// Another catalog than the one that this version was built with.
    pub fn catalog(mut self, catalog: Arc<Catalog>) -> Self {
        self.catalog = Some(catalog);
        self
    }

    /// Asks for the price first, and submits nothing that costs more, or that nobody knows the price of. In the currency of
    /// the platform's answer.
    pub fn max_cost(mut self, amount: f64) -> Self {
        self.max_cost = Some(amount);
        self
    }

    /// Asks what the run would cost. Files are uploaded for that, and nothing is created.
    ///
    /// # Errors
    /// When a value cannot be, or there is no answer.
    pub async fn price(&self) -> Result<ModelPrice, Error> {
        let request = self.prepare().await?;
        self.price_of(&request).await
    }

    /// Checks, uploads, and creates the task, exactly once. The run has no graph: its overall figure is unknown until it is
    /// over.
    ///
    /// # Errors
    /// As for [`Submit::submit`](crate::Submit::submit).
    pub async fn submit(self) -> Result<Run, Error> {
        let request = self.prepare().await?;
        if let Some(limit) = self.max_cost {
            affordable(&self.price_of(&request).await?, limit)?;
        }
        let Request { endpoint, params } = &request;
        let build = |options: RunOptions| {
            let run = self.hub.client.run_model(endpoint).params(params.clone());
            match options.webhook_url {
                Some(url) => run.webhook_url(url),
                None => run,
            }
        };
        // With the endpoint, which is not in the body.
        let body = |run: &RunModel| Ok(format!("{endpoint}\n{}", run.body()));
        let paid = self.terms.pay(&self.hub, What::named(Kind::Model, endpoint), build, body).await?;
        Ok(paid.begin(&self.hub, None, None, Family::Model, None))
    }

    async fn price_of(&self, request: &Request) -> Result<ModelPrice, Error> {
        let asked = self.hub.client.model_price(&request.endpoint).params(request.params.clone()).await;
        asked.map_err(|error| Error::api("cannot ask what it would cost", error))
    }

    /// Everything is checked first, and only then files are uploaded.
    async fn prepare(&self) -> Result<Request, Error> {
        let catalog = self.catalog.as_deref().unwrap_or_else(|| Catalog::embedded());
        let known = catalog.find(&self.name);
        if let Some(body) = &self.body {
            if !self.values.is_empty() {
                return Err(Error::usage("a whole body leaves no place for single parameters"));
            }
            let endpoint = known.map_or_else(|_| self.name.clone(), |model| model.endpoint.clone());
            expired::check(body)?;
            return Ok(Request { endpoint, params: body.clone() });
        }
        let model = known?;
        let mut inputs: Vec<(&str, Input)> = Vec::new();
        for (name, value) in &self.values {
            inputs.push((name, value.unsent()?));
        }
        expired::check(&model.body(inputs.iter().map(|(name, input)| (*name, input)))?)?;
        let mut sent: HashMap<&Path, DownloadUrl> = HashMap::new();
        for ((_, input), (_, value)) in inputs.iter_mut().zip(&self.values) {
            let NewValue::File(path) = value else { continue };
            let address = match sent.get(path.as_path()) {
                Some(address) => address,
                None => sent.entry(path).or_insert(self.upload(path).await?),
            };
            *input = Input::Address(address.expose().to_owned());
        }
        let params = model.body(inputs.iter().map(|(name, input)| (*name, input)))?;
        Ok(Request { endpoint: model.endpoint.clone(), params })
    }

    async fn upload(&self, path: &Path) -> Result<DownloadUrl, Error> {
        let uploaded = self.hub.client.upload(UploadSource::path(path)).await;
        let uploaded = uploaded.map_err(|error| Error::api(&cannot_upload(path), error))?;
        uploaded.download_url.ok_or_else(|| {
            Error::new(ErrorKind::Network, "the upload was answered without an address for models")
        })
    }
}

terms!(common SubmitModel);

impl NewValue {
    /// What the catalog has to know of it. Files are looked at, and not sent.
    fn unsent(&self) -> Result<Input, Error> {
        let path = match self {
            Self::Json(value) => return Ok(Input::Json(value.clone())),
            Self::File(path) => path,
        };
        let meta = fs::metadata(path).ok().filter(fs::Metadata::is_file);
        let meta = meta.ok_or_else(|| Error::usage(format!("there is no file {}", path.display())))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Input::File { name, bytes: meta.len() })
    }
}

/// Whether a run may be paid for.
fn affordable(price: &ModelPrice, limit: f64) -> Result<(), Error> {
    let refused = |what: String| Error::new(ErrorKind::Refused, what);
    let Some(amount) = price.amount() else {
        return Err(refused(
            "nothing was submitted: the platform does not say what it would cost".to_owned(),
        )
        .with_hint("submit without a limit, or with other values"));
    };
    if amount <= limit {
        return Ok(());
    }
    let currency = price.currency.as_ref().map(|currency| format!(" {currency}")).unwrap_or_default();
    Err(refused(format!(
        "nothing was submitted: it would cost {amount}{currency}, and no more than {limit} may be spent"
    ))
    .with_hint("raise the limit, or choose values that cost less"))
}

impl From<runninghub_catalog::Error> for Error {
    fn from(error: runninghub_catalog::Error) -> Self {
        let found = Self::usage(error.to_string());
        match error.hint() {
            Some(hint) => found.with_hint(hint),
            None => found,
        }
    }
}

impl fmt::Debug for SubmitModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubmitModel").field("name", &self.name).finish_non_exhaustive()
    }
}
