//! The rows that each source produces, and the input that it rejects.

mod jobs;
mod json_lines;
mod laws;
mod matrices;
mod tables;

use std::path::{Path, PathBuf};

use runninghub_batch::{
    Amount, At, Axis, Clock, Dimension, Error, Files, Given, Job, MaxFailures, Problems, Row, Rows,
};
use runninghub_core::{Kind, Sentence};
use serde_json::{Value, json};

fn text(text: &str) -> Given {
    Given::Text(text.into())
}

/// The values of a row, in the order of its fields.
fn values(row: &Row) -> Vec<Given> {
    row.set.iter().map(|(_, value)| value.clone()).collect()
}

fn fields(row: &Row) -> Vec<&str> {
    row.set.iter().map(|(field, _)| &**field).collect()
}

/// Each problem on one line, with its fix after an arrow.
fn shown(problems: &Problems) -> Vec<String> {
    let cure = |cure: &Option<Sentence>| cure.as_ref().map(|cure| format!(" → {cure}")).unwrap_or_default();
    problems.iter().map(|problem| format!("{problem}{}", cure(&problem.cure))).collect()
}

fn table_problems(table: &str) -> Vec<String> {
    shown(Rows::from_table(table.as_bytes()).expect_err(table).problems())
}

fn line_problems(lines: &str) -> Vec<String> {
    shown(Rows::from_json_lines(lines.as_bytes()).expect_err(lines).problems())
}
