//! Taking secrets out of what is kept.

mod redactor;
mod rule;
#[cfg(test)]
mod tests;
mod view;

pub use redactor::Redactor;
