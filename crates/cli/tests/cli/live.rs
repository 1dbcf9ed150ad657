//! The live block, on a terminal.

use std::{
    io::{Read as _, Write},
    num::NonZeroU16,
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use vt100::Parser;

use runninghub_sim::Sim;

use crate::common::{Simulator, fixture, folder};

/// Longer than any step takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// The result of [`Terminal::finish`] for a program that ended by Ctrl-C.
pub(crate) const SIGINT: i32 = -2;
/// Occurs exactly once in every redraw.
const DRAWING: &str = "\x1b[?7l";

pub(crate) struct Terminal {
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    output: Receiver<Vec<u8>>,
    parser: Parser,
    raw: Vec<u8>,
}

impl Terminal {
    pub(crate) fn start(columns: u16, args: &[&str], env: &[(&str, &str)]) -> Self {
        let size = size(columns);
        let pty = native_pty_system().openpty(size).expect("a terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_rhub"));
        command.env_clear();
        command.env("RUNNINGHUB_CONFIG", concat!(env!("CARGO_TARGET_TMPDIR"), "/none.toml"));
        command.env("TERM", "xterm-256color");
        command.args(args);
        for (name, value) in env {
            command.env(name, value);
        }
        let child = pty.slave.spawn_command(command).expect("the binary");
        let mut reader = pty.master.try_clone_reader().expect("its output");
        let (send, output) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            // On Linux, reading fails once the program has ended.
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if send.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let parser = Parser::new(cells(size.rows), cells(size.cols), 500);
        let keyboard = pty.master.take_writer().expect("a keyboard");
        Self { master: pty.master, keyboard, child, output, parser, raw: Vec::new() }
    }

    /// Reads output until the screen is as wanted.
    pub(crate) fn wait(&mut self, wanted: impl Fn(&str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !wanted(&self.screen()) {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(bytes) = self.output.recv_timeout(left) else {
                panic!("waited in vain:\n{}", self.screen())
            };
            self.take(&bytes);
        }
    }

    /// Reads output to the end. Returns the exit code, or the signal as a negative number, and the final screen.
    pub(crate) fn finish(&mut self) -> (i32, String) {
        while let Ok(bytes) = self.output.recv_timeout(PATIENCE) {
            self.take(&bytes);
        }
        let status = self.child.wait().expect("it ends");
        let code = match status.signal() {
            None => i32::try_from(status.exit_code()).expect("a code"),
            // The signal is reported by name, followed by its number on some systems.
            Some(name) => ["Hangup", "Interrupt", "Terminated"]
                .into_iter()
                .zip([-1, SIGINT, -15])
                .find_map(|(known, number)| name.starts_with(known).then_some(number))
                .unwrap_or_else(|| panic!("it ended by {name}")),
        };
        assert!(!self.parser.screen().hide_cursor(), "the cursor is hidden");
        (code, self.screen())
    }

    fn take(&mut self, bytes: &[u8]) {
        self.raw.extend_from_slice(bytes);
        self.parser.process(bytes);
        let screen = self.parser.screen();
        if !self.screen().contains("completed") {
            let (rows, _) = screen.size();
            assert!(
                !(0..rows.get()).any(|row| screen.row_wrapped(row)),
                "a line is too long:\n{}",
                self.screen()
            );
        }
    }

    pub(crate) fn screen(&self) -> String {
        self.parser.screen().contents()
    }

    /// Resizes the window. Output for the old size may still arrive. The parser reads it with the wider of both sizes,
    /// since unlike a terminal it cannot turn off wrapping.
    pub(crate) fn resize(&mut self, columns: u16) {
        let size = size(columns);
        let (_, before) = self.parser.screen().size();
        let is_wider = columns > before.get();
        if is_wider {
            self.parser.screen_mut().set_size(cells(size.rows), cells(size.cols));
        }
        self.master.resize(size).expect("a window");
        self.draw_twice();
        if !is_wider {
            self.parser.screen_mut().set_size(cells(size.rows), cells(size.cols));
            self.draw_twice();
        }
    }

    /// The second redraw certainly uses the current size.
    fn draw_twice(&mut self) {
        let wanted = self.drawings() + 2;
        while self.drawings() < wanted {
            let bytes = self.output.recv_timeout(PATIENCE).expect("another drawing");
            self.take(&bytes);
        }
    }

    pub(crate) fn press(&mut self, key: &[u8]) {
        self.keyboard.write_all(key).and_then(|()| self.keyboard.flush()).expect("it reads");
    }

    /// The program's process id.
    pub(crate) fn process_id(&self) -> u32 {
        self.child.process_id().expect("it runs")
    }

    /// Waits until the program is stopped, as by Ctrl-Z, and continues it.
    #[cfg(target_os = "linux")]
    pub(crate) fn go_on(&mut self) {
        let process = self.process_id();
        let deadline = Instant::now() + PATIENCE;
        let is_stopped = || {
            let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
            stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T'))
        };
        while !is_stopped() {
            assert!(Instant::now() < deadline, "it does not stop");
            thread::yield_now();
        }
        assert!(!self.parser.screen().hide_cursor());
        let status =
            std::process::Command::new("kill").args(["-CONT", &process.to_string()]).status().expect("kill");
        assert!(status.success());
    }

    /// All output to the end, for commands without a live block.
    pub(crate) fn text(&mut self) -> String {
        while let Ok(bytes) = self.output.recv_timeout(PATIENCE) {
            self.raw.extend(bytes);
        }
        self.raw()
    }

    /// All output so far, escapes included.
    pub(crate) fn raw(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    fn drawings(&self) -> usize {
        String::from_utf8_lossy(&self.raw).matches(DRAWING).count()
    }
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a window")
}

fn size(columns: u16) -> PtySize {
    PtySize { rows: 24, cols: columns, pixel_width: 0, pixel_height: 0 }
}

/// Replaces every number by 0, since numbers differ between runs.
fn steady(screen: &str) -> String {
    let digits = |line: &str| {
        let mut shown = String::new();
        for c in line.chars() {
            match c {
                '0'..='9' if shown.ends_with('0') => {}
                '0'..='9' => shown.push('0'),
                c => shown.push(c),
            }
        }
        shown
    };
    screen.lines().map(|line| digits(line.trim_end())).collect::<Vec<_>>().join("\n")
}

pub(crate) fn overall_bars(screen: &str) -> usize {
    screen.lines().filter(|line| line.contains('%')).count()
}

#[test]
fn a_run_at_80_columns() {
    let recording = fixture("02-ksampler");
    let mut terminal = Terminal::start(80, &["replay", "--speed", "8", &recording.to_string_lossy()], &[]);
    terminal.wait(|screen| screen.contains("KSampler  ") && screen.contains("/10"));
    assert!(terminal.parser.screen().hide_cursor());
    assert_eq!(overall_bars(&terminal.screen()), 1);
    let (code, screen) = terminal.finish();
    assert_eq!(code, 0);
    insta::assert_snapshot!(steady(&screen), @r"
        ✓ KSampler                                                      0.0 s
        • 0 nodes in less than 0.0 s
        0.0%  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━  0/0  0:0
        ✓ Task completed
          › SaveImage  lab_0_.png
    ");
}

#[test]
fn a_run_at_40_columns_with_wide_titles() {
    let dir = folder();
    let out = dir.path().to_string_lossy().into_owned();
    let mut terminal = Terminal::start(40, &["demo", "--speed", "4", "--out", &out], &[]);
    terminal.wait(|screen| screen.contains("采样") && screen.contains("/20"));
    assert_eq!(overall_bars(&terminal.screen()), 1);
    let (code, screen) = terminal.finish();
    assert_eq!(code, 0, "{screen}");
    let from = screen.find('•').expect("the quick nodes");
    let to = screen.find("✓ Task completed").expect("the end");
    insta::assert_snapshot!(steady(&screen[from..to]), @r"
        • 0 nodes from the cache, 0 nodes in…
        0.0%  ━━━━━━━━━━━━━━━━━━  0/0  0:0
    ");
}

#[test]
fn a_window_that_changes() {
    let recording = fixture("02-ksampler");
    let mut terminal = Terminal::start(100, &["replay", "--speed", "2", &recording.to_string_lossy()], &[]);
    // Lines that a shrinking terminal wraps are cleared before the redraw: otherwise parts of them would reappear.
    let wiped = |terminal: &Terminal| {
        String::from_utf8_lossy(&terminal.raw).lines().filter(|line| line.contains("\x1b[J\x1b[?7l")).count()
    };
    for (before, columns) in [44, 120, 60].into_iter().enumerate() {
        terminal.wait(|screen| screen.contains("/10"));
        assert_eq!(wiped(&terminal), before);
        terminal.resize(columns);
        // The output read so far may end in the middle of a redraw.
        terminal.wait(|screen| overall_bars(screen) > 0);
        assert_eq!(overall_bars(&terminal.screen()), 1, "{}", terminal.screen());
    }
    let (code, screen) = terminal.finish();
    assert_eq!((code, overall_bars(&screen)), (0, 1), "{screen}");
}

#[test]
fn at_most_fifteen_drawings_a_second() {
    let recording = fixture("41-fast");
    let began = Instant::now();
    let mut terminal = Terminal::start(80, &["replay", "--speed", "1", &recording.to_string_lossy()], &[]);
    let (code, _) = terminal.finish();
    let seconds = began.elapsed().as_secs_f64();
    assert_eq!(code, 0);
    let drawings = terminal.drawings();
    assert!(drawings > 5 && (drawings as f64) <= seconds * 15.0 + 2.0, "{drawings} drawings in {seconds} s");
    assert!(terminal.raw.len() < 1000 * drawings, "{} bytes in {drawings} drawings", terminal.raw.len());
}

#[test]
fn ctrl_c_leaves_everything_in_order() {
    let recording = fixture("40-long");
    let mut terminal = Terminal::start(80, &["replay", "--speed", "1", &recording.to_string_lossy()], &[]);
    terminal.wait(|screen| screen.contains('%'));
    terminal.press(b"\x03");
    let (code, screen) = terminal.finish();
    assert_eq!((code, overall_bars(&screen)), (SIGINT, 1), "{screen}");
    assert!(!screen.contains("^C"), "{screen}");
    let (row, column) = terminal.parser.screen().cursor_position();
    let last = screen.lines().count();
    assert_eq!((usize::from(row), column), (last, 0), "{screen}");
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_z_clears_the_block_until_resumed() {
    let recording = fixture("40-long");
    let mut terminal = Terminal::start(80, &["replay", "--speed", "4", &recording.to_string_lossy()], &[]);
    terminal.wait(|screen| screen.contains('%'));
    terminal.press(b"\x1a");
    terminal.wait(|screen| !screen.contains('%'));
    terminal.go_on();
    terminal.wait(|screen| overall_bars(screen) == 1);
    terminal.press(b"\x03");
    assert_eq!(terminal.finish().0, SIGINT);
}

#[test]
fn plain_is_used_where_no_block_can_be_drawn() {
    let recording = fixture("01-simple").to_string_lossy().into_owned();
    for (columns, env) in [(39, &[][..]), (80, &[("TERM", "dumb")]), (80, &[("CI", "true")])] {
        let mut terminal =
            Terminal::start(columns, &["replay", "--speed", "max", "--format", "human", &recording], env);
        let text = terminal.text();
        assert!(text.contains("🎉 Task completed!") && !text.contains('\x1b'), "{columns} {env:?}: {text}");
    }
}

#[test]
fn colours_can_be_switched_off() {
    let recording = fixture("01-simple").to_string_lossy().into_owned();
    let has_colour = |args: &[&str], env: &[(&str, &str)]| {
        let args = ["replay", "--speed", "max", &recording]
            .into_iter()
            .chain(args.iter().copied())
            .collect::<Vec<_>>();
        let mut terminal = Terminal::start(80, &args, env);
        assert_eq!(terminal.finish().0, 0);
        String::from_utf8_lossy(&terminal.raw).contains("\x1b[3")
    };
    assert!(has_colour(&[], &[]));
    assert!(!has_colour(&[], &[("NO_COLOR", "1")]));
    assert!(!has_colour(&["--color", "never"], &[]));
    assert!(has_colour(&["--color", "always"], &[("NO_COLOR", "1")]));
}

#[test]
fn login_prompts_for_the_key_without_echo() {
    let sim = Simulator::start(Sim::builder());
    let dir = folder();
    let config = dir.path().join("config.toml");
    let env =
        [("RUNNINGHUB_BASE_URL", sim.base_url()), ("RUNNINGHUB_CONFIG", config.to_str().expect("text"))];
    let mut terminal = Terminal::start(100, &["login"], &env);
    terminal.wait(|screen| screen.contains("API key (it is not shown): "));
    terminal.press(Sim::DEMO_KEY.as_bytes());
    terminal.press(b"\n");
    let (code, screen) = terminal.finish();
    assert!(code == 0 && screen.contains("Logged in at"), "{screen}");
    assert!(!String::from_utf8_lossy(&terminal.raw).contains(Sim::DEMO_KEY), "{screen}");
    assert!(std::fs::read_to_string(&config).expect("a file").contains(Sim::DEMO_KEY));

    let mut terminal = Terminal::start(100, &["login"], &env);
    terminal.wait(|screen| screen.contains("API key"));
    terminal.press(b"0123\x03");
    assert_eq!(terminal.finish().0, SIGINT);
}

#[test]
fn the_window_shows_progress_until_the_end() {
    let recording = fixture("02-ksampler");
    let args = ["replay", "--speed", "8", &recording.to_string_lossy()];
    let shown = |env: &[(&str, &str)]| {
        let mut terminal = Terminal::start(80, &args, env);
        assert_eq!(terminal.finish().0, 0);
        terminal.raw()
    };
    let raw = shown(&[("TERM_PROGRAM", "WezTerm")]);
    let states: Vec<&str> =
        raw.split("\x1b]9;4;").skip(1).filter_map(|rest| rest.split('\x1b').next()).collect();
    assert!(states.iter().any(|state| state.starts_with("1;")), "{states:?}");
    assert_eq!(states.last(), Some(&"0;"), "it is removed: {states:?}");
    assert!(raw.contains("% rhub\x1b\\"), "the title");
    assert!(raw.rfind("\x1b[23;2t") > raw.rfind("\x1b]2;"), "the title is restored");
    let raw = shown(&[("TMUX", "/tmp/tmux-0/default,1,0")]);
    assert!(!raw.contains("\x1b]2;") && !raw.contains("\x1b]9;"), "another terminal knows neither");
}

#[test]
fn saved_files_are_links_where_the_terminal_knows_them() {
    let dir = folder();
    let out = dir.path().to_string_lossy().into_owned();
    let args = ["demo", "--speed", "max", "--out", &out];
    let mut terminal = Terminal::start(200, &args, &[("TERM_PROGRAM", "WezTerm")]);
    assert_eq!(terminal.finish().0, 0);
    let raw = terminal.raw();
    assert!(raw.contains("\x1b]8;;file://") && raw.contains(".png\x1b\\"), "{raw}");
    let mut terminal = Terminal::start(200, &args, &[]);
    assert_eq!(terminal.finish().0, 0);
    assert!(!terminal.raw().contains("\x1b]8;"), "an unknown terminal gets plain text");
}

#[test]
fn the_end_of_a_run_notifies_on_request() {
    let dir = folder();
    let out = dir.path().to_string_lossy().into_owned();
    let raw = |options: &[&str]| {
        let args = [&["demo", "--speed", "max", "--out", &out], options].concat();
        let mut terminal = Terminal::start(100, &args, &[]);
        assert_eq!(terminal.finish().0, 0);
        terminal.raw()
    };
    assert!(raw(&["--notify"]).contains("\x1b]9;Task completed\x1b\\\x07"));
    assert!(!raw(&[]).contains('\x07'));
}

#[test]
fn ascii_terminals_get_ascii() {
    let recording = fixture("02-ksampler");
    let args = ["replay", "--speed", "8", &recording.to_string_lossy()];
    for (option, env) in [(Some("--ascii"), vec![]), (None, vec![("LC_ALL", "ru_RU.KOI8-R")])] {
        let args: Vec<&str> = args.into_iter().chain(option).collect();
        let mut terminal = Terminal::start(80, &args, &env);
        terminal.wait(|screen| screen.contains("  =") && screen.contains("/10"));
        let (code, screen) = terminal.finish();
        assert_eq!(code, 0);
        assert!(terminal.raw().is_ascii(), "{screen}");
    }
}

#[test]
fn nodes_of_one_title_are_told_apart() {
    let recording = fixture("05-cached-partial");
    let args = ["replay", "--speed", "4", &recording.to_string_lossy()];
    let mut terminal = Terminal::start(80, &args, &[]);
    terminal.wait(|screen| screen.contains("LabSteps #"));
    assert_eq!(terminal.finish().0, 0);
}
