//! The cost of planning a large batch, and of deciding which row starts.

use std::{fmt::Write as _, hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use runninghub_batch::{
    Amount, Decision, Digest, Durations, Event, Item, ItemState, Limits, Policies, Recorded, Rows, Schedule,
    Target, Work, compare, forecast,
};
use runninghub_core::{Kind, Place};

const ROWS: usize = 100_000;

fn table() -> String {
    let mut text = String::from("_id,6.text,7.text,3.seed,10.image@,_priority\n");
    for row in 0..ROWS {
        let image = row % 200;
        let priority = row % 3;
        let _ = writeln!(
            text,
            "cat-{row},\"a cat of row {row}, in the rain, at night, with neon lights\",blurry,{row},in/{image}.png,{priority}"
        );
    }
    text
}

fn items(table: &str) -> Vec<Item> {
    let target = Target { place: Place::new("cn", "https://h"), kind: Kind::App, id: "1877".into() };
    let rows = Rows::from_table(table.as_bytes()).expect("a table");
    rows.freeze(&target, false, &mut |path| Ok(Digest::of(path.to_string_lossy().as_bytes())))
        .expect("items")
        .items
}

fn plan(criterion: &mut Criterion) {
    let table = table();
    let mut group = criterion.benchmark_group("plan");
    group.sample_size(10);
    group.bench_function("100 000 rows", |bencher| bencher.iter(|| black_box(items(&table)).len()));
    group.finish();
}

/// All rows are done, except for a few of each kind.
fn resume(criterion: &mut Criterion) {
    let items = items(&table());
    let entry = |(row, item): (usize, &Item)| Recorded {
        id: item.id.clone(),
        fingerprint: item.fingerprint,
        state: if row % 10 == 0 { ItemState::Failed } else { ItemState::Done },
        has_files: row % 100 != 0,
        class: None,
    };
    let recorded: Vec<Recorded> = items.iter().enumerate().map(entry).collect();
    let mut group = criterion.benchmark_group("compare");
    group.sample_size(10);
    group.bench_function("100 000 rows", |bencher| {
        bencher.iter(|| compare(&items, recorded.clone(), Policies::default(), &mut |_| None).summary);
    });
    group.finish();
}

fn schedule() -> Schedule {
    let mut schedule =
        Schedule::new(["main"], Limits { max_cost: Some(Amount::whole(1_000_000)), ..Limits::default() });
    schedule.history("app", [Some(Amount::whole(2)); 20]);
    for row in 0..ROWS {
        schedule.add(Work { priority: i32::from(row % 3 == 0), ..Work::new(row.to_string(), "app") });
    }
    schedule
}

fn next(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("schedule");
    let mut schedule = schedule();
    group.bench_function("next of 100 000", |bencher| {
        bencher.iter(|| black_box(schedule.next(Duration::ZERO)));
    });
    let mut now = Duration::ZERO;
    group.bench_function("start and withdrawal of 100 000", |bencher| {
        bencher.iter(|| {
            now += Duration::from_secs(1);
            let Decision::Start { item, key, .. } = schedule.next(now) else { panic!("a row can start") };
            schedule.on(now, Event::Started { item: item.clone(), key });
            // It is ready again: the benchmark doesn't run out of rows.
            schedule.on(now, Event::Withdrawn { item });
        });
    });
    group.finish();
}

fn eta(criterion: &mut Criterion) {
    let mut durations = Durations::default();
    for took in 0..200 {
        durations.add("app", Duration::from_secs(20 + took % 7));
    }
    let ready = vec!["app"; ROWS];
    let mut group = criterion.benchmark_group("forecast");
    group.bench_function("100 000 rows", |bencher| bencher.iter(|| forecast(&durations, &[], &ready, 3, 7)));
    group.finish();
}

criterion_group!(benches, plan, resume, next, eta);
criterion_main!(benches);
