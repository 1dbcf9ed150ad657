//! `rhub model`.

use std::path::PathBuf;

use clap::{Args, Subcommand, builder::PossibleValuesParser};

use clap_complete::ArgValueCandidates;
use runninghub::{Sentence, say};

use super::SubmitOptions;
use crate::complete;

/// Run models of the Standard Model API: images, videos, audio, text.
#[derive(Args, Debug)]
pub(crate) struct Model {
    #[command(subcommand)]
    pub(crate) command: ModelCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelCommand {
    List(List),
    Show(ShowModel),
    Run(Box<RunModel>),
    /// Get the price of a run without running it.
    Price(ModelCall),
}

/// List the known models.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only models that produce this
    #[arg(long, value_parser = PossibleValuesParser::new(["audio", "image", "text", "3d", "video"]))]
    pub(crate) kind: Option<String>,

    /// Only models that match all of these words
    ///
    /// The endpoint, name, task and maker are searched.
    #[arg(long, value_name = "WORDS", default_value = "", hide_default_value = true)]
    pub(crate) search: String,

    /// Include models that are no longer in recent lists
    #[arg(long)]
    pub(crate) retired: bool,

    #[command(flatten)]
    pub(crate) catalog: CatalogFile,
}

/// Show a model's parameters: types, ranges, choices, defaults.
#[derive(Args, Debug)]
pub(crate) struct ShowModel {
    /// Endpoint or name of the model
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::models))]
    pub(crate) model: String,

    #[command(flatten)]
    pub(crate) catalog: CatalogFile,
}

/// Run a model and follow it to the end.
#[derive(Args, Debug)]
#[command(after_long_help = "\
Values are checked before anything is sent. `rhub model show NAME` lists the parameters.
The first Ctrl-C stops following and leaves the task running; it prints the commands to attach again and to cancel.")]
pub(crate) struct RunModel {
    #[command(flatten)]
    pub(crate) call: ModelCall,

    /// Don't submit if the price is higher
    ///
    /// The price is requested first, and compared in the currency that the platform reports.
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    pub(crate) max_cost: Option<f64>,

    #[command(flatten)]
    pub(crate) submitting: SubmitOptions,
}

// A model with its values. Without documentation, which would be the help of `model price`.
#[derive(Args, Debug)]
pub(crate) struct ModelCall {
    /// Endpoint or name of the model
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::models))]
    pub(crate) model: String,

    /// Set a parameter; @FILE uploads a file
    ///
    /// Repeat it for a parameter that takes several values. `@@` stands for a literal `@`.
    #[arg(short, long, value_name = "NAME=VALUE")]
    pub(crate) param: Vec<String>,

    /// Send this request body unchanged
    ///
    /// For models that are not in the catalog.
    #[arg(long, value_name = "JSON|@FILE", conflicts_with = "param")]
    pub(crate) body: Option<String>,

    #[command(flatten)]
    pub(crate) catalog: CatalogFile,
}

/// The model catalog.
#[derive(Args, Debug)]
pub(crate) struct CatalogFile {
    /// Your own model catalog (JSON Lines)
    ///
    /// Its models take precedence over the built-in ones.
    #[arg(long, value_name = "FILE")]
    pub(crate) catalog: Option<PathBuf>,
}

fn amount(text: &str) -> Result<f64, Sentence> {
    let amount = text.parse::<f64>().ok().filter(|amount| amount.is_finite() && *amount >= 0.0);
    amount.ok_or_else(|| say!("it must be an amount such as `1.50`"))
}
