//! The cost of planning a large batch, and of deciding which row starts.

use std::{fmt::Write as _, hint::black_box};

use criterion::{Criterion, criterion_group, criterion_main};
use runninghub_batch::{Digest, Item, Rows, Target};
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

criterion_group!(benches, plan);
criterion_main!(benches);
