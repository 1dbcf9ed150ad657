//! The simulator over real sockets, tested by a client that was written from the documentation.

mod apps;
mod common;
mod endpoints;
mod faults;
mod file_faults;
mod models;
mod proxy;
mod recordings;
mod rules;
mod socket;
