//! The rules of this repository that no compiler checks.

mod arrows;
mod bans;
mod check;
mod endpoints;
mod layout;
mod licences;
mod manifest;
mod messages;
mod promises;
mod source;

pub(crate) use check::tidy;
