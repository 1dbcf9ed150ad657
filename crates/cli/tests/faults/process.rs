//! Signals and pipes: no task is lost, paid twice, or cancelled by accident.

use runninghub_sim::{Rule, Toxic};

use crate::{
    case::{CREATE, Case, Saved, long, ms, patient},
    pool,
};

#[test]
fn processes() {
    let mut cases = signals();
    cases.extend(pipes());
    cases.extend(later());
    pool::run(cases);
}

const BACK: &str = "rhub watch 2000000000000000001";

fn signals() -> Vec<Case> {
    let following = |name, exit| Case::new(name).scenario(long()).exit(exit).saved(Saved::Nothing).says(BACK);
    vec![
        following("interrupt", -2).act(|running| {
            running.until("📈");
            running.signal("-INT");
        }),
        following("terminate", -15).act(|running| {
            running.until("📈");
            running.signal("-TERM");
        }),
        following("hang-up", -1).act(|running| {
            running.until("📈");
            running.signal("-HUP");
        }),
        Case::new("interrupt-cancels-where-wanted")
            .scenario(long())
            .exit(-2)
            .saved(Saved::Nothing)
            .act(|running| {
                running.until("📈");
                running.signal("-INT");
            })
            .arg("--cancel-on-interrupt")
            .says("cancelling the task")
            .also(|after| assert_eq!(after.calls("/task/openapi/cancel"), 1)),
        // The second signal waits for nothing.
        following("interrupt-twice-while-cancelling", -15)
            .rule(Rule::hang("/task/openapi/cancel"))
            .act(|running| {
                running.until("📈");
                running.signal("-INT");
                running.until_called("/task/openapi/cancel", 1);
                running.signal("-TERM");
            })
            .arg("--cancel-on-interrupt"),
        // The first signal waits for the response, since the task may be paid.
        following("interrupt-during-create", -2).fault("slow-answers=0.5").act(|running| {
            running.until_called(CREATE, 1);
            running.signal("-INT");
        }),
        Case::new("interrupt-twice-during-create")
            .rule(Rule::hang(CREATE).after_work())
            .act(|running| {
                running.until_called(CREATE, 1);
                running.signal("-INT");
                running.until("again to stop waiting");
                running.signal("-INT");
            })
            .unknown(1)
            .exit(-2),
        // After a signal no second create is sent.
        Case::new("interrupt-before-a-refusal")
            .fault("slow-answers=0.5")
            .fault("queue-full=99")
            .act(|running| {
                running.until_called(CREATE, 1);
                running.signal("-INT");
            })
            .refused(-2)
            .says("nothing was submitted"),
        Case::new("interrupt-while-no-slot-is-free")
            .fault("queue-full=99")
            .scale("5")
            .act(|running| {
                running.until("no slot is free");
                running.signal("-INT");
            })
            .refused(-2)
            .says("nothing was submitted"),
        Case::new("interrupt-during-download")
            .files(Toxic::bandwidth(4_000))
            .act(|running| {
                running.until("⬇️ Downloading");
                running.signal("-INT");
            })
            .exit(-2)
            .saved(Saved::Nothing)
            .says("rhub download 2000000000000000001"),
        Case::new("terminate-during-download")
            .files(Toxic::bandwidth(4_000))
            .act(|running| {
                running.until_called("/files", 2);
                running.signal("-TERM");
            })
            .exit(-15)
            .saved(Saved::Nothing),
        Case::new("stopped-over-the-end").server(patient).act(|running| {
            running.until("Progress monitoring started");
            running.signal("-STOP");
            running.until_over();
            running.signal("-CONT");
        }),
        Case::new("killed").scenario(long()).exit(-9).saved(Saved::Nothing).act(|running| {
            running.until("📈");
            running.signal("-KILL");
        }),
    ]
}

fn pipes() -> Vec<Case> {
    let piped = "{ \"$0\" \"$@\"; echo $? > case-code; } | head -n 1; exit $(cat case-code)";
    let mut cases = vec![
        Case::new("reader-goes-away").shell(piped),
        Case::new("reader-goes-away-from-json").arg("--json").shell(piped),
        Case::new("stdout-is-closed").shell("exec >&-"),
        Case::new("stderr-is-closed").shell("exec 2>&-").fault("http-5xx=2"),
        Case::new("slow-everything")
            .fault("slow-answers=0.1")
            .api(Toxic::latency(ms(50)))
            .files(Toxic::bandwidth(150_000))
            .arg("--json"),
    ];
    if cfg!(target_os = "linux") {
        cases.push(Case::new("stdout-is-full").shell("exec >/dev/full"));
    }
    cases
}

/// A process follows a task that another process submitted.
fn later() -> Vec<Case> {
    let submit = "\"$0\" run {id} --detach --state-dir {root}/state >/dev/null";
    let watch =
        |name| Case::new(name).shell(submit).command(&["watch", "2000000000000000001", "--out", "{out}"]);
    vec![
        watch("watched-later"),
        // The run waits for its watcher, however busy the machine is.
        watch("watched-later-through-faults")
            .server(patient)
            .fault("drop-at=6,2")
            .fault("http-5xx=1")
            .server(patient)
            .socket(Toxic::slicer(9, ms(1))),
        watch("watched-later-expired").fault("expired-links").arg("--json"),
        // The submitting process loses its reader and ends.
        Case::new("watched-after-a-closed-pipe")
            .shell("\"$0\" run {id} --json --state-dir {root}/state | head -n 1 >/dev/null")
            .command(&["watch", "2000000000000000001", "--out", "{out}"]),
        Case::new("downloaded-later")
            .shell("\"$0\" run {id} --state-dir {root}/state >/dev/null")
            .command(&["download", "2000000000000000001", "--out", "{out}"])
            .files(Toxic::reset(90).after_head().first(2)),
        Case::new("cancelled-later")
            .scenario(long())
            .shell(submit)
            .command(&["cancel", "2000000000000000001"])
            .fault("slow-answers=0.1")
            .saved(Saved::Nothing),
        // The first request cancels the task, and the second one no longer finds it.
        Case::new("answer-to-a-cancel-lost")
            .scenario(long())
            .shell(submit)
            .command(&["cancel", "2000000000000000001"])
            .rule(Rule::lose("/task/openapi/cancel").after_work().times(1))
            .saved(Saved::Nothing)
            .also(|after| assert_eq!(after.calls("/task/openapi/cancel"), 2)),
        // An invalid id stays invalid, even if a response was lost.
        Case::new("answer-to-a-wrong-cancel-lost")
            .scenario(long())
            .shell(submit)
            .command(&["cancel", "1999999999999999999"])
            .rule(Rule::lose("/task/openapi/cancel").after_work().times(1))
            .exit(4)
            .saved(Saved::Nothing),
        Case::new("cancel-never-heard")
            .scenario(long())
            .shell(submit)
            .command(&["cancel", "2000000000000000001"])
            .rule(Rule::answer("/task/openapi/cancel", 502, "<html>bad gateway</html>").times(2))
            .saved(Saved::Nothing)
            .also(|after| assert_eq!(after.calls("/task/openapi/cancel"), 3)),
    ]
}
