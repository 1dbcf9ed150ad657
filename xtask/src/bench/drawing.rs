//! The cost of the live block: redraws, bytes, processor time.

use std::{
    io::Read as _,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::Result;
use portable_pty::{CommandBuilder, PtySize, native_pty_system};

use super::{pairs, row::Row};

const SIZE: PtySize = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
/// A hundred seconds with a thousand frames.
const RECORDING: &str = "fixtures/40-long";
/// Every redraw turns line wrapping off.
const DRAWING: &[u8] = b"\x1b[?7l";
/// A redraw of a screenful is 2 KB.
const MOST_BYTES: f64 = 30.0;

pub(super) fn measure(rhub: &Path, root: &Path, quick: bool) -> Result<Vec<Row>> {
    let tape = root.join(RECORDING);
    let mut rows = Vec::new();
    for speed in if quick { &["50"][..] } else { &["5", "50"] } {
        let drawn = draw(rhub, &tape, speed)?;
        let rate = drawn.drawings as f64 / drawn.seconds;
        let what = format!("drawings a second, at {speed} × the speed of a run");
        rows.push(
            Row::new("D5", what, rate, "")
                .at_most(15.0)
                .note(format!("{} frames/s", frames_per_second(speed))),
        );
        let what = format!("bytes drawn a second, at {speed} × the speed");
        rows.push(Row::new("D5", what, drawn.bytes as f64 / drawn.seconds / 1e3, "KB").at_most(MOST_BYTES));
    }
    // At full speed neither would have time for a second redraw.
    let (speed, rounds) = ("20", if quick { 2 } else { 5 });
    let (mut with, mut without) = (0.0, 0.0);
    for _ in 0..rounds {
        with += draw(rhub, &tape, speed)?.cpu;
        let mut quiet = Command::new(rhub);
        without += pairs::run(quiet.args(["--quiet", "replay", "--speed", speed]).arg(&tape))?.cpu;
    }
    let note = format!(
        "{:.0} ms against {:.0} ms",
        with * 1e3 / f64::from(rounds),
        without * 1e3 / f64::from(rounds)
    );
    rows.push(
        Row::new("D5", "processor time with the live block, against none", with / without, "×")
            .at_most(2.0)
            .note(note),
    );
    Ok(rows)
}

fn frames_per_second(speed: &str) -> u32 {
    speed.parse::<u32>().unwrap_or_default() * 10
}

pub(super) struct Drawn {
    pub(super) drawings: usize,
    bytes: usize,
    pub(super) seconds: f64,
    pub(super) cpu: f64,
}

/// Replays the recording in a terminal.
fn draw(rhub: &Path, tape: &Path, speed: &str) -> Result<Drawn> {
    let mut command = CommandBuilder::new(rhub);
    command.args(["replay", "--speed", speed]);
    command.arg(tape);
    watch(command, Duration::MAX)
}

/// Runs a command in a terminal to its end, or for so long.
pub(super) fn watch(mut command: CommandBuilder, at_most: Duration) -> Result<Drawn> {
    let pty = native_pty_system().openpty(SIZE)?;
    let mut reader = pty.master.try_clone_reader()?;
    command.env("TERM", "xterm-256color");
    command.env_remove("CI");
    command.env_remove("NO_COLOR");
    let (start, before) = (Instant::now(), pairs::children()?);
    let mut child = pty.slave.spawn_command(command)?;
    drop(pty.slave);
    let (mut output, mut chunk) = (Vec::new(), [0; 4096]);
    // On Linux, reading fails at the end of a terminal.
    while let Ok(length @ 1..) = reader.read(&mut chunk) {
        output.extend_from_slice(chunk.get(..length).unwrap_or_default());
        if start.elapsed() >= at_most {
            child.kill()?;
        }
    }
    child.wait()?;
    let drawings = output.windows(DRAWING.len()).filter(|part| *part == DRAWING).count();
    Ok(Drawn {
        drawings,
        bytes: output.len(),
        seconds: start.elapsed().as_secs_f64(),
        cpu: pairs::children()? - before,
    })
}
