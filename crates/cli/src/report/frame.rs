//! The live block as text: a pure function of its state and the terminal's size.

use std::{fmt::Write as _, time::Duration};

use anstyle::{AnsiColor, Style};

use runninghub::{CurrentNode, Eta, Progress, Sentence, Transfer, Untrusted, say};

use super::text;
use crate::{cells, lang, printer::Printer};

/// Additional running nodes are counted, not shown.
const MAX_NODES: usize = 6;
/// The minimum width of a useful bar, in cells.
const MIN_BAR: usize = 5;
/// A rate over less than this isn't meaningful.
const SHORT_TRANSFER: Duration = Duration::from_millis(500);
const DIM: Style = Style::new().dimmed();
const DONE: Style = AnsiColor::Green.on_default();
const BUSY: Style = AnsiColor::Cyan.on_default();
const TROUBLE: Style = AnsiColor::Yellow.on_default();

/// The content of the block.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    pub(super) progress: Progress,
    /// Shown before the first progress: `queued`, `submitted`, ….
    pub(super) waiting: Option<Sentence>,
    pub(super) elapsed: Duration,
    /// The state of the connection, unless it is live.
    pub(super) connection: Option<Sentence>,
    pub(super) files: Vec<FileView>,
}

/// A file in transfer.
#[derive(Clone, Debug)]
pub(super) struct FileView {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) total: Option<u64>,
    /// Bytes per second, once it can be measured.
    pub(super) rate: Option<f64>,
}

impl FileView {
    /// A transfer that began this much earlier.
    pub(super) fn new(file: &Transfer, age: Duration) -> Self {
        let rate = (age >= SHORT_TRANSFER).then(|| file.bytes as f64 / age.as_secs_f64());
        Self {
            name: Untrusted::from(file.name.as_str()).to_string(),
            bytes: file.bytes,
            total: file.total.filter(|total| *total > 0),
            rate: rate.filter(|rate| *rate > 0.0),
        }
    }

    /// `1.5 MB of 3.0 MB  2.1 MB/s  0:07`.
    fn figures(&self) -> String {
        let mut words = match self.total {
            Some(total) => {
                let (done, total) = (text::size(self.bytes), text::size(total));
                lang::word(&say!("{done} of {total}", done, total))
            }
            None => text::size(self.bytes),
        };
        if let Some(rate) = self.rate {
            // Far below the largest number of bytes.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate")]
            let _ = write!(words, "  {}/s", text::size(rate as u64));
            if let Some(left) = self.total.and_then(|total| total.checked_sub(self.bytes)) {
                let left = Duration::try_from_secs_f64(left as f64 / rate).unwrap_or(Duration::MAX);
                let _ = write!(words, "  {}", text::clock(left));
            }
        }
        words
    }
}

/// The lines of the block, each at least one cell narrower than the terminal.
pub(super) fn lines(view: &View, columns: usize, rows: usize, printer: Printer) -> Vec<String> {
    let columns = columns.saturating_sub(1);
    let mut lines = vec![overall(view, columns, printer)];
    let nodes = &view.progress.current;
    // Reserved rows: the totals, the connection, the line for the rest, and a free one, so that nothing scrolls.
    let room = rows.saturating_sub(4).clamp(1, MAX_NODES);
    let shown = nodes.get(..room.min(nodes.len())).unwrap_or_default();
    let counter_room = shown.iter().map(|node| cells::width(&counter(node))).max().unwrap_or_default();
    lines.extend(shown.iter().map(|node| self::node(node, columns, counter_room, printer)));
    if nodes.len() > room {
        let rest = format!("  {}", lang::word(&say!("… and {count} more", count = nodes.len() - room)));
        lines.push(printer.paint(DIM, &cells::fit(&rest, columns)));
    }
    let files = view.files.iter().take(room.saturating_sub(shown.len()));
    let figures_room = files.clone().map(|file| cells::width(&file.figures())).max().unwrap_or_default();
    lines.extend(files.map(|file| self::file(file, columns, figures_room, printer)));
    if let Some(connection) = &view.connection {
        lines.push(printer.paint(TROUBLE, &cells::fit(&format!("  {}", lang::word(connection)), columns)));
    }
    lines
}

fn overall(view: &View, columns: usize, printer: Printer) -> String {
    let clock = text::clock(view.elapsed);
    let Progress { done, total, eta, .. } = view.progress;
    if let Some(waiting) = &view.waiting {
        return cells::fit(&format!("{}  {clock}", lang::word(waiting)), columns);
    }
    let Some(percent) = view.progress.percent() else {
        let words = match done {
            0 => say!("running"),
            done => say!("overall progress unknown, {nodes} so far", nodes = text::nodes(done)),
        };
        return cells::fit(&format!("{}  {clock}", lang::word(&words)), columns);
    };
    let left = format!("{:>6}", text::percentage(percent));
    let mut right = total.map_or_else(|| clock.clone(), |total| format!("{done}/{total}  {clock}"));
    let fits = |eta: &String| left.len() + right.len() + cells::width(eta) + 4 + MIN_BAR <= columns;
    if let Some(eta) = eta.and_then(|range| time_left(range).into_iter().find(fits)) {
        right.push_str(&eta);
    }
    let room = columns.saturating_sub(left.len() + cells::width(&right) + 4);
    if room < MIN_BAR {
        return cells::fit(&format!("{left}  {right}"), columns);
    }
    format!(
        "{left}  {}  {right}",
        bar(percent / 100.0, room, if percent < 100.0 { BUSY } else { DONE }, printer)
    )
}

/// The counter of a node and its pass: `14/20  pass 2/5`.
fn counter(node: &CurrentNode) -> String {
    let mut right = text::counter(node).unwrap_or_default();
    if node.pass > 1 || node.passes.is_some_and(|passes| passes > 1) {
        let gap = if right.is_empty() { "" } else { "  " };
        let _ = write!(right, "{gap}{}", lang::word(&text::pass(node.pass, node.passes)));
    }
    right
}

/// A running node; the bars of all of them end in the same column.
fn node(node: &CurrentNode, columns: usize, counter_room: usize, printer: Printer) -> String {
    let right = counter(node);
    let name_room = (columns * 2 / 5).min(32);
    let name = format!("  {}", node.title);
    let room = columns.saturating_sub(name_room + counter_room + 4);
    match node.percent() {
        Some(percent) if room >= MIN_BAR => {
            let name = cells::pad(&name, name_room);
            format!("{name}  {}  {right}", bar(percent / 100.0, room, BUSY, printer))
        }
        _ => {
            let name = cells::fit(&name, columns.saturating_sub(cells::width(&right) + 2));
            cells::fit(format!("{name}  {right}").trim_end(), columns)
        }
    }
}

/// A file in transfer, with a bar if its size is known and the line is wide enough; all bars end in the same column.
fn file(file: &FileView, columns: usize, figures_room: usize, printer: Printer) -> String {
    let name_room = (columns * 2 / 5).min(32);
    let figures = file.figures();
    let room = columns.saturating_sub(name_room + figures_room + 4);
    let name = format!("  {}", file.name);
    match file.total {
        Some(total) if room >= MIN_BAR => {
            let bar = bar(file.bytes as f64 / total as f64, room, BUSY, printer);
            format!("{}  {bar}  {figures}", cells::pad(&name, name_room))
        }
        _ => {
            let name = cells::fit(&name, columns.saturating_sub(cells::width(&figures) + 2));
            cells::fit(&format!("{name}  {figures}"), columns)
        }
    }
}

/// The remaining time, first as a range, then shorter.
fn time_left(eta: Eta) -> [String; 2] {
    let (low, high) = (text::clock(eta.low), text::clock(eta.high));
    let range = if low == high { high.clone() } else { format!("{low}–{high}") };
    [range, high].map(|time| format!("  {}", lang::word(&say!("ETA {time}", time))))
}

pub(super) fn bar(fraction: f64, cells: usize, style: Style, printer: Printer) -> String {
    // Neither negative nor above `cells`, since both factors are checked.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=cells")]
    let full = (fraction.clamp(0.0, 1.0) * cells as f64).floor() as usize;
    format!(
        "{}{}",
        printer.paint(style, &"━".repeat(full)),
        printer.paint(DIM, &"─".repeat(cells.saturating_sub(full)))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> View {
        let mut sampler = CurrentNode::new("3".into(), "KSampler 采样器 👩‍🎨 with a long name".into());
        (sampler.value, sampler.max, sampler.fraction) = (Some(15.0), Some(20.0), Some(0.75));
        (sampler.pass, sampler.passes) = (2, Some(3));
        let mut progress = Progress::default();
        (progress.overall, progress.done, progress.total) = (Some(0.425), 5, Some(10));
        progress.current = vec![sampler, CurrentNode::new("4".into(), "Load\x1b[2J".into())];
        progress.eta = Some(Eta::from([30.0, 45.0]));
        View {
            progress,
            waiting: None,
            elapsed: Duration::from_secs(42),
            connection: Some(say!("reconnecting")),
            files: Vec::new(),
        }
    }

    fn files() -> Vec<FileView> {
        let file = |name: &str, bytes, total, seconds| {
            FileView::new(
                &Transfer::new(runninghub::Direction::Down, name, bytes, total, false),
                Duration::from_secs(seconds),
            )
        };
        vec![
            file("保存高清图-1.png", 1_500_000, Some(3_000_000), 3),
            file("b\x1b[2J.mp4", 700, Some(1000), 0),
            file("endless.bin", 4_000_000_000, None, 100),
        ]
    }

    fn shown(view: &View, columns: usize, rows: usize) -> String {
        let lines = lines(view, columns, rows, Printer::colorless());
        for line in &lines {
            assert!(cells::width(line) < columns, "{line:?} is wider than {columns}");
        }
        lines.join("\n")
    }

    #[test]
    fn the_block_at_80_columns() {
        insta::assert_snapshot!(shown(&view(), 80, 24), @r"
            42.5%  ━━━━━━━━━━━━━━━━━━──────────────────────────  5/10  0:42  ETA 0:30–0:45
             KSampler 采样器 👩‍🎨 with a …  ━━━━━━━━━━━━━━━━━━━━━────────  15/20  pass 2/3
             Load\u{1b}[2J
             reconnecting
        ");
    }

    #[test]
    fn files_have_bars_with_rate_and_time_left() {
        let view = View {
            waiting: Some(say!("Downloading {count} files", count = 3)),
            elapsed: Duration::from_secs(5),
            files: files(),
            ..View::default()
        };
        insta::assert_snapshot!(shown(&view, 100, 24));
        insta::assert_snapshot!(shown(&view, 50, 24));
    }

    #[test]
    fn the_block_at_40_columns() {
        insta::assert_snapshot!(shown(&view(), 40, 24), @r#"
            42.5%  ━━━──────  5/10  0:42  ETA 0:45
             KSampler 采…   ━━━──  15/20  pass 2/3
             Load\u{1b}[2J
             reconnecting
        "#);
    }

    #[test]
    fn unknown_progress_is_shown_as_unknown() {
        let mut view =
            View { waiting: Some(say!("queued")), elapsed: Duration::from_secs(5), ..View::default() };
        insta::assert_snapshot!(shown(&view, 80, 24), @"queued  0:05");
        view.waiting = None;
        insta::assert_snapshot!(shown(&view, 80, 24), @"running  0:05");
        view.progress.done = 3;
        insta::assert_snapshot!(shown(&view, 80, 24), @"overall progress unknown, 3 nodes so far  0:05");
        view.progress.overall = Some(1.0);
        insta::assert_snapshot!(shown(&view, 80, 24), @r"100.0%  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  0:05");
    }

    #[test]
    fn many_nodes_and_a_low_window_do_not_scroll() {
        let mut view = view();
        view.progress.current = vec![view.progress.current[0].clone(); 20];
        for rows in 1..30 {
            assert!(shown(&view, 80, rows).lines().count() < rows.max(5));
        }
    }

    #[test]
    fn any_width_is_kept() {
        for columns in 1..100 {
            shown(&View { files: files(), ..view() }, columns, 24);
        }
    }
}
