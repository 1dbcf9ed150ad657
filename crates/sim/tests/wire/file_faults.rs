//! Every fault of a result is visible on the wire.

use std::time::{Duration, Instant};

use runninghub_sim::{Scenario, ScriptNode, Sim};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::common::{Answer, Client, get, small};

/// A simulator with a fault, and the link to its first result.
async fn link(fault: &str) -> (Sim, String) {
    let scenario = small();
    let sim =
        Sim::builder().scenario(scenario).speed(50.0).fault(fault.parse().unwrap()).start().await.unwrap();
    let client = Client::new(&sim);
    let task = client.task("small").await;
    let link = client.end(&task).await["data"][0]["fileUrl"].as_str().unwrap().to_owned();
    (sim, link)
}

/// The content of the file.
async fn whole() -> Vec<u8> {
    let (_sim, link) = link("slow-answers=0").await;
    get(&link, &[]).await.body
}

async fn part(link: &str, headers: &[(&str, &str)]) -> Answer {
    get(link, &[&[("Range", "bytes=3-9")], headers].concat()).await
}

#[tokio::test]
async fn a_file_comes_whole_or_in_part() {
    let (whole, (_sim, link)) = (whole().await, link("slow-answers=0").await);
    let answer = part(&link, &[]).await;
    assert_eq!((answer.status, &*answer.body), (206, &whole[3..=9]));
    assert_eq!(answer.header("content-range"), Some(&*format!("bytes 3-9/{}", whole.len())));
    let etag = answer.header("etag").unwrap();
    assert_eq!(part(&link, &[("If-Range", etag)]).await.status, 206);
    assert_eq!(part(&link, &[("If-Range", "\"another\"")]).await.status, 200);
    assert_eq!(get(&link, &[("Range", "bytes=99999999-")]).await.status, 416);
}

#[tokio::test]
async fn files_named_only_by_the_socket_need_its_ticket() {
    let node = ScriptNode::new("8", "PreviewImage").shows("temp_00001_.png").takes(Duration::from_mins(1));
    let scenario = Scenario::script("shown").node(node).build();
    for (fault, is_given) in [("slow-answers=0", true), ("no-node-files", false)] {
        let sim =
            Sim::builder().scenario(scenario.clone()).fault(fault.parse().unwrap()).start().await.unwrap();
        let client = Client::new(&sim);
        let task = client.task("shown").await;
        let address = client.address(&task).await;
        let (_, ticket) = address.split_once('?').unwrap();
        let view = async |file: &str, ticket: &str| {
            get(&format!("{}/view?{file}&{ticket}", sim.base_url()), &[]).await
        };
        let file = "filename=temp_00001_.png&subfolder=&type=temp";
        let given = view(file, ticket).await;
        assert_eq!((given.status, given.body.starts_with(b"\x89PNG")), (200, is_given), "{fault}");
        let other = ticket.replace("Rh-Comfy-Auth=", "Rh-Comfy-Auth=x");
        let refused = view(file, &other).await;
        assert_eq!((refused.status, refused.header("content-type")), (200, Some("text/html; charset=utf-8")));
        assert_eq!(view("filename=a&type=temp", "clientId=nobody").await.status, 404);
        if is_given {
            assert_eq!(view("filename=temp_00001_.png&subfolder=&type=output", ticket).await.status, 404);
        }
    }
}

#[tokio::test]
async fn files_break_off_and_end_early() {
    let whole = whole().await;
    let (_sim, link) = link_of("cut-files", "=5,1").await;
    assert_eq!(get(&link, &[]).await.body, whole[..5]);
    assert_eq!(get(&link, &[]).await.body, whole, "once");
    let (_sim, link) = link_of("short-files", "").await;
    assert_eq!(get(&link, &[]).await.body, whole[..whole.len() - 1]);
}

#[tokio::test]
async fn files_become_others() {
    let (_sim, link) = link_of("files-change", "").await;
    let (first, second) = (get(&link, &[]).await, get(&link, &[]).await);
    assert!(first.body != second.body && first.header("etag") != second.header("etag"));
}

#[tokio::test]
async fn a_wrong_range_is_not_accepted() {
    let whole = whole().await;
    let (_sim, link) = link_of("no-ranges", "").await;
    let answer = part(&link, &[]).await;
    assert_eq!((answer.status, answer.body), (200, whole.clone()));
    let (_sim, link) = link_of("wrong-range", "").await;
    let wrong = format!("bytes 4-9/{}", whole.len());
    assert_eq!(part(&link, &[]).await.header("content-range"), Some(&*wrong));
    for (value, status) in [("", 416), ("=412", 412)] {
        let (_sim, link) = link_of("range-refused", value).await;
        assert_eq!((part(&link, &[]).await.status, get(&link, &[]).await.status), (status, 200));
    }
}

#[tokio::test]
async fn files_trickle() {
    let whole = whole().await;
    let (_sim, link) = link_of("slow-files", &format!("={}", whole.len() * 2)).await;
    let begin = Instant::now();
    assert_eq!(get(&link, &[]).await.body, whole);
    assert!(begin.elapsed() > Duration::from_millis(400), "half a second");
    assert_eq!(get(&link, &[]).await.body, whole, "once");
}

#[tokio::test]
async fn files_come_packed() {
    let (_sim, link) = link_of("packed-files", "").await;
    let answer = get(&link, &[]).await;
    assert_eq!((answer.header("content-encoding"), &answer.body[..2]), (Some("gzip"), &[0x1f, 0x8b][..]));
}

#[tokio::test]
async fn files_never_end() {
    let (_sim, link) = link_of("endless-files", "").await;
    let (host, path) = link.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(format!("GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.unwrap();
    let mut bytes = vec![0; 4 << 20];
    stream.read_exact(&mut bytes).await.expect("many times what the file holds");
}

#[tokio::test]
async fn failed_tasks_list_their_files() {
    for (fault, files) in
        [("slow-answers", "=0", 0), ("files-of-failed", "", 2)].map(|(a, b, c)| (format!("{a}{b}"), c))
    {
        let faults = Sim::builder()
            .scenario(small())
            .speed(50.0)
            .fault("task-fails".parse().unwrap())
            .fault(fault.parse().unwrap());
        let sim = faults.start().await.unwrap();
        let client = Client::new(&sim);
        let task = client.task("small").await;
        client.outputs_when(&task, |outputs| outputs["code"] == 805).await;
        let query = client.post("/openapi/v2/query", json!({"taskId": task})).await;
        assert_eq!(query["status"], "FAILED");
        assert_eq!(query["results"].as_array().map_or(0, Vec::len), files, "{fault}: {query}");
    }
}

async fn link_of(name: &str, value: &str) -> (Sim, String) {
    link(&format!("{name}{value}")).await
}
