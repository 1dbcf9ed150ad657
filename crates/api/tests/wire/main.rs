//! The client against servers that do exactly what a test specifies, over real sockets.

mod apps;
mod create;
mod file_progress;
mod models;
mod outcomes;
mod requests;
mod sim;
mod support;
mod waiting;
mod webhooks;
