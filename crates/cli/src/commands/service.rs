//! Selects the service of a command and connects to it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use runninghub::{
    ApiKey, Comfy, NetOptions, Place, RunningHub, Service, Site, TaskId, Workspace, ledger::Entry, net::Net,
    say,
};

use super::context::Context;
use crate::{
    args::{FollowOptions, Previews, Server},
    exit::{Error, Exit},
    key, secrets, server_login as login, speed,
};

/// Whether submits are recorded in the ledger.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Writes {
    /// Not in this machine's ledger: a demo.
    Elsewhere,
    /// If possible.
    #[default]
    May,
    /// Required: without a record nothing is sent.
    Must,
}

/// Where a run is recorded.
#[derive(Clone, Debug, Default)]
pub(super) enum RecordTo {
    #[default]
    Nowhere,
    /// Among the recordings of the state folder, if possible.
    Kept,
    /// In this folder.
    To(PathBuf),
}

impl RecordTo {
    /// According to the options of a run.
    pub(super) fn new(follow: &FollowOptions, is_private: bool) -> Self {
        match &follow.recording.record {
            Some(dir) => Self::To(dir.clone()),
            None if follow.recording.no_recording || is_private => Self::Nowhere,
            None => Self::Kept,
        }
    }
}

/// Overrides of the options, and defaults for unset ones.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    pub(super) ledger: Writes,
    pub(super) key: Option<ApiKey>,
    pub(super) site: Option<Site>,
    pub(super) base_url: Option<String>,
    /// Used if the options name neither a site nor a base URL.
    pub(super) known_url: Option<String>,
    /// Used if the options name no server.
    pub(super) server: Option<Server>,
    pub(super) create_timeout: Option<Duration>,
    pub(super) record: RecordTo,
    pub(super) record_previews: bool,
    pub(super) previews: Previews,
}

impl Settings {
    /// Defaults from the place of a submit.
    pub(super) fn of(place: &Place) -> Self {
        let (site, base_url) = match place {
            Place::RunningHub { site, base_url } => (Some(*site), Some(base_url)),
            Place::NativeProxy { base_url, .. } => (None, Some(base_url)),
            _ => (None, None),
        };
        let own = site.map(Site::base_url);
        let known_url = base_url.filter(|url| own != Some(url.as_str())).cloned();
        Self { site, known_url, server: Server::of(place), ..Self::default() }
    }
}

/// A task from the command line, with its ledger entry.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) task: TaskId,
    pub(super) entry: Option<Box<Entry>>,
}

impl Found {
    /// Defaults from the task's place.
    pub(super) fn settings(&self) -> Settings {
        self.entry.as_ref().map(|entry| Settings::of(&entry.intent.place)).unwrap_or_default()
    }
}

impl Context {
    /// The service from the options, or else the known one.
    pub(super) fn service(&mut self, settings: Settings) -> Result<Arc<dyn Service>, Error> {
        let server = self.global.server.clone().or_else(|| settings.server.clone());
        self.service_on(server, settings)
    }

    /// The service where a submit was made, whatever the options name.
    pub(super) fn service_at(&mut self, place: &Place) -> Result<Arc<dyn Service>, Error> {
        check_place(place)?;
        self.service_on(Server::of(place), Settings::of(place))
    }

    /// A server, or RunningHub without one.
    fn service_on(&mut self, server: Option<Server>, settings: Settings) -> Result<Arc<dyn Service>, Error> {
        Ok(match server {
            Some(server) => Arc::new(self.server(server, settings)?),
            None => self.platform(settings)?,
        })
    }

    /// RunningHub, for features that a ComfyUI doesn't have.
    pub(super) fn platform(&mut self, settings: Settings) -> Result<Arc<dyn Service>, Error> {
        Ok(Arc::new(self.connect(settings)?))
    }

    /// The workspace, with its ledger opened for writing. Without it a run that doesn't need it continues with a warning.
    fn records(&mut self, is_needed: bool) -> Result<Option<Workspace>, Error> {
        let opened = self.workspace().and_then(|workspace| {
            workspace.ledger()?;
            Ok(workspace.clone())
        });
        match opened {
            Err(error) if !is_needed => {
                self.warn("ledger", error.message);
                Ok(None)
            }
            opened => opened.map(Some),
        }
    }

    /// The folder for the recording of a run.
    fn recording(&mut self, wanted: RecordTo) -> Option<PathBuf> {
        match wanted {
            RecordTo::Nowhere => None,
            RecordTo::To(dir) => Some(dir),
            RecordTo::Kept => {
                self.recording = self.workspace().ok().and_then(|workspace| {
                    let begun = workspace.recordings().begin();
                    begun.inspect_err(|error| tracing::info!(%error, "the run is not recorded")).ok()
                });
                self.recording.clone()
            }
        }
    }

    /// RunningHub's API, with the key from the options.
    pub(super) fn connect(&mut self, settings: Settings) -> Result<RunningHub, Error> {
        let key = match settings.key {
            Some(key) => key,
            None => key::read(&self.global)?,
        };
        let known = settings.known_url.filter(|_| self.global.site.is_none());
        let site = match &known {
            // The URL decides; the site is only a label.
            Some(_) => settings.site.unwrap_or_default(),
            None => self.site(settings.site)?,
        };
        self.keep_previews(settings.previews)?;
        let mut builder = RunningHub::builder(key)
            .site(site)
            .time_scale(speed::time_scale()?)
            .net(self.net())
            .priors(self.priors()?)
            .previews(self.wants_previews());
        if let Some(url) = settings.base_url.as_ref().or(self.global.base_url.as_ref()).or(known.as_ref()) {
            builder = builder.base_url(url);
        }
        if let Some(timeout) = settings.create_timeout {
            builder = builder.create_timeout(timeout);
        }
        if settings.ledger != Writes::Elsewhere {
            // A paid task is followed even without a ledger.
            builder = match (self.records(settings.ledger == Writes::Must)?, self.workspace()) {
                (Some(workspace), _) => builder.workspace(&workspace)?,
                (None, Ok(workspace)) => builder.history(workspace.history()),
                (None, Err(_)) => builder,
            };
        }
        if let Some(dir) = self.recording(settings.record) {
            builder = builder.record(dir).record_previews(settings.record_previews);
        }
        let hub = builder.build().map_err(|error| {
            let is_recording = error.kind() == runninghub::ErrorKind::Io;
            Error::from(error).or_hint(if is_recording {
                say!("choose a new or empty folder with `--record DIR`; nothing was submitted")
            } else {
                say!("a base URL looks like `https://www.runninghub.cn`, or `http://127.0.0.1:8189` for `rhub simulate`")
            })
        }).map_err(|error| self.blamed(error, "base-url"))?;
        self.services.push(Arc::new(hub.clone()));
        Ok(hub)
    }

    /// The error of a service that cannot be set up, with the option that is to blame: one of the network, else `url`.
    pub(super) fn blamed(&self, error: Error, url: &'static str) -> Error {
        let global = &self.global;
        let fails = |net: NetOptions| Net::new(net).is_err();
        let is_proxy =
            global.proxy.as_ref().is_some_and(|proxy| fails(NetOptions::default().proxy(proxy.expose())));
        let is_file = global.ca_file.as_ref().is_some_and(|path| fails(NetOptions::default().ca_file(path)));
        match error.exit {
            Exit::Usage if is_proxy => error.about("proxy"),
            Exit::Usage if is_file => error.about("ca-file"),
            Exit::Usage => error.about(url),
            _ => error,
        }
    }

    /// A ComfyUI: a server, or RunningHub's native proxy.
    pub(super) fn server(&mut self, server: Server, settings: Settings) -> Result<Comfy, Error> {
        self.keep_previews(settings.previews)?;
        let is_proxy = matches!(server, Server::Proxy(_));
        let mut builder = match server {
            Server::Proxy(proxy) => {
                let builder = Comfy::of_runninghub(key::read(&self.global)?, self.site(None)?, proxy);
                let known = settings.known_url.as_ref().filter(|_| self.global.site.is_none());
                match self.global.base_url.as_ref().or(known) {
                    Some(url) => builder.base_url(url),
                    None => builder,
                }
            }
            Server::Url(url) => {
                let url = if url.contains("://") { url } else { format!("http://{url}") };
                secrets::learn_login(&url);
                let builder = match login::read(&self.global)? {
                    Some(login) => Comfy::builder(url).login(login),
                    None => Comfy::builder(url),
                };
                match login::partner_key() {
                    Some(key) => builder.partner_key(key),
                    None => builder,
                }
            }
        };
        builder = builder
            .time_scale(speed::time_scale()?)
            .net(self.net())
            .priors(self.priors()?)
            .previews(self.wants_previews());
        // Prompts on your own server cost nothing.
        builder = match (self.records(settings.ledger == Writes::Must && is_proxy)?, self.workspace()) {
            (Some(workspace), _) => builder.workspace(&workspace)?,
            (None, Ok(workspace)) => builder.history(workspace.history()),
            (None, Err(_)) => builder,
        };
        if let Some(dir) = self.recording(settings.record) {
            builder = builder.record(dir).record_previews(settings.record_previews);
        }
        let comfy = builder.build().map_err(|error| self.blamed(error.into(), "server"))?;
        self.services.push(Arc::new(comfy.clone()));
        Ok(comfy)
    }
}

/// Checks that a task's place can be reached by this version.
///
/// # Errors
/// Usage, if a newer version has recorded it.
pub(super) fn check_place(place: &Place) -> Result<(), Error> {
    match place {
        Place::RunningHub { .. } | Place::ComfyUi { .. } | Place::NativeProxy { .. } => Ok(()),
        _ => Err(Error::usage(say!("the ledger names the unknown backend `{place}`", place = place.word()))
            .hint(say!("use the newer version of rhub that submitted it"))),
    }
}
