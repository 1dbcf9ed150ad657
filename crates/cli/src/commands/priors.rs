//! The file of `--priors`.

use std::{error::Error as _, fs};

use runninghub::{Priors, Untrusted};

use super::context::Context;
use crate::exit::Error;

impl Context {
    /// The expected durations of node classes.
    pub(super) fn priors(&self) -> Result<Priors, Error> {
        let Some(path) = &self.global.priors else { return Ok(Priors::default()) };
        let name = Untrusted::from(path.to_string_lossy());
        let hint = "`--priors` names a JSON file like `{\"classes\": [{\"matches\": [\"MyUpscaler\"], \"seconds\": 40}]}`";
        let text = fs::read_to_string(path)
            .map_err(|error| Error::usage(format!("cannot read the priors {name}: {error}")).hint(hint))?;
        Priors::parse(&text).map_err(|error| {
            let reason = Untrusted::from(error.source().unwrap_or(&error).to_string());
            Error::usage(format!("cannot use the priors {name}: {reason}")).hint(hint)
        })
    }
}
