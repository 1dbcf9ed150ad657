//! Names, values and descriptions.

use std::{str::FromStr, time::Duration};

use super::{Fault, FaultInfo, Rate};
use crate::{Error, ErrorKind, Toxic};

type Parse = fn(&str) -> Option<Fault>;

const TABLE: &[(FaultInfo, Parse)] = &[
    (info("queue-delay", "SECONDS", "tasks wait this long in the queue"), |v| {
        seconds(v).map(Fault::QueueDelay)
    }),
    (info("url-never", "", "a running task never tells its socket's address"), |v| flag(v, Fault::UrlNever)),
    (info("url-late", "SECONDS", "the address is told only this long after the start"), |v| {
        seconds(v).map(Fault::UrlLate)
    }),
    (info("url-in-create", "", "the answer to create tells the address already"), |v| {
        flag(v, Fault::UrlInCreate)
    }),
    (info("handshake-refused", "[STATUS]", "the socket's handshake is refused (403)"), |v| {
        number_or(v, 403).filter(|status| (400..600).contains(status)).map(Fault::HandshakeRefused)
    }),
    (
        info(
            "drop-at",
            "FRAME[,TIMES]",
            "the connection is cut at this frame, and later ones, TIMES in all (1)",
        ),
        |v| {
            let (frame, times) = v.split_once(',').unwrap_or((v, "1"));
            Some(Fault::DropAt { frame: frame.parse().ok()?, times: times.parse().ok()? })
        },
    ),
    (
        info(
            "cut-before-end",
            "[SECONDS]",
            "the connection is cut before the last frames, or this long before they are due",
        ),
        |v| {
            if v.is_empty() {
                Some(Fault::CutBeforeEnd(Duration::ZERO))
            } else {
                seconds(v).map(Fault::CutBeforeEnd)
            }
        },
    ),
    (info("silence-at", "FRAME", "from this frame on nothing is sent; the task goes on"), |v| {
        v.parse().ok().map(Fault::SilenceAt)
    }),
    (info("last-frames-never", "", "the last frames are never sent"), |v| flag(v, Fault::LastFramesNever)),
    (info("late-join", "SECONDS", "the task seems queued until this long after its start"), |v| {
        seconds(v).map(Fault::LateJoin)
    }),
    (info("duplicate-frames", "PROBABILITY", "frames are sent twice"), |v| {
        probability(v).map(Fault::DuplicateFrames)
    }),
    (info("reorder-frames", "PROBABILITY", "frames change places with the next one"), |v| {
        probability(v).map(Fault::ReorderFrames)
    }),
    (info("slow-answers", "SECONDS", "every answer takes this much longer"), |v| {
        seconds(v).map(Fault::SlowAnswers)
    }),
    (info("header-keys", "", "keys in the body of a legacy call are not accepted, the header's are"), |v| {
        flag(v, Fault::HeaderKeys)
    }),
    (info("lost-create-answer", "[RATE]", "the task is made, its answer is lost (the first time)"), |v| {
        rate(v).map(Fault::LostCreateAnswer)
    }),
    (info("lost-answers", "RATE", "answers to other calls are lost"), |v| rate(v).map(Fault::LostAnswers)),
    (info("http-5xx", "RATE", "calls other than create are answered with HTTP 502"), |v| {
        rate(v).map(Fault::Http5xx)
    }),
    (info("html", "RATE", "calls other than create are answered with a web page"), |v| {
        rate(v).map(Fault::Html)
    }),
    (info("expired-links", "", "links answer 403 until outputs are asked for again"), |v| {
        flag(v, Fault::ExpiredLinks)
    }),
    (info("cut-files", "BYTES[,TIMES]", "answers with a file break off there, TIMES in all (1)"), |v| {
        let (at, times) = v.split_once(',').unwrap_or((v, "1"));
        Some(Fault::CutFiles { at: at.parse().ok()?, times: times.parse().ok()? })
    }),
    (info("short-files", "", "answers with a file end a byte early"), |v| flag(v, Fault::ShortFiles)),
    (info("files-change", "", "after the first answer with a file its content is another"), |v| {
        flag(v, Fault::FilesChange)
    }),
    (info("no-ranges", "", "whole files come where a part was asked for"), |v| flag(v, Fault::NoRanges)),
    (info("wrong-range", "", "parts say that they begin a byte later than they do"), |v| {
        flag(v, Fault::WrongRange)
    }),
    (info("range-refused", "[STATUS]", "questions for a part of a file are refused (416)"), |v| {
        number_or(v, 416).filter(|status| (400..600).contains(status)).map(Fault::RangeRefused)
    }),
    (
        info("slow-files", "SPEED[,TIMES]", "answers with a file trickle, bytes a second, TIMES in all (1)"),
        |v| {
            let (speed, times) = v.split_once(',').unwrap_or((v, "1"));
            Some(Fault::SlowFiles { speed: speed.parse().ok()?, times: times.parse().ok()? })
        },
    ),
    (info("packed-files", "", "files come packed with gzip"), |v| flag(v, Fault::PackedFiles)),
    (info("endless-files", "", "files have no length and no end"), |v| flag(v, Fault::EndlessFiles)),
    (info("no-node-files", "", "a login page comes for files that only the socket names"), |v| {
        flag(v, Fault::NoNodeFiles)
    }),
    (info("settle", "SECONDS", "results are ready this long after the last frames"), |v| {
        seconds(v).map(Fault::Settle)
    }),
    (info("empty-outputs-first", "COUNT", "the first answers that say success lack files"), |v| {
        v.parse().ok().map(Fault::EmptyOutputsFirst)
    }),
    (info("task-fails", "", "runs end with an error"), |v| flag(v, Fault::TaskFails)),
    (info("files-of-failed", "", "a task that fails lists its files in the v2 answer"), |v| {
        flag(v, Fault::FilesOfFailed)
    }),
    (info("queue-full", "COUNT", "the first creates are answered with 421"), |v| {
        v.parse().ok().map(Fault::QueueFull)
    }),
    (info("cancel-refused", "", "cancel is refused, the task goes on"), |v| flag(v, Fault::CancelRefused)),
    (info("connection-limit", "COUNT", "at most so many sockets are open at once"), |v| {
        v.parse().ok().map(Fault::ConnectionLimit)
    }),
    (info("binary-garbage", "", "odd binary messages between the frames"), |v| flag(v, Fault::BinaryGarbage)),
    (info("unknown-frames", "", "messages of custom nodes between the frames"), |v| {
        flag(v, Fault::UnknownFrames)
    }),
    (info("big-frame", "BYTES", "one text message of this size"), |v| v.parse().ok().map(Fault::BigFrame)),
    (info("latency", "SECONDS[,JITTER]", "bytes arrive later on every connection, both ways"), |v| {
        let (delay, jitter) = v.split_once(',').unwrap_or((v, "0"));
        Some(Fault::Network(Toxic::latency(seconds(delay)?).jitter(seconds(jitter)?)))
    }),
    (info("bandwidth", "SPEED", "at most so many bytes a second on each connection, each way"), |v| {
        network(v, Toxic::bandwidth)
    }),
    (info("cut-after", "BYTES", "every connection ends after so many bytes from the server"), |v| {
        network(v, Toxic::cut)
    }),
    (info("reset-after", "BYTES", "every connection is reset after so many bytes from the server"), |v| {
        network(v, Toxic::reset)
    }),
    (
        info(
            "black-hole-after",
            "BYTES",
            "every connection falls silent after so many bytes from the server",
        ),
        |v| network(v, Toxic::silence),
    ),
    (
        info("corrupt-byte", "BYTE", "this byte of what the server sends is damaged on every connection"),
        |v| network(v, Toxic::corrupt),
    ),
];

impl Fault {
    /// Every fault with its value and a one-line description. RATE is a count ("the first 3": `3`) or a probability
    /// with a point in it (`0.3`, `1.0`).
    pub fn all() -> impl Iterator<Item = FaultInfo> {
        TABLE.iter().map(|(info, _)| *info)
    }
}

impl FromStr for Fault {
    type Err = Error;

    /// Reads `NAME` or `NAME=VALUE`.
    fn from_str(text: &str) -> Result<Self, Error> {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        let Some((info, parse)) = TABLE.iter().find(|(info, _)| info.name == name) else {
            return Err(Error::new(ErrorKind::Fault, format_args!("no fault is called {name:?}")));
        };
        parse(value).ok_or_else(|| {
            let wanted = if info.value.is_empty() { "no value" } else { info.value };
            Error::new(ErrorKind::Fault, format_args!("fault {name} takes {wanted}, not {value:?}"))
        })
    }
}

const fn info(name: &'static str, value: &'static str, about: &'static str) -> FaultInfo {
    FaultInfo { name, value, about }
}

fn flag(value: &str, fault: Fault) -> Option<Fault> {
    value.is_empty().then_some(fault)
}

fn network(value: &str, toxic: fn(u64) -> Toxic) -> Option<Fault> {
    value.parse().ok().map(toxic).map(Fault::Network)
}

fn seconds(value: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(value.parse().ok()?).ok()
}

fn probability(value: &str) -> Option<f64> {
    value.parse().ok().filter(|chance| (0.0..=1.0).contains(chance))
}

fn rate(value: &str) -> Option<Rate> {
    match value {
        "" => Some(Rate::First(1)),
        chance if chance.contains('.') => probability(chance).map(Rate::Chance),
        count => count.parse().ok().map(Rate::First),
    }
}

fn number_or<T: FromStr>(value: &str, default: T) -> Option<T> {
    if value.is_empty() { Some(default) } else { value.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_reads_a_value_of_its_kind() {
        for info in Fault::all() {
            let value = match info.value {
                "" => String::new(),
                "SECONDS" => "=0.5".to_owned(),
                "PROBABILITY" | "RATE" | "[RATE]" => "=0.25".to_owned(),
                "[STATUS]" => "=503".to_owned(),
                _ => "=7".to_owned(),
            };
            let fault = format!("{}{value}", info.name).parse::<Fault>();
            assert!(fault.is_ok(), "{}: {fault:?}", info.name);
        }
    }

    #[test]
    fn the_readme_lists_every_fault() {
        for info in Fault::all() {
            let readme = include_str!("../../README.md");
            let row = format!("| `{}", info.name);
            assert!(readme.contains(&row) && readme.contains(info.about), "{}", info.name);
        }
    }

    #[test]
    fn values_are_read_as_the_list_says() {
        assert_eq!("drop-at=12,3".parse::<Fault>().unwrap(), Fault::DropAt { frame: 12, times: 3 });
        assert_eq!("drop-at=12".parse::<Fault>().unwrap(), Fault::DropAt { frame: 12, times: 1 });
        assert_eq!("html=2".parse::<Fault>().unwrap(), Fault::Html(Rate::First(2)));
        assert_eq!("html=1.0".parse::<Fault>().unwrap(), Fault::Html(Rate::Chance(1.0)));
        assert_eq!("lost-create-answer".parse::<Fault>().unwrap(), Fault::LostCreateAnswer(Rate::First(1)));
        assert_eq!("handshake-refused".parse::<Fault>().unwrap(), Fault::HandshakeRefused(403));
        assert_eq!("settle=0.4".parse::<Fault>().unwrap(), Fault::Settle(Duration::from_millis(400)));
    }

    #[test]
    fn wrong_names_and_values_are_reported() {
        let error = |text: &str| text.parse::<Fault>().unwrap_err().to_string();
        assert_eq!(error("flood=1"), "no fault is called \"flood\"");
        assert_eq!(error("url-never=1"), "fault url-never takes no value, not \"1\"");
        assert_eq!(error("settle=soon"), "fault settle takes SECONDS, not \"soon\"");
        assert_eq!(error("settle=-1"), "fault settle takes SECONDS, not \"-1\"");
        assert_eq!(error("html=1.5"), "fault html takes RATE, not \"1.5\"");
        assert_eq!(error("handshake-refused=200"), "fault handshake-refused takes [STATUS], not \"200\"");
    }
}
