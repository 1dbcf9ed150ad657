//! Wording: pure functions from events to sentences.

use std::time::Duration;

use runninghub::{
    Charge, Class, Code, CurrentNode, Direction, Event, Fact, Failure, FileUrl, NativeProxy, Output, Place,
    Plan, Progress, Sentence, TaskStatus, Transfer, Untrusted, Verdict, say,
};

use crate::lang;

/// Nodes that take less than this have no separate line.
pub(super) const QUICK: Duration = Duration::from_millis(500);

/// Printed if a recording stops before its run does.
pub(super) fn no_end() -> Sentence {
    say!("The recording stops before the end of the run")
}

/// Whether the event is the response to a single request, and not part of a followed run.
pub(super) fn is_answer(event: &Event) -> bool {
    matches!(event, Event::Status { poll: 0, .. })
}

/// The totals of a run in the seed document's format.
pub(super) fn progress(progress: &Progress) -> Sentence {
    let done = progress.done;
    let overall = match (progress.percent().map(percentage), progress.total) {
        (Some(percent), Some(total)) => {
            say!("Overall progress: {percent} ({done}/{total})", percent, done, total)
        }
        (Some(percent), None) => say!("Overall progress: {percent}", percent),
        // Models have no nodes.
        (None, _) if done == 0 => say!("Overall progress: unknown"),
        (None, _) => say!("Overall progress: unknown ({nodes} so far)", nodes = nodes(done)),
    };
    let Some(node) = progress.current.first() else { return overall };
    let title = match node.percent() {
        Some(percent) => format!("{} ({percent:.1}%)", node.title.raw()),
        None => node.title.raw().to_owned(),
    };
    if node.pass > 1 {
        let pass = pass(node.pass, node.passes);
        say!("{overall} - Current node: {title} {pass}", overall, title, pass)
    } else {
        say!("{overall} - Current node: {title}", overall, title)
    }
}

/// A task's status, with its queue position if known.
pub(super) fn status(status: &TaskStatus, ahead: Option<u64>) -> Sentence {
    match ahead {
        Some(ahead) => say!("{status}, {ahead} ahead", status, ahead),
        None => status.sentence(),
    }
}

/// The nodes in the seed document's format: `{'3': 'KSampler', …}`. A line and not a sentence, since a long fact is cut.
pub(super) fn node_map(plan: &Plan) -> String {
    let count = plan.nodes().len();
    let names: Vec<String> = plan
        .nodes()
        .iter()
        .map(|node| {
            let id = Untrusted::from(node.id.as_str());
            format!("{}: {}", quoted(&id.to_string()), quoted(&node.title.to_string()))
        })
        .collect();
    let words = say!(
        "✅ Node mapping obtained successfully ({count} nodes in total), which are {nodes}",
        count,
        nodes = ""
    );
    format!("{}{{{}}}", lang::word(&words), names.join(", "))
}

/// One result: `Type=png, URL=https://…`.
pub(super) fn output(output: &Output) -> Sentence {
    let kind = output.file_type.as_deref().map_or_else(|| say!("unknown").into(), Fact::from);
    match (&output.url, &output.text) {
        (None, Some(text)) => say!("Type={kind}, Text={text}", kind, text),
        (url, _) => {
            let url =
                url.as_ref().map_or_else(|| say!("unknown").into(), |url| Fact::from(url.without_key()));
            say!("Type={kind}, URL={url}", kind, url)
        }
    }
}

/// Where a result was saved, and its size.
pub(super) fn saved(output: &Output) -> Option<String> {
    let path = Untrusted::from(output.path.as_deref()?);
    Some(match output.bytes {
        Some(bytes) => format!("{path} ({})", size(bytes)),
        None => path.to_string(),
    })
}

/// The width and height of a saved image, such as `768×1024`, from its header.
pub(super) fn dimensions(output: &Output) -> Option<String> {
    let (width, height) = runninghub::dimensions(output.path.as_deref()?)?;
    Some(format!("{width}×{height}"))
}

/// A file's URL without its signature, for display: the complete one is in `outputs`. That of a ComfyUI names the file
/// in its query.
pub(super) fn short_link(url: &FileUrl) -> String {
    let url = url.without_key();
    let (path, query) = url.split_once('?').unwrap_or((&url, ""));
    let named = query.split('&').find_map(|part| part.strip_prefix("filename="));
    Untrusted::from(named.unwrap_or(path)).to_string()
}

/// The files in transfer: a single one by its name, several as a total.
pub(super) fn transfers(files: &[Transfer]) -> Sentence {
    let is_up = files.iter().any(|file| file.direction == Direction::Up);
    let what = match files {
        [file] if is_up => say!("Uploading {name}", name = &file.name),
        [file] => say!("Downloading {name}", name = &file.name),
        files if is_up => say!("Uploading {count} files", count = files.len()),
        files => say!("Downloading {count} files", count = files.len()),
    };
    let bytes = files.iter().map(|file| file.bytes).sum::<u64>();
    let total = files.iter().map(|file| file.total).sum::<Option<u64>>();
    match total.filter(|total| *total > 0) {
        Some(total) => {
            // Exact integers: only a complete file shows 100%.
            let percent = (u128::from(bytes) * 100 / u128::from(total)).min(100);
            say!(
                "{what}: {percent}% ({done} of {total})",
                what,
                percent = Fact::of(percent),
                done = size(bytes),
                total = size(total)
            )
        }
        None => say!("{what}: {done}", what, done = size(bytes)),
    }
}

/// How a task ended, and why if it failed.
pub(crate) fn ended(status: Verdict, cause: Option<&Failure>) -> Sentence {
    match status {
        Verdict::Success => say!("Task completed"),
        Verdict::Cancelled => say!("Task cancelled"),
        Verdict::Running => no_end(),
        _ => failure(say!("Task failed"), cause),
    }
}

/// A running node and its counter: `KSampler 14/20`.
pub(crate) fn step(node: &CurrentNode) -> String {
    let counter = counter(node).map(|counter| format!(" {counter}")).unwrap_or_default();
    format!("{}{counter}", node.title)
}

/// The counter of a node: `14/20`.
pub(super) fn counter(node: &CurrentNode) -> Option<String> {
    let (value, max) = node.value.zip(node.max)?;
    Some(format!("{}/{}", number(value), number(max)))
}

/// A counter's value: most are whole numbers.
fn number(value: f64) -> String {
    if value.fract() == 0.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

/// The subject and the reason of an end, such as `Task failed at node Upscale (12): …`.
pub(crate) fn failure(what: Sentence, cause: Option<&Failure>) -> Sentence {
    let none = Failure::default();
    let cause = cause.unwrap_or(&none);
    let node = match (&cause.node, &cause.node_id) {
        (Some(node), Some(id)) => Some(format!("{} ({id})", node.raw())),
        (Some(node), None) => Some(node.raw().to_owned()),
        (None, Some(id)) => Some(id.to_string()),
        (None, None) => None,
    };
    let mut words = match node {
        Some(node) => say!("{what} in node {node}", what, node),
        None => what,
    };
    let causes = [&cause.exception_type, &cause.message];
    for part in causes.into_iter().flatten().filter(|part| !part.is_empty()) {
        words = say!("{what}: {cause}", what = words, cause = part);
    }
    if causes.iter().all(|cause| cause.is_none()) {
        // The meaning of a code that only says that the task failed is no reason.
        let meaning = known_code(cause).filter(|code| code.class() != Class::TaskFailed);
        let cause = meaning.and_then(|code| code.meaning()).unwrap_or(say!("no reason was given"));
        words = say!("{what}: {cause}", what = words, cause);
    }
    match &cause.code {
        Some(code) => say!("{what} (code {code})", what = words, code),
        None => words,
    }
}

/// The platform's code for a failure, if this version knows it.
fn known_code(cause: &Failure) -> Option<Code> {
    let text = cause.code.as_deref()?;
    Code::all().find(|code| code.as_str() == text)
}

/// A suggested fix for a failure, if there is one. It depends on where the task ran, which a recording does not say.
pub(crate) fn cure(cause: &Failure, place: Option<&Place>) -> Option<Sentence> {
    let is_platform = matches!(place, Some(Place::RunningHub { .. }));
    // Models have neither nodes nor a choice of machines.
    let has_machines = is_platform && (cause.node_id.is_some() || cause.node.is_some());
    let reason: String = [&cause.exception_type, &cause.message]
        .into_iter()
        .flatten()
        .map(|part| part.raw().to_lowercase())
        .collect::<Vec<_>>()
        .join(" ");
    let says = |parts: &[&str]| parts.iter().any(|part| reason.contains(part));
    if says(&["outofmemory", "out of memory", "allocation on device", "insufficient memory"]) {
        Some(match place {
            _ if has_machines => say!(
                "`--instance plus` has 48 GB of memory, `--instance ultra` 84 GB; a smaller image or batch needs less"
            ),
            Some(Place::NativeProxy { proxy: NativeProxy::Default, .. }) => {
                say!("`--server runninghub-plus` has 48 GB of memory; a smaller image or batch needs less")
            }
            _ => say!("a smaller image or batch needs less memory"),
        })
    } else if says(&["missing_node_type", "node type not found", "cannot execute because node"]) {
        Some(if is_platform {
            say!("the platform lacks a custom node: open the workflow there, replace the node and save it")
        } else {
            say!("install the custom nodes that provide it, restart the server, and run it again")
        })
    } else if says(&[
        "not in list",
        "not_in_list",
        "no such file",
        "filenotfound",
        "does not exist",
        "not found",
    ]) {
        Some(if is_platform {
            say!(
                "a model or file is missing: `rhub workflow show` lists the fields, `--set` changes them, `@FILE` uploads a file"
            )
        } else {
            say!(
                "a model or file is missing on the server: `--set` names another one, `@FILE` uploads a file"
            )
        })
    } else if says(&[
        "size mismatch",
        "cannot be multiplied",
        "mat1 and mat2",
        "must match the size",
        "channels",
    ]) {
        Some(say!("the checkpoint, LoRA, ControlNet and VAE must belong to the same model family"))
    } else if has_machines && says(&["timed out", "timeout", "time limit"]) {
        Some(say!("`--instance plus` is faster"))
    } else {
        known_code(cause).and_then(|code| code.hint())
    }
}

/// The cost of a task: `12 coins, 0.5 of the wallet, 35 s billed`.
pub(super) fn cost(cost: &Charge) -> Option<Sentence> {
    let shown = |amount: &Option<String>| amount.clone().filter(|text| !text.is_empty() && text != "0");
    let currency = cost.currency.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    let money = |amount: &Option<String>| shown(amount).map(|amount| amount + &currency);
    let parts = [
        shown(&cost.coins).map(|amount| match &*amount {
            "1" => say!("1 coin"),
            _ => say!("{amount} coins", amount),
        }),
        money(&cost.money).map(|amount| say!("{amount} from the wallet", amount)),
        money(&cost.third_party_money).map(|amount| say!("{amount} to third parties", amount)),
        shown(&cost.seconds).map(|seconds| say!("{seconds} s billed", seconds)),
    ];
    parts.into_iter().flatten().reduce(|first, next| say!("{first}, {next}", first, next))
}

/// `🔍 3rd poll... (queued, 12 s)`.
pub(super) fn poll(number: u32, status: Sentence, waited: Duration) -> Sentence {
    let seconds = waited.as_secs();
    match (number % 10, number % 100) {
        (1..=3, 11..=13) => say!("🔍 {number}th poll... ({status}, {seconds} s)", number, status, seconds),
        (1, _) => say!("🔍 {number}st poll... ({status}, {seconds} s)", number, status, seconds),
        (2, _) => say!("🔍 {number}nd poll... ({status}, {seconds} s)", number, status, seconds),
        (3, _) => say!("🔍 {number}rd poll... ({status}, {seconds} s)", number, status, seconds),
        _ => say!("🔍 {number}th poll... ({status}, {seconds} s)", number, status, seconds),
    }
}

/// `50.0%`; never rounded up to 100.
pub(super) fn percentage(percent: f64) -> String {
    let shown = if percent < 100.0 { percent.min(99.9) } else { percent };
    format!("{shown:.1}%")
}

/// `pass 2`, or `pass 2/5` if the number of passes is known.
pub(super) fn pass(pass: u32, passes: Option<u32>) -> Sentence {
    let pass = passes.map_or_else(|| pass.to_string(), |passes| format!("{pass}/{}", passes.max(pass)));
    say!("pass {pass}", pass)
}

/// `0:42`, `12:07`, `1:02:03`.
pub(crate) fn clock(span: Duration) -> String {
    let seconds = span.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// `5.0 s`.
pub(super) fn seconds(span: Duration) -> String {
    format!("{:.1} s", span.as_secs_f64())
}

/// `1 node`, `2 nodes`.
pub(super) fn nodes(count: usize) -> Sentence {
    if count == 1 { say!("1 node") } else { say!("{count} nodes", count) }
}

/// `999 B`, `1.5 kB`, `3.2 MB`.
pub(super) fn size(bytes: u64) -> String {
    let mut amount = bytes as f64;
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    for unit in ["kB", "MB"] {
        amount /= 1000.0;
        if amount < 999.95 {
            return format!("{amount:.1} {unit}");
        }
    }
    format!("{:.1} GB", amount / 1000.0)
}

/// Quoted as in Python, since the sample script printed it that way.
fn quoted(text: &str) -> String {
    if text.contains('\'') && !text.contains('"') {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', "\\'"))
    }
}

#[cfg(test)]
mod tests {
    use runninghub::{Graph, Site};

    use super::*;

    fn current(title: &str, fraction: Option<f64>, pass: u32) -> CurrentNode {
        let mut node = CurrentNode::new("3".into(), title.into());
        (node.fraction, node.pass) = (fraction, pass);
        node
    }

    #[test]
    fn progress_keeps_the_wording_of_the_seed() {
        let mut at = Progress::default();
        (at.overall, at.done, at.total) = (Some(0.5), 5, Some(10));
        at.current = vec![current("Upscale", Some(0.75), 1)];
        assert_eq!(
            progress(&at).to_string(),
            "Overall progress: 50.0% (5/10) - Current node: Upscale (75.0%)"
        );
        at.current = vec![current("放大", None, 2)];
        at.overall = Some(0.9999);
        assert_eq!(progress(&at).to_string(), "Overall progress: 99.9% (5/10) - Current node: 放大 pass 2");
        at.current = Vec::new();
        (at.overall, at.total, at.done) = (None, None, 3);
        assert_eq!(progress(&at).to_string(), "Overall progress: unknown (3 nodes so far)");
        at.overall = Some(1.0);
        assert_eq!(
            progress(&at).to_string(),
            "Overall progress: 100.0%",
            "a success is one without a workflow too"
        );
    }

    #[test]
    fn text_of_others_cannot_command_the_terminal() {
        let mut at = Progress::default();
        at.current = vec![current("\x1b[2J\nx", None, 1)];
        assert_eq!(progress(&at).to_string(), "Overall progress: unknown - Current node: \\u{1b}[2J\\nx");
    }

    #[test]
    fn the_node_map_is_written_as_python_writes_it() {
        let graph = Graph::parse(
            r#"{"3": {"class_type": "KSampler", "inputs": {}},
                "57:8": {"class_type": "X", "inputs": {}, "_meta": {"title": "it's"}}}"#,
        );
        let plan = Plan::new(&graph.expect("a workflow"), &[]);
        assert_eq!(
            node_map(&plan),
            "✅ Node mapping obtained successfully (2 nodes in total), which are {'3': 'KSampler', '57:8': \"it's\"}"
        );
    }

    #[test]
    fn a_failure_names_node_exception_and_cure() {
        let failed = || say!("Task failed");
        let cause = Failure {
            node_id: Some("12".into()),
            node: Some("Upscale".into()),
            exception_type: Some("torch.OutOfMemoryError".into()),
            message: Some("Allocation on device".into()),
            code: Some("805".into()),
            ..Failure::default()
        };
        assert_eq!(
            failure(failed(), Some(&cause)).to_string(),
            "Task failed in node Upscale (12): torch.OutOfMemoryError: Allocation on device (code 805)"
        );
        assert_eq!(failure(failed(), None).to_string(), "Task failed: no reason was given");
        let coded = |code: &str| Failure { code: Some(code.into()), ..Failure::default() };
        for (code, words) in [
            ("805", "Task failed: no reason was given (code 805)"),
            ("1501", "Task failed: content moderation rejected the request (code 1501)"),
            ("x", "Task failed: no reason was given (code x)"),
        ] {
            assert_eq!(failure(failed(), Some(&coded(code))).to_string(), words);
        }
        let told = cure(&coded("1501"), None).expect("a cure");
        assert_eq!(told.to_string(), "change the prompt or the image");
        assert_eq!(cure(&coded("805"), None), None);
    }

    #[test]
    fn a_cure_is_one_for_the_place_where_the_task_ran() {
        let site = || "https://www.runninghub.cn".to_owned();
        let platform = Place::RunningHub { site: Site::Cn, base_url: site() };
        let own = Place::ComfyUi { url: "http://127.0.0.1:8188".into() };
        let proxy = |proxy| Place::NativeProxy { proxy, base_url: site() };
        let (small, large) = (proxy(NativeProxy::Default), proxy(NativeProxy::Plus));
        let failed = |message: &str| Failure {
            message: Some(message.into()),
            node_id: Some("3".into()),
            ..Failure::default()
        };
        let of = |message: &str, place| cure(&failed(message), place).map(|cure| cure.to_string());
        for (place, word) in [
            (&platform, "--instance plus"),
            (&own, "smaller"),
            (&small, "runninghub-plus"),
            (&large, "smaller"),
        ] {
            let told = of("CUDA out of memory", Some(place)).expect("a cure");
            assert!(told.contains(word), "{place:?}: {told}");
        }
        for message in ["out of memory", "Node type not found: Foo", "a.safetensors not in list", "timed out"]
        {
            for place in [Some(&own), Some(&large), None] {
                let told = of(message, place).unwrap_or_default();
                assert!(!told.contains("platform") && !told.contains("--instance"), "{told}");
            }
        }
        let model = Failure { message: Some("The model timed out".into()), ..Failure::default() };
        assert_eq!(cure(&model, Some(&platform)), None);
        assert_eq!(cure(&Failure::default(), Some(&platform)), None);
    }

    #[test]
    fn files_are_reported_by_name_or_as_a_group() {
        let file = |direction, bytes, total| Transfer::new(direction, "a\n.png", bytes, total, false);
        let up = file(Direction::Up, 1_500_000, Some(3_000_000));
        assert_eq!(
            transfers(std::slice::from_ref(&up)).to_string(),
            "Uploading a\\n.png: 50% (1.5 MB of 3.0 MB)"
        );
        let down = file(Direction::Down, 999, Some(1000));
        assert_eq!(
            transfers(&[down.clone(), down.clone()]).to_string(),
            "Downloading 2 files: 99% (2.0 kB of 2.0 kB)"
        );
        let endless = file(Direction::Down, u64::from(u32::MAX), None);
        assert_eq!(transfers(&[down, endless.clone()]).to_string(), "Downloading 2 files: 4.3 GB");
        assert_eq!(transfers(&[endless]).to_string(), "Downloading a\\n.png: 4.3 GB");
    }

    #[test]
    fn polls_are_counted_in_ordinals() {
        let ordinal = |number| {
            let words =
                poll(number, status(&TaskStatus::Queued, Some(4)), Duration::from_secs(7)).to_string();
            let (before, after) = words.split_once(" poll... (queued, 4 ahead, 7 s)").expect("a poll");
            assert_eq!(after, "");
            before.trim_start_matches("🔍 ").to_owned()
        };
        assert_eq!(
            [1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(ordinal).join(" "),
            "1st 2nd 3rd 4th 11th 12th 13th 21st 102nd 111th"
        );
    }

    #[test]
    fn times_and_sizes_are_short() {
        assert_eq!(
            [0, 42, 727, 3723].map(|s| clock(Duration::from_secs(s))).join(" "),
            "0:00 0:42 12:07 1:02:03"
        );
        assert_eq!(
            [0, 999, 1500, 999_999, 3_200_000, 5_000_000_000].map(size).join(", "),
            "0 B, 999 B, 1.5 kB, 1.0 MB, 3.2 MB, 5.0 GB"
        );
    }
}
