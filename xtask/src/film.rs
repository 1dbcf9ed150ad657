//! The animation in the README: a replay in a terminal, drawn as an SVG that plays by itself.

use std::{
    fmt::Write as _,
    fs,
    io::Read as _,
    num::NonZero,
    path::Path,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use vt100::{Cell, Color, Parser, Screen};
use xshell::{Shell, cmd};

use crate::screens::screens;

const SIZE: PtySize = size(78, 17);
/// Maximum frames per second; identical ones are drawn once.
const RATE: u32 = 8;
/// How long the last frame is shown before the animation restarts, in seconds.
const REST: f64 = 4.0;
const CELL: (f64, f64) = (8.4, 18.0);
const MARGIN: f64 = 12.0;
/// Slightly wider than a cell, so that no gap shows between two.
const OVERLAP: f64 = 0.3;

pub(crate) const fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

/// Records the demo, replays the recording in a terminal and writes `docs/demo.svg`; then the still images.
pub(crate) fn film(shell: &Shell, root: &Path) -> Result<()> {
    cmd!(shell, "cargo build --quiet --package runninghub-cli").run()?;
    let rhub = root.join("target/debug/rhub");
    let recording = shell.create_temp_dir()?;
    let (tape, out) = (recording.path().join("recording"), recording.path().join("results"));
    cmd!(shell, "{rhub} demo --quiet --record {tape} --out {out}").ignore_stdout().run()?;
    let mut command = terminal(&rhub);
    command.args(["replay", "--speed", "1", "--preview", "off"]);
    command.arg(&tape);
    let pictures = watch(command, SIZE)?;
    let file = root.join("docs/demo.svg");
    fs::write(&file, draw(&pictures)).with_context(|| format!("cannot write {}", file.display()))?;
    screens(&rhub, root, recording.path())
}

/// The binary on a terminal that shows colors.
pub(crate) fn terminal(rhub: &Path) -> CommandBuilder {
    let mut command = CommandBuilder::new(rhub);
    command.env("TERM", "xterm-256color");
    command.env("COLORTERM", "truecolor");
    command.env_remove("CI");
    command.env_remove("NO_COLOR");
    command
}

/// The screen at a time, in seconds since the start.
pub(crate) struct Picture {
    at: f64,
    pub(crate) screen: Screen,
}

/// Runs a command in a terminal of this size, and captures an image whenever the screen has changed.
pub(crate) fn watch(command: CommandBuilder, size: PtySize) -> Result<Vec<Picture>> {
    let pty = native_pty_system().openpty(size)?;
    let mut reader = pty.master.try_clone_reader()?;
    let mut child = pty.slave.spawn_command(command)?;
    drop(pty.slave);
    let (send, receive) = mpsc::channel();
    let reading = thread::spawn(move || {
        let mut chunk = [0; 4096];
        while let Ok(length @ 1..) = reader.read(&mut chunk) {
            if send.send(chunk.get(..length).unwrap_or_default().to_vec()).is_err() {
                break;
            }
        }
    });
    let (rows, cols) =
        NonZero::new(size.rows).zip(NonZero::new(size.cols)).context("the screen has a size")?;
    let mut parser = Parser::new(rows, cols, 0);
    let (started, step) = (Instant::now(), Duration::from_secs(1) / RATE);
    let mut pictures: Vec<Picture> = Vec::new();
    let mut next = step;
    loop {
        let left = next.saturating_sub(started.elapsed());
        match receive.recv_timeout(left) {
            Ok(chunk) => {
                parser.process(&chunk);
                continue;
            }
            Err(mpsc::RecvTimeoutError::Timeout) => next += step,
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
        keep(&mut pictures, started, &parser);
    }
    keep(&mut pictures, started, &parser);
    child.wait()?;
    drop(reading.join());
    Ok(pictures)
}

fn keep(pictures: &mut Vec<Picture>, started: Instant, parser: &Parser) {
    let screen = parser.screen().clone();
    if pictures.last().is_none_or(|last| last.screen.contents_formatted() != screen.contents_formatted()) {
        pictures.push(Picture { at: started.elapsed().as_secs_f64(), screen });
    }
}

fn draw(pictures: &[Picture]) -> String {
    let first = pictures.first().map_or(0.0, |picture| picture.at);
    let whole = pictures.last().map_or(0.0, |picture| picture.at) - first + REST;
    let (width, height) =
        (f64::from(SIZE.cols) * CELL.0 + 2.0 * MARGIN, f64::from(SIZE.rows) * CELL.1 + 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" role=\"img\" \
         aria-label=\"rhub follows a task to its results\">\n<style>text{{font:14px ui-monospace,Menlo,Consolas,\
         'Noto Sans Mono CJK SC',monospace;white-space:pre;fill:#d8dee9}}g{{visibility:hidden}}\n"
    );
    for (at, picture) in pictures.iter().enumerate() {
        let from = (picture.at - first) / whole * 100.0;
        let to = pictures.get(at + 1).map_or(100.0, |next| (next.at - first) / whole * 100.0);
        let before = if from > 0.0 { "0%{visibility:hidden}" } else { "" };
        let after = if to < 100.0 { format!("{to:.2}%,100%{{visibility:hidden}}") } else { String::new() };
        // A step animation shows exactly one frame at a time, without a script.
        let _ = writeln!(
            svg,
            "@keyframes k{at}{{{before}{from:.2}%{{visibility:visible}}{after}}}#p{at}{{animation:k{at} {whole:.2}s step-end infinite}}"
        );
    }
    let _ = writeln!(svg, "</style>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1d2129\"/>");
    for (at, picture) in pictures.iter().enumerate() {
        let _ = writeln!(svg, "<g id=\"p{at}\">");
        for row in 0..SIZE.rows {
            draw_row(&mut svg, &picture.screen, row);
        }
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

/// A still image.
pub(crate) fn still(screen: &Screen, about: &str) -> String {
    let (rows, cols) = screen.size();
    let (width, height) =
        (f64::from(cols.get()) * CELL.0 + 2.0 * MARGIN, f64::from(rows.get()) * CELL.1 + 2.0 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" role=\"img\" \
         aria-label=\"{about}\">\n<style>text{{font:14px ui-monospace,Menlo,Consolas,'Noto Sans Mono CJK SC',monospace;\
         white-space:pre;fill:#d8dee9}}</style>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#1d2129\"/>\n"
    );
    for row in 0..rows.get() {
        draw_backgrounds(&mut svg, screen, row);
        draw_row(&mut svg, screen, row);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Previews are half blocks: the upper half in the text's color, the lower one in the background's.
fn draw_backgrounds(svg: &mut String, screen: &Screen, row: u16) {
    let (_, cols) = screen.size();
    for column in 0..cols.get() {
        if let Some(Color::Rgb(red, green, blue)) = screen.cell(row, column).map(Cell::bgcolor) {
            rect(svg, (row, column), CELL.1 + OVERLAP, (red, green, blue));
        }
    }
}

/// Fills a cell from its top.
fn rect(svg: &mut String, (row, column): (u16, u16), height: f64, (red, green, blue): (u8, u8, u8)) {
    let (x, y) = (MARGIN + f64::from(column) * CELL.0, MARGIN + f64::from(row) * CELL.1);
    let width = CELL.0 + OVERLAP;
    let _ = writeln!(
        svg,
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"#{red:02x}{green:02x}{blue:02x}\"/>"
    );
}

/// Cells of the same colors are one text element, positioned by its column, since fonts differ in the width of
/// non-ASCII characters.
fn draw_row(svg: &mut String, screen: &Screen, row: u16) {
    let (_, cols) = screen.size();
    let cols = cols.get();
    let y = MARGIN + (f64::from(row) + 0.75) * CELL.1;
    let mut column = 0;
    while column < cols {
        let Some(cell) = screen.cell(row, column).filter(|cell| !cell.contents().trim().is_empty()) else {
            column += 1;
            continue;
        };
        if let (Color::Rgb(red, green, blue), "▀") = (cell.fgcolor(), cell.contents()) {
            rect(svg, (row, column), CELL.1 / 2.0, (red, green, blue));
            column += 1;
            continue;
        }
        let (start, look) = (column, look(cell));
        let mut text = String::new();
        while let Some(cell) = screen.cell(row, column).filter(|cell| column < cols && same(cell, &look)) {
            text.push_str(if cell.contents().is_empty() && !cell.is_wide_continuation() {
                " "
            } else {
                cell.contents()
            });
            column += 1;
        }
        let x = MARGIN + f64::from(start) * CELL.0;
        let length = f64::from(column - start) * CELL.0;
        let text = text.trim_end().replace('&', "&amp;").replace('<', "&lt;");
        let fitted = if text.is_ascii() {
            String::new()
        } else {
            format!(" textLength=\"{length:.1}\" lengthAdjust=\"spacingAndGlyphs\"")
        };
        let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\"{look}{fitted}>{text}</text>");
    }
}

/// Whether a cell continues the run: not blank and with the same look, or the second half of a wide character.
fn same(cell: &Cell, wanted: &str) -> bool {
    cell.is_wide_continuation() || !cell.contents().trim().is_empty() && look(cell) == wanted
}

fn look(cell: &Cell) -> String {
    let colour = match cell.fgcolor() {
        Color::Default => None,
        Color::Idx(index) => Some(match index % 8 {
            1 => "#e06c75".to_owned(),
            2 => "#98c379".to_owned(),
            3 => "#e5c07b".to_owned(),
            4 => "#61afef".to_owned(),
            5 => "#c678dd".to_owned(),
            6 => "#56b6c2".to_owned(),
            _ => "#abb2bf".to_owned(),
        }),
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
    };
    let mut look = colour.map(|colour| format!(" style=\"fill:{colour}\"")).unwrap_or_default();
    if cell.bold() {
        look.push_str(" font-weight=\"bold\"");
    }
    if cell.dim() {
        look.push_str(" opacity=\"0.6\"");
    }
    look
}
