//! The fault lab: numbered by name, each case is a server's script, the network's faults, a command line, and what has to
//! be true afterwards. What every case has to keep to is in `check.rs`.

// Signals, shells and limits are those of Unix.
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
