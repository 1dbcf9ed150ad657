//! Sends requests: the only place that inserts the key, limits bodies and retries read requests.

use std::{
    borrow::Cow,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, SystemTime},
};

use backon::Retryable;
use reqwest::{
    Method, RequestBuilder,
    header::{AUTHORIZATION, DATE, HeaderMap, HeaderValue},
};
use runninghub_core::{NodeError, Sentence, repair, say};
use runninghub_net::{
    ErrorKind as NetErrorKind, Exchange, asked_wait, may_repeat, page_title, read_text, start_backoff,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, value::RawValue};
use tokio::time::Instant;

use crate::{
    ApiKey, Client, Code, Error, ErrorKind, Retry, UploadSource,
    budget::RetryCost,
    endpoint::created::Complaints,
    envelope::{Envelope, named_task},
    lenient,
    payload::{Payload, shown, to_json},
    redact,
    retry::held,
};

/// Maximum size of a response, bytes. The largest real one is a workflow of some hundred KiB.
const ANSWER: usize = 16 << 20;
/// Maximum size of an error page, bytes; the rest is ignored.
const ERROR_PAGE: usize = 64 << 10;

/// One API request.
pub(crate) struct Call {
    /// The name in logs.
    pub(crate) name: &'static str,
    pub(crate) path: Cow<'static, str>,
    effect: Effect,
    once: bool,
    urgent: bool,
    secret_answer: bool,
    timeout: Option<Duration>,
    key_field: &'static str,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Effect {
    /// Creates a task that costs money.
    Create,
    /// Sending it twice does no harm.
    None,
}

impl Call {
    /// A call that may be sent again at any time.
    pub(crate) fn repeatable(name: &'static str, path: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name,
            path: path.into(),
            effect: Effect::None,
            once: false,
            urgent: false,
            secret_answer: false,
            timeout: None,
            key_field: "apiKey",
        }
    }

    /// A call that creates a paid task: sent once, over its own connection.
    pub(crate) fn create(name: &'static str, path: impl Into<Cow<'static, str>>) -> Self {
        Self { effect: Effect::Create, once: true, ..Self::repeatable(name, path) }
    }

    /// Sent once, whatever happens.
    pub(crate) fn once(self, once: bool) -> Self {
        Self { once, ..self }
    }

    /// Sent even while the key has to wait.
    pub(crate) fn urgent(self) -> Self {
        Self { urgent: true, ..self }
    }

    /// The response contains a secret that is not known in advance: it is not passed to observers.
    pub(crate) fn secret_answer(self) -> Self {
        Self { secret_answer: true, ..self }
    }

    /// Overrides the client's timeout.
    pub(crate) fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }

    /// The JSON field for the key if it is not `apiKey`.
    pub(crate) fn key_field(self, key_field: &'static str) -> Self {
        Self { key_field, ..self }
    }

    pub(crate) fn error(&self, kind: ErrorKind) -> Error {
        Error::new(kind).of_create(self.effect == Effect::Create)
    }

    pub(crate) fn usage(&self, problem: Sentence) -> Error {
        self.error(ErrorKind::Usage { problem })
    }
}

/// A complete response of any kind.
pub(crate) struct Answer {
    effect: Effect,
    /// Masked in messages; `None` if the request had no key.
    key: Option<ApiKey>,
    status: u16,
    retry_after: Option<Duration>,
    text: String,
}

impl Client {
    /// Calls a legacy endpoint, with the key in the body. The header is sent as well: some enterprise keys are only
    /// accepted there, and some are refused if they are also in the body.
    pub(crate) async fn post_legacy<T>(
        &self,
        call: Call,
        body: &impl Serialize,
        decode: impl Fn(&Answer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut json = to_json(&call, body)?;
        let shown = shown(json.clone());
        let without = json.to_string().into();
        if let Value::Object(fields) = &mut json {
            fields.insert(call.key_field.to_owned(), self.key().expose().into());
        }
        let payload = Payload::Keyed { with_key: json.to_string().into(), without };
        self.ask(&call, &Method::POST, &payload, Some(&shown), decode).await
    }

    /// Calls a legacy endpoint with the key in its query. The other query parameters are reported as a body.
    pub(crate) async fn get_legacy<T>(
        &self,
        call: Call,
        query: Vec<(&'static str, String)>,
        decode: impl Fn(&Answer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let shown = Value::Object(
            query.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect(),
        );
        let payload = Payload::Query(query, call.key_field);
        self.ask(&call, &Method::GET, &payload, Some(&shown.to_string()), decode).await
    }

    /// Calls a v2 endpoint, with the key in the header only.
    pub(crate) async fn post_v2<T>(
        &self,
        call: Call,
        body: &impl Serialize,
        decode: impl Fn(&Answer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let json = to_json(&call, body)?;
        let payload = Payload::Json(json.to_string().into());
        self.ask(&call, &Method::POST, &payload, Some(&shown(json)), decode).await
    }

    /// Calls a v2 endpoint without parameters.
    pub(crate) async fn get_v2<T>(
        &self,
        call: Call,
        decode: impl Fn(&Answer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.ask(&call, &Method::GET, &Payload::Nothing, None, decode).await
    }

    /// Uploads a file to a v2 endpoint.
    pub(crate) async fn post_file<T>(
        &self,
        call: Call,
        file: UploadSource,
        decode: impl Fn(&Answer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.ask(&call, &Method::POST, &Payload::File(file), None, decode).await
    }

    /// Retries, with pauses, while that is safe and the key's budget allows it.
    pub(crate) async fn repeat<T, F: Future<Output = Result<T, Error>>>(
        &self,
        attempt: impl FnMut() -> F,
    ) -> Result<T, Error> {
        let scale = self.time_scale();
        let (mut taken, mut tried) = (None, 0);
        let result = attempt
            .retry(start_backoff())
            .when(|error| matches!(error.retry(), Retry::Safe { .. }))
            .adjust(|error, pause| {
                let least = match error.retry() {
                    Retry::Safe { after } => after.unwrap_or_default(),
                    _ => Duration::ZERO,
                };
                let cost = if held(error).is_some() { RetryCost::THROTTLED } else { RetryCost::RETRY };
                let pause = pause.filter(|_| may_repeat(error, &mut tried) && self.budget().take(cost))?;
                taken = Some(cost);
                Some(pause.max(least).mul_f64(scale))
            })
            .notify(|error, pause| tracing::debug!(%error, ?pause, "retrying"))
            .await;
        if result.is_ok() {
            self.budget().succeeded(taken);
        }
        result
    }

    async fn ask<T>(
        &self,
        call: &Call,
        method: &Method,
        payload: &Payload,
        shown: Option<&str>,
        decode: impl Fn(&Answer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let decode = &decode;
        let at_first = self.is_key_in_body();
        let (in_body, both) = (&AtomicBool::new(at_first), &AtomicBool::new(false));
        let attempt = || async move {
            let tried = in_body.load(Ordering::Relaxed);
            both.fetch_or(tried != at_first, Ordering::Relaxed);
            let answer = self.send(call, method, payload, tried, shown).await;
            let result = answer.and_then(|answer| decode(&answer));
            if payload.has_key() {
                match &result {
                    // Later requests, such as a create, use the location that was accepted.
                    Ok(_) => self.keep_key_in_body(tried),
                    Err(error) if is_wrong_key(error) => {
                        in_body.store(!tried, Ordering::Relaxed);
                        if call.effect == Effect::Create {
                            self.keep_key_in_body(!tried);
                        }
                    }
                    Err(_) => {}
                }
            }
            result.inspect_err(|error| {
                if let Some(wait) = held(error) {
                    tracing::debug!(call = call.name, ?wait, "the key has to wait");
                    self.pause().hold(wait.mul_f64(self.time_scale()));
                }
            })
        };
        let result = if call.once { attempt().await } else { self.repeat(attempt).await };
        // A call that is not retried gets one attempt with the key in the other location, but a paid call never
        // does.
        let is_misplaced = call.effect == Effect::None
            && payload.has_key()
            && result.as_ref().is_err_and(is_wrong_key)
            && !both.load(Ordering::Relaxed);
        if is_misplaced { attempt().await } else { result }
    }

    async fn send(
        &self,
        call: &Call,
        method: &Method,
        payload: &Payload,
        key_in_body: bool,
        shown: Option<&str>,
    ) -> Result<Answer, Error> {
        if !call.urgent {
            self.pause().pass(self.time_scale()).await;
        }
        let is_create = call.effect == Effect::Create;
        let clients = self.clients();
        let http = if is_create { clients.fresh() } else { clients.pooled() };
        let request = http
            .map_err(|error| Error::from(error).of_create(is_create))?
            .request(method.clone(), format!("{}{}", self.base_url(), call.path))
            .header(AUTHORIZATION, self.bearer().clone())
            .timeout(call.timeout.unwrap_or(if is_create { self.create_timeout() } else { self.timeout() }));
        let request = payload.attach(self, key_in_body, request).await?;
        self.count().fetch_add(1, Ordering::Relaxed);
        let started = Instant::now();
        let result = exchange(call, self.key().clone(), request).await.map(|(answer, _)| answer);
        let took = started.elapsed();
        let status = result.as_ref().ok().map(|answer| answer.status);
        tracing::debug!(call = call.name, status, ?took, "responded");
        let response = match &result {
            Ok(_) if call.secret_answer => "…".into(),
            Ok(answer) => self.key().mask(&answer.text),
            Err(error) => error.to_string().into(),
        };
        self.net().finished(&Exchange {
            method: method.as_str(),
            path: &call.path,
            request: shown,
            status,
            response: &response,
            started,
            took,
        });
        result
    }
}

/// Sends a request and reads the response. Also returns the seconds by which this machine's clock is ahead of the
/// server's.
pub(crate) async fn exchange(
    call: &Call,
    key: impl Into<Option<ApiKey>>,
    request: RequestBuilder,
) -> Result<(Answer, Option<i64>), Error> {
    let is_create = call.effect == Effect::Create;
    let lost = |error| Error::request(error).of_create(is_create);
    let mut response = request.send().await.map_err(lost)?;
    let status = response.status().as_u16();
    let retry_after = asked_wait(response.headers());
    let ahead = clock_ahead(response.headers(), SystemTime::now());
    // An error status is enough by itself, except for a create: the rest of its response may name a task.
    let is_page = !response.status().is_success() && !is_create;
    let body = match read_text(&mut response, if is_page { ERROR_PAGE } else { ANSWER }).await {
        // The part that was read may still be a complete response.
        Ok((body, _)) if is_page => body,
        Ok((body, true)) => body,
        Ok((_, false)) => {
            let limit = ANSWER as u64;
            return Err(call.error(ErrorKind::Net(NetErrorKind::TooLarge { limit })));
        }
        Err(_) if is_page => String::new(),
        Err(error) => return Err(lost(error)),
    };
    Ok((Answer::new(call, key, status, body).after(retry_after), ahead))
}

/// The key was not accepted, as reported by the legacy family.
fn is_wrong_key(error: &Error) -> bool {
    error.code().is_some_and(|code| code.as_str() == "-1")
}

impl Answer {
    /// A response. JSON that Python writes and strict parsers reject is repaired.
    pub(crate) fn new(call: &Call, key: impl Into<Option<ApiKey>>, status: u16, mut text: String) -> Self {
        if text.starts_with('\u{feff}') {
            text.remove(0);
        }
        if text.len() <= lenient::NESTED && text.trim_start().starts_with('{') {
            text = repair(&text).unwrap_or(text);
        }
        Self { effect: call.effect, key: key.into(), status, retry_after: None, text }
    }

    /// The same response with another text: one contained in it.
    pub(crate) fn with_text(&self, text: &str) -> Self {
        let Self { effect, ref key, status, retry_after, .. } = *self;
        Self { effect, key: key.clone(), status, retry_after, text: text.to_owned() }
    }

    /// Adds the pause that the server requests.
    pub(crate) fn after(self, retry_after: Option<Duration>) -> Self {
        Self { retry_after, ..self }
    }

    /// The envelope, whatever its code. A response without one is an error.
    pub(crate) fn envelope(&self) -> Result<Envelope<'_>, Error> {
        let is_success = (200..300).contains(&self.status);
        match Envelope::parse(&self.text) {
            Some(envelope) if is_success || envelope.failure().is_some() => Ok(envelope),
            None if is_success => {
                let title = page_title(&self.text).map(|title| redact::message(&title, self.key.as_ref()));
                Err(self.error(ErrorKind::NotOurApi { status: self.status, title }))
            }
            _ => Err(self.error(ErrorKind::Http { status: self.status })),
        }
    }

    /// The envelope of a response that has to be a success.
    pub(crate) fn success(&self) -> Result<Envelope<'_>, Error> {
        let envelope = self.envelope()?;
        if envelope.failure().is_some() { Err(self.refusal(&envelope)) } else { Ok(envelope) }
    }

    /// The envelope, after checking that neither it nor one nested in it is a refusal: some gateways wrap other
    /// responses.
    pub(crate) fn success_within(&self) -> Result<Envelope<'_>, Error> {
        let envelope = self.success()?;
        let refusal = |inner: Envelope<'_>| Some(self.refused_with(&inner.failure()?, &inner));
        envelope.inner().and_then(refusal).map_or(Ok(envelope), Err)
    }

    /// Checks the success of a call without a result: only an explicit code counts as done.
    pub(crate) fn done(&self) -> Result<(), Error> {
        if self.success()?.is_success() { Ok(()) } else { Err(self.unexpected("code")) }
    }

    /// The same for the v2 family, where an empty `errorCode` also means success.
    pub(crate) fn accepted(&self) -> Result<(), Error> {
        let envelope = self.success()?;
        if envelope.has_error_code() { Ok(()) } else { self.done() }
    }

    /// The payload of a response that has to be a success with one.
    pub(crate) fn data<T: DeserializeOwned>(&self) -> Result<T, Error> {
        let envelope = self.success()?;
        // A struct is never sent as an array, but serde would accept one.
        let data = envelope.data.filter(|data| data.get().starts_with('{'));
        self.decode("data", data.ok_or_else(|| self.unexpected("data"))?)
    }

    /// The list of a response that has to be a success; `null` is an empty list.
    pub(crate) fn items<T: DeserializeOwned>(&self) -> Result<Vec<T>, Error> {
        let envelope = self.success()?;
        let Some(data) = envelope.data else { return self.done().map(|()| Vec::new()) };
        let items = lenient::list(Some(data)).ok_or_else(|| self.unexpected("data"))?;
        // A malformed item is skipped; the others are kept.
        Ok(items.iter().filter_map(|item| lenient::object(Some(item))).collect())
    }

    /// The whole response as an object; call it after [`Answer::envelope`] found one.
    pub(crate) fn object<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(&self.text).map_err(|error| self.unexpected("").because(self.quoted(&error)))
    }

    /// Parses a part of the response; an error includes the position.
    pub(crate) fn decode<'r, T: Deserialize<'r>>(&self, at: &str, raw: &'r RawValue) -> Result<T, Error> {
        let mut json = serde_json::Deserializer::from_str(raw.get());
        serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            let path = if path == "." { at.to_owned() } else { format!("{at}.{path}") };
            self.unexpected(&path).because(self.quoted(error.inner()))
        })
    }

    /// serde quotes the unexpected value, which may be a signed URL.
    fn quoted(&self, error: &serde_json::Error) -> String {
        redact::message(&error.to_string(), self.key.as_ref()).to_string()
    }

    /// The error for a code other than success.
    pub(crate) fn refusal(&self, envelope: &Envelope<'_>) -> Error {
        match envelope.failure() {
            Some(code) => self.refused_with(&code, envelope),
            None => self.unexpected("code"),
        }
    }

    /// The error for this code, with the messages of the response.
    pub(crate) fn refused_with(&self, code: &Code, envelope: &Envelope<'_>) -> Error {
        let code = Code::new(redact::message(code.as_str(), self.key.as_ref()).raw());
        let message = envelope.message();
        let complaints = complaints(&message);
        let message = complaints.as_ref().map_or(message, Complaints::text);
        let message = redact::message(&message, self.key.as_ref());
        let nodes = self.redacted(complaints.unwrap_or_default().nodes);
        self.error(ErrorKind::Api { status: self.status, code, message, nodes })
    }

    /// The error for a refusal with further reasons.
    pub(crate) fn refusal_with(&self, envelope: &Envelope<'_>, complaints: Complaints) -> Error {
        let more = redact::message(&complaints.text(), self.key.as_ref());
        self.refusal(envelope).saying(&more).of_nodes(self.redacted(complaints.nodes))
    }

    fn redacted(&self, nodes: Vec<NodeError>) -> Vec<NodeError> {
        nodes.into_iter().map(|error| error.map(|text| redact::message(text, self.key.as_ref()))).collect()
    }

    /// The error for a response that lacks a required part.
    pub(crate) fn unexpected(&self, path: &str) -> Error {
        let excerpt = redact::excerpt(&self.text, self.key.as_ref());
        // The path contains field names from the response.
        self.error(ErrorKind::Decode { path: redact::message(path, self.key.as_ref()), excerpt })
    }

    fn error(&self, kind: ErrorKind) -> Error {
        let is_create = self.effect == Effect::Create;
        let task = if is_create { named_task(&self.text) } else { None };
        Error::new(kind).of_create(is_create).after(self.retry_after).naming(task)
    }
}

/// The header with the key, marked as sensitive so that lower layers neither print nor index it.
pub(crate) fn bearer(key: &ApiKey) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(format!("Bearer {}", key.expose()))
        .map_err(|_| Error::usage(say!("it is not valid in a header")).about(say!("API key")))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Seconds by which this machine's clock is ahead of the server that sent the headers.
fn clock_ahead(headers: &HeaderMap, now: SystemTime) -> Option<i64> {
    let theirs = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    let seconds = |span: Duration| i64::try_from(span.as_secs()).ok();
    match now.duration_since(theirs) {
        Ok(ahead) => seconds(ahead),
        Err(behind) => seconds(behind.duration()).map(i64::wrapping_neg),
    }
}

/// The errors in a message that is ComfyUI's JSON.
fn complaints(message: &str) -> Option<Complaints> {
    let json = message.starts_with('{').then(|| RawValue::from_string(message.to_owned()).ok()).flatten()?;
    let complaints = Complaints::of(Some(&json));
    (complaints.general.is_some() || !complaints.nodes.is_empty()).then_some(complaints)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Parses a made-up response with an endpoint's function.
    pub(crate) fn read_with<T>(text: &str, read: impl Fn(&Answer) -> Result<T, Error>) -> Result<T, Error> {
        answer(&Call::repeatable("test", "/"), 200, text, read)
    }

    /// The same for a create.
    pub(crate) fn create_with<T>(text: &str, read: impl Fn(&Answer) -> Result<T, Error>) -> Result<T, Error> {
        answer(&Call::create("create", "/"), 200, text, read)
    }

    /// The error of a create whose response has this HTTP status.
    pub(crate) fn error_with<T>(
        status: u16,
        text: &str,
        read: impl Fn(&Answer) -> Result<T, Error>,
    ) -> Error {
        answer(&Call::create("create", "/"), status, text, read).err().expect("an error")
    }

    fn answer<T>(
        call: &Call,
        status: u16,
        text: &str,
        read: impl Fn(&Answer) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let key = ApiKey::new("0123456789abcdef0123456789abcdef").expect("a key");
        read(&Answer::new(call, key, status, text.to_owned()))
    }

    #[test]
    fn a_decode_error_names_the_place_and_shows_the_beginning() {
        let read = |answer: &Answer| answer.data::<std::collections::BTreeMap<String, Vec<u8>>>();
        let text = r#"{"code":0,"data":{"a":[1],"b":[2,"x?y=1"]}}"#;
        let error = read_with(text, read).expect_err("a string is no number");
        insta::assert_snapshot!(error, @r#"unexpected response at `data.b[1]`: {"code":0,"data":{"a":[1],"b":[2,"x?…"]}}"#);
    }

    #[test]
    fn a_response_that_says_nothing_is_no_success() {
        for text in ["{}", r#"{"msg":"","data":null}"#] {
            read_with(text, Answer::done).expect_err(text);
            read_with(text, Answer::accepted).expect_err(text);
            read_with(text, Answer::items::<Value>).expect_err(text);
        }
        for text in [r#"{"code":0,"msg":"","data":null}"#, r#"{"errorCode":"","errorMessage":""}"#] {
            read_with(text, Answer::accepted).expect(text);
        }
        read_with(r#"{"errorCode":"1004","errorMessage":"x"}"#, Answer::accepted).expect_err("a refusal");
    }

    #[test]
    fn decode_errors_do_not_contain_urls() {
        let read = |answer: &Answer| answer.data::<std::collections::BTreeMap<String, u8>>();
        let error =
            read_with(r#"{"code":0,"data":{"k?SECRET":"https://h/?SECRET"}}"#, read).expect_err("text");
        assert!(!format!("{error:?} {error}").contains("SECRET"), "{error:?}");
    }

    #[test]
    fn an_error_status_takes_precedence_over_its_page() {
        let read = |answer: &Answer| answer.success().map(drop);
        for text in ["<html><title>Bad gateway</title>", "", r#"{"code":0}"#, r#"{"status":502,"error":"x"}"#]
        {
            let error = error_with(502, text, read);
            assert!(matches!(error.kind(), ErrorKind::Http { status: 502 }), "{error}");
        }
        assert_eq!(error_with(502, r#"{"code":1005}"#, read).code().map(Code::as_str), Some("1005"));
        let page = read_with("<html><title>Log in</title>", read).expect_err("a page");
        assert!(
            matches!(page.kind(), ErrorKind::NotOurApi { title: Some(title), .. } if title.raw() == "Log in")
        );
    }
}
