//! The file of `--priors`.

use std::error::Error as _;

use runninghub::{Fact, Priors, say};

use super::context::Context;
use crate::{exit::Error, input};

impl Context {
    /// The expected durations of node classes.
    pub(super) fn priors(&self) -> Result<Priors, Error> {
        self.find_priors().map_err(|error| error.about("priors"))
    }

    fn find_priors(&self) -> Result<Priors, Error> {
        let Some(path) = &self.global.priors else { return Ok(Priors::default()) };
        let name = || path.display();
        let hint = || {
            say!(
                "`--priors` takes a JSON file like `{{\"classes\": [{{\"matches\": [\"MyUpscaler\"], \"seconds\": 40}}]}}`"
            )
        };
        let text = input::read(path).map_err(|why| {
            let message = say!("cannot read the priors {name}: {why}", name = name(), why);
            Error::usage(message).hint(hint())
        })?;
        Priors::parse(&text).map_err(|error| {
            let why = Fact::of(error.source().unwrap_or(&error));
            Error::usage(say!("cannot use the priors {name}: {why}", name = name(), why)).hint(hint())
        })
    }
}
