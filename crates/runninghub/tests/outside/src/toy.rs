//! A service in memory. A task advances one step whenever its socket is read, so that no test depends on the
//! machine's load.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use runninghub::{
    Backend, BackendError, Connect, Error, ErrorKind, Failure, FileUrl, FollowWith, Graph, Observation,
    OutputFile, Pace, Plan, Run, SocketUrl, TaskId, TaskStatus,
    conformance::{Harness, Job},
    follow_with, say,
    transport::{self, FrameSource},
};

use crate::Script;

/// The pause between two messages.
const PAUSE: Duration = Duration::from_millis(20);
/// The scheme and host of the sockets.
const SOCKETS: &str = "ws://toy/";

/// The service.
#[derive(Clone, Debug, Default)]
pub struct Toy(Arc<State>);

#[derive(Debug, Default)]
struct State {
    tasks: Mutex<HashMap<TaskId, Task>>,
    calls: AtomicU64,
}

#[derive(Debug)]
struct Task {
    job: Job,
    /// Number of messages read.
    steps: usize,
    is_cancelled: bool,
}

impl Toy {
    fn tasks(&self) -> MutexGuard<'_, HashMap<TaskId, Task>> {
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follow(&self, task: TaskId) -> FollowWith {
        let toy = Arc::new(self.clone());
        follow_with(Arc::clone(&toy) as _, task).connect(toy).pace(Pace::default().scaled(0.1))
    }

    /// Whether the next message of a task may be sent.
    fn step(&self, task: &TaskId) -> bool {
        let mut tasks = self.tasks();
        let Some(task) = tasks.get_mut(task).filter(|task| !task.is_cancelled) else { return false };
        task.steps += 1;
        true
    }
}

#[async_trait]
impl Backend for Toy {
    async fn observe(&self, id: &TaskId) -> Result<Observation, BackendError> {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        let tasks = self.tasks();
        let Some(task) = tasks.get(id) else {
            return Err(BackendError::new(
                Error::unknown_task(say!("the toy does not know this task")),
                true,
                None,
            ));
        };
        let is_over = task.steps >= messages(id, task.job).len();
        Ok(match task.job {
            _ if task.is_cancelled => Observation::of(TaskStatus::Cancelled),
            _ if !is_over => Observation {
                socket: Some(SocketUrl::new(format!("{SOCKETS}{id}"))),
                ..Observation::of(TaskStatus::Running)
            },
            Job::Succeeds => Observation {
                outputs: vec![OutputFile {
                    node_id: Some("5".into()),
                    url: Some(FileUrl::new("https://toy/result.png")),
                    ..OutputFile::default()
                }],
                ..Observation::of(TaskStatus::Success)
            },
            _ => Observation {
                failure: Some(Failure {
                    node_id: Some("2".into()),
                    exception_type: Some("ValueError".into()),
                    message: Some("no cheese".into()),
                    ..Failure::default()
                }),
                ..Observation::of(TaskStatus::Failed)
            },
        })
    }

    async fn cancel(&self, id: &TaskId) -> Result<(), Error> {
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        match self.tasks().get_mut(id) {
            Some(task) => task.is_cancelled = true,
            None => return Err(Error::unknown_task(say!("the toy does not know this task"))),
        }
        Ok(())
    }

    fn calls(&self) -> u64 {
        self.0.calls.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl Connect for Toy {
    async fn connect(&self, url: &SocketUrl) -> Result<Box<dyn FrameSource>, transport::Error> {
        let no_task =
            || transport::Error::new(transport::ErrorKind::Connect, say!("the toy has no such socket"));
        let id = TaskId::from(url.expose().strip_prefix(SOCKETS).ok_or_else(no_task)?);
        let job = self.tasks().get(&id).map(|task| task.job).ok_or_else(no_task)?;
        let messages = messages(&id, job).into_iter().map(|text| transport::Body::Text(text.into()));
        let toy = self.clone();
        Ok(Box::new(Script::new(messages).paced(PAUSE, move || toy.step(&id))))
    }
}

impl Harness for Toy {
    async fn start() -> Self {
        Self::default()
    }

    async fn run(&self, job: Job) -> Run {
        let graph = Graph::parse(GRAPH).expect("a graph");
        let id = TaskId::from(format!("toy-{}", self.made()));
        self.tasks().insert(id.clone(), Task { job, steps: 0, is_cancelled: false });
        Self::follow(self, id).plan(Plan::new(&graph, &[])).submitted(Duration::ZERO).start()
    }

    async fn follow(&self, task: TaskId) -> Result<Run, Error> {
        Ok(Self::follow(self, task).start())
    }

    fn made(&self) -> u64 {
        self.tasks().len() as u64
    }

    async fn gone(self) -> impl AsyncFn(TaskId) -> Result<Run, Error> {
        async |task| Ok(follow_with(Arc::new(Gone), task).pace(Pace::default().scaled(0.01)).start())
    }
}

/// The toy after it was stopped.
struct Gone;

#[async_trait]
impl Backend for Gone {
    async fn observe(&self, _: &TaskId) -> Result<Observation, BackendError> {
        Err(BackendError::new(Error::new(ErrorKind::Network, say!("the toy does not answer")), false, None))
    }

    async fn cancel(&self, _: &TaskId) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Network, say!("the toy does not answer")).with_hint(say!("start it")))
    }

    fn calls(&self) -> u64 {
        0
    }
}

const GRAPH: &str = r#"{
    "1": {"class_type": "Load", "inputs": {}},
    "2": {"class_type": "Read", "inputs": {"a": ["1", 0]}},
    "3": {"class_type": "Paint", "inputs": {"a": ["2", 0]}},
    "4": {"class_type": "Frame", "inputs": {"a": ["3", 0]}},
    "5": {"class_type": "SaveImage", "inputs": {"images": ["4", 0]}}
}"#;

/// The socket messages of a task, from the first node to the last.
fn messages(id: &TaskId, job: Job) -> Vec<String> {
    let message =
        |kind: &str, data: &str| format!(r#"{{"type":"{kind}","data":{{"prompt_id":"{id}"{data}}}}}"#);
    let node = |node: u8| message("executing", &format!(r#","node":"{node}""#));
    let mut messages = vec![message("execution_start", ""), node(1), node(2)];
    if job == Job::Succeeds {
        messages.push(node(3));
        messages
            .extend((1..=10).map(|n| message("progress", &format!(r#","node":"3","value":{n},"max":10"#))));
        messages.extend([node(4), node(5)]);
        messages.push(message("execution_success", ""));
    } else {
        let why = r#","node_id":"2","node_type":"Read","exception_type":"ValueError","exception_message":"no cheese""#;
        messages.push(message("execution_error", why));
    }
    messages
}
