#![doc = include_str!("../README.md")]
#![warn(clippy::expect_used, clippy::unwrap_used)]

mod catalog;
mod error;
mod file;
mod model;
mod name;
mod one_value;
mod values;

pub use catalog::{Catalog, Skipped};
pub use error::Error;
pub use model::{Kind, Model, Param, ParamKind, Price};
pub use values::Input;
