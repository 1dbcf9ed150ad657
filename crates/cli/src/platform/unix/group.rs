//! A command with all processes that it starts.

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

/// The process group of a command. Dropping it kills the group, unless the command has ended by itself.
#[derive(Debug)]
pub(crate) struct Group(Option<Pid>);

impl Group {
    /// The command gets a group of its own: Ctrl-C is not for it.
    pub(crate) fn apart(command: &mut Command) {
        command.process_group(0);
    }

    /// The group of a command that was started apart.
    pub(crate) fn of(child: &Child) -> Self {
        Self(child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw))
    }

    /// Releases the group: background processes of a finished command go on.
    pub(crate) fn let_go(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}
