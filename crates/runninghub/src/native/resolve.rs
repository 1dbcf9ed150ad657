//! Finds the prompt of a submit whose response was lost, also from another process.

use runninghub_core::{TaskId, say};
use runninghub_ledger::{AttemptId, Digest, Entry, Filter};

use super::Comfy;
use crate::{Backend as _, Error, ErrorKind, attempts::AttemptLog, resolve};

/// The prompt id for a submit, if the server accepts one from the client: a UUID derived from facts that are in the
/// ledger before anything is sent, so nothing more has to be stored.
pub(super) fn prompt_id(attempt: &AttemptId, body: Digest) -> String {
    let hex = Digest::of(format!("prompt {attempt} {body}")).to_string();
    let bits = hex.get(..32).and_then(|half| u128::from_str_radix(half, 16).ok());
    uuid(bits.unwrap_or_default())
}

/// A version 4 UUID in canonical form, from random bits.
pub(super) fn uuid(random: u128) -> String {
    let bits = random & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| hex.get(range).unwrap_or_default());
    parts.join("-")
}

impl Comfy {
    /// Looks up the id that the prompt was given. The server may have chosen another one (before 0.3.45), or have
    /// been restarted.
    pub(super) async fn look_for_submit(&self, attempt: &str) -> Result<Option<TaskId>, Error> {
        let entry = self.entry(attempt).await?;
        let task = TaskId::from(prompt_id(&entry.attempt, entry.intent.body));
        match self.0.native.results(&task).await {
            Ok(_) => Ok(Some(task)),
            Err(error) if error.is_unknown_task() => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn bind(&self, attempt: &str, prompt: &TaskId) -> Result<Entry, Error> {
        let entry = self.entry(attempt).await?;
        let seen = self.0.native.observe(prompt).await.map_err(|error| error.error)?;
        resolve::bind(self.attempts()?, &entry.attempt, prompt, &seen).await
    }

    async fn entry(&self, attempt: &str) -> Result<Entry, Error> {
        let found = self.attempts()?.ledger().entry(Filter::all().attempt(attempt)).await;
        found.map_err(|error| Error::ledger(say!("there is nothing to resolve"), error))
    }

    pub(super) fn attempts(&self) -> Result<&AttemptLog, Error> {
        self.0.attempts.as_ref().ok_or_else(|| Error::new(ErrorKind::Usage, say!("no ledger found")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_uuid(id: &str) -> bool {
        id.len() == 36
            && id.as_bytes()[14] == b'4'
            && b"89ab".contains(&id.as_bytes()[19])
            && id.split('-').map(str::len).eq([8, 4, 4, 4, 12])
    }

    #[test]
    fn every_id_is_a_uuid_and_each_submit_has_its_own() {
        for bits in [0, u128::MAX, fastrand::u128(..)] {
            assert!(is_uuid(&uuid(bits)), "{}", uuid(bits));
        }
        let id = |attempt: &str, body: &str| prompt_id(&attempt.into(), Digest::of(body));
        assert!(is_uuid(&id("a", "x")));
        assert_eq!(id("a", "x"), id("a", "x"));
        assert_ne!(id("a", "x"), id("b", "x"));
        assert_ne!(id("a", "x"), id("a", "y"));
    }
}
