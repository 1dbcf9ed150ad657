//! Tools that are not part of Rust. Nothing here installs one.

use xshell::{Shell, cmd};

/// Whether `cargo NAME` is installed.
pub(crate) fn is_there(shell: &Shell, name: &str) -> bool {
    cmd!(shell, "cargo {name} --version")
        .quiet()
        .ignore_stderr()
        .ignore_status()
        .output()
        .is_ok_and(|done| done.status.success())
}
