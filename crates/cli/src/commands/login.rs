//! `rhub login`, `rhub logout`.

use runninghub::{ApiKey, QueueStatus, Site, Untrusted, say};

use super::{
    context::Context,
    service::{Settings, Writes},
};
use crate::{
    args,
    config::{API_KEY, ConfigFile, KEY_TYPE, KEYRING},
    event::{Change, Event, Profile},
    exit::{Error, Exit},
    key, keyring, platform, prompt, secrets,
};

const BASE_URL: &str = "base_url";
const SITE: &str = "site";

/// Finds the site of a key, and saves the key in the profile.
pub(super) async fn login(context: &mut Context, args: &args::Login) -> Result<Exit, Error> {
    // Report errors in the file before the key is typed.
    let profile = ConfigFile::open(&context.global)?.name(&context.global)?;
    let key = if context.global.api_key_file.is_some() || context.global.api_key_stdin {
        key::read(&context.global)?
    } else {
        match ask(context).await? {
            Ok(key) => key,
            Err(exit) => return Ok(exit),
        }
    };
    let mut signals = context.signals()?;
    let (site, queue) = tokio::select! {
        biased;
        signal = signals.end() => return Ok(Exit::from(signal)),
        found = owner(context, &key) => found?,
    };
    // Read again: the prompt may have taken a while.
    let mut file = ConfigFile::open(&context.global)?;
    if args.keyring {
        keyring::write(&profile, key.expose())?;
        file.unset(&profile, API_KEY);
        file.set(&profile, KEYRING, true);
    } else {
        file.set(&profile, API_KEY, key.expose());
        file.unset(&profile, KEYRING);
    }
    match (&context.global.base_url, site) {
        (Some(url), _) => file.set(&profile, BASE_URL, url),
        (None, site) => {
            file.unset(&profile, BASE_URL);
            file.set(&profile, SITE, site.as_str());
        }
    }
    match &queue.api_key_type {
        Some(kind) => file.set(&profile, KEY_TYPE, kind.raw()),
        None => _ = file.unset(&profile, KEY_TYPE),
    }
    file.save()?;
    let at = context.global.base_url.as_deref().unwrap_or(site.base_url()).into();
    show(context, &file, &profile, queue.api_key_type, Change::LoggedIn { at });
    Ok(Exit::Done)
}

/// Removes the key from the profile; the rest of it stays.
pub(super) fn logout(context: &mut Context) -> Result<Exit, Error> {
    let mut file = ConfigFile::open(&context.global)?;
    let profile = file.name(&context.global)?;
    let in_keyring = file.unset(&profile, KEYRING);
    if in_keyring {
        keyring::delete(&profile)?;
    }
    file.unset(&profile, KEY_TYPE);
    let had_key = file.unset(&profile, API_KEY) || in_keyring;
    if had_key {
        file.save()?;
    }
    show(context, &file, &profile, None, if had_key { Change::Forgot } else { Change::None });
    Ok(Exit::Done)
}

fn show(context: &mut Context, file: &ConfigFile, profile: &str, kind: Option<Untrusted>, change: Change) {
    let text = |name| file.get(profile, name).and_then(toml_edit::Value::as_str);
    context.show(Event::Profile(Profile {
        has_key: text(API_KEY).is_some() || file.get(profile, KEYRING).is_some(),
        site: text(SITE).filter(|_| text(BASE_URL).is_none()).map(str::to_owned),
        key_type: kind,
        path: file.path.to_string_lossy().into_owned(),
        name: profile.to_owned(),
        change,
    }));
}

/// Prompts for the key, or returns the exit code if the prompt was cancelled.
async fn ask(context: &Context) -> Result<Result<ApiKey, Exit>, Error> {
    if !prompt::is_possible() {
        return Err(Error::usage(say!("cannot prompt for the API key: this is not a terminal"))
            .hint(say!("pass it with `--api-key-stdin`, as in `rhub login --api-key-stdin < FILE`, or with `--api-key-file PATH`")));
    }
    platform::keep_memory_private();
    let mut signals = context.signals()?;
    let (hush, read) = prompt::hidden(context.printer, &say!("API key (it is not shown): "))?;
    let line = tokio::select! {
        line = tokio::task::spawn_blocking(read) => line,
        signal = signals.end() => {
            drop(hush);
            return Ok(Err(Exit::from(signal)));
        }
    };
    drop(hush);
    let text = line.map_err(std::io::Error::other).flatten();
    let text = text.map_err(|why| Error::usage(say!("cannot read the API key: {why}", why)))?;
    let key = key::parse(&text, say!("the typed text"))?;
    secrets::learn(key.expose());
    Ok(Ok(key))
}

/// The site that knows the key. Each site is queried once, or only the given one.
async fn owner(context: &mut Context, key: &ApiKey) -> Result<(Site, QueueStatus), Error> {
    let sites = match (&context.global.base_url, context.global.site) {
        (Some(_), site) => vec![site.unwrap_or_default()],
        (None, Some(site)) => vec![site],
        (None, None) => vec![Site::Cn, Site::Ai],
    };
    let mut answers = Vec::new();
    for site in sites {
        let hub = context.connect(Settings {
            key: Some(key.clone()),
            site: Some(site),
            ledger: Writes::Elsewhere,
            ..Settings::default()
        })?;
        match hub.queue().await {
            Ok(queue) => return Ok((site, queue)),
            Err(error) => answers.push((site, Error::from(error))),
        }
    }
    Err(verdict(answers))
}

/// The error if no site accepted the key. It is inconclusive if a site did not respond.
fn verdict(answers: Vec<(Site, Error)>) -> Error {
    let several = answers.len() > 1;
    let all_refused = answers.iter().all(|(_, error)| error.exit == Exit::Refused);
    if several && all_refused {
        return Error::new(
            Exit::Refused,
            say!("neither runninghub.cn nor runninghub.ai accepts this key; nothing was stored"),
        )
        .hint(say!("copy it again from the API page on RunningHub; it may have been disabled there"));
    }
    let unanswered = answers.into_iter().find(|(_, error)| all_refused || error.exit != Exit::Refused);
    match unanswered {
        Some((site, mut error)) => {
            let mut why = error.message;
            if several {
                let site = site.as_str();
                why = say!(
                    "the site `{site}` did not respond, and the other one does not accept the key: {why}",
                    site,
                    why
                );
            }
            error.message = say!("{why}; nothing was stored", why);
            error
        }
        // Every site has a result.
        None => Error::usage(say!("no site was checked")),
    }
}

#[cfg(test)]
mod tests {
    use runninghub::Sentence;

    use super::*;

    #[test]
    fn nothing_is_concluded_about_an_unresponsive_site() {
        let refused = || Error::new(Exit::Refused, Sentence::verbatim("code 401"));
        let lost = || Error::new(Exit::Network, Sentence::verbatim("no connection"));
        let outcome = |answers: Vec<(Site, Error)>| {
            let error = verdict(answers);
            (error.exit, error.message.to_string())
        };
        let (exit, message) = outcome(vec![(Site::Cn, refused()), (Site::Ai, refused())]);
        assert!(exit == Exit::Refused && message.contains("neither"), "{message}");
        for (answers, site) in [
            (vec![(Site::Cn, lost()), (Site::Ai, refused())], "`cn`"),
            (vec![(Site::Cn, refused()), (Site::Ai, lost())], "`ai`"),
        ] {
            let (exit, message) = outcome(answers);
            assert!(exit == Exit::Network && message.contains(site), "{message}");
        }
        let alone = |error| outcome(vec![(Site::Ai, error)]);
        assert_eq!(alone(refused()), (Exit::Refused, "code 401; nothing was stored".to_owned()));
        assert_eq!(alone(lost()), (Exit::Network, "no connection; nothing was stored".to_owned()));
    }
}
