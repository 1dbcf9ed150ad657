//! The proxy, from options and the environment.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpListener,
    time::{Duration, Instant},
};

use runninghub_sim::Sim;

use crate::common::rhub;

/// Runs a command that sends requests to a host that does not exist. Returns its request to the proxy, if any: the
/// proxy demands a password and rejects every one.
fn connect(args: &[&str], env: &[(&str, &str)]) -> (Option<String>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let proxy = listener.local_addr().expect("an address").to_string();
    listener.set_nonblocking(true).expect("a socket option");
    let mut command = rhub(["account", "--base-url", "https://api.runninghub.invalid"])
        .env("RUNNINGHUB_API_KEY", Sim::DEMO_KEY)
        .env("RUNNINGHUB_TIME_SCALE", "0.001");
    for arg in args {
        command = command.arg(arg.replace("PROXY", &proxy));
    }
    for (name, value) in env {
        command = command.env(name, &value.replace("PROXY", &proxy));
    }
    let running = std::thread::spawn(move || command.run());
    let (mut first, start) = (None, Instant::now());
    while !running.is_finished() {
        assert!(start.elapsed() < Duration::from_mins(1), "it does not end");
        match listener.accept() {
            Ok((mut stream, _)) => {
                stream.set_nonblocking(false).expect("a socket option");
                let mut head = vec![0; 4096];
                let length = stream.read(&mut head).expect("a request");
                stream
                    .write_all(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
                    .expect("an answer");
                first.get_or_insert_with(|| String::from_utf8_lossy(&head[..length]).into_owned());
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
    let done = running.join().expect("it ran");
    assert_eq!(done.code, Some(3), "{done}");
    (first, done.to_string())
}

#[test]
fn proxies_are_read_from_the_usual_variables_in_both_cases() {
    const URL: &str = "http://me:s3cret@PROXY";
    let no = ("NO_PROXY", "example.com, runninghub.invalid");
    for (args, env, proxied) in [
        (&["--proxy", URL][..], &[][..], true),
        (&[], &[("HTTPS_PROXY", URL)], true),
        (&[], &[("https_proxy", URL)], true),
        (&[], &[("ALL_PROXY", URL)], true),
        (&[], &[("all_proxy", "PROXY")], true),
        (&[], &[("RUNNINGHUB_PROXY", URL)], true),
        (&[], &[("HTTP_PROXY", URL)], false),
        (&[], &[("HTTPS_PROXY", URL), no], false),
        (&[], &[("HTTPS_PROXY", URL), ("no_proxy", no.1)], false),
        (&["--proxy", URL], &[no], false),
        (&["--proxy", URL], &[("NO_PROXY", "example.com")], true),
        (&["--proxy", URL], &[("HTTPS_PROXY", "http://127.0.0.1:1")], true),
    ] {
        let (head, output) = connect(args, env);
        assert_eq!(head.is_some(), proxied, "{args:?} {env:?}: {output}");
        assert!(!output.contains("s3cret") && !output.contains("bWU6"), "{output}");
        let Some(head) = head else { continue };
        assert!(head.starts_with("CONNECT api.runninghub.invalid:443 HTTP/1.1\r\n"), "{head}");
        let has_password = args.contains(&URL) || env.iter().any(|(_, value)| *value == URL);
        // me:s3cret
        assert_eq!(head.contains("Basic bWU6czNjcmV0"), has_password, "{head}");
    }
}
