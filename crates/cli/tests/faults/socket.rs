//! The socket informs and never decides: whatever it does, the run ends as the API reports.

use runninghub_sim::{Rule, Toxic};

use crate::{
    case::{Case, OUTPUTS, SOCKET, ms, patient},
    lab::TICKET,
    pool,
};

#[test]
fn sockets() {
    let mut cases = addresses();
    cases.extend(handshakes());
    cases.extend(connections());
    cases.extend(frames());
    pool::run(cases);
}

fn addresses() -> Vec<Case> {
    let alone = |name, address| Case::new(name).sockets_at(address);
    vec![
        Case::new("address-never").fault("url-never"),
        Case::new("address-late").fault("url-late=0.25"),
        Case::new("address-in-create").fault("url-in-create"),
        Case::new("late-join").fault("late-join=0.2"),
        alone("address-off-loopback-without-encryption", |_| "ws://192.0.2.1:9".to_owned()),
        alone("address-with-password", |at| format!("ws://me:secret@{}", at.decoy)).never("me:secret"),
        alone("address-of-another-scheme", |at| format!("http://{}", at.decoy)),
        alone("address-is-a-file", |_| "file:///etc/passwd?".to_owned()),
        alone("address-is-nonsense", |_| "wss://[::1".to_owned()),
        alone("address-of-a-closed-port", |_| "ws://127.0.0.1:1".to_owned()),
        alone("address-encrypted-on-a-plain-port", |at| format!("wss://{}", at.sockets)),
        Case::new("address-changes")
            .server(patient)
            .rule_at(|at| Rule::replace(OUTPUTS, at.sockets.to_string(), "127.0.0.1:1").times(1))
            .also(|after| assert!(after.stats.sockets_opened > 0, "the fresh address was not used")),
    ]
}

fn handshakes() -> Vec<Case> {
    // The run must last until a busy machine connects.
    let slow = |name| Case::new(name).server(|builder| builder.speed(0.1));
    let refused = |name, fault| slow(name).fault(fault);
    vec![
        refused("handshake-401", "handshake-refused=401"),
        refused("handshake-403", "handshake-refused=403"),
        refused("handshake-404", "handshake-refused=404"),
        refused("handshake-500", "handshake-refused=500"),
        refused("handshake-no-room", "connection-limit=0"),
        Case::new("handshake-503-once")
            .server(patient)
            .rule(Rule::answer(SOCKET, 503, "").times(1))
            .also(|after| assert!(after.stats.sockets_opened > 0, "it was not tried again")),
        // Refused with 403; the next response contains a URL that works.
        Case::new("ticket-expired")
            .server(patient)
            .rule(Rule::replace(OUTPUTS, TICKET, "an%20old%20ticket").times(1))
            .also(|after| assert!(after.stats.sockets_opened > 0, "the fresh address was not used")),
        // Inside the value of `sec-websocket-accept`.
        slow("handshake-wrong-accept").socket(Toxic::corrupt(100)),
        slow("handshake-redirect")
            .rule_at(|at| Rule::answer(SOCKET, 302, "").header("Location", format!("ws://{}/", at.decoy))),
        slow("handshake-200").rule(Rule::answer(SOCKET, 200, "<html>")),
        slow("handshake-endless-head").socket(Toxic::insert(20, "x: y\r\n".repeat(100_000))),
        slow("handshake-silence").socket(Toxic::silence(0)),
        slow("handshake-cut").socket(Toxic::cut(60)),
        Case::new("handshake-in-slices").server(patient).socket(Toxic::slicer(5, ms(1))).also(heard),
    ]
}

fn heard(after: &crate::case::After) {
    assert!(after.stats.sockets_opened > 0, "no socket was opened");
    assert!(after.text().contains("📈 Overall progress: "), "no progress was shown");
}

fn connections() -> Vec<Case> {
    vec![
        Case::new("socket-drops").fault("drop-at=9,3").server(patient),
        Case::new("socket-cut-before-end").fault("cut-before-end").server(patient),
        Case::new("socket-falls-silent").fault("silence-at=8").server(patient),
        Case::new("socket-without-an-end").fault("last-frames-never").server(patient),
        Case::new("socket-black-hole").socket(Toxic::silence(900).after_head()).server(patient),
        Case::new("socket-reset-twice")
            .socket(Toxic::reset(700).after_head().first(2))
            .server(patient)
            .also(heard),
        Case::new("socket-half-closed").socket(Toxic::half_close(800).after_head()).server(patient),
        Case::new("socket-flaps-for-ever").socket(Toxic::cut(400).after_head()).server(patient).also(
            |after| {
                let dials = after.sockets.connections;
                assert!(dials <= 40, "{dials} dials in {:?}", after.took);
            },
        ),
        Case::new("socket-late-and-uneven")
            .socket(Toxic::latency(ms(80)).jitter(ms(120)))
            .server(patient)
            .also(heard),
        Case::new("socket-narrow").socket(Toxic::bandwidth(40_000)).server(patient).also(heard),
        Case::new("socket-frames-doubled-and-mixed")
            .fault("duplicate-frames=0.4")
            .fault("reorder-frames=0.3")
            .server(patient),
    ]
}

fn frames() -> Vec<Case> {
    let inserted = |name, bytes: Vec<u8>| {
        Case::new(name).server(patient).socket(Toxic::insert(0, bytes).after_head().first(1))
    };
    let close = |reason: &str| {
        let mut frame = vec![0x88, u8::try_from(reason.len() + 2).expect("a short reason"), 0x0f, 0xa0];
        frame.extend(reason.bytes());
        frame
    };
    vec![
        inserted("frame-invalid-utf8", vec![0x81, 3, 0xff, 0xfe, 0xfd]),
        inserted("frame-reserved-bits", vec![0xf1, 1, b'x']),
        inserted("frame-unknown-opcode", vec![0x8b, 0]),
        inserted("frame-masked", vec![0x81, 0x81, 1, 2, 3, 4, 5]),
        inserted("frame-continuation-of-nothing", vec![0x80, 1, b'x']),
        inserted("frame-of-a-terabyte", [&[0x82, 127][..], &(1u64 << 40).to_be_bytes()].concat()),
        inserted(
            "frame-of-eight-megabytes",
            [&[0x81, 127][..], &(8u64 << 20).to_be_bytes(), &vec![b'x'; 8 << 20]].concat(),
        ),
        inserted("frame-ping-flood", [0x89, 4, 1, 2, 3, 4].repeat(50_000)),
        inserted("frame-empty-flood", [0x81, 0].repeat(50_000)),
        inserted("frame-not-json", [&[0x81, 5][..], b"{\"a\":"].concat()),
        inserted(
            "frame-depth-bomb",
            [&[0x81, 126][..], &60_000_u16.to_be_bytes(), &vec![b'['; 60_000]].concat(),
        ),
        inserted("frame-close-with-escapes", close("\u{1b}]0;owned\u{7}\u{202e}")),
        Case::new("frame-corrupt").server(patient).socket(Toxic::corrupt(0).after_head().first(1)),
        Case::new("frames-binary-garbage").fault("binary-garbage").server(patient).also(heard),
        Case::new("frames-of-custom-nodes").fault("unknown-frames").server(patient).also(heard),
        Case::new("frame-big").fault("big-frame=3000000").server(patient).also(heard),
        Case::new("frame-too-big").fault("big-frame=9000000").server(patient),
    ]
}
