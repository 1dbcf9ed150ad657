//! Wording: pure functions from events to text.

use std::{fmt::Write as _, time::Duration};

use runninghub::{
    Charge, Direction, Event, Failure, FileUrl, Output, Plan, Progress, TaskStatus, Transfer, Untrusted,
};

/// Printed if a recording stops before its run does.
pub(super) const NO_END: &str = "The recording does not show how the run ended";

/// Whether the event is the response to a single request, and not part of a followed run.
pub(super) fn is_answer(event: &Event) -> bool {
    matches!(event, Event::Status { poll: 0, .. })
}

/// The totals of a run in the seed document's format.
pub(super) fn progress(progress: &Progress) -> String {
    let mut text = match (progress.percent(), progress.total) {
        (Some(percent), Some(total)) => {
            format!("Overall progress: {} ({}/{total})", percentage(percent), progress.done)
        }
        (Some(percent), None) => format!("Overall progress: {}", percentage(percent)),
        // Models have no nodes.
        (None, _) if progress.done == 0 => "Overall progress: unknown".to_owned(),
        (None, _) => format!("Overall progress: unknown ({} so far)", count(progress.done as u64, "node")),
    };
    if let Some(node) = progress.current.first() {
        let _ = write!(text, " - Current node: {}", node.title);
        if let Some(percent) = node.percent() {
            let _ = write!(text, " ({percent:.1}%)");
        }
        if node.pass > 1 {
            let _ = write!(text, " pass {}", pass(node.pass, node.passes));
        }
    }
    text
}

/// A task's status, with its queue position if known.
pub(super) fn status(status: &TaskStatus, ahead: Option<u64>) -> String {
    let word = Untrusted::from(status.as_str());
    match ahead {
        Some(ahead) => format!("{word}, {ahead} ahead"),
        None => word.to_string(),
    }
}

/// The nodes in the seed document's format: `{'3': 'KSampler', …}`.
pub(super) fn node_map(plan: &Plan) -> String {
    let names: Vec<String> = plan
        .nodes()
        .iter()
        .map(|node| {
            let id = Untrusted::from(node.id.as_str());
            format!("{}: {}", quoted(&id.to_string()), quoted(&node.title.to_string()))
        })
        .collect();
    format!(
        "Node mapping obtained successfully ({} nodes in total), which are {{{}}}",
        plan.nodes().len(),
        names.join(", ")
    )
}

/// One result: `Type=png, URL=https://…`.
pub(super) fn output(output: &Output) -> String {
    let kind = Untrusted::from(output.file_type.as_deref().unwrap_or("unknown"));
    match (&output.url, &output.text) {
        (None, Some(text)) => format!("Type={kind}, Text={}", Untrusted::from(text.as_str())),
        (url, _) => {
            let url = url.as_ref().map_or_else(|| "unknown".to_owned(), FileUrl::without_key);
            format!("Type={kind}, URL={}", Untrusted::from(url))
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

/// The files in transfer: a single one by its name, several as a total.
pub(super) fn transfers(files: &[Transfer]) -> String {
    let does =
        if files.iter().any(|file| file.direction == Direction::Up) { "Uploading" } else { "Downloading" };
    let what = match files {
        [file] => Untrusted::from(file.name.as_str()).to_string(),
        files => format!("{} files", files.len()),
    };
    let bytes = files.iter().map(|file| file.bytes).sum::<u64>();
    let total = files.iter().map(|file| file.total).sum::<Option<u64>>();
    match total.filter(|total| *total > 0) {
        Some(total) => {
            // Exact integers: only a complete file shows 100%.
            let percent = (u128::from(bytes) * 100 / u128::from(total)).min(100);
            format!("{does} {what}: {percent}% ({} of {})", size(bytes), size(total))
        }
        None => format!("{does} {what}: {}", size(bytes)),
    }
}

/// Why the task failed, after "Task failed".
pub(crate) fn failure(cause: Option<&Failure>) -> String {
    let none = Failure::default();
    let cause = cause.unwrap_or(&none);
    let mut text = String::new();
    match (&cause.node, &cause.node_id) {
        (Some(node), Some(id)) => _ = write!(text, " at node {node} ({id})"),
        (Some(node), None) => _ = write!(text, " at node {node}"),
        (None, Some(id)) => _ = write!(text, " at node {id}"),
        (None, None) => {}
    }
    for part in [&cause.exception_type, &cause.message].into_iter().flatten().filter(|part| !part.is_empty())
    {
        let _ = write!(text, ": {part}");
    }
    if cause.exception_type.is_none() && cause.message.is_none() {
        text.push_str(": the platform gave no reason");
    }
    if let Some(code) = &cause.code {
        let _ = write!(text, " (code {})", Untrusted::from(code.as_str()));
    }
    text
}

/// A suggested fix for a failure, if there is one.
pub(crate) fn cure(cause: &Failure) -> Option<&'static str> {
    let told: String = [&cause.exception_type, &cause.message]
        .into_iter()
        .flatten()
        .map(|part| part.raw().to_lowercase())
        .collect::<Vec<_>>()
        .join(" ");
    let says = |parts: &[&str]| parts.iter().any(|part| told.contains(part));
    if says(&["outofmemory", "out of memory", "allocation on device", "insufficient memory"]) {
        Some(
            "`--instance plus` has 48 GB of memory, `--instance ultra` 84 GB; a smaller picture or batch needs less",
        )
    } else if says(&["missing_node_type", "node type not found", "cannot execute because node"]) {
        Some("the platform lacks a custom node: open the workflow there, replace the node and save it")
    } else if says(&[
        "not in list",
        "not_in_list",
        "no such file",
        "filenotfound",
        "does not exist",
        "not found",
    ]) {
        Some(
            "a model or file is missing: `rhub workflow show` lists the fields, `--set` changes them, `@FILE` uploads",
        )
    } else if says(&[
        "size mismatch",
        "cannot be multiplied",
        "mat1 and mat2",
        "must match the size",
        "channels",
    ]) {
        Some("checkpoint, LoRA, ControlNet and VAE have to be of the same family of models")
    } else if says(&["timed out", "timeout", "time limit"]) {
        Some("`--instance plus` is faster")
    } else {
        None
    }
}

/// The cost of a task: `12 coins, 0.5 (third party 0.1), 35 s`.
pub(super) fn cost(cost: &Charge) -> Option<String> {
    let shown = |amount: &Option<String>| {
        amount.as_deref().filter(|text| !text.is_empty() && *text != "0").map(Untrusted::from)
    };
    let currency = cost.currency.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    let parts: Vec<String> = [
        shown(&cost.coins)
            .map(|amount| format!("{amount} coin{}", if amount.raw() == "1" { "" } else { "s" })),
        shown(&cost.money).map(|amount| format!("{amount}{currency} of the wallet")),
        shown(&cost.third_party_money).map(|amount| format!("{amount}{currency} to third parties")),
        shown(&cost.seconds).map(|amount| format!("{amount} s billed")),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// `1st`, `2nd`, `3rd`, `4th`, … `11th`.
pub(super) fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// `50.0%`; never rounded up to 100.
pub(super) fn percentage(percent: f64) -> String {
    let shown = if percent < 100.0 { percent.min(99.9) } else { percent };
    format!("{shown:.1}%")
}

/// `2`, or `2/5` if the number of passes is known.
pub(super) fn pass(pass: u32, passes: Option<u32>) -> String {
    passes.map_or_else(|| pass.to_string(), |passes| format!("{pass}/{}", passes.max(pass)))
}

/// `0:42`, `12:07`, `1:02:03`.
pub(super) fn clock(span: Duration) -> String {
    let seconds = span.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// `1 node`, `2 nodes`.
pub(super) fn count(number: u64, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
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
    use super::*;
    use runninghub::{CurrentNode, Graph};

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
        assert_eq!(progress(&at), "Overall progress: 50.0% (5/10) - Current node: Upscale (75.0%)");
        at.current = vec![current("放大", None, 2)];
        at.overall = Some(0.9999);
        assert_eq!(progress(&at), "Overall progress: 99.9% (5/10) - Current node: 放大 pass 2");
        at.current = Vec::new();
        (at.overall, at.total, at.done) = (None, None, 3);
        assert_eq!(progress(&at), "Overall progress: unknown (3 nodes so far)");
        at.overall = Some(1.0);
        assert_eq!(progress(&at), "Overall progress: 100.0%", "a success is one without a workflow too");
    }

    #[test]
    fn text_of_others_cannot_command_the_terminal() {
        let mut at = Progress::default();
        at.current = vec![current("\x1b[2J\nx", None, 1)];
        assert_eq!(progress(&at), "Overall progress: unknown - Current node: \\u{1b}[2J\\nx");
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
            "Node mapping obtained successfully (2 nodes in total), which are {'3': 'KSampler', '57:8': \"it's\"}"
        );
    }

    #[test]
    fn a_failure_names_node_exception_and_cure() {
        let cause = Failure {
            node_id: Some("12".into()),
            node: Some("Upscale".into()),
            exception_type: Some("torch.OutOfMemoryError".into()),
            message: Some("Allocation on device".into()),
            code: Some("805".into()),
            ..Failure::default()
        };
        assert_eq!(
            failure(Some(&cause)),
            " at node Upscale (12): torch.OutOfMemoryError: Allocation on device (code 805)"
        );
        assert!(cure(&cause).is_some_and(|cure| cure.contains("--instance plus")));
        assert_eq!(failure(None), ": the platform gave no reason");
        assert_eq!(cure(&Failure::default()), None);
    }

    #[test]
    fn files_are_told_by_name_or_as_a_whole() {
        let file = |direction, bytes, total| Transfer::new(direction, "a\n.png", bytes, total, false);
        let up = file(Direction::Up, 1_500_000, Some(3_000_000));
        assert_eq!(transfers(std::slice::from_ref(&up)), "Uploading a\\n.png: 50% (1.5 MB of 3.0 MB)");
        let down = file(Direction::Down, 999, Some(1000));
        assert_eq!(transfers(&[down.clone(), down.clone()]), "Downloading 2 files: 99% (2.0 kB of 2.0 kB)");
        let endless = file(Direction::Down, u64::from(u32::MAX), None);
        assert_eq!(transfers(&[down, endless.clone()]), "Downloading 2 files: 4.3 GB");
        assert_eq!(transfers(&[endless]), "Downloading a\\n.png: 4.3 GB");
    }

    #[test]
    fn numbers_are_worded() {
        assert_eq!(
            [1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(ordinal).join(" "),
            "1st 2nd 3rd 4th 11th 12th 13th 21st 102nd 111th"
        );
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
