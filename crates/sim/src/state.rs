//! The simulator's state: keys, workflows, tasks, uploads.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::{
    app::App,
    call::Call,
    endpoint::Assets,
    fault::{Fault, Faults},
    model::Model,
    rule::{Rule, Rules},
    scenario::{Scenario, last_nodes, seed_of},
    stats::{Counters, Stats, TaskInfo},
    task::{Names, Pace, Phase, Task},
    webhook::Webhook,
};

/// One less than the first task id. It has 19 digits, more than a double can represent.
const TASK_ID_BASE: u64 = 2_000_000_000_000_000_000;
/// The workflow id in the URL of a task without a saved workflow.
const NO_WORKFLOW: &str = "0";

/// The state that all connections share.
#[derive(Debug)]
pub(crate) struct State {
    /// The base of file links.
    pub(crate) base_url: String,
    pub(crate) rules: Rules,
    pub(crate) counters: Counters,
    pub(crate) stop: watch::Receiver<bool>,
    pub(crate) uploads: Mutex<HashMap<String, Bytes>>,
    pub(crate) assets: Assets,
    settings: Settings,
    workflows: BTreeMap<String, Workflow>,
    apps: BTreeMap<String, ServedApp>,
    server_faults: Faults,
    tasks: Mutex<Tasks>,
    connections: AtomicU64,
}

/// The builder's settings.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) keys: Vec<String>,
    /// The keys that may not use models.
    pub(crate) consumer_keys: Vec<String>,
    pub(crate) models: Vec<Model>,
    pub(crate) any_model: bool,
    pub(crate) concurrency: usize,
    pub(crate) pace: Pace,
    pub(crate) faults: Vec<Fault>,
    pub(crate) faults_for: Vec<(String, Fault)>,
    pub(crate) seed: u64,
    pub(crate) first_task: u64,
    pub(crate) rules: Vec<Rule>,
    pub(crate) sockets_at: Option<String>,
    pub(crate) results_at: Option<String>,
    pub(crate) ticket: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Workflow {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) faults: Faults,
    list: Vec<Fault>,
}

/// An app with its workflow.
#[derive(Debug)]
pub(crate) struct ServedApp {
    pub(crate) app: App,
    pub(crate) workflow: Workflow,
}

/// All tasks since the start, and the unfinished ones by key.
#[derive(Debug, Default)]
struct Tasks {
    /// Ids have the same number of digits, so they sort by creation.
    by_id: BTreeMap<String, Arc<Task>>,
    by_client: HashMap<String, Arc<Task>>,
    busy: HashMap<String, Vec<Arc<Task>>>,
}

impl Tasks {
    fn add(&mut self, task: &Arc<Task>) {
        self.by_id.insert(task.names.task_id.clone(), Arc::clone(task));
        self.by_client.insert(task.names.client_id.clone(), Arc::clone(task));
        self.busy.entry(task.names.key.clone()).or_default().push(Arc::clone(task));
    }

    /// The tasks of a key that occupy a slot.
    fn busy(&mut self, key: &str) -> &[Arc<Task>] {
        self.busy.get_mut(key).map_or(&[], |busy| {
            busy.retain(|task| !task.phase().is_over());
            busy
        })
    }
}

/// The number of a key's running and queued tasks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Load {
    pub(crate) queued: usize,
    pub(crate) running: usize,
}

impl State {
    pub(crate) fn new(
        base_url: String,
        mut settings: Settings,
        scenarios: Vec<(String, Scenario)>,
        apps: Vec<App>,
        stop: watch::Receiver<bool>,
    ) -> Self {
        let workflow = |id: &str, name: &str, scenario: Scenario| {
            let own = settings.faults_for.iter().filter(|(workflow, _)| workflow == id || workflow == name);
            let list: Vec<_> = own.map(|(_, fault)| fault).chain(&settings.faults).cloned().collect();
            let faults = Faults::new(&list, settings.seed);
            Workflow { scenario: Arc::new(scenario), faults, list }
        };
        let workflows = scenarios.into_iter().map(|(id, scenario)| {
            let served = workflow(&id, &scenario.name.clone(), scenario);
            (id, served)
        });
        let workflows = workflows.collect();
        let apps = apps.into_iter().map(|app| {
            let workflow = workflow(&app.id(), &app.name, app.scenario.clone());
            (app.id(), ServedApp { app, workflow })
        });
        let apps = apps.collect();
        settings.sockets_at.get_or_insert_with(|| base_url.replacen("http", "ws", 1));
        Self {
            workflows,
            apps,
            server_faults: Faults::new(&settings.faults, settings.seed),
            rules: Rules::new(std::mem::take(&mut settings.rules), base_url.clone()),
            base_url: settings.results_at.take().unwrap_or(base_url),
            counters: Counters::default(),
            stop,
            uploads: Mutex::default(),
            assets: Assets::default(),
            settings,
            tasks: Mutex::default(),
            connections: AtomicU64::new(0),
        }
    }

    pub(crate) fn wants_key_in_header(&self) -> bool {
        self.server_faults.wants_key_in_header()
    }

    pub(crate) fn accepts_key(&self, key: &str) -> bool {
        self.settings.keys.iter().any(|accepted| accepted == key)
    }

    pub(crate) fn concurrency(&self) -> usize {
        self.settings.concurrency
    }

    pub(crate) fn workflow(&self, id: &str) -> Option<&Workflow> {
        self.workflows.get(id)
    }

    pub(crate) fn app(&self, id: &str) -> Option<&ServedApp> {
        self.apps.get(id)
    }

    pub(crate) fn apps(&self) -> impl Iterator<Item = (&str, &App)> {
        self.apps.iter().map(|(id, served)| (id.as_str(), &served.app))
    }

    pub(crate) fn workflow_ids(&self) -> Vec<String> {
        self.workflows.keys().cloned().collect()
    }

    /// Keys may do everything, except the configured consumer keys.
    pub(crate) fn key_kind(&self, key: &str) -> &'static str {
        if self.is_consumer(key) { "NORMAL" } else { "SHARED" }
    }

    pub(crate) fn is_consumer(&self, key: &str) -> bool {
        self.settings.consumer_keys.iter().any(|consumer| consumer == key)
    }

    /// The model with this endpoint: a configured one, a documented one, or a generic one.
    pub(crate) fn model(&self, endpoint: &str) -> Option<Model> {
        let is_meant = |model: &Model| model.endpoint() == endpoint;
        let given = self.settings.models.iter().find(|model| is_meant(model)).cloned();
        given
            .or_else(|| Model::documented().into_iter().find(is_meant))
            .or_else(|| (self.settings.any_model && endpoint.contains('/')).then(|| Model::made_up(endpoint)))
    }

    /// Creates a task of a model if the key has a free slot.
    pub(crate) fn create_of_model(&self, key: &str, model: &Model) -> Option<Arc<Task>> {
        if self.server_faults.queue_is_full() {
            return None;
        }
        let scenario = Arc::new(model.scenario());
        let list = &self.settings.faults;
        self.make(key, model.endpoint(), &scenario, list, Some(model.price()))
    }

    /// The run of a user's own graph: the recorded one, or else an improvised one.
    pub(crate) fn run_of(&self, graph: &Map<String, Value>, saved: Option<&Workflow>) -> Arc<Scenario> {
        let mut known = saved.into_iter().chain(self.workflows.values()).map(|workflow| &workflow.scenario);
        let recorded = known.find(|scenario| scenario.is_of(graph)).map(Arc::clone);
        let file = |class: &str, _: &Value| format!("{class}_00001_.png");
        let made_up = || Scenario::improvised("own graph", graph, &last_nodes(graph), false, file);
        recorded.unwrap_or_else(|| Arc::new(made_up()))
    }

    /// Creates a task of a run, with the faults of its saved workflow, if the key has a free slot.
    pub(crate) fn create_run(
        &self,
        key: &str,
        scenario: &Arc<Scenario>,
        saved: Option<(&str, &Workflow)>,
    ) -> Option<Arc<Task>> {
        let (id, faults, list) = match saved {
            Some((id, saved)) => (id, &saved.faults, &saved.list),
            None => (NO_WORKFLOW, &self.server_faults, &self.settings.faults),
        };
        if faults.queue_is_full() { None } else { self.make(key, id, scenario, list, None) }
    }

    /// Creates a task of a saved workflow if the key has a free slot.
    pub(crate) fn create(&self, key: &str, id: &str, workflow: &Workflow) -> Option<Arc<Task>> {
        self.create_run(key, &workflow.scenario, Some((id, workflow)))
    }

    fn make(
        &self,
        key: &str,
        id: &str,
        scenario: &Arc<Scenario>,
        faults: &[Fault],
        price: Option<&str>,
    ) -> Option<Arc<Task>> {
        let mut tasks = self.tasks();
        if tasks.busy(key).len() >= self.settings.concurrency {
            return None;
        }
        let number = self.counters.creates.fetch_add(1, Ordering::Relaxed) + 1;
        let seed = self.settings.seed ^ seed_of(&number.to_string());
        let names = Names {
            task_id: (TASK_ID_BASE + self.settings.first_task + number).to_string(),
            client_id: hex32(seed),
            workflow_id: id.to_owned(),
            is_model: price.is_some(),
            price: price.unwrap_or_default().to_owned(),
            key: key.to_owned(),
            ticket: self.settings.ticket.clone().unwrap_or_else(|| ticket(seed)),
        };
        let faults = Faults::new(faults, seed);
        let task = Arc::new(Task::new(names, Arc::clone(scenario), faults, self.settings.pace));
        tasks.add(&task);
        Some(task)
    }

    pub(crate) fn task(&self, task_id: &str) -> Option<Arc<Task>> {
        self.tasks().by_id.get(task_id).cloned()
    }

    pub(crate) fn task_of_webhook(&self, id: &str) -> Option<Arc<Task>> {
        self.tasks().by_id.values().find(|task| task.webhook().is_some() && Webhook::id(task) == id).cloned()
    }

    pub(crate) fn task_of_client(&self, client_id: &str) -> Option<Arc<Task>> {
        self.tasks().by_client.get(client_id).cloned()
    }

    pub(crate) fn load(&self, key: &str) -> Load {
        self.tasks().busy(key).iter().fold(Load::default(), |mut load, task| {
            match task.phase() {
                Phase::Queued => load.queued += 1,
                _ => load.running += 1,
            }
            load
        })
    }

    /// The faults in force for a request: its task's, its workflow's, or the server's.
    pub(crate) fn with_faults<T>(&self, call: &Call, act: impl FnOnce(&Faults) -> T) -> T {
        if let Some(task) = call.text("taskId").and_then(|id| self.task(&id)) {
            return act(&task.faults);
        }
        let id = call.text("workflowId").or_else(|| call.text("webappId"));
        let id =
            id.or_else(|| Some(call.path.strip_prefix("/openapi/v2/run/")?.rsplit_once('/')?.1.to_owned()));
        let workflow =
            id.and_then(|id| self.workflow(&id).or_else(|| self.app(&id).map(|served| &served.workflow)));
        act(workflow.map_or(&self.server_faults, |workflow| &workflow.faults))
    }

    /// A number for a new connection, from 1.
    pub(crate) fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn socket_url(&self, task: &Task) -> String {
        let base = self.settings.sockets_at.as_deref().unwrap_or_default();
        format!(
            "{base}/ws/c_instance?c_host=10.129.7.21&c_port=84&clientId={}&workflowId={}&Rh-Comfy-Auth={}",
            task.names.client_id,
            task.names.workflow_id,
            task.names.ticket.replace('=', "%3D").replace('+', "%2B").replace('/', "%2F"),
        )
    }

    pub(crate) fn infos(&self) -> Vec<TaskInfo> {
        self.tasks().by_id.values().map(|task| task.info()).collect()
    }

    pub(crate) fn stats(&self) -> Stats {
        let over = self.infos().into_iter().filter(|task| !matches!(task.status, "QUEUED" | "RUNNING"));
        let ready = over.map(|task| (task.task_id, task.ready_at)).collect::<BTreeMap<_, _>>();
        Stats { rules: self.rules.applied(), ..self.counters.read(ready) }
    }

    fn tasks(&self) -> MutexGuard<'_, Tasks> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 32 hexadecimal digits derived from a seed.
fn hex32(seed: u64) -> String {
    let mut rng = fastrand::Rng::with_seed(seed);
    format!("{:032x}", rng.u128(..))
}

/// A socket ticket like the platform's: valid for seven days, base64 of JSON, with padding.
fn ticket(seed: u64) -> String {
    let ts = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_millis();
    let ticket = json!({
        "userId": hex32(seed ^ 1),
        "signExpire": u64::try_from(ts + 7 * 24 * 3_600_000).unwrap_or(u64::MAX),
        "ts": u64::try_from(ts).unwrap_or(u64::MAX),
        "sign": hex32(seed ^ 2),
    });
    BASE64_STANDARD.encode(ticket.to_string())
}
