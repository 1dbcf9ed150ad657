//! A client written from the protocol's documentation, not from the crates under test.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use runninghub_sim::{Scenario, ScriptNode, Sim};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

/// A step that takes longer hangs.
const HANG: Duration = Duration::from_secs(20);

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// One request on its own connection; `None` if the connection was closed without a response.
pub(crate) async fn request(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<Answer> {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let head = format!("{method} /{path} HTTP/1.1\r\nHost: www.runninghub.cn\r\nConnection: close\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    for (name, value) in headers {
        stream.write_all(format!("{name}: {value}\r\n").as_bytes()).await.unwrap();
    }
    stream.write_all(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    timeout(HANG, stream.read_to_end(&mut answer)).await.expect("an answer or an end").ok();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n")?;
    let headers = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
    Some(Answer { status, headers, body: answer[end + 4..].to_vec() })
}

pub(crate) async fn get(url: &str, headers: &[(&str, &str)]) -> Answer {
    request("GET", url, headers, b"").await.expect("an answer")
}

pub(crate) struct Client {
    pub(crate) base_url: String,
    pub(crate) key: String,
}

impl Client {
    pub(crate) fn new(sim: &Sim) -> Self {
        Self { base_url: sim.base_url().to_owned(), key: Sim::DEMO_KEY.to_owned() }
    }

    pub(crate) async fn try_post(&self, path: &str, mut body: Value) -> Option<Answer> {
        let bearer = format!("Bearer {}", self.key);
        let v2 = path.starts_with("/openapi/v2/");
        if !v2 {
            body["apiKey"] = json!(self.key);
        }
        let headers = [("Content-Type", "application/json"), ("Authorization", bearer.as_str())];
        let headers = &headers[..if v2 { 2 } else { 1 }];
        request("POST", &format!("{}{path}", self.base_url), headers, body.to_string().as_bytes()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        self.try_post(path, body).await.expect("an answer").json()
    }

    pub(crate) async fn create(&self, workflow_id: &str) -> Value {
        self.post("/task/openapi/create", json!({"workflowId": workflow_id, "nodeInfoList": []})).await
    }

    /// Creates a task that is expected to be accepted.
    pub(crate) async fn task(&self, workflow_id: &str) -> String {
        let created = self.create(workflow_id).await;
        created["data"]["taskId"].as_str().unwrap_or_else(|| panic!("not accepted: {created}")).to_owned()
    }

    pub(crate) async fn outputs(&self, task_id: &str) -> Value {
        self.post("/task/openapi/outputs", json!({"taskId": task_id})).await
    }

    pub(crate) async fn outputs_when(&self, task_id: &str, done: impl Fn(&Value) -> bool) -> Value {
        let asking = async {
            loop {
                let outputs = self.outputs(task_id).await;
                if done(&outputs) {
                    return outputs;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(HANG, asking).await.expect("the outputs that are waited for")
    }

    /// The URL of a running task's socket.
    pub(crate) async fn address(&self, task_id: &str) -> String {
        let has_url = |outputs: &Value| outputs["data"]["netWssUrl"].is_string();
        let outputs = self.outputs_when(task_id, has_url).await;
        outputs["data"]["netWssUrl"].as_str().unwrap().to_owned()
    }

    /// Outputs once the task is over.
    pub(crate) async fn end(&self, task_id: &str) -> Value {
        self.outputs_when(task_id, |outputs| outputs["code"] != 813 && outputs["code"] != 804).await
    }
}

pub(crate) struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    pub(crate) async fn open(address: &str) -> Self {
        Self::try_open(address).await.unwrap()
    }

    pub(crate) async fn try_open(address: &str) -> Result<Self, tokio_tungstenite::tungstenite::Error> {
        tokio_tungstenite::connect_async(address).await.map(|(socket, _)| Self(socket))
    }

    /// The next message; `None` at the end, clean or not.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        timeout(HANG, self.0.next()).await.expect("a message or an end")?.ok()
    }

    /// Whether no message arrives for this long.
    pub(crate) async fn is_silent_for(&mut self, time: Duration) -> bool {
        timeout(time, self.0.next()).await.is_err()
    }

    /// The next text message as JSON.
    pub(crate) async fn json(&mut self) -> Option<Value> {
        loop {
            match self.next().await? {
                Message::Text(text) => return Some(serde_json::from_str(&text).unwrap()),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// Text messages up to and including the first of this type, or up to the end of the connection.
    pub(crate) async fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut messages = Vec::new();
        while let Some(message) = self.json().await {
            let found = message["type"] == kind;
            messages.push(message);
            if found {
                break;
            }
        }
        messages
    }

    /// Everything up to the end of the prompt (`executing` null), or of the connection.
    pub(crate) async fn rest(&mut self) -> Vec<Value> {
        let mut messages = Vec::new();
        while let Some(message) = self.json().await {
            let end = message["type"] == "executing" && message["data"]["node"].is_null();
            messages.push(message);
            if end {
                break;
            }
        }
        messages
    }

    pub(crate) async fn send(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    /// Closes the connection cleanly and waits for the server to close its side.
    pub(crate) async fn close(mut self) {
        self.0.close(None).await.unwrap();
        while self.next().await.is_some() {}
    }
}

pub(crate) fn kinds(messages: &[Value]) -> Vec<&str> {
    messages.iter().filter_map(|message| message["type"].as_str()).collect()
}

pub(crate) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Loader (cached), sampler (half a second, ten steps), saver.
pub(crate) fn small() -> Scenario {
    Scenario::script("small")
        .node(
            ScriptNode::new("4", "CheckpointLoaderSimple")
                .title("加载模型")
                .input("ckpt_name", "a.safetensors")
                .cached(),
        )
        .node(
            ScriptNode::new("3", "KSampler")
                .title("采样")
                .input("seed", 42)
                .link("model", "4", 0)
                .takes(ms(500))
                .steps(10),
        )
        .node(
            ScriptNode::new("9", "SaveImage")
                .link("images", "3", 0)
                .takes(ms(20))
                .saves("a_00001_.png")
                .saves("a_00002_.png"),
        )
        .build()
}

/// The same, but the sampler raises an exception.
pub(crate) fn failing() -> Scenario {
    Scenario::script("failing")
        .node(
            ScriptNode::new("3", "KSampler")
                .title("采样")
                .input("seed", 42)
                .takes(ms(50))
                .steps(5)
                .fails("RuntimeError", "boom"),
        )
        .node(ScriptNode::new("9", "SaveImage").link("images", "3", 0).saves("a_00001_.png"))
        .build()
}
