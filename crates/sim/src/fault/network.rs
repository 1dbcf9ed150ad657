//! Faults of the network.

use super::Fault;
use crate::Toxic;

impl Fault {
    /// The network fault, if it is one.
    pub(crate) fn toxic(&self) -> Option<&Toxic> {
        if let Self::Network(toxic) = self { Some(toxic) } else { None }
    }
}
