//! The server as a value: build, start, inspect, stop.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use super::{
    login::Login,
    play, server,
    state::{Settings, State},
    version::Version,
};
use crate::{Error, ErrorKind, Scenario};

/// How long a real server takes from `execution_success` to the entry in its history.
const HISTORY_RACE: Duration = Duration::from_millis(4);

/// A simulated ComfyUI server on a loopback address. Dropping it stops it.
#[derive(Debug)]
pub struct Native {
    base_url: String,
    state: Arc<State>,
    stop: watch::Sender<bool>,
    tasks: [JoinHandle<()>; 2],
}

/// The settings of a server; created by [`Native::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct NativeBuilder {
    listen: SocketAddr,
    settings: Settings,
}

impl Native {
    /// A builder with the defaults: the newest known version, speed 1, a free port on 127.0.0.1.
    pub fn builder() -> NativeBuilder {
        NativeBuilder {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            settings: Settings {
                version: Version::NEWEST,
                scenarios: Vec::new(),
                speed: 1.0,
                race: HISTORY_RACE,
                previews: false,
                login: None,
                replaces: Vec::new(),
                forgets: false,
                prefix: String::new(),
                loses_prompts: 0,
                waits_for: None,
            },
        }
    }

    /// The server's URL: `http://127.0.0.1:PORT`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The number of accepted prompts.
    pub fn prompts(&self) -> u64 {
        self.state.counters().prompts
    }

    /// The number of sockets opened so far, and of those open now.
    pub fn sockets(&self) -> (u64, u64) {
        let counters = self.state.counters();
        (counters.opened, counters.open)
    }

    /// The number of requests to a path, without the prefix `/api`.
    pub fn requests(&self, path: &str) -> u64 {
        self.state.counters().paths.get(path).copied().unwrap_or_default()
    }

    /// The workflow of the prompt accepted last, as JSON text.
    pub fn last_workflow(&self) -> Option<String> {
        self.state.counters().last_workflow
    }

    /// Simulates a restart: queue and history are empty, and every socket ends without a close frame.
    pub fn restart(&self) {
        self.state.restart();
    }

    /// Cuts every socket; running prompts continue.
    pub fn cut_sockets(&self) {
        self.state.cut();
    }

    /// Stops serving, closes every connection, and waits until both are done.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        for task in &mut self.tasks {
            _ = task.await;
        }
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl NativeBuilder {
    /// Replays the scenario for prompts with its workflow (the same ids and classes). Other workflows are improvised.
    pub fn scenario(mut self, scenario: Scenario) -> Self {
        self.settings.scenarios.push(scenario);
        self
    }

    /// Sets the version: `0.3.44`, `0.3.64`, `0.29.0` and versions between them.
    ///
    /// # Errors
    /// [`ErrorKind::Version`] for an invalid version.
    pub fn version(mut self, version: &str) -> Result<Self, Error> {
        let wrong = || Error::new(ErrorKind::Version, format_args!("`{version}` is no version of ComfyUI"));
        self.settings.version = Version::parse(version).ok_or_else(wrong)?;
        Ok(self)
    }

    /// Sets how much faster than recorded frames are sent; [`f64::INFINITY`] for all at once.
    pub fn speed(mut self, factor: f64) -> Self {
        self.settings.speed = if factor > 0.0 { factor } else { 1.0 };
        self
    }

    /// Sets the delay from `execution_success` to the history entry; 4 ms by default.
    pub fn history_race(mut self, delay: Duration) -> Self {
        self.settings.race = delay;
        self
    }

    /// Sends previews (binary event 1) while samplers of improvised runs work. A real server has an option for this.
    pub fn previews(mut self) -> Self {
        self.settings.previews = true;
        self
    }

    /// Replaces a class with another in prompts, as announced by `/node_replacements`. As on real servers, a node
    /// without `_meta` makes that fail with HTTP 500.
    pub fn replaces(mut self, old: impl Into<String>, new: impl Into<String>) -> Self {
        self.settings.replaces.push((old.into(), new.into()));
        self
    }

    /// Forgets finished prompts, as if another client kept clearing the history.
    pub fn forgets(mut self) -> Self {
        self.settings.forgets = true;
        self
    }

    /// Requires a login with every request, and returns HTTP 401 otherwise: a header as `NAME: VALUE`, or a parameter
    /// as `?NAME=VALUE`.
    pub fn login(mut self, login: impl Into<String>) -> Self {
        self.settings.login = Some(Login(login.into()));
        self
    }

    /// Serves below a path, as RunningHub's `/proxy/<key>` does.
    pub fn prefix(mut self, path: impl Into<String>) -> Self {
        self.settings.prefix = path.into();
        self
    }

    /// Loses the responses to the first `count` prompts: they are queued, and the connection ends.
    pub fn loses_prompts(mut self, count: u32) -> Self {
        self.settings.loses_prompts = count;
        self
    }

    /// Runs nothing until [`Native::release`] is called.
    pub fn paused(mut self) -> Self {
        self.settings.waits_for = Some(watch::Sender::new(false));
        self
    }

    /// Sets the listen address; loopback only.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// Starts serving.
    ///
    /// # Errors
    /// [`ErrorKind::Listen`] if the address is not on loopback or cannot be bound.
    pub async fn start(self) -> Result<Native, Error> {
        let failed = |what: &str| Error::new(ErrorKind::Listen, format_args!("{} {what}", self.listen));
        if !self.listen.ip().is_loopback() {
            return Err(failed("is not a loopback address"));
        }
        let listener = TcpListener::bind(self.listen)
            .await
            .map_err(|error| failed("cannot be listened on").caused_by(error))?;
        let address = listener.local_addr().map_err(|error| failed("has no address").caused_by(error))?;
        let (stop, stopped) = watch::channel(false);
        let base_url = format!("http://{address}{}", self.settings.prefix);
        let state = Arc::new(State::new(self.settings, stopped.clone()));
        let tasks = [
            tokio::spawn(server::run(listener, Arc::clone(&state), stopped.clone())),
            tokio::spawn(play::work(Arc::clone(&state), stopped)),
        ];
        Ok(Native { base_url, state, stop, tasks })
    }
}

impl Native {
    /// Starts a [`paused`](NativeBuilder::paused) server.
    pub fn release(&self) {
        self.state.release();
    }
}
