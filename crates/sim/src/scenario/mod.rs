//! The run of a workflow's task: its graph, its timed frames, its end and its files.

mod demo;
mod frame;
mod improvise;
mod load;
mod model;
mod recorded;
mod rounds;
mod script;

pub(crate) use self::{
    frame::{Body, Frame, Mark},
    improvise::{last_nodes, link, needed},
    model::{End, File, extension, made_up, saved_files, seed_of},
};
pub use self::{
    model::Scenario,
    recorded::Recorded,
    script::{Script, ScriptNode},
};
