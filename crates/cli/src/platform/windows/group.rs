//! A command. Processes that it starts are not followed on this system.

use tokio::process::{Child, Command};

/// Stands for a command.
#[derive(Debug)]
pub(crate) struct Group;

impl Group {
    /// Nothing has to be done.
    pub(crate) fn apart(_: &mut Command) {}

    /// The group of a command.
    pub(crate) fn of(_: &Child) -> Self {
        Self
    }

    /// Nothing has to be done.
    pub(crate) fn let_go(&mut self) {}
}
