//! Runs the binary, and a simulator for it.

use std::{
    fmt,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Duration,
};

use runninghub_sim::{FaultProxy, Scenario, Sim, SimBuilder, Toxic};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A command with an empty environment.
pub(crate) struct Rhub {
    command: Command,
    /// A separate folder, so that the machine's records stay untouched.
    state: TempDir,
    stdin: Option<String>,
    /// Text that differs between runs, and its replacement.
    hidden: Vec<(String, &'static str)>,
}

/// The result of a command.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn rhub<'a>(args: impl IntoIterator<Item = &'a str>) -> Rhub {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rhub"));
    let state = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    command.args(args).env_clear().env("RUNNINGHUB_STATE_DIR", state.path());
    command.env("RUNNINGHUB_CONFIG", state.path().join("config.toml"));
    Rhub { command, state, stdin: None, hidden: vec![(env!("CARGO_PKG_VERSION").to_owned(), "[version]")] }
}

impl Rhub {
    pub(crate) fn arg(mut self, arg: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args(mut self, args: &[&str]) -> Self {
        self.command.args(args);
        self
    }

    /// Runs in this folder.
    pub(crate) fn within(mut self, folder: &TempDir) -> Self {
        self.command.current_dir(folder.path());
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn stdin(mut self, text: &str) -> Self {
        self.stdin = Some(text.to_owned());
        self
    }

    /// Replaces every occurrence of `text` by `shown`.
    pub(crate) fn hide(mut self, text: impl AsRef<Path>, shown: &'static str) -> Self {
        self.hidden.push((text.as_ref().to_string_lossy().into_owned(), shown));
        self
    }

    /// Uses the records of an earlier command.
    pub(crate) fn state(self, folder: &TempDir) -> Self {
        self.env("RUNNINGHUB_STATE_DIR", &folder.path().to_string_lossy())
    }

    /// Uses the configuration of an earlier command, shown as `[config]`.
    pub(crate) fn config(self, folder: &TempDir) -> Self {
        let path = folder.path().join("config.toml");
        self.env("RUNNINGHUB_CONFIG", &path.to_string_lossy()).hide(path, "[config]")
    }

    /// Runs against a simulator, with its key and short waits.
    pub(crate) fn at(self, sim: &Simulator) -> Self {
        self.env("RUNNINGHUB_API_KEY", Sim::DEMO_KEY)
            .env("RUNNINGHUB_BASE_URL", sim.base_url())
            .env("RUNNINGHUB_TIME_SCALE", "0.05")
            .hide(sim.base_url(), "[url]")
            .hide(sim.base_url().replace("http", "ws"), "[ws]")
    }

    /// For a process that outlives this value.
    pub(crate) fn into_command(self) -> Command {
        // The folder is under `target`, so it may stay.
        let _ = self.state.keep();
        self.command
    }

    pub(crate) fn run(mut self) -> Done {
        self.command.stdin(if self.stdin.is_some() { Stdio::piped() } else { Stdio::null() });
        let mut child =
            self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary");
        if let (Some(text), Some(mut stdin)) = (self.stdin, child.stdin.take()) {
            stdin.write_all(text.as_bytes()).expect("it reads");
        }
        let Output { status, stdout, stderr } = child.wait_with_output().expect("the binary");
        let shown = |bytes: Vec<u8>| {
            let text = String::from_utf8(bytes).expect("text");
            self.hidden.iter().fold(text, |text, (hidden, shown)| text.replace(hidden, shown))
        };
        Done { code: status.code(), stdout: shown(stdout), stderr: shown(stderr) }
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => writeln!(f, "exit {code}")?,
            None => writeln!(f, "killed")?,
        }
        for (name, text) in [("out", &self.stdout), ("err", &self.stderr)] {
            if !text.is_empty() {
                write!(f, "--- {name}\n{text}")?;
            }
        }
        Ok(())
    }
}

/// A simulator in this process.
pub(crate) struct Simulator {
    // Declared before the runtime, since it must be dropped on it.
    sim: Sim,
    runtime: Runtime,
}

impl Simulator {
    pub(crate) fn start(builder: SimBuilder) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let sim = runtime.block_on(builder.start()).expect("a simulator");
        Self { sim, runtime }
    }

    /// Serves a recording at 20 times its speed. A run starts when a client watches it, however busy the machine is.
    pub(crate) fn of(fixture: &str) -> Self {
        let patience = Duration::from_secs(10);
        Self::start(Sim::builder().scenario(scenario(fixture)).speed(20.0).wait_for_socket(patience))
    }

    pub(crate) fn base_url(&self) -> &str {
        self.sim.base_url()
    }

    /// A proxy to the simulator with a network fault.
    pub(crate) fn behind(&self, toxic: Toxic) -> FaultProxy {
        let _inside = self.runtime.enter();
        let proxy = self.runtime.block_on(FaultProxy::start()).expect("a port");
        proxy.add(toxic);
        let address = self.base_url().trim_start_matches("http://").parse().expect("an address");
        proxy.forward_to(address);
        proxy
    }

    pub(crate) fn creates(&self) -> u64 {
        self.sim.stats().creates
    }

    pub(crate) fn sim(&self) -> &Sim {
        &self.sim
    }
}

pub(crate) fn scenario(fixture: &str) -> Scenario {
    Scenario::load(self::fixture(fixture)).expect("a recording")
}

pub(crate) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures").join(name)
}

pub(crate) fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

/// Snapshots the output of a command.
macro_rules! snap {
    ($rhub:expr, $($snapshot:tt)*) => {
        insta::assert_snapshot!($rhub.run().to_string(), $($snapshot)*)
    };
}
pub(crate) use snap;
