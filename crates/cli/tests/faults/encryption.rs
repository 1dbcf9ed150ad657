//! TLS: with an invalid certificate nothing is sent, and data may have been read if TLS breaks after the handshake.

use runninghub_sim::{Certificate, Rule, Toxic};

use crate::{
    case::{CREATE, Case, MODEL, ms},
    pool,
};

/// An invalid record of encrypted data, and a fatal alert that isn't encrypted (`internal_error`).
const GARBAGE: [u8; 9] = [23, 3, 3, 0, 4, 1, 2, 3, 4];
const ALERT: [u8; 7] = [21, 3, 3, 0, 2, 2, 80];

#[test]
fn encryption() {
    let with = |name, certificate| {
        let case = Case { certificate: Some(certificate), ..Case::new(name) };
        case.env("RUNNINGHUB_BASE_URL", "{tls}").env("SSL_CERT_FILE", "{root}/case-ca.pem")
    };
    let refused = |case: Case| Case { posts: 0, ..case.refused(3) };
    let no_trust = "the TLS connection could not be trusted";
    pool::run(vec![
        with("certificate-good", Certificate::Good),
        with("certificate-of-a-ca-file", Certificate::Good)
            .env("SSL_CERT_FILE", "/dev/null")
            .arg("--ca-file")
            .arg("{root}/case-ca.pem"),
        refused(with("certificate-expired", Certificate::Expired)).says(no_trust),
        refused(with("certificate-of-another", Certificate::WrongName)).says(no_trust),
        refused(with("certificate-of-its-own", Certificate::SelfSigned)).says(no_trust),
        refused(with("certificate-of-a-stranger", Certificate::Good).env("SSL_CERT_FILE", "/dev/null")),
        Case { cipher: vec![Toxic::cut(40)], ..refused(with("handshake-of-tls-cut", Certificate::Good)) },
        Case {
            cipher: vec![Toxic::reset(0).up()],
            ..refused(with("handshake-of-tls-reset", Certificate::Good))
        },
        Case {
            cipher: vec![Toxic::corrupt(60)],
            ..refused(with("handshake-of-tls-corrupt", Certificate::Good))
        },
        // Corruption is detected and the request retried.
        Case {
            cipher: vec![Toxic::corrupt(3_000).first(1)],
            ..with("cipher-corrupt-once", Certificate::Good)
        },
        refused(Case::new("plain-on-an-encrypted-port").env("RUNNINGHUB_BASE_URL", "https://{port}"))
            .says("the server does not use TLS at this port"),
        Case { posts: 0, ..Case::new("plain-off-this-machine").refused(2) }
            .env("RUNNINGHUB_BASE_URL", "http://192.0.2.1:9"),
    ]);
}

fn encrypted(name: &'static str) -> Case {
    let case = Case { certificate: Some(Certificate::Good), ..Case::new(name) };
    case.env("RUNNINGHUB_BASE_URL", "{tls}").arg("--ca-file").arg("{root}/case-ca.pem")
}

fn breaking(case: Case, toxic: Toxic) -> Case {
    Case { records: vec![toxic], ..case }
}

/// The second connection carries the create.
fn handshake(case: Case, toxic: Toxic) -> Case {
    Case { cipher: vec![toxic.skip(1)], posts: 0, ..case.refused(3) }.says("the task was not created")
}

#[test]
fn a_create_is_refused_only_if_its_handshake_fails() {
    let mut cases = vec![
        handshake(encrypted("create-handshake-garbage"), Toxic::insert(0, GARBAGE.to_vec())),
        handshake(encrypted("create-handshake-alert"), Toxic::insert(0, ALERT.to_vec())),
        handshake(encrypted("create-handshake-cut"), Toxic::cut(50)),
        handshake(encrypted("create-handshake-reset"), Toxic::reset(0).up()),
    ];
    for kind in ["garbage", "alert", "cut", "reset"] {
        let at = |byte| match kind {
            "garbage" => Toxic::garbage(byte),
            "alert" => Toxic::alert(byte),
            "cut" => Toxic::cut(byte),
            _ => Toxic::reset(byte),
        };
        let name = |when| -> &'static str { format!("create-tls-{kind}-{when}").leak() };
        // Before the server has seen anything, after it has responded, and within the response.
        cases.extend([
            breaking(encrypted(name("before")), at(0).up().on_path(CREATE)).posts(0).unknown(0),
            breaking(encrypted(name("after")), at(0).on_path(CREATE)).unknown(1),
            breaking(encrypted(name("in-answer")), at(40).after_head().on_path(CREATE)).unknown(1),
        ]);
        // A reset may overtake data that the server has not read yet.
        if kind != "reset" {
            let toxic = at(20).up().after_head().on_path(CREATE);
            cases.push(breaking(encrypted(name("in-request")), toxic).unknown(0));
        }
    }
    pool::run(cases);
}

#[test]
fn a_create_through_a_proxy_is_refused_only_if_its_handshake_fails() {
    let mut cases = Vec::new();
    for (way, proxy) in [("connect", "http://{tunnel}"), ("socks", "socks5h://{tunnel}")] {
        let through = |when| -> Case {
            let case = encrypted(format!("create-{way}-{when}").leak());
            case.env("RUNNINGHUB_BASE_URL", "https://api.example").arg("--proxy").arg(proxy)
        };
        cases.extend([
            handshake(through("handshake-garbage"), Toxic::insert(0, GARBAGE.to_vec())),
            handshake(through("handshake-cut"), Toxic::cut(50)),
            breaking(through("garbage-before"), Toxic::garbage(0).up().on_path(CREATE)).posts(0).unknown(0),
            breaking(through("garbage-after"), Toxic::garbage(0).on_path(CREATE)).unknown(1),
            breaking(through("alert-after"), Toxic::alert(0).on_path(CREATE)).unknown(1),
            breaking(through("reset-in-answer"), Toxic::reset(40).after_head().on_path(CREATE)).unknown(1),
        ]);
    }
    pool::run(cases);
}

#[test]
fn a_create_of_a_model_is_refused_only_if_its_handshake_fails() {
    let model = |name| {
        let case = Case { command: Vec::new(), ..encrypted(name) };
        case.server(|builder| builder.model(runninghub_sim::Model::new("lab/model").takes(ms(300))))
            .command(&["model", "run", "lab/model", "--body", "{}", "--ca-file", "{root}/case-ca.pem"])
    };
    let first = Toxic::insert(0, GARBAGE.to_vec());
    pool::run(vec![
        Case { cipher: vec![first], posts: 0, ..model("model-handshake-garbage").refused(3) }
            .says("the task was not created"),
        breaking(model("model-tls-garbage"), Toxic::garbage(0).on_path(MODEL)).unknown(1),
        breaking(model("model-tls-alert"), Toxic::alert(0).on_path(MODEL)).unknown(1),
    ]);
}

/// The response refuses, but names a task: the outcome is unknown, and the task can be found.
#[test]
fn a_refusal_that_names_a_task_is_unknown() {
    let message = "the response names task 2000000000000000001";
    let says = |name, path, body: &'static str| {
        Case::new(name)
            .rule(Rule::answer(path, 200, body).after_work())
            .unknown(1)
            .says(message)
            .says("--task-id 2000000000000000001")
    };
    pool::run(vec![
        says(
            "create-no-with-a-task",
            CREATE,
            r#"{"code":421,"msg":"TASK_QUEUE_MAXED","data":{"taskId":"2000000000000000001"}}"#,
        ),
        says(
            "model-no-with-a-task",
            MODEL,
            r#"{"errorCode":"1007","errorMessage":"no","taskId":"2000000000000000001"}"#,
        )
        .server(|builder| builder.model(runninghub_sim::Model::new("lab/model").takes(ms(300))))
        .command(&["model", "run", "lab/model", "--body", "{}"]),
    ]);
}
