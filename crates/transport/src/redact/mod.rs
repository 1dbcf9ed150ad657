//! Taking secrets out of what is kept.

mod redactor;
mod rule;
mod view;

pub use redactor::Redactor;
