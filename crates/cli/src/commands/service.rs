//! Which service a command speaks to, and how it is reached.

use std::{path::PathBuf, sync::Arc, time::Duration};

use runninghub::{ApiKey, Comfy, Place, RunningHub, Service, Site, TaskId, Untrusted, ledger::Entry};

use super::context::Context;
use crate::{
    args::{Previews, Server},
    exit::Error,
    key, speed,
};

/// Whether submits are written down.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Writes {
    /// Not on this machine's account: a demo.
    Elsewhere,
    /// If that is possible.
    #[default]
    May,
    /// Or nothing is sent.
    Must,
}

/// What differs from the options.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) ledger: Writes,
    pub(super) key: Option<ApiKey>,
    pub(super) site: Option<Site>,
    pub(super) base_url: Option<String>,
    /// Used where the options name neither a site nor an address.
    pub(super) known_url: Option<String>,
    /// Used where the options name no server.
    pub(super) server: Option<Server>,
    pub(super) create_timeout: Option<Duration>,
    pub(super) record: Option<PathBuf>,
    pub(super) previews: Previews,
}

impl Settings {
    /// The place where a submit was made, for what the options leave open.
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

/// A task that was named, with what the ledger knows of it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) task: TaskId,
    pub(super) entry: Option<Entry>,
}

impl Found {
    /// Where it is, for what the options leave open.
    pub(super) fn settings(&self) -> Settings {
        self.entry.as_ref().map(|entry| Settings::of(&entry.intent.place)).unwrap_or_default()
    }
}

/// Tells a builder of the library how others are reached and what is taken from them: each of them has these setters.
macro_rules! reached {
    ($builder:expr, $context:expr) => {{
        let global = &$context.global;
        let mut builder = $builder.on_file_progress($context.transfers.watcher());
        crate::secrets::learn_proxies();
        if let Some(proxy) = &global.proxy {
            crate::secrets::learn_address(proxy.expose());
            builder = builder.proxy(proxy.expose());
        }
        if let Some(path) = &global.ca_file {
            builder = builder.ca_file(path);
        }
        if let Some(bytes) = global.max_file_size {
            builder = builder.max_file_size(bytes);
        }
        builder.priors($context.priors()?)
    }};
}

impl Context {
    /// The service that the options name, else the one that is known.
    pub(super) fn service(&mut self, settings: Settings) -> Result<Arc<dyn Service>, Error> {
        Ok(match self.global.server.as_ref().or(settings.server.as_ref()).cloned() {
            Some(server) => Arc::new(self.server(server, settings)?),
            None => Arc::new(self.connect(settings)?),
        })
    }

    /// The service where a submit was made, whatever the options name.
    pub(super) fn service_at(&mut self, place: &Place) -> Result<Arc<dyn Service>, Error> {
        check_place(place)?;
        let settings = Settings::of(place);
        Ok(match settings.server.clone() {
            Some(server) => Arc::new(self.server(server, settings)?),
            None => Arc::new(self.connect(settings)?),
        })
    }

    /// RunningHub's API, with the key that the options name.
    pub(super) fn connect(&mut self, settings: Settings) -> Result<RunningHub, Error> {
        self.keep_previews(settings.previews)?;
        let key = match settings.key {
            Some(key) => key,
            None => key::read(&self.global)?,
        };
        // The address of a submit is another one only where nothing else was named.
        let known = settings.known_url.filter(|_| self.global.site.is_none());
        let mut builder = RunningHub::builder(key)
            .site(self.site(settings.site)?)
            .time_scale(speed::time_scale()?)
            .allow_private_hosts(self.global.allow_private_hosts)
            .previews(self.wants_previews());
        builder = reached!(builder, self);
        if let Some(url) = settings.base_url.as_ref().or(self.global.base_url.as_ref()).or(known.as_ref()) {
            builder = builder.base_url(url);
        }
        if let Some(timeout) = settings.create_timeout {
            builder = builder.create_timeout(timeout);
        }
        if settings.ledger != Writes::Elsewhere {
            if let Some(dir) = self.state_dir() {
                builder = builder.uploads(dir.join("uploads"));
            }
            if let Some(history) = self.history() {
                builder = builder.history(history);
            }
            match self.ledger() {
                Ok(ledger) => builder = builder.ledger(ledger),
                Err(error) if settings.ledger == Writes::Must => return Err(error),
                // A paid task is followed all the same.
                Err(error) => self.warn("ledger", error.message),
            }
        }
        if let Some(dir) = settings.record {
            builder = builder.record(dir);
        }
        let hub = builder.build().map_err(|error| {
            let is_recording = error.kind() == runninghub::ErrorKind::Io;
            Error::from(error).or_hint(if is_recording {
                "name a new or empty folder with `--record DIR`; nothing was submitted"
            } else {
                "an address is like `https://www.runninghub.cn`, or `http://127.0.0.1:8189` for `rhub simulate`"
            })
        })?;
        self.asked.push(Arc::new(hub.clone()));
        Ok(hub)
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
            Server::Url(url) if url.contains("://") => Comfy::builder(url),
            Server::Url(host) => Comfy::builder(format!("http://{host}")),
        };
        builder = builder.time_scale(speed::time_scale()?).previews(self.wants_previews());
        builder = reached!(builder, self);
        if let Some(history) = self.history() {
            builder = builder.history(history);
        }
        if let Some(dir) = self.state_dir() {
            builder = builder.classes(dir.join("classes"));
        }
        match self.ledger() {
            Ok(ledger) => builder = builder.ledger(ledger),
            // One's own server costs nothing.
            Err(error) if settings.ledger == Writes::Must && is_proxy => return Err(error),
            Err(error) => self.warn("ledger", error.message),
        }
        if let Some(dir) = settings.record {
            builder = builder.record(dir);
        }
        let comfy = builder.build()?;
        self.asked.push(Arc::new(comfy.clone()));
        Ok(comfy)
    }
}

/// That a task's place can be reached at all.
///
/// # Errors
/// Usage, where a newer version has written it down.
pub(super) fn check_place(place: &Place) -> Result<(), Error> {
    match place {
        Place::RunningHub { .. } | Place::ComfyUi { .. } | Place::NativeProxy { .. } => Ok(()),
        _ => Err(Error::usage(format!(
            "the ledger names a place that this version does not know: `{}`",
            Untrusted::from(place.word())
        ))
        .hint("use the newer version of rhub that has submitted it")),
    }
}
