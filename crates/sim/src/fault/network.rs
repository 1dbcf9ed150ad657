//! The faults that are not the server's.

use super::Fault;
use crate::Toxic;

impl Fault {
    /// What connections suffer from, if that is what the fault is about.
    pub(crate) fn toxic(&self) -> Option<&Toxic> {
        if let Self::Network(toxic) = self { Some(toxic) } else { None }
    }
}
