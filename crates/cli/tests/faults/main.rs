//! The fault lab. Each case has a name, a server script, network faults, a command line, and expected results. The
//! invariants of every case are in `check.rs`.

// Signals, shells and limits work as on Unix.
#![cfg(unix)]

mod case;
mod check;
mod create;
mod disk;
mod encryption;
mod itself;
mod lab;
mod models;
mod places;
mod polling;
mod pool;
mod process;
mod results;
mod running;
mod socket;
mod terminal;
mod tunnel;
