//! What a case is made of.

use std::{path::Path, time::Duration};

use runninghub_sim::{Certificate, Rule, Scenario, ScriptNode, SimBuilder, Toxic};

use crate::{lab::At, places::Places, running::Running};

/// A rule that knows the addresses.
type MakeRule = Box<dyn Fn(&At) -> Rule + Send + Sync>;

/// A case of the fault lab. What it does not say is as in [`Case::new`].
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
    /// An encrypted way to the API, at `{tls}`, with this certificate.
    pub(crate) certificate: Option<Certificate>,
    /// Before the encrypted way.
    pub(crate) cipher: Vec<Toxic>,
    /// Where encryption ends, by the bytes that are inside.
    pub(crate) records: Vec<Toxic>,
    /// Where sockets are said to be, if not where they are.
    pub(crate) sockets_at: Option<fn(&At) -> String>,
    // The command.
    /// Here, in the environment and for the shell `{id}`, `{out}`, `{root}`, `{tls}`, `{tunnel}`, `{port}` and `{decoy}` stand for what they say.
    pub(crate) command: Vec<&'static str>,
    pub(crate) env: Vec<(&'static str, &'static str)>,
    /// What a shell does before it becomes the command.
    pub(crate) shell: Option<&'static str>,
    pub(crate) scale: &'static str,
    pub(crate) log: &'static str,
    pub(crate) prepare: fn(&Places),
    pub(crate) act: Option<fn(&mut Running)>,
    // What has to be true afterwards.
    pub(crate) exit: i32,
    /// Requests to create that reached the server.
    pub(crate) posts: u64,
    /// Tasks that were made and paid.
    pub(crate) creates: u64,
    pub(crate) saved: Saved,
    pub(crate) says: Vec<&'static str>,
    pub(crate) never: Vec<&'static str>,
    pub(crate) within: Duration,
    /// Peak of resident memory, MiB.
    pub(crate) memory: u64,
    pub(crate) also: Option<fn(&After)>,
}

/// Which of the results have to be in the folder. Whatever is there has to be whole.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Saved {
    All,
    Nothing,
    Some(usize),
}

/// What is known when a case is over.
pub(crate) struct After {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) took: Duration,
    /// Peak of resident memory, KiB; 0 where the system does not tell.
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
    /// A run that is saved, with one create, a good end, and bounds that nothing ordinary comes near.
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

    /// A fault of the simulator, as on its command line.
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

    /// A rule that knows the addresses.
    pub(crate) fn rule_at(mut self, rule: impl Fn(&At) -> Rule + Send + Sync + 'static) -> Self {
        self.rules.push(Box::new(rule));
        self
    }

    /// Before the API.
    pub(crate) fn api(mut self, toxic: Toxic) -> Self {
        self.api.push(toxic);
        self
    }

    /// Before the sockets.
    pub(crate) fn socket(mut self, toxic: Toxic) -> Self {
        self.sockets.push(toxic);
        self
    }

    /// Before the files.
    pub(crate) fn files(mut self, toxic: Toxic) -> Self {
        self.results.push(toxic);
        self
    }

    pub(crate) fn sockets_at(self, address: fn(&At) -> String) -> Self {
        Self { sockets_at: Some(address), ..self }
    }

    /// Another command than `run`.
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

    /// What happens to the command while it runs.
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

    /// Something that is told, on stdout or stderr.
    pub(crate) fn says(mut self, text: &'static str) -> Self {
        self.says.push(text);
        self
    }

    /// Something that is not told anywhere.
    pub(crate) fn never(mut self, text: &'static str) -> Self {
        self.never.push(text);
        self
    }

    pub(crate) fn also(self, also: fn(&After)) -> Self {
        Self { also: Some(also), ..self }
    }

    /// The submit was refused for certain: nothing was made, nothing is there.
    pub(crate) fn refused(self, exit: i32) -> Self {
        Self { exit, creates: 0, saved: Saved::Nothing, ..self }
    }

    /// Nobody knows what became of the submit.
    pub(crate) fn unknown(self, creates: u64) -> Self {
        Self { exit: 5, creates, saved: Saved::Nothing, ..self }
            .says("nobody knows whether the task was created")
    }
}

pub(crate) fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Loader (cached), sampler (0.3 s, ten steps), a picture and 64 KiB of noise.
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

/// A run that takes a minute, for those who do not wait for its end.
pub(crate) fn long() -> Scenario {
    Scenario::script("small")
        .node(ScriptNode::new("3", "KSampler").title("采样").takes(ms(60_000)).steps(600))
        .node(ScriptNode::new("9", "SaveImage").link("images", "3", 0).saves("a_00001_.png"))
        .build()
}

/// Waits with the run until the socket is there.
pub(crate) fn patient(builder: SimBuilder) -> SimBuilder {
    builder.wait_for_socket(ms(20_000))
}

/// Whether a file beside the results is not one of them: a list of what was saved.
pub(crate) fn is_manifest(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains("manifest"))
}
