//! `rhub doctor`.

use std::{env, path::Path};

use runninghub::{
    ApiKey, Probe, RunningHub, Sentence, Site,
    ledger::{Filter, Ledger as _, SqliteLedger, State},
    net::free_space,
    say,
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
    key,
    report::key_kind,
    secrets,
};

/// Largest accepted clock error, in seconds. Beyond it tickets and signed links are refused, and soon certificates
/// too.
const CLOCK: u64 = 300;
/// Smallest accepted free space, in bytes: a video alone can be as large.
const SPACE: u64 = 500 << 20;
/// The variables that set a proxy, in addition to `--proxy`. All requests are encrypted, so `HTTP_PROXY` does not
/// apply.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// The result of a check: a description, or the problem.
type Finding = Result<Sentence, Error>;

/// Checks everything that a run needs, one line each.
pub(super) async fn doctor(context: &mut Context) -> Result<Exit, Error> {
    let mut worst = Exit::Done;
    let mut report = |context: &mut Context, name, finding| {
        let exit = report(context, name, finding);
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
        Err(error) => {
            let error = context.blamed(error.into(), "base-url");
            return report(context, "network", Err(error));
        }
    };
    let ahead = match probe.http().await {
        Ok(ahead) => ahead,
        Err(error) => return report(context, "network", Err(error.into())),
    };
    report(context, "network", Ok(say!("{address} is reachable", address)));
    let tls = if address.starts_with("https:") {
        say!("encrypted, with a trusted certificate")
    } else {
        say!("none is needed on this machine")
    };
    report(context, "tls", Ok(tls));
    report(context, "clock", clock(ahead));
    let socket = probe.socket().await.map_err(|error| {
        Error::from(error).or_hint(say!(
            "a firewall or proxy blocks WebSockets; progress is polled over HTTP instead, less often"
        ))
    });
    report(context, "socket", socket.map(|()| say!("WebSockets work")));
    true
}

/// Whether the given ComfyUI responds.
async fn server(context: &mut Context, named: Server) -> Finding {
    let comfy = context.server(named, Settings { ledger: Writes::Elsewhere, ..Settings::default() })?;
    let queue = comfy.queue().await?;
    let (running, waiting) = (queue.running.len(), queue.pending.len());
    Ok(say!("ComfyUI is reachable: {running} running, {waiting} waiting", running, waiting))
}

/// Reports one line, and returns the exit code for it.
fn report(context: &mut Context, name: &'static str, finding: Finding) -> Exit {
    let (exit, message, cure) = match finding {
        Ok(message) => (Exit::Done, message, None),
        Err(error) => {
            let error = context.with_variable(error);
            (error.exit, error.message, error.hint.map(|hint| *hint))
        }
    };
    let ok = exit == Exit::Done;
    context.show(Event::Check(Check { name, ok, message, cure, exit_code: exit.code() }));
    exit
}

fn configuration(context: &mut Context) -> Finding {
    if let Some(trouble) = context.trouble.take() {
        return Err(trouble);
    }
    let path = config::path(&context.global)?;
    let name = path.display();
    Ok(if path.exists() { say!("{name} is private", name) } else { say!("none; it would be {name}", name) })
}

/// Whether records can be written.
fn disk(dir: Option<&Path>) -> Finding {
    let dir = dir.ok_or_else(|| {
        Error::new(Exit::Store, say!("there is no home folder"))
            .hint(say!("choose a folder with `--state-dir PATH`"))
    })?;
    let name = || dir.display();
    std::fs::create_dir_all(dir).and_then(|()| NamedTempFile::new_in(dir)?.close()).map_err(|why| {
        Error::new(Exit::Store, say!("cannot write to {name}: {why}", name = name(), why))
            .hint(say!("make it writable, or use another folder with `--state-dir PATH`"))
    })?;
    if let Some(free) = free_space(dir).filter(|free| *free < SPACE) {
        let left = free / 1_000_000;
        return Err(Error::new(Exit::Store, say!("{name} has only {left} MB left", name = name(), left))
            .hint(say!("free some space: results and the ledger need it")));
    }
    Ok(say!("{name} is writable", name = name()))
}

/// Whether the ledger is intact, with no submit of unknown outcome.
async fn ledger(dir: Option<&Path>) -> Finding {
    let Some(dir) = dir else { return Ok(Sentence::verbatim("")) };
    let ledger = SqliteLedger::open(dir)?;
    ledger.check().await?;
    let entries = ledger.entries(Filter::all()).await?;
    match entries.iter().filter(|entry| entry.state == State::Unknown).count() {
        0 => Ok(say!("intact, with {submits}", submits = counted(entries.len()))),
        unknown => Err(Error::new(
            Exit::SubmitUnknown,
            say!("intact, but the outcome of {submits} is unknown", submits = counted(unknown)),
        )
        .hint(say!("`rhub tasks` lists them, `rhub resolve` settles them"))),
    }
}

fn counted(submits: usize) -> Sentence {
    if submits == 1 { say!("1 submit") } else { say!("{count} submits", count = submits) }
}

/// The proxy in use, without its password.
fn proxy(context: &Context) -> Sentence {
    secrets::learn_proxies();
    if let Some(proxy) = &context.global.proxy {
        secrets::learn_address(proxy.expose());
        return Sentence::verbatim(secrets::clean(proxy.expose()));
    }
    let named =
        PROXIES.iter().find_map(|name| Some((name, env::var(name).ok().filter(|value| !value.is_empty())?)));
    match named {
        Some((name, value)) => Sentence::verbatim(secrets::clean(&format!("{value} ({name})"))),
        None => say!("none"),
    }
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
            Ok(key_kind(&kind))
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
        Ok(hub) if hub.queue().await.is_ok() => refused.hint(say!(
            "the key belongs to the site `{site}`: use `--site {site}` or `rhub login`",
            site = other.as_str()
        )),
        _ => refused,
    }
}

fn clock(ahead: Option<i64>) -> Finding {
    match ahead {
        None => Ok(say!("the server does not send the time")),
        Some(ahead) if ahead.unsigned_abs() > CLOCK => {
            let seconds = ahead.unsigned_abs();
            let wrong = if ahead > 0 {
                say!("this machine's clock is {seconds} s ahead", seconds)
            } else {
                say!("this machine's clock is {seconds} s behind", seconds)
            };
            Err(Error::usage(wrong).hint(say!("set the clock, for example with `timedatectl set-ntp true`")))
        }
        Some(ahead) => {
            Ok(say!("within {seconds} s of the server's clock", seconds = ahead.unsigned_abs().max(1)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_be_a_little_wrong() {
        for (ahead, expected) in [
            (None, "the server does not send the time"),
            (Some(0), "within 1 s of the server's clock"),
            (Some(-300), "within 300 s of the server's clock"),
            (Some(301), "this machine's clock is 301 s ahead"),
            (Some(-301), "this machine's clock is 301 s behind"),
            (Some(i64::MIN), "this machine's clock is 9223372036854775808 s behind"),
        ] {
            assert_eq!(clock(ahead).unwrap_or_else(|error| error.message).to_string(), expected);
        }
    }
}
