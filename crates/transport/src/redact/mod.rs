//! Removes secrets from stored data.

mod redactor;
mod rule;
#[cfg(test)]
mod tests;
mod view;

pub use redactor::Redactor;
