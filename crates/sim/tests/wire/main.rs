//! The simulator over real sockets, seen by a client that was written from the documents.

mod apps;
mod common;
mod endpoints;
mod faults;
mod file_faults;
mod proxy;
mod recordings;
mod rules;
mod socket;
