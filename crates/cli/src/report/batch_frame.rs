//! The live block of a batch as text: a pure function of its progress and the terminal's size.

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use runninghub::{Untrusted, say};

use super::{batch, frame::bar, text};
use crate::{
    cells,
    event::{BatchProgress, RowProgress},
    lang,
    printer::Printer,
};

/// Additional running rows are counted, not shown.
const MAX_ROWS: usize = 8;
/// The minimum and the maximum width of a bar, in cells.
const MIN_BAR: usize = 5;
const MAX_BAR: usize = 24;
const DIM: Style = Style::new().dimmed();
const BUSY: Style = AnsiColor::Cyan.on_default();
const DONE: Style = AnsiColor::Green.on_default();

/// The lines of the block, each at least one cell narrower than the terminal.
pub(super) fn lines(progress: &BatchProgress, columns: usize, rows: usize, printer: Printer) -> Vec<String> {
    let columns = columns.saturating_sub(1);
    let mut lines = vec![overall(progress, columns, printer), counts(progress, columns)];
    if let Some(wait) = &progress.wait {
        lines.push(cells::fit(&format!("  {}", lang::word(wait)), columns));
    }
    // Reserved rows: the totals, the wait, the line for the rest, and a free one, so that nothing scrolls.
    let room = rows.saturating_sub(5).clamp(1, MAX_ROWS);
    lines.extend(progress.running.iter().take(room).map(|row| self::row(row, columns, printer)));
    if progress.running.len() > room {
        let rest = say!("… and {count} more", count = progress.running.len() - room);
        lines.push(printer.paint(DIM, &cells::fit(&format!("  {}", lang::word(&rest)), columns)));
    }
    lines
}

/// The name, the bar, and as much as fits: rows, money, the time left.
fn overall(progress: &BatchProgress, columns: usize, printer: Printer) -> String {
    let name = cells::fit(&Untrusted::from(&*progress.batch).to_string(), columns / 3);
    let left = format!("{name}  {:>6}", text::percentage(progress.percent));
    let (over, rows) = (batch::over_count(progress), progress.rows);
    let parts =
        [Some(say!("{over} of {rows}", over, rows)), batch::money(progress), batch::time_left(progress)];
    let mut right = String::new();
    for part in parts.into_iter().flatten() {
        let part = format!("  {}", lang::word(&part));
        if cells::width(&left) + cells::width(&right) + cells::width(&part) + MIN_BAR + 2 <= columns {
            right.push_str(&part);
        }
    }
    let room = columns.saturating_sub(cells::width(&left) + cells::width(&right) + 2).min(MAX_BAR);
    if room < MIN_BAR {
        return cells::fit(&format!("{left}{right}"), columns);
    }
    let style = if progress.percent < 100.0 { BUSY } else { DONE };
    format!("{left}  {}{right}", bar(progress.percent / 100.0, room, style, printer))
}

/// The number of rows by state, and the slots.
fn counts(progress: &BatchProgress, columns: usize) -> String {
    let counts = batch::counts(&progress.counts).join("   ");
    let line = match batch::slots(progress) {
        Some(slots) => format!("  {counts}   {}", lang::word(&slots)),
        None => format!("  {counts}"),
    };
    cells::fit(&line, columns)
}

/// A running row: its name, bar, stage, and time left.
pub(super) fn row(row: &RowProgress, columns: usize, printer: Printer) -> String {
    let name_room = (columns * 2 / 5).min(28);
    let name = cells::pad(&format!("  {}", Untrusted::from(&*row.item)), name_room);
    let stage = row.stage.as_ref().map(lang::word).unwrap_or_default();
    let left = row.eta.map(|left| format!("  ~{}", text::clock(left.max(Duration::from_secs(1)))));
    let right = format!("{stage}{}", left.unwrap_or_default());
    let room = columns.saturating_sub(name_room + cells::width(&right) + 14).min(MAX_BAR);
    match row.fraction {
        Some(fraction) if room >= MIN_BAR => {
            let percent = format!("{:>6}", text::percentage(fraction * 100.0));
            let line = format!("{name}  {}  {percent}  {right}", bar(fraction, room, BUSY, printer));
            line.trim_end().to_owned()
        }
        _ => cells::fit(format!("{name}  {right}").trim_end(), columns),
    }
}

#[cfg(test)]
mod tests {
    use runninghub::Sentence;

    use super::*;

    fn progress() -> BatchProgress {
        let row = |item: &str, fraction, stage: Option<Sentence>, eta: Option<u64>| RowProgress {
            item: item.to_owned(),
            fraction,
            stage,
            eta: eta.map(Duration::from_secs),
        };
        BatchProgress {
            batch: "cats".to_owned(),
            percent: 61.2,
            rows: 1000,
            counts: [
                ("done", 603),
                ("failed", 4),
                ("ready", 388),
                ("refused", 1),
                ("running", 3),
                ("unknown", 1),
            ]
            .into(),
            spent: "184".to_owned(),
            reserved: "9".to_owned(),
            max_cost: Some("300".to_owned()),
            slots_busy: Some(3),
            slots_limit: Some(3),
            slots_elsewhere: Some(1),
            eta_s: Some([840.0, 1140.0]),
            running: vec![
                row("cat-611", Some(0.68), Some(say!("KSampler 14/20")), Some(22)),
                row("猫-612\x1b[2J", Some(0.214), None, None),
                row("cat-613", None, Some(say!("queued")), None),
            ],
            wait: None,
        }
    }

    fn shown(progress: &BatchProgress, columns: usize, rows: usize) -> String {
        let lines = lines(progress, columns, rows, Printer::colorless());
        for line in &lines {
            assert!(cells::width(line) < columns, "{line:?} is wider than {columns}");
        }
        lines.join("\n")
    }

    #[test]
    fn the_block_at_100_columns() {
        insta::assert_snapshot!(shown(&progress(), 100, 24), @r"
            cats   61.2%  ━━━━━━━━━━━━━━──────────  608 of 1000  184 of 300 spent  14:00–19:00 left
              done 603   running 3   ready 388   failed 4   refused 1   unknown 1   3 of 3 slots, 1 elsewhere
              cat-611                     ━━━━━━━━━━━━━━━━────────   68.0%  KSampler 14/20  ~0:22
              猫-612\u{1b}[2J             ━━━━━───────────────────   21.4%
              cat-613                     queued
        ");
    }

    #[test]
    fn the_block_at_50_columns() {
        insta::assert_snapshot!(shown(&progress(), 50, 24), @r"
            cats   61.2%  ━━━━━━━━━━━━━─────────  608 of 1000
              done 603   running 3   ready 388   failed 4   …
              cat-611            KSampler 14/20  ~0:22
              猫-612\u{1b}[2J    ━━━─────────────   21.4%
              cat-613            queued
        ");
    }

    #[test]
    fn any_window_holds_the_block() {
        let mut progress = progress();
        progress.running = vec![progress.running[0].clone(); 30];
        progress.wait = Some(say!("waiting for a slot"));
        for columns in 1..120 {
            shown(&progress, columns, 24);
        }
        for rows in 1..30 {
            assert!(shown(&progress, 80, rows).lines().count() < rows.max(6));
        }
    }
}
