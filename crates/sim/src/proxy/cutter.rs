//! Finds the position of events in a stream.

use std::{collections::BTreeSet, sync::OnceLock};

use bytes::Bytes;

use super::toxic::{Break, Direction, Event, Kind, Spot, Toxic};

/// One direction of a connection while it is read.
#[derive(Debug)]
pub(super) struct Cutter<'a> {
    direction: Direction,
    number: u64,
    path: &'a OnceLock<String>,
    /// Bytes so far.
    offset: u64,
    /// The last bytes, which may contain the start of the head's end marker.
    tail: Vec<u8>,
    head: Option<u64>,
    /// The ids of toxics that were applied: each one is applied once.
    struck: BTreeSet<u64>,
}

/// The next step.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Step {
    Write(Bytes),
    Cut,
    Reset,
    Silence,
    HalfClose,
    Break(Break),
    /// The peer has finished.
    End,
}

/// The end of an HTTP head.
const BLANK: &[u8] = b"\r\n\r\n";

impl<'a> Cutter<'a> {
    pub(super) fn new(direction: Direction, number: u64, path: &'a OnceLock<String>) -> Self {
        Self { direction, number, path, offset: 0, tail: Vec::new(), head: None, struck: BTreeSet::new() }
    }

    pub(super) fn direction(&self) -> Direction {
        self.direction
    }

    /// Whether a toxic applies here, as far as is known yet.
    pub(super) fn is_under(&self, toxic: &Toxic) -> bool {
        toxic.holds(self.direction, self.number, self.path.get().map(String::as_str))
    }

    /// Processes the next bytes. `toxics` come with stable ids.
    pub(super) fn take(&mut self, bytes: &[u8], toxics: &[(u64, Toxic)]) -> Vec<Step> {
        self.look(bytes);
        let mut bytes = bytes.to_vec();
        let mut events: Vec<(usize, u64, &Event)> =
            toxics.iter().filter_map(|(id, toxic)| self.strikes(*id, toxic, bytes.len())).collect();
        events.sort_by_key(|(index, ..)| *index);
        let (mut steps, mut written) = (Vec::new(), 0);
        for (index, id, event) in events {
            self.struck.insert(id);
            let step = match event {
                Event::Corrupt => {
                    bytes[index] = !bytes[index];
                    continue;
                }
                Event::Insert(own) => Step::Write(own.clone()),
                Event::Cut => Step::Cut,
                Event::Reset => Step::Reset,
                Event::Silence => Step::Silence,
                Event::HalfClose => Step::HalfClose,
                Event::Break(how) => Step::Break(*how),
            };
            if index > written {
                steps.push(Step::Write(Bytes::copy_from_slice(&bytes[written..index])));
                written = index;
            }
            steps.push(step);
        }
        if bytes.len() > written {
            steps.push(Step::Write(Bytes::copy_from_slice(&bytes[written..])));
        }
        self.offset += bytes.len() as u64;
        steps
    }

    /// Detects the request's path and the end of the head.
    fn look(&mut self, bytes: &[u8]) {
        if self.direction == Direction::Up && self.offset == 0 {
            let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
            let path = std::str::from_utf8(line).ok().and_then(|line| line.split(' ').nth(1));
            // Keep the first path.
            _ = self.path.set(path.unwrap_or_default().to_owned());
        }
        if self.head.is_none() {
            let before = self.tail.len();
            self.tail.extend_from_slice(bytes);
            let end = self.tail.windows(BLANK.len()).position(|window| window == BLANK);
            self.head = end.map(|end| self.offset + (end + BLANK.len()) as u64 - before as u64);
            self.tail.drain(..self.tail.len().saturating_sub(BLANK.len() - 1));
        }
    }

    /// The first position within the next `length` bytes at which a toxic is applied. An event after a byte occurs as
    /// soon as that byte arrives.
    fn strikes<'t>(&self, id: u64, toxic: &'t Toxic, length: usize) -> Option<(usize, u64, &'t Event)> {
        let Kind::At(spot, event) = &toxic.kind else { return None };
        if self.struck.contains(&id) || !self.is_under(toxic) {
            return None;
        }
        let byte = match *spot {
            Spot::Start(byte) => byte,
            Spot::Head(byte) => self.head? + byte,
        };
        let index = usize::try_from(byte.saturating_sub(self.offset)).ok()?;
        let limit = if *event == Event::Corrupt { length.checked_sub(1)? } else { length };
        (index <= limit).then_some((index, id, event))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(toxics: &[Toxic], pieces: &[&str]) -> Vec<Step> {
        let path = OnceLock::new();
        path.set("/a".to_owned()).unwrap();
        let toxics: Vec<_> = (0..).zip(toxics.iter().cloned()).collect();
        let mut cutter = Cutter::new(Direction::Down, 0, &path);
        pieces.iter().flat_map(|piece| cutter.take(piece.as_bytes(), &toxics)).collect()
    }

    fn text(text: &'static str) -> Step {
        Step::Write(Bytes::from_static(text.as_bytes()))
    }

    #[test]
    fn events_come_at_their_byte_and_once() {
        assert_eq!(take(&[Toxic::cut(3)], &["abcdef"]), [text("abc"), Step::Cut, text("def")]);
        assert_eq!(take(&[Toxic::reset(3)], &["abc", "d"]), [text("abc"), Step::Reset, text("d")]);
        assert_eq!(take(&[Toxic::silence(0)], &["a", "b"]), [Step::Silence, text("a"), text("b")]);
        let both = [Toxic::insert(4, "!"), Toxic::insert(1, "?")];
        assert_eq!(
            take(&both, &["abc", "def"]),
            [text("a"), text("?"), text("bc"), text("d"), text("!"), text("ef")]
        );
        let Step::Write(bytes) = take(&[Toxic::corrupt(1)], &["a", "b"]).remove(1) else { panic!() };
        assert_eq!(bytes[0], !b'b');
    }

    #[test]
    fn the_head_is_found_across_pieces() {
        let toxic = [Toxic::insert(0, "!").after_head()];
        let pieces = ["HTTP/1.1 101 x\r", "\n", "\r", "\nframes"];
        let steps = take(&toxic, &pieces);
        assert_eq!(&steps[3..], [text("\n"), text("!"), text("frames")]);
        assert_eq!(take(&toxic, &["x\r\n\r\n"]), [text("x\r\n\r\n"), text("!")]);
        assert_eq!(
            take(&[Toxic::cut(2).after_head()], &["\r\n\r\na", "bc"]),
            [text("\r\n\r\na"), text("b"), Step::Cut, text("c")]
        );
    }

    #[test]
    fn toxics_choose_their_connections() {
        let holds = |toxic: Toxic, number| toxic.holds(Direction::Down, number, Some("/ws/c"));
        assert!(holds(Toxic::cut(0).first(1), 0) && !holds(Toxic::cut(0).first(1), 1));
        assert!(!holds(Toxic::cut(0).skip(1).first(1), 0) && holds(Toxic::cut(0).skip(1).first(1), 1));
        assert!(holds(Toxic::cut(0).on_path("/ws/"), 7) && !holds(Toxic::cut(0).on_path("/task/"), 7));
        assert!(!holds(Toxic::cut(0).up(), 0) && holds(Toxic::latency(std::time::Duration::ZERO), 0));
    }
}
