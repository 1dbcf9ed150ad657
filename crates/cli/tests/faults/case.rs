//! The parts of a case.

use std::{path::Path, time::Duration};

use runninghub_sim::{Certificate, Rule, Scenario, ScriptNode, SimBuilder, Toxic};

use crate::{lab::At, places::Places, running::Running};

/// A rule that depends on URLs.
type MakeRule = Box<dyn Fn(&At) -> Rule + Send + Sync>;

/// A case of the fault lab. The defaults are in [`Case::new`].
pub(crate) struct Case {
    pub(crate) name: &'static str,
    // The server and the network.
    pub(crate) scenario: Scenario,
    pub(crate) faults: Vec<&'static str>,
    pub(crate) server: fn(SimBuilder) -> SimBuilder,
    pub(crate) rules: Vec<MakeRule>,
    pub(crate) api: Vec<Toxic>,
    pub(crate) sockets: Vec<Toxic>,
    pub(crate) results: Vec<Toxic>,
    /// The certificate of the TLS proxy to the API, whose URL is `{tls}`.
    pub(crate) certificate: Option<Certificate>,
    /// Toxics before the TLS proxy, on encrypted bytes.
    pub(crate) cipher: Vec<Toxic>,
    /// Toxics after the TLS proxy, on decrypted bytes.
    pub(crate) records: Vec<Toxic>,
    /// The URL advertised for sockets, if it isn't the real one.
    pub(crate) sockets_at: Option<fn(&At) -> String>,
    // The command.
    /// Placeholders here, in the environment and for the shell: `{id}`, `{out}`, `{root}`, `{tls}`, `{tunnel}`,
    /// `{port}` and `{decoy}`.
    pub(crate) command: Vec<&'static str>,
    pub(crate) env: Vec<(&'static str, &'static str)>,
    /// Shell code that runs before the command.
    pub(crate) shell: Option<&'static str>,
    pub(crate) scale: &'static str,
    pub(crate) log: &'static str,
    pub(crate) prepare: fn(&Places),
    pub(crate) act: Option<fn(&mut Running)>,
    // The expected results.
    pub(crate) exit: i32,
    /// Create requests that reached the server.
    pub(crate) posts: u64,
    /// Tasks that were created and paid.
    pub(crate) creates: u64,
    pub(crate) saved: Saved,
    pub(crate) says: Vec<&'static str>,
    pub(crate) never: Vec<&'static str>,
    pub(crate) within: Duration,
    /// Peak of resident memory, MiB.
    pub(crate) memory: u64,
    pub(crate) also: Option<fn(&After)>,
}

/// Which results have to be in the folder. Every file there has to be complete.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Saved {
    All,
    Nothing,
    Some(usize),
}

/// The observations after a case.
pub(crate) struct After {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) took: Duration,
    /// Peak of resident memory, KiB; 0 if the system doesn't report it.
    pub(crate) memory: u64,
    pub(crate) stats: runninghub_sim::Stats,
    pub(crate) sockets: runninghub_sim::Seen,
    pub(crate) results: runninghub_sim::Seen,
    pub(crate) decoy: runninghub_sim::Seen,
}

impl After {
    pub(crate) fn calls(&self, path: &str) -> u64 {
        self.stats.calls.get(path).copied().unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        format!("{}{}", String::from_utf8_lossy(&self.stdout), String::from_utf8_lossy(&self.stderr))
    }
}

pub(crate) const CREATE: &str = "/task/openapi/create";
pub(crate) const MODEL: &str = "/openapi/v2/lab/model";
pub(crate) const OUTPUTS: &str = "/task/openapi/outputs";
pub(crate) const WORKFLOW: &str = "/api/openapi/getJsonApiFormat";
pub(crate) const UPLOAD: &str = "/openapi/v2/media/upload/binary";
pub(crate) const SOCKET: &str = "/ws/";
pub(crate) const FILES: &str = "/files/";

impl Case {
    /// A successful run with one create and saved results, and limits far above normal use.
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            scenario: small(),
            faults: Vec::new(),
            server: |builder| builder,
            rules: Vec::new(),
            api: Vec::new(),
            sockets: Vec::new(),
            results: Vec::new(),
            certificate: None,
            cipher: Vec::new(),
            records: Vec::new(),
            sockets_at: None,
            command: vec!["run", "{id}", "--out", "{out}", "--record", "{root}/record"],
            env: Vec::new(),
            shell: None,
            scale: "0.05",
            log: "{root}/log",
            prepare: |_| {},
            act: None,
            exit: 0,
            posts: 1,
            creates: 1,
            saved: Saved::All,
            says: Vec::new(),
            never: Vec::new(),
            within: Duration::from_mins(2),
            memory: 96,
            also: None,
        }
    }

    pub(crate) fn scenario(self, scenario: Scenario) -> Self {
        Self { scenario, ..self }
    }

    /// Adds a fault of the simulator, in its command-line syntax.
    pub(crate) fn fault(mut self, fault: &'static str) -> Self {
        self.faults.push(fault);
        self
    }

    pub(crate) fn server(self, server: fn(SimBuilder) -> SimBuilder) -> Self {
        Self { server, ..self }
    }

    pub(crate) fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(Box::new(move |_| rule.clone()));
        self
    }

    /// Adds a rule that depends on URLs.
    pub(crate) fn rule_at(mut self, rule: impl Fn(&At) -> Rule + Send + Sync + 'static) -> Self {
        self.rules.push(Box::new(rule));
        self
    }

    /// Adds a toxic before the API.
    pub(crate) fn api(mut self, toxic: Toxic) -> Self {
        self.api.push(toxic);
        self
    }

    /// Adds a toxic before the sockets.
    pub(crate) fn socket(mut self, toxic: Toxic) -> Self {
        self.sockets.push(toxic);
        self
    }

    /// Adds a toxic before the files.
    pub(crate) fn files(mut self, toxic: Toxic) -> Self {
        self.results.push(toxic);
        self
    }

    pub(crate) fn sockets_at(self, address: fn(&At) -> String) -> Self {
        Self { sockets_at: Some(address), ..self }
    }

    /// Replaces the command `run`.
    pub(crate) fn command(mut self, words: &[&'static str]) -> Self {
        self.command = words.to_vec();
        self
    }

    pub(crate) fn arg(mut self, word: &'static str) -> Self {
        self.command.push(word);
        self
    }

    pub(crate) fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.env.push((name, value));
        self
    }

    pub(crate) fn shell(self, script: &'static str) -> Self {
        Self { shell: Some(script), ..self }
    }

    pub(crate) fn scale(self, scale: &'static str) -> Self {
        Self { scale, ..self }
    }

    pub(crate) fn prepare(self, prepare: fn(&Places)) -> Self {
        Self { prepare, ..self }
    }

    /// Acts on the command while it runs.
    pub(crate) fn act(self, act: fn(&mut Running)) -> Self {
        Self { act: Some(act), ..self }
    }

    pub(crate) fn exit(self, exit: i32) -> Self {
        Self { exit, ..self }
    }

    pub(crate) fn posts(self, posts: u64) -> Self {
        Self { posts, ..self }
    }

    pub(crate) fn creates(self, creates: u64) -> Self {
        Self { creates, ..self }
    }

    pub(crate) fn saved(self, saved: Saved) -> Self {
        Self { saved, ..self }
    }

    /// Text that has to appear on stdout or stderr.
    pub(crate) fn says(mut self, text: &'static str) -> Self {
        self.says.push(text);
        self
    }

    /// Text that must not appear anywhere.
    pub(crate) fn never(mut self, text: &'static str) -> Self {
        self.never.push(text);
        self
    }

    pub(crate) fn also(self, also: fn(&After)) -> Self {
        Self { also: Some(also), ..self }
    }

    /// The submit was certainly refused: no task was created, and no result exists.
    pub(crate) fn refused(self, exit: i32) -> Self {
        Self { exit, creates: 0, saved: Saved::Nothing, ..self }
    }

    /// The outcome of the submit is unknown.
    pub(crate) fn unknown(self, creates: u64) -> Self {
        Self { exit: 5, creates, saved: Saved::Nothing, ..self }
            .says("it is unknown whether the task was created")
    }
}

pub(crate) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Loader (cached), sampler (0.3 s, ten steps), an image and 64 KiB of noise.
pub(crate) fn small() -> Scenario {
    titled("采样")
}

/// The same with another title for the sampler.
pub(crate) fn titled(title: &str) -> Scenario {
    Scenario::script("small")
        .node(
            ScriptNode::new("4", "CheckpointLoaderSimple").title("加载模型").input("ckpt_name", "a").cached(),
        )
        .node(
            ScriptNode::new("3", "KSampler")
                .title(title)
                .input("seed", 42)
                .link("model", "4", 0)
                .takes(ms(300))
                .steps(10),
        )
        .node(ScriptNode::new("9", "SaveImage").link("images", "3", 0).saves("a_00001_.png"))
        .node(ScriptNode::new("10", "SaveWEBM").link("images", "3", 0).saves("a_00002_.webp"))
        .build()
}

/// A run that takes a minute, for cases that do not wait for its end.
pub(crate) fn long() -> Scenario {
    Scenario::script("small")
        .node(ScriptNode::new("3", "KSampler").title("采样").takes(ms(60_000)).steps(600))
        .node(ScriptNode::new("9", "SaveImage").link("images", "3", 0).saves("a_00001_.png"))
        .build()
}

/// Holds the run until the socket is connected.
pub(crate) fn patient(builder: SimBuilder) -> SimBuilder {
    builder.wait_for_socket(ms(20_000))
}

/// Whether a file next to the results is the manifest of the saved files.
pub(crate) fn is_manifest(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains("manifest"))
}
