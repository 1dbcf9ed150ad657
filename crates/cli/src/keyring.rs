//! The system keyring, with one entry for each profile.

pub(crate) use imp::{delete, read, write};

#[cfg(feature = "keyring")]
mod imp {
    use keyring::Entry;
    use runninghub::say;

    use crate::exit::{Error, Exit, chain};

    /// The service name of the entries.
    const SERVICE: &str = "rhub";

    /// Reads the key of a profile.
    pub(crate) fn read(profile: &str) -> Result<String, Error> {
        entry(profile)?.get_password().map_err(|error| failed(profile, &error))
    }

    /// Stores the key of a profile.
    pub(crate) fn write(profile: &str, key: &str) -> Result<(), Error> {
        entry(profile)?.set_password(key).map_err(|error| failed(profile, &error))
    }

    /// Deletes the key of a profile.
    pub(crate) fn delete(profile: &str) -> Result<(), Error> {
        entry(profile)?.delete_credential().map_err(|error| failed(profile, &error))
    }

    fn entry(profile: &str) -> Result<Entry, Error> {
        Entry::new(SERVICE, profile).map_err(|error| failed(profile, &error))
    }

    fn failed(profile: &str, error: &keyring::Error) -> Error {
        // The first error is why there is no store.
        let error = match (error, Entry::store_status()) {
            (keyring::Error::NoDefaultStore, Err(why)) => why,
            (error, _) => error,
        };
        let what = match error {
            keyring::Error::NoEntry => say!("the keyring has no key for the profile `{profile}`", profile),
            error => say!("cannot use the keyring: {why}", why = chain(error)),
        };
        Error::new(Exit::Store, what)
            .hint(say!("unlock the keyring, or run `rhub login` without `--keyring`"))
    }
}

#[cfg(not(feature = "keyring"))]
mod imp {
    use runninghub::say;

    use crate::exit::Error;

    /// This build has no keyring.
    pub(crate) fn read(_: &str) -> Result<String, Error> {
        Err(none())
    }

    /// This build has no keyring.
    pub(crate) fn write(_: &str, _: &str) -> Result<(), Error> {
        Err(none())
    }

    /// This build has no keyring.
    pub(crate) fn delete(_: &str) -> Result<(), Error> {
        Err(none())
    }

    fn none() -> Error {
        Error::usage(say!("this build of rhub does not support keyrings")).hint(say!(
            "run `rhub login` without `--keyring`, or install with `cargo install --features keyring`"
        ))
    }
}
