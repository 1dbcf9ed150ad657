//! A batch as a trace, for Perfetto and other viewers of Chrome's trace format: one lane per slot, one block per node.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::record::{Record, Timings};

/// Microseconds in a millisecond and in a second: the unit of the format.
const PER_MS: u64 = 1_000;
const PER_SECOND: f64 = 1_000_000.0;

/// All items that ran as a trace. Times begin at the first submit.
pub(super) fn perfetto<'r>(batch: &str, records: impl IntoIterator<Item = &'r Record>) -> String {
    let ran: Vec<(&Record, u64)> =
        records.into_iter().filter_map(|record| Some((record, begin(&record.timings)?))).collect();
    let start = ran.iter().map(|(_, begin)| *begin).min().unwrap_or_default();
    let at = |ms: u64| ms.saturating_sub(start).saturating_mul(PER_MS);
    let lanes: BTreeSet<u32> = ran.iter().map(|(record, _)| lane(record)).collect();
    let mut events = vec![name("process_name", 0, batch)];
    events.extend(lanes.iter().map(|lane| name("thread_name", *lane, &format!("slot {lane}"))));
    for (record, begin) in ran {
        let timings = &record.timings;
        let block = |name: &str, from: u64, to: u64, args: Value| {
            json!({
                "name": name, "cat": "item", "ph": "X", "pid": 1, "tid": lane(record),
                "ts": at(from), "dur": at(to).saturating_sub(at(from)), "args": args,
            })
        };
        let end = timings.saved_ms.or(timings.ended_ms).unwrap_or(begin);
        let about = json!({ "state": record.state, "task_id": record.task_id, "row": record.row });
        events.push(block(record.id.as_str(), begin, end, about));
        if let Some(started) = timings.started_ms {
            events.push(block("waiting for the platform", begin, started, Value::Null));
        }
        for node in &timings.nodes {
            events.push(json!({
                "name": node.title, "cat": "node", "ph": "X", "pid": 1, "tid": lane(record),
                "ts": at(node.started_ms), "dur": node.seconds * PER_SECOND, "args": { "id": node.id },
            }));
        }
        if let Some((ended, saved)) = timings.ended_ms.zip(timings.saved_ms) {
            events.push(block("saving results", ended, saved, Value::Null));
        }
    }
    json!({ "displayTimeUnit": "ms", "traceEvents": events }).to_string()
}

/// When an item began to use its slot.
fn begin(timings: &Timings) -> Option<u64> {
    timings.submitted_ms.or(timings.started_ms)
}

fn lane(record: &Record) -> u32 {
    record.timings.slot.unwrap_or_default().saturating_add(1)
}

/// Names the process, or a lane.
fn name(what: &str, lane: u32, name: &str) -> Value {
    json!({ "name": what, "ph": "M", "pid": 1, "tid": lane, "args": { "name": name } })
}
