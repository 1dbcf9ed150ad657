//! Downloads from servers that do exactly what a test specifies, over real sockets.

mod download;
mod progress;
mod resume;
#[expect(dead_code, reason = "the tests of another crate use the rest")]
mod server;
mod support;
