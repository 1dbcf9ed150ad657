//! Prepares a recorded workflow to run again.

use std::path::{Path, PathBuf};

use runninghub::{
    Cost, NativeProxy, Recorded, Site, Submit, say, sentence_of,
    testing::{Spent, spent},
    transport::{Recording, SNAPSHOT},
};

use super::check::{self, Fault};

/// A recorded run that is about to be repeated.
pub(super) struct Ready {
    /// The folder of the recording.
    pub(super) folder: PathBuf,
    pub(super) submit: Submit,
    /// The site where it ran.
    pub(super) site: Option<Site>,
    pub(super) spent: Spent,
}

impl Ready {
    /// Reads everything before anything runs. `must_have_snapshot` unless the new run is accepted.
    pub(super) fn read(folder: &Path, on_server: bool, must_have_snapshot: bool) -> Result<Self, Fault> {
        let timeline = check::read(folder)?;
        if timeline.runs.len() > 1 {
            return Err(Fault::new(say!(
                "the recording has several runs; only a recording of a single run can be repeated"
            )));
        }
        if must_have_snapshot && !folder.join(SNAPSHOT).is_file() {
            return Err(Fault::new(say!("there is no snapshot yet")).hint(say!("write it with `--accept`")));
        }
        let of = |error: runninghub::Error| {
            Fault::new(sentence_of(&error)).hint(say!("record it again with `rhub run … --record DIR`"))
        };
        let recording = Recording::open(folder).map_err(|error| Fault::new(sentence_of(&error)))?;
        let graph = recording.workflow_text(0).map_err(|error| Fault::new(sentence_of(&error)))?;
        let recorded = Recorded::read(&recording, folder).map_err(of)?;
        let place = recorded.as_ref().map(|recorded| &*recorded.place);
        let site = place.and_then(|place| place.parse::<Site>().ok());
        let submit = match (on_server, recorded, graph) {
            (true, Some(recorded), Some(graph)) => recorded.submit_to_comfyui(graph).map_err(of)?,
            (true, None, Some(graph)) => Submit::graph(graph),
            (true, _, None) => {
                return Err(Fault::new(say!("the recording doesn't have the workflow that ran")));
            }
            (false, Some(recorded), graph) if site.is_some() => recorded.submit(graph).map_err(of)?,
            (false, Some(recorded), _) if recorded.place.parse::<NativeProxy>().is_ok() => {
                let place = recorded.place;
                return Err(Fault::new(say!("it was recorded on RunningHub's native proxy"))
                    .hint(say!("run it there with `--server {place}`", place)));
            }
            (false, Some(_), _) => {
                return Err(Fault::new(say!("it was recorded on a ComfyUI server"))
                    .hint(say!("run it there with `--server URL`")));
            }
            (false, None, _) => {
                return Err(Fault::new(say!("the recording doesn't contain the submit")).hint(say!(
                    "record it again with `rhub run … --record DIR`, or run its workflow with `--server URL`"
                )));
            }
        };
        let spent = spent(&recording).map_err(of)?.into_iter().next().unwrap_or_default();
        Ok(Self {
            folder: folder.to_owned(),
            submit: submit.label(folder.display().to_string()),
            site,
            spent,
        })
    }

    /// The cost of the recorded run, if the platform reported it.
    pub(super) fn cost(&self) -> Option<&Cost> {
        self.spent.cost.as_ref().filter(|cost| cost.amount().is_some())
    }
}
