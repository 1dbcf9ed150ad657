//! `rhub batch …`.

use std::{path::PathBuf, str::FromStr as _};

use clap::{
    ArgGroup, Args, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser as _},
};
use clap_complete::ArgValueCandidates;
use runninghub::{Sentence, say};
use runninghub_batch::{Amount, Clock, Export, JobLimits, MaxFailures};

use super::Format;
use crate::complete;

/// Plan, run, steer and export batches: many runs on few slots.
#[derive(Args, Debug)]
pub(crate) struct Batch {
    #[command(subcommand)]
    pub(crate) command: BatchCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BatchCommand {
    Plan(Box<BatchPlan>),
    Run(Box<BatchRun>),
    /// Follow a batch that another process runs
    Watch(OneBatch),
    /// Pause a batch that another process runs
    Pause(OneBatch),
    Resume(Box<BatchResume>),
    Retry(Box<BatchRetry>),
    /// Cancel a batch's running tasks and start nothing more
    Cancel(OneBatch),
    Ls(BatchList),
    Export(BatchExport),
}

/// Check every row of a batch, and show what a run would do.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Nothing is sent, except for requests that are free: for the form of an app, for example.

The header of a table names fields: `6.text`, `Prompt.text`, or a name of the app's form. With an `@`
at its end, `10.image@`, the cells are files. Columns that begin with `_` steer a row: `_id`, `_out`,
`_repeat`, `_priority`, `_instance`, `_profile` and `_webhook`. docs/batch.md describes all formats.")]
pub(crate) struct BatchPlan {
    #[command(flatten)]
    pub(crate) rows: BatchRows,

    #[command(flatten)]
    pub(crate) resume: Resume,

    /// Estimate the time for this many slots [default: the key's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), hide_short_help = true)]
    pub(crate) slots: Option<u32>,

    /// List every row and its planned action
    #[arg(long = "rows")]
    pub(crate) is_listed: bool,
}

/// Run a batch, or resume it: the same command does both.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Rows that are done are left alone, tasks of an earlier run are followed, and nothing is paid for twice. Where
nothing is known of the target, the first row runs alone. Five equal failures in a row pause the batch. Limits
are remembered until they are given again; `--max-cost none` lifts one.

The first Ctrl-C starts nothing more and follows what runs, a second one leaves at once. Run the same command to
go on. Exit code 0: all rows are done; 4: the key was refused; 5: some outcome is unknown; 6: paused;
7: some rows failed; 8: some results were not saved.")]
pub(crate) struct BatchRun {
    #[command(flatten)]
    pub(crate) rows: BatchRows,

    #[command(flatten)]
    pub(crate) resume: Resume,

    #[command(flatten)]
    pub(crate) limits: Limits,

    /// Also report the events of each run, for `--json`
    #[arg(long, hide_short_help = true)]
    pub(crate) events: bool,
}

/// A batch of this machine.
#[derive(Args, Debug)]
pub(crate) struct OneBatch {
    /// Batch name, as `rhub batch ls` shows it
    #[arg(value_name = "BATCH", add = ArgValueCandidates::new(complete::batches))]
    pub(crate) batch: String,
}

/// A batch of this machine to resume.
#[derive(Args, Debug)]
pub(crate) struct StoredBatch {
    /// Batch name, as `rhub batch ls` shows it
    #[arg(value_name = "BATCH", add = ArgValueCandidates::new(complete::batches))]
    pub(crate) batch: String,

    /// The workflow file of the batch, if it runs one
    #[arg(long, value_name = "FILE")]
    pub(crate) workflow: Option<String>,

    /// Folder for the results [default: the batch's]
    #[arg(short, long, env = "RUNNINGHUB_OUT", value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Resume a batch, with the rows and limits of its last run.
#[derive(Args, Debug)]
#[command(after_long_help = "\
The rows come from the ledger, so that the table is not needed, and so do the limits: `--max-cost none` lifts one.
Webhooks are not stored. The exit codes are those of `rhub batch run`.")]
pub(crate) struct BatchResume {
    #[command(flatten)]
    pub(crate) of: StoredBatch,

    #[command(flatten)]
    pub(crate) limits: Limits,

    /// Also report the events of each run, for `--json`
    #[arg(long, hide_short_help = true)]
    pub(crate) events: bool,
}

/// Rerun rows that failed, were cancelled or refused.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Only these rows run, with the values that they had. Each is paid for again if its failed task cost something.
The exit codes are those of `rhub batch run`.")]
pub(crate) struct BatchRetry {
    #[command(flatten)]
    pub(crate) of: StoredBatch,

    /// Only the row with this id; repeatable
    #[arg(long, value_name = "ID", conflicts_with = "failed")]
    pub(crate) id: Vec<String>,

    /// All of them, which is the default
    #[arg(long)]
    pub(crate) failed: bool,

    /// Run them on a machine with 24, 48 or 84 GB of GPU memory
    #[arg(long, value_parser = PossibleValuesParser::new(["default", "plus", "ultra"]))]
    pub(crate) instance: Option<String>,

    #[command(flatten)]
    pub(crate) limits: Limits,

    /// Also report the events of each run, for `--json`
    #[arg(long, hide_short_help = true)]
    pub(crate) events: bool,
}

/// When a batch pauses. The ledger stores these limits.
#[derive(Args, Clone, Debug)]
pub(crate) struct Limits {
    /// Maximum slots of each key to use [default: all]
    #[arg(long, value_name = "N", value_parser = limit(slots))]
    pub(crate) slots: Option<Limit<u32>>,

    /// Start no row that could exceed this total cost
    #[arg(long, value_name = "AMOUNT", value_parser = limit(amount))]
    pub(crate) max_cost: Option<Limit<Amount>>,

    /// Pause after this many failed rows, or this share: 3 or 5%
    #[arg(long, value_name = "N|P%", value_parser = limit(MaxFailures::from_str))]
    pub(crate) max_failures: Option<Limit<MaxFailures>>,

    /// Start no rows after this time of day, such as 07:00
    #[arg(long, value_name = "TIME", value_parser = limit(Clock::from_str))]
    pub(crate) until: Option<Limit<Clock>>,
}

/// A limit, or its removal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit<T> {
    At(T),
    Lifted,
}

impl Limits {
    /// The limits from the options, or else from the job, or else from the previous run.
    pub(crate) fn over(&self, others: JobLimits) -> JobLimits {
        fn over<T>(option: Option<Limit<T>>, other: Option<T>) -> Option<T> {
            match option {
                Some(Limit::At(limit)) => Some(limit),
                Some(Limit::Lifted) => None,
                None => other,
            }
        }
        JobLimits {
            slots: over(self.slots, others.slots),
            max_cost: over(self.max_cost, others.max_cost),
            max_failures: over(self.max_failures, others.max_failures),
            until: over(self.until, others.until),
        }
    }
}

/// Reads a limit, or `none`.
fn limit<T>(
    read: impl Fn(&str) -> Result<T, Sentence> + Clone + Send + Sync,
) -> impl Fn(&str) -> Result<Limit<T>, Sentence> + Clone + Send + Sync {
    move |text| if text == "none" { Ok(Limit::Lifted) } else { read(text).map(Limit::At) }
}

fn slots(text: &str) -> Result<u32, Sentence> {
    text.parse()
        .ok()
        .filter(|slots| *slots > 0)
        .ok_or_else(|| say!("the number of slots is a number such as 2"))
}

fn amount(text: &str) -> Result<Amount, Sentence> {
    text.parse().map_err(|_| say!("an amount is a number such as 300 or 0.25"))
}

/// The source of rows, and their target.
#[derive(Args, Debug, Default)]
#[command(group(ArgGroup::new("target")))]
pub(crate) struct BatchRows {
    /// CSV or TSV table, JSON Lines, or TOML job; `-` is stdin
    #[arg(value_name = "FILE")]
    pub(crate) source: Option<PathBuf>,

    /// Workflow id, page URL, or JSON file in API format
    #[arg(long, group = "target")]
    pub(crate) workflow: Option<String>,

    /// AI app id or page URL
    #[arg(long, group = "target")]
    pub(crate) app: Option<String>,

    /// Quick Create app and code, such as 1877265245566922753/006
    #[arg(long, value_name = "APP/CODE", group = "target", hide_short_help = true)]
    pub(crate) quick: Option<String>,

    /// Model endpoint, or a name
    #[arg(long, value_name = "NAME", group = "target", add = ArgValueCandidates::new(complete::models))]
    pub(crate) model: Option<String>,

    /// Your own model catalog (JSON Lines)
    ///
    /// Its models take precedence over the built-in ones.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) catalog: Option<PathBuf>,

    /// A row for each file, as in `10.image=@in/**/*.png`
    ///
    /// `*` stays within a folder, `**` is any number of folders.
    #[arg(long, value_name = "FIELD=@PATTERN", conflicts_with = "source")]
    pub(crate) each: Vec<String>,

    /// A row for each line of a text file
    #[arg(long, value_name = "FIELD=FILE", conflicts_with = "source")]
    pub(crate) each_line: Vec<String>,

    /// A row for each value, as in `3.seed=1..4`
    ///
    /// A range of whole numbers, or values between commas. Rows are the combinations of all options of these three kinds.
    #[arg(long, value_name = "FIELD=VALUES", conflicts_with = "source")]
    pub(crate) matrix: Vec<String>,

    /// Advance these options together instead of combining them
    #[arg(long, conflicts_with = "source", hide_short_help = true)]
    pub(crate) zip: bool,

    /// Set a field in rows that don't; @FILE uploads a file
    #[arg(short, long, value_name = "FIELD=VALUE")]
    pub(crate) set: Vec<String>,

    /// Machine with 24, 48 or 84 GB of GPU memory
    #[arg(long, value_parser = PossibleValuesParser::new(["default", "plus", "ultra"]), hide_short_help = true)]
    pub(crate) instance: Option<String>,

    /// Name of the batch [default: that of the file]
    #[arg(long = "batch", value_name = "NAME", hide_short_help = true)]
    pub(crate) name: Option<String>,

    /// Reject equal rows
    #[arg(long, hide_short_help = true)]
    pub(crate) unique: bool,
}

/// How to handle rows that ran before.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Resume {
    /// Folder for the results
    #[arg(short, long, env = "RUNNINGHUB_OUT", value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,

    /// Also run failed, cancelled and refused rows again
    #[arg(long)]
    pub(crate) retry_failed: bool,

    /// Run or keep rows whose values differ from those that ran
    #[arg(long, value_enum, value_name = "WHAT")]
    pub(crate) changed: Option<Changed>,

    /// Reuse results of equal rows from other batches
    #[arg(long, hide_short_help = true)]
    pub(crate) reuse: bool,
}

/// What to do with a row whose values differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Changed {
    Run,
    Keep,
}

/// List this machine's batches, newest first.
#[derive(Args, Debug)]
pub(crate) struct BatchList {
    /// Maximum number to show (0 = all)
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
}

/// Write a batch's rows and results in another format.
#[derive(Args, Debug)]
#[command(after_long_help = "\
csv       a table with the values and the outcome of each row
jsonl     the same with one JSON object per row
html      a page with all results; its links are relative to the folder of the results
perfetto  a trace for https://ui.perfetto.dev, with a lane for each slot and a block for each node")]
pub(crate) struct BatchExport {
    /// Batch name, as `rhub batch ls` shows it
    #[arg(value_name = "BATCH", add = ArgValueCandidates::new(complete::batches))]
    pub(crate) batch: String,

    // Replaces the global option of that name.
    /// Export format [default: csv]
    #[arg(id = "format", long, value_name = "FORMAT", value_parser = export_format())]
    pub(crate) format: Option<Format>,

    /// File to write instead of stdout
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(crate) to: Option<PathBuf>,
}

fn export_format() -> impl clap::builder::TypedValueParser<Value = Format> {
    PossibleValuesParser::new(["csv", "jsonl", "html", "perfetto"]).map(|word| {
        Format::Export(match &*word {
            "jsonl" => Export::JsonLines,
            "html" => Export::Html,
            "perfetto" => Export::Perfetto,
            _ => Export::Csv,
        })
    })
}
