//! Where a task is: on RunningHub, or on a ComfyUI.

use std::path::Path;

use runninghub::{Comfy, Intermediates, Observation, Place, RunningHub, Save, Site, TaskId};

use super::{
    comfy::check_place,
    context::{Context, Settings},
};
use crate::exit::Error;

/// What following a task and keeping its results need.
pub(super) trait Service {
    fn save(&self, task: &TaskId, dir: &Path) -> Save;

    /// Keeps what is no result; `None` where all of it is one.
    fn intermediates(&self, _task: &TaskId, _dir: &Path) -> Option<Intermediates> {
        None
    }

    /// The site; the default where there is none.
    fn site(&self) -> Site;
}

impl Service for RunningHub {
    fn save(&self, task: &TaskId, dir: &Path) -> Save {
        Self::save(self, task, dir)
    }

    fn intermediates(&self, task: &TaskId, dir: &Path) -> Option<Intermediates> {
        Some(Self::intermediates(self, task, dir))
    }

    fn site(&self) -> Site {
        Self::site(self)
    }
}

impl Service for Comfy {
    fn save(&self, task: &TaskId, dir: &Path) -> Save {
        Self::save(self, task, dir)
    }

    fn site(&self) -> Site {
        Site::default()
    }
}

/// The one that the options name.
#[derive(Clone, Debug)]
pub(super) enum Named {
    Platform(RunningHub),
    Comfy(Comfy),
}

impl Named {
    pub(super) fn connect(context: &mut Context, settings: Settings) -> Result<Self, Error> {
        Ok(if context.global.server.is_some() {
            Self::Comfy(context.server(settings)?)
        } else {
            Self::Platform(context.connect(settings)?)
        })
    }

    /// The one where a submit of the ledger was made.
    pub(super) fn at(context: &mut Context, place: &Place) -> Result<Self, Error> {
        check_place(place)?;
        Ok(if let Place::RunningHub { .. } = place {
            Self::Platform(context.connect(Settings::of(place))?)
        } else {
            Self::Comfy(context.server_at(place)?)
        })
    }

    /// Where the task stands, and no more than that.
    pub(super) async fn status(&self, task: &TaskId) -> Result<Observation, Error> {
        Ok(match self {
            Self::Platform(hub) => Observation::of(hub.status(task).await?),
            Self::Comfy(comfy) => comfy.outputs(task).await?,
        })
    }

    pub(super) async fn outputs(&self, task: &TaskId) -> Result<Observation, runninghub::Error> {
        match self {
            Self::Platform(hub) => hub.outputs(task).await,
            Self::Comfy(comfy) => comfy.outputs(task).await,
        }
    }

    pub(super) fn api_calls(&self) -> u64 {
        match self {
            Self::Platform(hub) => hub.api_calls(),
            Self::Comfy(comfy) => comfy.api_calls(),
        }
    }

    /// Why a recording that was asked for has not been kept.
    pub(super) fn recording_failure(&self) -> Option<String> {
        match self {
            Self::Platform(hub) => hub.recording_failure(),
            Self::Comfy(comfy) => comfy.recording_failure(),
        }
    }

    pub(super) async fn cancel(&self, task: &TaskId) -> Result<(), Error> {
        match self {
            Self::Platform(hub) => hub.cancel(task).await?,
            Self::Comfy(comfy) => comfy.cancel(task).await?,
        }
        Ok(())
    }
}

impl Service for Named {
    fn save(&self, task: &TaskId, dir: &Path) -> Save {
        match self {
            Self::Platform(hub) => hub.save(task, dir),
            Self::Comfy(comfy) => comfy.save(task, dir),
        }
    }

    fn site(&self) -> Site {
        match self {
            Self::Platform(hub) => hub.site(),
            Self::Comfy(comfy) => Service::site(comfy),
        }
    }
}
