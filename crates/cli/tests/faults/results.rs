//! Results: complete or absent, wherever the connection breaks and whatever is sent instead.

use runninghub_sim::{Rule, Toxic};

use crate::{
    case::{After, Case, FILES, OUTPUTS, Saved, ms, patient},
    pool,
};

#[test]
fn results() {
    let mut cases = connections();
    cases.extend(answers());
    cases.extend(addresses());
    cases.extend(names());
    cases.extend(rescued());
    pool::run(cases);
}

/// A task fails after its nodes have saved files. They are fetched with the socket's ticket, which is never printed.
fn rescued() -> Vec<Case> {
    let failed =
        |name| Case::new(name).server(patient).fault("task-fails").exit(1).arg("--keep-intermediate");
    vec![
        failed("rescued").says("/intermediate/2000000000000000001-9-"),
        failed("rescued-is-a-page")
            .fault("no-node-files")
            .saved(Saved::Nothing)
            .says("it was not downloaded"),
        Case::new("nothing-to-rescue").server(patient).arg("--keep-intermediate"),
    ]
}

/// The task succeeded and was paid, but its results were not saved.
fn not_saved(case: Case) -> Case {
    case.exit(8).saved(Saved::Nothing).says("rhub download 2000000000000000001")
}

fn connections() -> Vec<Case> {
    vec![
        Case::new("result-cut-once").files(Toxic::cut(100).after_head().first(2)),
        Case::new("result-reset-once").files(Toxic::reset(300).after_head().first(2)),
        Case::new("result-half-closed-once").files(Toxic::half_close(200).after_head().first(1)),
        Case::new("result-corrupt-head-once").files(Toxic::corrupt(2).first(1)),
        Case::new("result-lost-once").rule(Rule::lose(FILES).times(2)),
        Case::new("result-in-slices")
            .files(Toxic::slicer(500, ms(1)))
            .files(Toxic::latency(ms(30)).jitter(ms(30))),
        Case::new("result-narrow").files(Toxic::bandwidth(200_000)),
        Case::new("result-falls-silent").files(Toxic::silence(100).after_head().first(2)),
        Case::new("result-cut-and-resumed").fault("cut-files=40000,2"),
        Case::new("result-trickles").fault("slow-files=50"),
        not_saved(Case::new("result-cut-for-ever").files(Toxic::cut(100).after_head())),
        not_saved(Case::new("result-refused-for-ever").files(Toxic::refuse())),
        Case::new("result-refused-for-a-while").server(patient).files(Toxic::refuse()).act(|running| {
            running.until_called(OUTPUTS, 2);
            running.network.results.clear();
        }),
    ]
}

fn answers() -> Vec<Case> {
    let expired = "<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>";
    let page = "<!DOCTYPE html><html><body>Log in</body></html>";
    vec![
        Case::new("result-expired").fault("expired-links"),
        not_saved(Case::new("result-403-for-ever").rule(Rule::answer(FILES, 403, expired))),
        not_saved(Case::new("result-404-for-ever").rule(Rule::answer(FILES, 404, ""))),
        Case::new("result-500-once").rule(Rule::answer(FILES, 500, "").times(1)),
        Case::new("result-html-once")
            .rule(Rule::answer(FILES, 200, page).header("Content-Type", "text/html").times(1)),
        not_saved(Case::new("result-html-for-ever").rule(Rule::answer(FILES, 200, page))),
        Case::new("result-shorter-than-it-says")
            .rule(Rule::answer(FILES, 200, "\u{89}PNG").cut(4_000).times(2)),
        not_saved(Case::new("result-always-shorter").rule(Rule::answer(FILES, 200, "\u{89}PNG").cut(4_000))),
        not_saved(
            Case::new("result-partial-unasked")
                .rule(Rule::answer(FILES, 206, "part").header("Content-Range", "bytes 4-7/90")),
        ),
        not_saved(Case::new("result-no-content").rule(Rule::answer(FILES, 204, ""))),
    ]
}

fn addresses() -> Vec<Case> {
    let to = |name, location: &'static str| {
        not_saved(Case::new(name).rule(Rule::answer(FILES, 302, "").header("Location", location)))
    };
    let link = |name, link: &'static str| {
        not_saved(
            Case::new(name).rule_at(move |at| Rule::replace(OUTPUTS, format!("http://{}", at.results), link)),
        )
    };
    vec![
        to("redirect-to-a-file", "file:///etc/passwd"),
        to("redirect-to-data", "data:image/png;base64,iVBORw0KGgo="),
        to("redirect-without-a-host", "http:///"),
        to("redirect-loop", "{base}/files/again").also(|after: &After| {
            assert!(after.calls("/files") <= 2 * 3 * 6, "{:?}", after.stats.calls);
        }),
        // The link redirects to the file.
        Case::new("redirect-followed")
            .rule_at(|at| {
                let (file, moved) = ("/files/2000000000000000001/a_00001_.png", "/moved.png");
                Rule::replace(OUTPUTS, format!("{}{file}", at.results), format!("{}{moved}", at.results))
            })
            .rule(
                Rule::answer("/moved.png", 302, "")
                    .header("Location", "/files/2000000000000000001/a_00001_.png?sign=999"),
            ),
        link("link-to-a-file", "file:///etc/passwd?"),
        link("link-to-ftp", "ftp://127.0.0.1"),
        link("link-is-nonsense", "::::"),
        link("link-is-empty", ""),
    ]
}

/// The server names files; the command chooses the local names.
fn names() -> Vec<Case> {
    let edit =
        |name, from: &'static str, to: &'static str| Case::new(name).rule(Rule::replace(OUTPUTS, from, to));
    vec![
        edit("name-type-climbs", r#""fileType":"png""#, r#""fileType":"../../../evil""#),
        edit("name-type-is-odd", r#""fileType":"png""#, r#""fileType":{"a":[1]}"#),
        edit("name-node-climbs", r#""nodeId":"9""#, r#""nodeId":"../../../../evil""#),
        edit("name-node-with-nul", r#""nodeId":"9""#, r#""nodeId":"a\u0000b\u001b[31m\u202e/c""#),
        edit(
            "name-node-is-long",
            r#""nodeId":"9""#,
            concat!(
                r#""nodeId":""#,
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                "\""
            ),
        ),
        edit("name-node-is-a-number", r#""nodeId":"9""#, r#""nodeId":9"#),
        edit("name-node-is-missing", r#""nodeId":"9","#, ""),
        edit("name-both-nodes-alike", r#""nodeId":"10""#, r#""nodeId":"9""#),
        edit("name-path-is-encoded", "a_00001_.png", "%61_00001_%2Epng"),
        Case { posts: 0, ..Case::new("name-template-climbs").refused(2) }
            .arg("--name")
            .arg("../{task}-{node}"),
        // A symbolic link with that name is neither followed nor replaced.
        Case::new("name-taken-by-a-link").prepare(|places| {
            let target = places.root().join("case-target");
            std::fs::write(&target, "keep me").expect("a file");
            std::fs::create_dir(places.out()).expect("a folder");
            let link = places.out().join("2000000000000000001-9-1.png");
            std::os::unix::fs::symlink(target, link).expect("a link");
        }),
        Case::new("name-taken-by-a-file").prepare(|places| {
            std::fs::create_dir(places.out()).expect("a folder");
            std::fs::write(places.out().join("2000000000000000001-9-1.png"), "keep me").expect("a file");
        }),
    ]
}
