//! Runs a case: a simulator, proxies before it, the command, and then the checks.

use std::{fs, net::SocketAddr, process::Command, sync::LazyLock};

use runninghub_sim::{Authority, FaultProxy, Rule, Sim};
use tokio::runtime::Runtime;

use crate::{
    case::{After, Case, OUTPUTS},
    check,
    places::Places,
    running::Running,
    tunnel::Tunnel,
};

/// The runtime for the simulators and proxies of all cases.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// Searchable secrets: the key, the socket's ticket, and the signature of results.
pub(crate) const KEY: &str = "0badcafe0badcafe0badcafe0badcafe";
/// Not the configuration of the user who runs the tests.
pub(crate) const NO_CONFIG: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/none.toml");
pub(crate) const TICKET: &str = "canaryticketcanaryticket";
pub(crate) const SIGNATURE: &str = "canarysignaturecanary";

/// The proxies between the command and the simulator.
pub(crate) struct Network {
    pub(crate) api: FaultProxy,
    pub(crate) sockets: FaultProxy,
    pub(crate) results: FaultProxy,
    /// The TLS proxy to the API, and the proxy before it.
    cipher: Option<(FaultProxy, FaultProxy)>,
    /// A user's proxy, HTTP and SOCKS in one, whose tunnels all lead to the TLS proxy.
    tunnel: Option<Tunnel>,
    /// A port that must never get a connection.
    pub(crate) decoy: FaultProxy,
}

/// URLs, for rules.
pub(crate) struct At {
    pub(crate) sockets: SocketAddr,
    pub(crate) results: SocketAddr,
    pub(crate) decoy: SocketAddr,
}

impl Network {
    async fn start(case: &Case, places: &Places) -> Result<Self, runninghub_sim::Error> {
        let (mut cipher, mut tunnel) = (None, None);
        if let Some(certificate) = case.certificate {
            let authority = Authority::new()?;
            fs::write(places.root().join("case-ca.pem"), authority.pem()).expect("a file");
            let wire = FaultProxy::start().await?;
            let end = FaultProxy::with_tls(&authority, certificate).await?;
            wire.forward_to(end.address());
            tunnel = Some(Tunnel::start(wire.address()).await);
            cipher = Some((wire, end));
        }
        Ok(Self {
            cipher,
            tunnel,
            api: FaultProxy::start().await?,
            sockets: FaultProxy::start().await?,
            results: FaultProxy::start().await?,
            decoy: FaultProxy::start().await?,
        })
    }
}

/// Runs a case and checks everything.
///
/// # Panics
/// If a check fails; the message begins with the case's name.
pub(crate) fn run(case: &Case) {
    let places = Places::new();
    (case.prepare)(&places);
    let before = Places::files(places.root());
    let network = RUNTIME.block_on(Network::start(case, &places)).expect("ports");
    let sim = server(case, &network);
    let mut running = {
        // An act may create timers and sockets, which need the runtime too.
        let _inside = RUNTIME.enter();
        Running::start(command(case, &network, &places), &sim, &network, &places)
    };
    if let Some(act) = case.act {
        act(&mut running);
    }
    let ended = running.end();
    let after = After {
        code: ended.status.code(),
        signal: ended.signal(),
        stdout: ended.stdout,
        stderr: ended.stderr,
        took: ended.took,
        memory: ended.memory,
        stats: sim.stats(),
        sockets: network.sockets.seen(),
        results: network.results.seen(),
        decoy: network.decoy.seen(),
    };
    check::check(case, &after, &places, &before);
}

fn server(case: &Case, network: &Network) -> Sim {
    let at = At {
        sockets: network.sockets.address(),
        results: network.results.address(),
        decoy: network.decoy.address(),
    };
    let sockets = case.sockets_at.map_or_else(|| format!("ws://{}", at.sockets), |address| address(&at));
    let mut builder = Sim::builder()
        .scenario(case.scenario.clone())
        .key(KEY)
        .ticket(TICKET)
        .sockets_at(sockets)
        .results_at(format!("http://{}", at.results));
    for rule in &case.rules {
        builder = builder.rule(rule(&at));
    }
    // Links signed like the platform's; rules of the case come first.
    builder = builder.rule(Rule::replace(OUTPUTS, "?sign=", format!("?q-signature={SIGNATURE}&sign=")));
    for fault in &case.faults {
        builder = builder.fault(fault.parse().expect("a fault of the simulator"));
    }
    let sim = RUNTIME.block_on((case.server)(builder).start()).expect("a simulator");
    let there = sim.base_url().strip_prefix("http://").and_then(|there| there.parse().ok());
    for (proxy, toxics) in
        [(&network.api, &case.api), (&network.sockets, &case.sockets), (&network.results, &case.results)]
    {
        proxy.forward_to(there.expect("an address"));
        for toxic in toxics {
            proxy.add(toxic.clone());
        }
    }
    if let Some((wire, end)) = &network.cipher {
        end.forward_to(network.api.address());
        for toxic in &case.cipher {
            wire.add(toxic.clone());
        }
        for toxic in &case.records {
            end.add(toxic.clone());
        }
    }
    sim
}

fn command(case: &Case, network: &Network, places: &Places) -> Command {
    let base = format!("http://{}", network.api.address());
    let mut command = Command::new(if case.shell.is_some() { "/bin/sh" } else { RHUB });
    let tls = network.cipher.as_ref().map(|(wire, _)| wire.address().port()).unwrap_or_default();
    let tunnel = network.tunnel.as_ref().map(|tunnel| tunnel.address.to_string()).unwrap_or_default();
    let filled = |text: &str| {
        text.replace("{id}", &case.scenario.workflow_id())
            .replace("{out}", &places.out().to_string_lossy())
            .replace("{root}", &places.root().to_string_lossy())
            .replace("{tls}", &format!("https://localhost:{tls}"))
            .replace("{tunnel}", &tunnel)
            .replace("{decoy}", &network.decoy.address().to_string())
            .replace("{port}", base.trim_start_matches("http://"))
    };
    if let Some(script) = case.shell {
        command.args(["-c", &format!("{}\nexec \"$0\" \"$@\"", filled(script)), RHUB]);
    }
    command.args(case.command.iter().map(|word| filled(word)));
    command.arg("-vvv").arg("--log-file").arg(filled(case.log)).arg("--state-dir").arg(places.state());
    command
        .current_dir(places.root())
        .env_clear()
        .env("HOME", places.root().join("home"))
        .env("RUNNINGHUB_API_KEY", KEY)
        .env("RUNNINGHUB_BASE_URL", &base)
        .env("RUNNINGHUB_TIME_SCALE", case.scale)
        .envs(case.env.iter().map(|(name, value)| (name, filled(value))));
    command
}

const RHUB: &str = env!("CARGO_BIN_EXE_rhub");
