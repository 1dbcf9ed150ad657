//! Disks that are full, read-only, or otherwise unusable: reported before anything is paid, if possible.

use std::fs;

use crate::{
    case::{Case, Saved, patient},
    pool,
};

#[test]
fn disks() {
    let nothing = |case: Case, exit| Case { posts: 0, ..case.refused(exit) };
    let mut cases = vec![
        nothing(
            Case::new("out-is-a-file").prepare(|places| fs::write(places.out(), "keep me").expect("a file")),
            9,
        )
        .says("nothing was submitted"),
        nothing(Case::new("out-is-below-a-file").command(&["run", "{id}", "--out", "/dev/null/x"]), 9),
        nothing(Case::new("out-cannot-be-written").command(&["run", "{id}", "--out", "/proc/self/x"]), 9),
        nothing(
            Case::new("record-is-not-empty").prepare(|places| {
                fs::create_dir(places.root().join("record")).expect("a folder");
                fs::write(places.root().join("record/old"), "keep me").expect("a file");
            }),
            9,
        ),
        Case::new("out-vanishes").server(patient).act(|running| {
            running.until("Progress monitoring started");
            // The check before the create has made the folder.
            fs::remove_dir_all(running.places.out()).expect("it is there");
        }),
        Case::new("out-becomes-a-file")
            .server(patient)
            .act(|running| {
                running.until("Progress monitoring started");
                fs::remove_dir_all(running.places.out()).expect("it is there");
                fs::write(running.places.out(), "not yours").expect("a file");
            })
            .exit(9)
            .saved(Saved::Nothing)
            .says("rhub download 2000000000000000001"),
        // No file may grow beyond 100 KiB: the image does not fit.
        Case { log: "/dev/null", ..Case::new("disk-is-full") }
            .command(&["run", "{id}", "--out", "{out}"])
            .shell("trap '' XFSZ; ulimit -f 400")
            .exit(9)
            .saved(Saved::Some(1))
            .says("rhub download 2000000000000000001"),
        Case::new("few-descriptors").shell("ulimit -n 24"),
    ];
    if cfg!(target_os = "linux") {
        cases.push(Case { log: "/dev/full", ..Case::new("log-cannot-be-written") });
    }
    pool::run(cases);
}
