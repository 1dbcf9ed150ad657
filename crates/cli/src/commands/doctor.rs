//! `rhub doctor`.

use std::{env, path::Path};

use runninghub::{
    ApiKey, KeyKind, Probe, RunningHub, Site, Untrusted,
    ledger::{Filter, Ledger as _, SqliteLedger, State},
};
use tempfile::NamedTempFile;

use super::{
    context::Context,
    service::{Settings, Writes},
};
use crate::{
    args::Server,
    config,
    event::{Check, Event},
    exit::{Error, Exit},
    key, secrets,
};

/// Largest accepted clock error, in seconds. Beyond it tickets and signed links are refused, and soon certificates
/// too.
const CLOCK: u64 = 300;
/// Smallest accepted free space, in bytes: a video alone can be as large.
#[cfg(unix)]
const SPACE: u64 = 500 << 20;
/// The variables that name a proxy, besides `--proxy`. All requests are encrypted, so `HTTP_PROXY` does not apply.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// The result of a check: a description, or the problem.
type Finding = Result<String, Error>;

/// Checks everything that a run needs, one line each.
pub(super) async fn doctor(context: &mut Context) -> Result<Exit, Error> {
    let mut worst = Exit::Done;
    let mut report = |context: &mut Context, name, finding| {
        let exit = tell(context, name, finding);
        if exit.code() > worst.code() {
            worst = exit;
        }
        exit == Exit::Done
    };
    let config = configuration(context);
    report(context, "config", config);
    let dir = context.workspace().ok().map(|workspace| workspace.dir().to_owned());
    let disk = disk(dir.as_deref());
    if report(context, "disk", disk) {
        let ledger = ledger(dir.as_deref()).await;
        report(context, "ledger", ledger);
    }
    report(context, "proxy", Ok(proxy(context)));
    if let Some(named) = context.global.server.clone() {
        let server = server(context, named).await;
        report(context, "server", server);
        return Ok(worst);
    }
    let address = match &context.global.base_url {
        Some(url) => url.clone(),
        None => context.site(None)?.base_url().to_owned(),
    };
    let is_reached = network(context, &mut report, &address).await;
    match key::read(&context.global) {
        Err(missing) => _ = report(context, "key", Err(missing)),
        Ok(key) if is_reached => {
            let key = self::key(context, key).await;
            report(context, "key", key);
        }
        Ok(_) => {}
    }
    Ok(worst)
}

/// Whether the platform responds over HTTP and WebSocket. This needs no key: a refusal is a response too.
async fn network(
    context: &mut Context,
    mut report: impl FnMut(&mut Context, &'static str, Finding) -> bool,
    address: &str,
) -> bool {
    let probe = match Probe::new(address, context.net()) {
        Ok(probe) => probe,
        Err(error) => return report(context, "network", Err(error.into())),
    };
    let ahead = match probe.http().await {
        Ok(ahead) => ahead,
        Err(error) => {
            let is_tls = error.is_tls();
            let error = Error::from(error);
            return report(context, "network", Err(if is_tls { untrusted(error) } else { error }));
        }
    };
    report(context, "network", Ok(format!("{} answers", Untrusted::from(address))));
    let tls = if address.starts_with("https:") {
        "encrypted, and the certificate is trusted"
    } else {
        "none is needed on this machine"
    };
    report(context, "tls", Ok(tls.to_owned()));
    report(context, "clock", clock(ahead));
    let socket = probe.socket().await.map_err(|error| {
        Error::from(error).or_hint(
            "a firewall or proxy lets no WebSocket through; progress is then asked for over HTTP, less often",
        )
    });
    report(context, "socket", socket.map(|()| "WebSockets get through".to_owned()));
    true
}

/// Whether the given ComfyUI responds.
async fn server(context: &mut Context, named: Server) -> Finding {
    let comfy = context.server(named, Settings { ledger: Writes::Elsewhere, ..Settings::default() })?;
    let queue = comfy.queue().await?;
    Ok(format!("a ComfyUI answers, {} run and {} wait", queue.running.len(), queue.pending.len()))
}

/// Reports one line, and returns the exit code for it.
fn tell(context: &mut Context, name: &'static str, finding: Finding) -> Exit {
    let (exit, message, cure) = match finding {
        Ok(message) => (Exit::Done, message, None),
        Err(error) => (error.exit, error.message, error.hint),
    };
    let ok = exit == Exit::Done;
    let (message, cure) = (message.into(), cure.map(Untrusted::from));
    context.show(Event::Check(Check { name, ok, message, cure, exit_code: exit.code() }));
    exit
}

fn configuration(context: &mut Context) -> Finding {
    if let Some(trouble) = context.trouble.take() {
        return Err(trouble);
    }
    let path = config::path(&context.global)?;
    let name = Untrusted::from(path.to_string_lossy());
    Ok(if path.exists() { format!("{name} is yours alone") } else { format!("none, it would be {name}") })
}

/// Whether records can be written.
fn disk(dir: Option<&Path>) -> Finding {
    let dir = dir.ok_or_else(|| {
        Error::new(Exit::Store, "there is no home folder").hint("name a folder with `--state-dir PATH`")
    })?;
    let name = Untrusted::from(dir.to_string_lossy());
    std::fs::create_dir_all(dir).and_then(|()| NamedTempFile::new_in(dir)?.close()).map_err(|error| {
        Error::new(Exit::Store, format!("cannot write to {name}: {error}"))
            .hint("make it writable, or name another folder with `--state-dir PATH`")
    })?;
    #[cfg(unix)]
    if let Ok(disk) = rustix::fs::statvfs(dir) {
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        if free < SPACE {
            return Err(Error::new(Exit::Store, format!("{name} has only {} MB left", free / 1_000_000))
                .hint("make room: results and the ledger need some"));
        }
    }
    Ok(format!("{name} can be written to"))
}

/// Whether the ledger is intact, with no submit of unknown outcome.
async fn ledger(dir: Option<&Path>) -> Finding {
    let Some(dir) = dir else { return Ok(String::new()) };
    let ledger = SqliteLedger::open(dir)?;
    ledger.check().await?;
    let entries = ledger.entries(Filter::all()).await?;
    match entries.iter().filter(|entry| entry.state == State::Unknown).count() {
        0 => Ok(format!("whole, {} in it", counted(entries.len()))),
        unknown => Err(Error::new(
            Exit::SubmitUnknown,
            format!("whole, but nobody knows the outcome of {}", counted(unknown)),
        )
        .hint("`rhub tasks` names them, `rhub resolve` settles them")),
    }
}

fn counted(submits: usize) -> String {
    if submits == 1 { "1 submit".to_owned() } else { format!("{submits} submits") }
}

/// The proxy in use, without its password.
fn proxy(context: &Context) -> String {
    secrets::learn_proxies();
    if let Some(proxy) = &context.global.proxy {
        secrets::learn_address(proxy.expose());
        return secrets::clean(proxy.expose());
    }
    let named =
        PROXIES.iter().find_map(|name| Some((name, env::var(name).ok().filter(|value| !value.is_empty())?)));
    named.map_or_else(|| "none".to_owned(), |(name, value)| secrets::clean(&format!("{value} ({name})")))
}

fn connect(context: &mut Context, key: &ApiKey) -> Result<RunningHub, Error> {
    context.connect(Settings { key: Some(key.clone()), ledger: Writes::Elsewhere, ..Settings::default() })
}

/// Whether the platform accepts the key.
async fn key(context: &mut Context, key: ApiKey) -> Finding {
    let hub = connect(context, &key)?;
    match hub.queue().await.map_err(Error::from) {
        Ok(queue) => {
            let kind = queue.api_key_type.unwrap_or_else(|| "unknown".into());
            Ok(format!("{kind}: {}", KeyKind::of(kind.raw())))
        }
        Err(error) if error.exit == Exit::Refused => Err(elsewhere(context, &hub, &key, error).await),
        Err(error) => Err(error),
    }
}

/// A key that is refused here may belong to the other site.
async fn elsewhere(context: &mut Context, hub: &RunningHub, key: &ApiKey, refused: Error) -> Error {
    if context.global.base_url.is_some() {
        return refused;
    }
    let other = if hub.site() == Site::Cn { Site::Ai } else { Site::Cn };
    let named = context.global.site.replace(other);
    let connected = connect(context, key);
    context.global.site = named;
    match connected {
        Ok(hub) if hub.queue().await.is_ok() => refused
            .hint(format!("the key belongs to the site `{other}`: use `--site {other}`, or `rhub login`")),
        _ => refused,
    }
}

fn clock(ahead: Option<i64>) -> Finding {
    match ahead {
        None => Ok("the server does not tell the time".to_owned()),
        Some(ahead) if ahead.unsigned_abs() > CLOCK => {
            let which = if ahead > 0 { "ahead" } else { "behind" };
            Err(Error::usage(format!("this machine's clock is {} s {which}", ahead.unsigned_abs()))
                .hint("set the clock, for example with `timedatectl set-ntp true`"))
        }
        Some(ahead) => Ok(format!("within {} s of the server's", ahead.unsigned_abs().max(1))),
    }
}

fn untrusted(error: Error) -> Error {
    error.hint("check the clock; where a proxy or gateway signs by itself, name its certificate with `--ca-file PATH`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_a_little_wrong() {
        for (ahead, told) in [
            (None, "the server does not tell the time"),
            (Some(0), "within 1 s of the server's"),
            (Some(-300), "within 300 s of the server's"),
            (Some(301), "this machine's clock is 301 s ahead"),
            (Some(-301), "this machine's clock is 301 s behind"),
            (Some(i64::MIN), "this machine's clock is 9223372036854775808 s behind"),
        ] {
            assert_eq!(clock(ahead).unwrap_or_else(|error| error.message), told);
        }
    }
}
