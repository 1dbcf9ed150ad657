//! A simulator, a ledger, and commands that may be killed.

use std::{
    io::{BufReader, Read as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use runninghub::ledger::{Entry, Filter, Ledger as _, SqliteLedger};
use runninghub_sim::{FaultProxy, Sim, SimBuilder};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) struct Lab {
    // Declared before the runtime, since it must be dropped on it.
    pub(crate) sim: Sim,
    pub(crate) state: TempDir,
    runtime: Runtime,
}

impl Lab {
    pub(crate) fn new(builder: SimBuilder) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let sim = runtime.block_on(builder.start()).expect("a simulator");
        Self { sim, state: tempfile::tempdir().expect("a folder"), runtime }
    }

    /// A lab whose simulator names a proxy in all of its URLs.
    pub(crate) fn behind_a_proxy(builder: SimBuilder) -> (Self, FaultProxy) {
        let runtime = Runtime::new().expect("a runtime");
        let proxy = runtime.block_on(FaultProxy::start()).expect("a port");
        let at = |scheme: &str| format!("{scheme}://{}", proxy.address());
        let builder = builder.sockets_at(at("ws")).results_at(at("http"));
        let sim = runtime.block_on(builder.start()).expect("a simulator");
        proxy.forward_to(sim.base_url().trim_start_matches("http://").parse().expect("an address"));
        (Self { sim, state: tempfile::tempdir().expect("a folder"), runtime }, proxy)
    }

    /// A command against the simulator, with the ledger of this lab.
    pub(crate) fn rhub(&self, args: &[&str]) -> Command {
        rhub(self.sim.base_url(), self.state.path(), args)
    }

    /// Runs a command to its end and returns its exit code.
    pub(crate) fn run(&self, args: &[&str]) -> Option<i32> {
        self.rhub(args).status().expect("the binary").code()
    }

    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(crate) fn ledger(&self) -> SqliteLedger {
        SqliteLedger::open(self.state.path()).expect("a ledger")
    }

    /// Every submit, newest first; reading settles entries of dead processes.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let ledger = self.ledger();
        self.wait(ledger.entries(Filter::all())).expect("read")
    }
}

pub(crate) fn rhub(url: &str, state: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rhub"));
    command
        .args(args)
        .env_clear()
        // Not the configuration of the user who runs the tests.
        .env("RUNNINGHUB_CONFIG", concat!(env!("CARGO_TARGET_TMPDIR"), "/none.toml"))
        .env("RUNNINGHUB_API_KEY", Sim::DEMO_KEY)
        .env("RUNNINGHUB_BASE_URL", url)
        .env("RUNNINGHUB_STATE_DIR", state)
        .env("RUNNINGHUB_TIME_SCALE", "0.02")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Reads until the text appears, or the end.
pub(crate) fn read_until(stream: &mut impl std::io::Read, wanted: &str) -> bool {
    let mut seen = Vec::new();
    for byte in BufReader::new(stream).bytes() {
        seen.push(byte.expect("readable"));
        if seen.ends_with(wanted.as_bytes()) {
            return true;
        }
    }
    false
}

/// Kills the process with no chance to clean up.
pub(crate) fn kill(mut child: Child) {
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");
}
