//! Batches against a simulated RunningHub, over real sockets.

mod brakes;
mod lab;
mod money;
mod paid_once;
