//! Windows.

mod echo;
mod files;
mod group;
mod memory;
mod signals;
mod terminal;

pub(crate) use echo::Echo;
pub(crate) use files::{is_open_to_others, private};
pub(crate) use group::Group;
pub(crate) use memory::keep_memory_private;
pub(crate) use signals::{Signals, die, has_come, suspend, take};
#[cfg(feature = "preview")]
pub(crate) use terminal::cell;
pub(crate) use terminal::is_one_place;
