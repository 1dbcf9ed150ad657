//! Tests of the lab itself: each case has a defect that the lab must detect.

use std::{
    fs,
    net::TcpStream,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::Duration,
};

use runninghub_sim::{Rule, Toxic};

use crate::{
    case::{CREATE, Case, Saved},
    lab::{self, KEY},
    running::Running,
};

#[test]
fn wrong_cases_are_noticed() {
    let cases = [
        ("exit Some(0)", Case::new("wrong-exit").exit(1)),
        ("1 creates sent, 1 made", Case::new("wrong-count").posts(2).creates(2)),
        ("2 results were saved", Case::new("wrong-files").saved(Saved::Some(1))),
        ("it took", Case { within: Duration::ZERO, ..Case::new("too-slow") }),
        ("KiB of memory", Case { memory: 1, ..Case::new("too-big") }),
        ("it does not say", Case::new("silent").says("all is lost")),
        ("in stdout", Case::new("talkative").never("Task completed")),
        ("made no difference", Case::new("idle-rule").rule(Rule::replace(CREATE, "never there", "x"))),
        ("met the toxic", Case::new("idle-toxic").fault("url-never").socket(Toxic::cut(0))),
        ("'\\u{1b}' (", Case::new("escapes").shell("printf '\\033[2J'")),
        ("no UTF-8", Case::new("bytes").shell("printf '\\377'")),
        ("is in stdout", Case::new("secret-told").shell("echo $RUNNINGHUB_API_KEY")),
        ("is in ", Case::new("secret-on-disk").prepare(|places| write(&places.state().join("x"), KEY))),
        (
            "is not whole",
            Case::new("half-a-file").act(|running| spoil(running, "2000000000000000001-9-1.png")),
        ),
        ("was left", Case::new("left-over").act(|running| spoil(running, ".rhub-1.part"))),
        (
            "where nothing belongs",
            Case::new("stray").prepare(|places| write(&places.root().join("stray"), "")),
        ),
        (
            "is not what it was",
            Case::new("changed")
                .prepare(|places| write(&places.root().join("case-old"), "keep me"))
                .act(|running| write(&running.places.root().join("case-old"), "oh")),
        ),
        (
            "connected to the decoy",
            Case::new("decoy").act(|running| {
                TcpStream::connect(running.network.decoy.address()).expect("it listens");
                running.until("Task completed");
            }),
        ),
    ];
    for (complaint, case) in cases {
        let outcome = catch_unwind(AssertUnwindSafe(|| lab::run(&case)));
        let message = outcome.expect_err(case.name);
        let message = message.downcast_ref::<String>().expect("a message");
        assert!(message.contains(complaint), "{}: not {complaint:?} but {message}", case.name);
    }
}

/// Writes a stray file next to the results while the task runs.
fn spoil(running: &mut Running, name: &str) {
    running.until("Task initiated");
    write(&running.places.out().join(name), "half");
}

fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("a file");
}
