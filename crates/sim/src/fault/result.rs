//! The hooks of results: the list of files, and the response to a link.

use std::sync::atomic::Ordering;

use super::{Fault, Faults};

/// The faults of one file response.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fault of its own, and they combine")]
pub(crate) struct Delivery {
    /// Breaks off after this many bytes of its body.
    pub(crate) cut: Option<usize>,
    /// Omits the last byte.
    pub(crate) is_short: bool,
    /// Has different content than the first response.
    pub(crate) is_changed: bool,
    /// Ignores ranges.
    pub(crate) is_whole: bool,
    /// Claims that a range begins a byte later.
    pub(crate) is_shifted: bool,
    /// The status instead of a range.
    pub(crate) refused: Option<u16>,
    /// Bytes per second.
    pub(crate) speed: Option<usize>,
    /// Is compressed with gzip.
    pub(crate) is_packed: bool,
    /// Never ends.
    pub(crate) is_endless: bool,
}

impl Faults {
    /// How many of the files the next successful response lists.
    pub(crate) fn listed(&self, files: usize) -> usize {
        let lists = self.active.iter().find_map(|active| match active.fault {
            Fault::EmptyOutputsFirst(count) => Some((active.hits.fetch_add(1, Ordering::Relaxed), count)),
            _ => None,
        });
        match lists {
            Some((polls, count)) if polls < count => files * polls as usize / count as usize,
            _ => files,
        }
    }

    pub(crate) fn lists_files_of_failed(&self) -> bool {
        self.has(&Fault::FilesOfFailed)
    }

    pub(crate) fn hides_node_files(&self) -> bool {
        self.has(&Fault::NoNodeFiles)
    }

    pub(crate) fn expires_links(&self) -> bool {
        self.has(&Fault::ExpiredLinks)
    }

    /// Before a file response.
    pub(crate) fn delivery(&self) -> Delivery {
        let mut delivery = Delivery::default();
        for active in &self.active {
            let turn = || active.hits.fetch_add(1, Ordering::Relaxed);
            match active.fault {
                Fault::CutFiles { at, times } if turn() < times => delivery.cut = Some(at),
                Fault::SlowFiles { speed, times } if turn() < times => delivery.speed = Some(speed),
                Fault::FilesChange => delivery.is_changed = turn() > 0,
                Fault::ShortFiles => delivery.is_short = true,
                Fault::NoRanges => delivery.is_whole = true,
                Fault::WrongRange => delivery.is_shifted = true,
                Fault::RangeRefused(status) => delivery.refused = Some(status),
                Fault::PackedFiles => delivery.is_packed = true,
                Fault::EndlessFiles => delivery.is_endless = true,
                _ => {}
            }
        }
        delivery
    }
}
