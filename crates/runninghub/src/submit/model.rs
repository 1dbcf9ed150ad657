//! A run of a model that is being prepared.

use std::{
    collections::HashMap,
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use runninghub_api::{DownloadUrl, ModelPrice, RunModel, UploadSource};
use runninghub_catalog::{Catalog, Input};
use runninghub_ledger::{Digest, Secret};
use serde_json::{Map, Value};

use super::{
    pay::{OnWait, Payment},
    secret,
    terms::NewValue,
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
    webhook: Option<String>,
    max_cost: Option<f64>,
    queue_timeout: Option<Duration>,
    on_wait: Option<OnWait>,
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
            webhook: None,
            max_cost: None,
            queue_timeout: None,
            on_wait: None,
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

    /// An address that the platform calls when the task is over, as for [`Submit::webhook`](crate::Submit::webhook).
    pub fn webhook(mut self, url: impl Into<String>) -> Self {
        self.webhook = Some(url.into());
        self
    }

    /// Gives up when the account has had no free slot for this long. The default is to wait for one.
    pub fn queue_timeout(mut self, timeout: Duration) -> Self {
        self.queue_timeout = Some(timeout);
        self
    }

    /// Is told before each wait for a free slot: how long, and what the platform said.
    pub fn on_wait(mut self, call: impl Fn(Duration, &Error) + Send + Sync + 'static) -> Self {
        self.on_wait = Some(Box::new(call));
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
        if let (Some(recorder), Some(url)) = (&self.hub.recorder, &self.webhook) {
            recorder.address(url);
        }
        let request = self.prepare().await?;
        if let Some(limit) = self.max_cost {
            affordable(&self.price_of(&request).await?, limit)?;
        }
        let secret = secret::draw(&self.hub, self.webhook.as_deref())?;
        let payment = Payment {
            hub: &self.hub,
            what: What::named("model", &request.endpoint),
            // With the endpoint, and without the secret, so that the same request has the same digest every time.
            body: Digest::of(format!("{}\n{}", request.endpoint, self.request(&request, None).body())),
            secret: secret.as_ref(),
            queue_timeout: self.queue_timeout,
            on_wait: self.on_wait.as_ref(),
        };
        let paid = payment.make(|| self.request(&request, secret.as_ref())).await?;
        Ok(paid.begin(&self.hub, None, None, Family::Model))
    }

    fn request(&self, request: &Request, secret: Option<&Secret>) -> RunModel {
        let run = self.hub.client.run_model(&request.endpoint).params(request.params.clone());
        match &self.webhook {
            Some(url) => run.webhook_url(secret::fill(url, secret)),
            None => run,
        }
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
            return Ok(Request { endpoint, params: body.clone() });
        }
        let model = known?;
        let mut inputs: Vec<(&str, Input)> = Vec::new();
        for (name, value) in &self.values {
            inputs.push((name, value.unsent()?));
        }
        model.body(inputs.iter().map(|(name, input)| (*name, input)))?;
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
        let uploaded = uploaded.map_err(|error| Error::api("cannot upload the file", error))?;
        uploaded.download_url.ok_or_else(|| {
            Error::new(ErrorKind::Network, "the upload was answered without an address for models")
        })
    }
}

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
