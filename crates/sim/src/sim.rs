//! The simulator as a value: build, start, inspect, stop.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{
    App, Error, ErrorKind, Fault, FaultProxy, Model, Recorded, Rule, Scenario, Stats, TaskInfo, server,
    state::{Settings, State},
    task::Pace,
};

/// A simulated RunningHub on a loopback address. Dropping it stops it.
#[derive(Debug)]
pub struct Sim {
    base_url: String,
    state: Arc<State>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    _proxy: Option<FaultProxy>,
}

/// The settings of a simulator; created by [`Sim::builder`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is started"]
pub struct SimBuilder {
    scenarios: Vec<(String, Scenario)>,
    apps: Vec<App>,
    listen: SocketAddr,
    settings: Settings,
}

impl Sim {
    /// The accepted key if the builder sets none.
    pub const DEMO_KEY: &str = "0123456789abcdef0123456789abcdef";

    /// A builder with the defaults: no scenario, three tasks at once, speed 1, a free port on 127.0.0.1.
    pub fn builder() -> SimBuilder {
        SimBuilder {
            scenarios: Vec::new(),
            apps: Vec::new(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            settings: Settings {
                keys: Vec::new(),
                consumer_keys: Vec::new(),
                models: Vec::new(),
                any_model: false,
                concurrency: 3,
                pace: Pace {
                    speed: 1.0,
                    queue_delay: Duration::ZERO,
                    settle: Duration::ZERO,
                    patience: Duration::ZERO,
                },
                faults: Vec::new(),
                faults_for: Vec::new(),
                seed: 0,
                first_task: 0,
                rules: Vec::new(),
                sockets_at: None,
                results_at: None,
                ticket: None,
            },
        }
    }

    /// The base URL that replaces `https://www.runninghub.cn`: `http://127.0.0.1:PORT`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The served workflow ids, sorted.
    pub fn workflow_ids(&self) -> Vec<String> {
        self.state.workflow_ids()
    }

    /// Figures since the start.
    pub fn stats(&self) -> Stats {
        self.state.stats()
    }

    /// The tasks, in order of creation.
    pub fn tasks(&self) -> Vec<TaskInfo> {
        self.state.infos()
    }

    /// Stops serving, closes every connection, and waits until both are done.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        _ = (&mut self.server).await;
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.server.abort();
    }
}

impl SimBuilder {
    /// Serves a scenario under its name and its [`workflow_id`](Scenario::workflow_id).
    pub fn scenario(self, scenario: Scenario) -> Self {
        let (name, id) = (scenario.name.clone(), scenario.workflow_id());
        self.scenario_named(name, scenario.clone()).scenario_named(id, scenario)
    }

    /// Serves a recording under its recorded id.
    pub fn recorded(self, recorded: Recorded) -> Self {
        match recorded {
            Recorded::Workflow(scenario) => self.scenario(scenario),
            Recorded::App(app) => self.app(app),
            Recorded::Model(model) => self.model(model),
        }
    }

    /// Serves a scenario under this workflow id.
    pub fn scenario_named(mut self, workflow_id: impl Into<String>, scenario: Scenario) -> Self {
        self.scenarios.push((workflow_id.into(), scenario));
        self
    }

    /// Serves an AI app under its [`id`](App::id).
    pub fn app(mut self, app: App) -> Self {
        self.apps.push(app);
        self
    }

    /// Accepts a key; can be called several times. Without any, [`Sim::DEMO_KEY`] is accepted.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.settings.keys.push(key.into());
        self
    }

    /// Accepts a consumer key, which may run workflows but not models.
    pub fn consumer_key(mut self, key: impl Into<String>) -> Self {
        let key = key.into();
        self.settings.consumer_keys.push(key.clone());
        self.key(key)
    }

    /// Serves a model in addition to the documented ones, or replaces one of them.
    pub fn model(mut self, model: Model) -> Self {
        self.settings.models.push(model);
        self
    }

    /// Serves every endpoint with a slash as a model that accepts anything, instead of responding that it doesn't
    /// exist.
    pub fn any_model(mut self) -> Self {
        self.settings.any_model = true;
        self
    }

    /// Sets how many tasks a key may have at once; create returns 421 beyond that.
    pub fn concurrency(mut self, tasks: usize) -> Self {
        self.settings.concurrency = tasks;
        self
    }

    /// Sets how much faster than recorded frames are sent; [`f64::INFINITY`] for all at once. Queue and settle delays
    /// are not scaled.
    pub fn speed(mut self, factor: f64) -> Self {
        self.settings.pace.speed = if factor > 0.0 { factor } else { 1.0 };
        self
    }

    /// Sets how long tasks wait in the queue.
    pub fn queue_delay(mut self, delay: Duration) -> Self {
        self.settings.pace.queue_delay = delay;
        self
    }

    /// Sets the delay from a run's last frames to its results.
    pub fn settle(mut self, delay: Duration) -> Self {
        self.settings.pace.settle = delay;
        self
    }

    /// Holds each run until its first socket is connected, but at most this long: for tests that must see every
    /// frame.
    pub fn wait_for_socket(mut self, at_most: Duration) -> Self {
        self.settings.pace.patience = at_most;
        self
    }

    /// Activates a fault for all requests.
    pub fn fault(mut self, fault: Fault) -> Self {
        self.settings.faults.push(fault);
        self
    }

    /// Activates a fault for one workflow or app (by id, or by the scenario's or the app's name).
    pub fn fault_for(mut self, workflow_id: impl Into<String>, fault: Fault) -> Self {
        self.settings.faults_for.push((workflow_id.into(), fault));
        self
    }

    /// Scripts the response to requests for a path. Rules take precedence over faults.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.settings.rules.push(rule);
        self
    }

    /// Sets the advertised URL of sockets (`ws://HOST:PORT`), for a [`FaultProxy`](crate::FaultProxy) in front of them.
    pub fn sockets_at(mut self, base_url: impl Into<String>) -> Self {
        self.settings.sockets_at = Some(base_url.into());
        self
    }

    /// Sets the advertised URL of files (`http://HOST:PORT`), for a [`FaultProxy`](crate::FaultProxy) in front of them.
    pub fn results_at(mut self, base_url: impl Into<String>) -> Self {
        self.settings.results_at = Some(base_url.into());
        self
    }

    /// Gives every socket the same ticket, which tests can search for.
    pub fn ticket(mut self, ticket: impl Into<String>) -> Self {
        self.settings.ticket = Some(ticket.into());
        self
    }

    /// Sets the start of the task ids, below 10^18. A restarted server with a different start repeats no id.
    pub fn first_task(mut self, number: u64) -> Self {
        self.settings.first_task = number.min(999_999_999_999_999_999);
        self
    }

    /// Sets the random seed: the same seed gives the same ids and the same faults.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
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
    pub async fn start(mut self) -> Result<Sim, Error> {
        if !self.listen.ip().is_loopback() {
            return Err(Error::new(
                ErrorKind::Listen,
                format_args!("{} is not a loopback address", self.listen),
            ));
        }
        // The proxy for network faults is between the advertised URL and the served one.
        let toxics: Vec<_> = self.settings.faults.iter().filter_map(Fault::toxic).cloned().collect();
        let mut proxy = None;
        if !toxics.is_empty() {
            proxy = Some(FaultProxy::listen(self.listen, self.settings.seed).await?);
            self.listen.set_port(0);
        }
        let failed = |error: io::Error| {
            Error::new(ErrorKind::Listen, format_args!("cannot listen on {}", self.listen)).caused_by(error)
        };
        let listener = TcpListener::bind(self.listen).await.map_err(failed)?;
        let served = listener.local_addr().map_err(failed)?;
        let address = proxy.as_ref().map_or(served, FaultProxy::address);
        if let Some(proxy) = &proxy {
            proxy.forward_to(served);
            for toxic in toxics {
                proxy.add(toxic);
            }
        }
        let base_url = format!("http://{address}");
        if self.settings.keys.is_empty() {
            self.settings.keys.push(Sim::DEMO_KEY.to_owned());
        }
        let (stop, stopped) = watch::channel(false);
        let state =
            Arc::new(State::new(base_url.clone(), self.settings, self.scenarios, self.apps, stopped.clone()));
        let server = tokio::spawn(server::run(listener, Arc::clone(&state), stopped));
        Ok(Sim { base_url, state, stop, server, _proxy: proxy })
    }
}
