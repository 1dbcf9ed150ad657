//! Submits that must create one task only, however often they are made: with a key that the user chose.

use std::time::Duration;

use futures_util::future::BoxFuture;
use runninghub_core::{Place, say};
use runninghub_ledger::{Digest, Error as LedgerError, ErrorKind as LedgerErrorKind, Once, State};
use serde_json::json;
use tokio::time::sleep;

use super::NewValue;
use crate::{Error, ErrorKind, Follow, Given, Recipe, Run, Service, Submit, Work, attempts::AttemptLog};

/// How often a submit of another process is looked at, until it has a task.
const LOOK: Duration = Duration::from_millis(100);
/// The longest key, bytes.
const LONGEST: usize = 255;

/// Submits with `send`. If the submit has a key that another one holds, follows the task of that one instead.
pub(crate) async fn submit<'a, S: Service>(
    service: &'a S,
    attempts: Option<&AttemptLog>,
    submit: Submit,
    send: impl Fn(&'a S, Submit) -> BoxFuture<'a, Result<Run, Error>>,
) -> Result<Run, Error> {
    let mut submit = submit;
    let Some(key) = submit.once_key.take() else { return send(service, submit).await };
    if key.trim().is_empty() || key.len() > LONGEST || key.contains(char::is_control) {
        return Err(Error::usage(say!(
            "a key has 1 to {most} bytes, without control characters",
            most = LONGEST
        )));
    }
    let attempts =
        attempts.ok_or_else(|| Error::usage(say!("without a ledger, no key can be recognized")))?;
    let once = Once::new(key, digest(&mut submit, service.place()).await);
    submit.once = Some(once.clone());
    let mut has_waited = false;
    loop {
        let Some(holder) = attempts.holder(&once.key).await? else {
            match send(service, submit.clone()).await {
                Err(error) if is_conflict(&error) && attempts.holder(&once.key).await?.is_some() => continue,
                other => return other,
            }
        };
        if holder.intent.once.is_none_or(|theirs| theirs.sha256 != once.sha256) {
            let attempt = &holder.attempt;
            return Err(Error::usage(say!("the key was used for another submit: {attempt}", attempt))
                .with_hint(say!("use a new key for each submit that differs")));
        }
        match (holder.task, holder.state) {
            (Some(task), _) => {
                submit.warn(
                    "once",
                    &say!("the key was used before, for the task {task}: it is followed", task = &task),
                );
                return service.follow(Follow::task(task).learned(submit.learned)).await;
            }
            (None, State::Submitting | State::Waiting) => {
                if !has_waited {
                    submit.warn("once", &say!("another process is submitting with this key"));
                    has_waited = true;
                }
                sleep(LOOK).await;
            }
            (None, _) => {
                let what =
                    say!("the key was used before, and it is unknown whether that submit created a task");
                return Err(Error::new(ErrorKind::SubmitUnknown, what).of_attempt(&holder.attempt));
            }
        }
    }
}

/// Identifies what is submitted: the place, the work, and what is set. Files count by their content, and a seed that is
/// to be drawn as the wish to draw one.
async fn digest(submit: &mut Submit, place: &Place) -> Digest {
    let recipe = Recipe::read(submit).await;
    // The ledger's recipe needs them again.
    let files = submit.changes.named().iter().zip(&recipe.set).filter_map(|((_, new), (_, given))| {
        match (new, given) {
            (NewValue::File(path), Given::File { sha256, .. } | Given::Hidden { sha256 }) => {
                Some((path.clone(), *sha256))
            }
            _ => None,
        }
    });
    submit.digests.extend(files);
    let recipe = recipe.portable();
    let id = match &submit.work {
        Work::Workflow(id) => id.as_ref(),
        Work::App(app) | Work::Quick { app, .. } => app.as_ref(),
        Work::Model(endpoint) => endpoint,
        // The recipe has its digest.
        Work::Graph(_) => "",
    };
    let under = submit.under.as_ref().map(ToString::to_string);
    let all = json!([place.url(), submit.work.kind().as_str(), id, under, recipe]);
    Digest::of(all.to_string())
}

/// The ledger has recorded a submit with the same key in the meantime.
fn is_conflict(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<LedgerError>());
    source.is_some_and(|source| source.kind() == LedgerErrorKind::Conflict)
}
