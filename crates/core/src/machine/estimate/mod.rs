//! The remaining time, and the overall fraction derived from it: elapsed ÷ (elapsed + left).
//!
//! Expectations come from the table or from earlier runs. Measurements correct them: the pace of the steps applies to
//! the running node and to the nodes still to run on the same machine.

mod eta;
mod known;
mod left;
mod loops;
mod shown;
mod steps;

pub(super) use known::Estimate;
pub(super) use loops::Iteration;
pub(super) use shown::BEFORE_SUCCESS;
pub(super) use steps::Steps;
