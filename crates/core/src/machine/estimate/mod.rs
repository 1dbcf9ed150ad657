//! How much time is left, and the overall figure that follows from it: elapsed ÷ (elapsed + left).
//!
//! What is expected comes from the table, or from earlier runs. What is measured corrects it: the pace of the steps, for
//! the node that runs and for those that the same machine has yet to run.

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
