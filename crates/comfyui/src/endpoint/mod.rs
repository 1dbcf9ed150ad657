//! One file per endpoint.

pub(crate) mod features;
pub(crate) mod history;
pub(crate) mod interrupt;
pub(crate) mod jobs;
pub(crate) mod object_info;
pub(crate) mod prompt;
pub(crate) mod queue;
pub(crate) mod replacements;
pub(crate) mod system_stats;
pub(crate) mod upload;
pub(crate) mod view;
