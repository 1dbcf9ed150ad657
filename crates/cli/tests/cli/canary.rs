//! No command prints a secret in any spelling, at any log level, whatever the server sends.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

use serde_json::Value;

use crate::common::{Rhub, Simulator, folder, rhub, scenario};

const KEY: &str = "c4n4ryc4n4ryc4n4ryc4n4ryc4n4ry99";
const TICKET: &str = "eyJ0aWNrZXQiOiJjYW5hcnkiLCJzaWduIjoiMTIzNCJ9";
const SIGNED: &str = "S1GN3D-by-th3-cl0ud-0123456789";
const WEBHOOK: &str = "hook-p4th-s3cr3t-0123456789";
const PASSWORD: &str = "pr0xy-p4ssw0rd-0123456789";
const OTHER_PASSWORD: &str = "3nv1r0nm3nt-p4ssw0rd";
const SECRETS: [&str; 6] = [KEY, TICKET, SIGNED, WEBHOOK, PASSWORD, OTHER_PASSWORD];

/// The encodings in which a server, a library or a terminal may write a secret.
fn spellings(secret: &str) -> [String; 20] {
    let percent = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat();
    let unicode = secret.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>().concat();
    let hex = secret.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let json = |text: &str| serde_json::to_string(text).expect("text");
    [
        secret.to_owned(),
        secret.to_uppercase(),
        secret.to_lowercase(),
        percent(secret),
        percent(secret).to_lowercase(),
        percent(&percent(secret)),
        unicode.clone(),
        unicode.to_uppercase().replace("\\U", "\\u"),
        json(secret),
        json(&json(secret)),
        json(&unicode),
        percent(secret).replace('%', "\\x"),
        STANDARD.encode(secret),
        STANDARD.encode(format!("a{secret}")),
        STANDARD.encode(format!("ab{secret}")),
        URL_SAFE_NO_PAD.encode(secret),
        percent(&STANDARD.encode(secret)),
        STANDARD.encode(STANDARD.encode(secret)),
        hex.clone(),
        hex.to_uppercase(),
    ]
}

fn assert_silent(place: &str, text: &str) {
    for secret in SECRETS {
        for (number, spelling) in (1..).zip(spellings(secret)) {
            if let Some(at) = text.find(spelling.trim_matches('"')) {
                let around = text.get(text.floor_char_boundary(at.saturating_sub(200))..).unwrap_or_default();
                panic!(
                    "spelling {number} of {secret} in {place}: {}",
                    around.chars().take(400).collect::<String>()
                );
            }
        }
    }
}

/// Checks everything below a folder, names included.
fn assert_silent_below(folder: &Path) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a file").path();
        assert_silent("a name", &path.to_string_lossy());
        if path.is_dir() {
            files += assert_silent_below(&path);
        } else {
            assert_silent(
                &path.to_string_lossy(),
                &String::from_utf8_lossy(&fs::read(&path).expect("a file")),
            );
            files += 1;
        }
    }
    files
}

/// A RunningHub that repeats every request in its response.
struct Hostile {
    url: String,
}

impl Hostile {
    /// Started for this command.
    fn start(command: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let host = listener.local_addr().expect("an address").to_string();
        let (url, requests) = (format!("http://{host}"), Arc::new(AtomicUsize::new(0)));
        let command = command.to_owned();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (host, requests, command) = (host.clone(), Arc::clone(&requests), command.clone());
                thread::spawn(move || answer(&stream.expect("a connection"), &host, &requests, &command));
            }
        });
        Self { url }
    }
}

fn answer(mut stream: &TcpStream, host: &str, requests: &AtomicUsize, command: &str) -> Option<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let size = stream.read(&mut buffer).ok().filter(|size| *size > 0)?;
        request.extend_from_slice(buffer.get(..size)?);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            break;
        }
    }
    let text = String::from_utf8_lossy(&request);
    let path = text.split(' ').nth(1)?.split('?').next()?;
    let known = if command == "run" { &[KEY, WEBHOOK][..] } else { &[KEY] };
    let secrets: Vec<String> = known.iter().flat_map(|secret| spellings(secret)).collect();
    let secrets = format!("{} \u{1b}[2J\u{202e}", secrets.join(" "));
    let socket = format!("ws://{host}/ws/c_instance?c_host=10.0.0.1&Rh-Comfy-Auth={TICKET}");
    let (status, body) = match path {
        "/api/openapi/getJsonApiFormat" => {
            let workflow = r#"{"5":{"class_type":"SaveImage","inputs":{"images":["1",0]}},"1":{"class_type":"EmptyImage","inputs":{}}}"#;
            (200, serde_json::json!({"code": 0, "data": {"prompt": workflow}}).to_string())
        }
        "/task/openapi/create" => {
            let data = serde_json::json!({"taskId": "2000000000000000001", "taskStatus": "RUNNING", "netWssUrl": socket});
            (200, serde_json::json!({"code": 0, "msg": secrets, "data": data}).to_string())
        }
        "/task/openapi/outputs"
            if requests.fetch_add(1, Ordering::SeqCst) == 0 && matches!(command, "run" | "watch") =>
        {
            (200, serde_json::json!({"code": 804, "msg": secrets, "data": {"netWssUrl": socket}}).to_string())
        }
        "/task/openapi/outputs" => {
            let file = format!("http://{host}/out/a.png?q-signature={SIGNED}");
            let data = serde_json::json!([{"fileUrl": file, "fileType": "png", "nodeId": "5"}]);
            (200, serde_json::json!({"code": 0, "msg": secrets, "data": data}).to_string())
        }
        "/out/a.png" => (200, "\u{89}PNG a picture".to_owned()),
        "/ws/c_instance" => (503, secrets.clone()),
        _ => (200, serde_json::json!({"code": 9999, "msg": secrets, "data": secrets}).to_string()),
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\nX-Told: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        secrets.replace(|c: char| c.is_control() || !c.is_ascii(), ""),
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).ok()
}

fn at(command: Rhub, server: &Hostile) -> Rhub {
    command
        .env("RUNNINGHUB_API_KEY", KEY)
        .env("RUNNINGHUB_BASE_URL", &server.url)
        .env("RUNNINGHUB_TIME_SCALE", "0.01")
        .env("RUNNINGHUB_PROXY", &format!("http://me:{PASSWORD}@127.0.0.1:9"))
        .env("HTTPS_PROXY", &format!("http://me:{OTHER_PASSWORD}@127.0.0.1:9"))
}

#[test]
fn the_canaries_do_not_sing() {
    let dir = folder();
    let path = |name: &str| dir.path().join(name).to_string_lossy().into_owned();
    let webhook = format!("https://hook.example/{WEBHOOK}");
    let (state, record, out, log) = (path("state"), path("record"), path("out"), path("log"));
    let run = ["run", "1904154698679771137", "--webhook", &webhook, "--record", &record, "--out", &out];
    let commands: [(&[&str], i32); 15] = [
        (&run, 0),
        (&["run", "1904154698679771137", "--webhook", &webhook, "--json"], 0),
        (&["run", "1904154698679771137", "--webhook", &webhook, "--detach"], 0),
        (&["watch", "2000000000000000001", "--workflow", "1904154698679771137"], 0),
        (&["outputs", "2000000000000000001"], 0),
        (&["download", "2000000000000000001", "--out", &out], 0),
        (&["workflow", "show", "1904154698679771137"], 0),
        (&["status", "2000000000000000001"], 4),
        (&["status", "2000000000000000001", "--json"], 4),
        (&["cancel", "2000000000000000001"], 4),
        (&["app", "show", "1877265245566922753"], 4),
        (&["app", "run", "1877265245566922753", "--webhook", &webhook, "--access-password", PASSWORD], 4),
        (&["account"], 4),
        (&["account", "--site", "ai", "--log-file", &log], 4),
        (&["replay", &record], 0),
    ];
    for (args, code) in commands {
        let server = Hostile::start(args[0]);
        let command = at(rhub(args.iter().copied()), &server);
        let done = command.arg("-vvvv").env("RUNNINGHUB_STATE_DIR", &state).run();
        // The link is the paid result: it is printed on stdout, and nowhere else.
        let link = format!("q-signature={SIGNED}");
        assert_silent(&format!("stdout of {args:?}"), &done.stdout.replace(&link, ""));
        assert_silent(&format!("stderr of {args:?}"), &done.stderr);
        for text in [&done.stdout, &done.stderr] {
            assert!(
                !text.contains(|c: char| c != '\n' && c.is_control()) && !text.contains('\u{202e}'),
                "{done}"
            );
        }
        assert_eq!(done.code, Some(code), "{args:?}: {done}");
        let is_logged = args.contains(&"--log-file") || args[0] == "replay" || done.stderr.contains("TRACE");
        assert!(is_logged, "{args:?} was logged: {done}");
        assert!(args[0] != "outputs" || done.stdout.contains(&link), "{done}");
    }
    assert!(fs::read_to_string(&log).expect("a log").contains("TRACE"));
    let files = assert_silent_below(dir.path());
    assert!(files >= 6, "a recording, results and a log: {files} files");
}

/// A bug can put anything into a panic message: it is cleaned like all other output.
#[test]
fn a_panic_does_not_reveal_secrets() {
    let server = Hostile::start("run");
    let action = format!("panic at {PASSWORD} and {OTHER_PASSWORD} with Bearer {KEY}");
    let done = at(rhub(["run", "1904154698679771137"]), &server)
        .env("RUNNINGHUB_FAILPOINT", &format!("submitting>accepted:before={action}"))
        .env("RUST_BACKTRACE", "1")
        .run();
    assert!(
        done.stderr.contains("rhub has a bug: panicked at ") && done.stderr.contains("with Bearer "),
        "{done}"
    );
    assert_silent("stderr", &done.stderr);
    assert_silent("stdout", &done.stdout.replace(&format!("q-signature={SIGNED}"), ""));
}

/// Whatever thread has the bug, a program reads how it ended, and whether it may have paid.
#[test]
fn a_panic_ends_with_a_result() {
    for (failpoint, code, status) in [
        ("none>submitting:before", 5, "unknown"),
        ("submitting>accepted:after", 5, "unknown"),
        ("accepted>done:before", 6, "running"),
    ] {
        let sim = Simulator::of("01-simple");
        let done = rhub(["run", &scenario("01-simple").workflow_id(), "--json"])
            .at(&sim)
            .env("RUNNINGHUB_FAILPOINT", &format!("{failpoint}=panic here"))
            .run();
        let last: Value = serde_json::from_str(done.stdout.lines().last().expect("a line")).expect("JSON");
        assert_eq!((done.code, &last["event"]), (Some(code), &"result".into()), "{done}");
        assert_eq!((&last["status"], &last["exit_code"]), (&status.into(), &code.into()), "{done}");
        let failure = &last["failure"];
        assert_eq!(
            (&failure["kind"], &failure["retry"]),
            (&"internal".into(), &"ambiguous".into()),
            "{done}"
        );
        assert!(failure["message"].as_str().expect("a message").contains("panic here"), "{done}");
    }
}

/// A process that holds a key writes no core dump.
#[cfg(target_os = "linux")]
#[test]
fn no_core_is_dumped_once_a_key_is_there() {
    use std::os::unix::process::ExitStatusExt as _;

    // A server that never responds: by the time of the request, the key was read.
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let dir = folder();
    let mut command =
        rhub(["account"]).env("RUNNINGHUB_API_KEY", KEY).env("RUNNINGHUB_BASE_URL", &url).into_command();
    let mut child = command.current_dir(dir.path()).spawn().expect("the binary");
    let requests = listener.accept().expect("a connection");
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).expect("the system tells");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).expect("the line");
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
    let abort = rustix::process::Signal::ABORT;
    let process = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(process, abort).expect("it runs");
    let status = child.wait().expect("it ends");
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
    assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 0);
    drop(requests);
}
