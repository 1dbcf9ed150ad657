//! `kill -9` between the response to a webhook delivery and its effects.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, ChildStdout},
    time::Duration,
};

use runninghub::ledger::{Ledger as _, State};
use runninghub_sim::{Fault, Rate, Scenario, ScriptNode, Sim};

use crate::lab::{Lab, kill, read_until};

/// `rhub webhook listen`, its output, and the URL it listens on.
fn listen(lab: &Lab, failpoint: &str) -> (Child, BufReader<ChildStdout>, String) {
    let mut command = lab.rhub(&["webhook", "listen", "--listen", "127.0.0.1:0", "--json"]);
    let mut child = command.env("RUNNINGHUB_FAILPOINT", failpoint).spawn().expect("the binary");
    let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    out.read_line(&mut line).expect("a line");
    let listening: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let address =
        listening["base_url"].as_str().expect("an address").trim_start_matches("http://").to_owned();
    (child, out, address)
}

#[test]
fn an_acknowledged_delivery_is_settled_after_a_kill() {
    let scenario = Scenario::script("short")
        .node(ScriptNode::new("1", "Sleep").takes(Duration::from_millis(20)).saves("a.png"))
        .build();
    let id = scenario.workflow_id();
    let lab = Lab::new(Sim::builder().scenario(scenario).fault(Fault::LostCreateAnswer(Rate::First(1))));
    // The simulator's delivery goes nowhere: the only delivery is the one below.
    assert_eq!(lab.run(&["run", &id, "--webhook", "http://127.0.0.1:9/{secret}"]), Some(5));
    while lab.sim.tasks()[0].status != "SUCCESS" {
        std::thread::yield_now();
    }
    let task = lab.sim.tasks().swap_remove(0);
    let url = task.webhook_url.expect("it was sent");
    let path = url.strip_prefix("http://127.0.0.1:9").expect("a path");

    let (mut child, _out, address) = listen(&lab, "unknown>accepted:before=hang");
    let body = format!(r#"{{"event":"TASK_END","taskId":"{}"}}"#, task.task_id);
    let mut stream = TcpStream::connect(address).expect("connected");
    write!(stream, "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
        .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answered");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let mut talk = child.stderr.take().expect("a pipe");
    assert!(read_until(&mut talk, "failpoint unknown>accepted:before"), "it was about to be settled");
    kill(child);
    let entry = lab.entries().swap_remove(0);
    assert_eq!((entry.state, entry.task), (State::Unknown, None));
    assert_eq!(lab.wait(lab.ledger().deliveries()).expect("read").len(), 1);

    let (child, mut out, _) = listen(&lab, "");
    assert!(read_until(&mut out, r#""event":"task""#), "it is taken up");
    kill(child);
    let entry = lab.entries().swap_remove(0);
    assert_eq!((entry.state, entry.task), (State::Done, Some(task.task_id.as_str().into())));
    assert!(lab.wait(lab.ledger().deliveries()).expect("read").is_empty());
    assert_eq!(lab.sim.tasks().len(), 1, "nothing was sent again");
}
