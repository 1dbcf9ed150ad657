//! `rhub model`.

use std::path::PathBuf;

use clap::{
    Args, Subcommand,
    builder::{FalseyValueParser, PossibleValuesParser},
};

use clap_complete::ArgValueCandidates;
use runninghub::{Sentence, say};

use super::Submitting;
use crate::complete;

/// Run models of the Standard Model API: pictures, videos, sound, text.
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
    /// Ask what a run of a model would cost; nothing is run.
    Price(ModelCall),
}

/// List the models that are known.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only those that make this
    #[arg(long, env = "RUNNINGHUB_KIND", value_parser = PossibleValuesParser::new(["audio", "image", "text", "3d", "video"]))]
    pub(crate) kind: Option<String>,

    /// Only those with all of these words in an endpoint, a name, a task or a maker
    #[arg(
        long,
        env = "RUNNINGHUB_SEARCH",
        value_name = "WORDS",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) search: String,

    /// Also those that newer lists do not have any more
    #[arg(long, env = "RUNNINGHUB_RETIRED", value_parser = FalseyValueParser::new())]
    pub(crate) retired: bool,

    #[command(flatten)]
    pub(crate) catalog: CatalogFile,
}

/// Show what a model takes: types, ranges, choices, defaults.
#[derive(Args, Debug)]
pub(crate) struct ShowModel {
    /// An endpoint, or a name in any spelling
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::models))]
    pub(crate) model: String,

    #[command(flatten)]
    pub(crate) catalog: CatalogFile,
}

/// Run a model and follow it to the end.
#[derive(Args, Debug)]
#[command(after_help = "\
Values are checked before anything is sent. `rhub model show NAME` lists the parameters.
The first Ctrl-C stops watching and leaves the task alone; it prints the commands that attach again and that cancel.")]
pub(crate) struct RunModel {
    #[command(flatten)]
    pub(crate) call: ModelCall,

    /// Submit nothing that costs more, in the currency of the platform's answer; asks for the price first
    #[arg(long, env = "RUNNINGHUB_MAX_COST", value_name = "AMOUNT", value_parser = amount)]
    pub(crate) max_cost: Option<f64>,

    #[command(flatten)]
    pub(crate) submitting: Submitting,
}

// A model with its values. Without documentation, which would be the help of `model price`.
#[derive(Args, Debug)]
pub(crate) struct ModelCall {
    /// An endpoint, or a name in any spelling
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(complete::models))]
    pub(crate) model: String,

    /// Set a parameter; several times for one that takes several; @FILE uploads a file, @@ stands for an @
    #[arg(short, long, env = "RUNNINGHUB_PARAM", value_name = "NAME=VALUE", hide_env_values = true)]
    pub(crate) param: Vec<String>,

    /// The whole body instead, sent as it is: for models that the catalog does not know
    #[arg(
        long,
        env = "RUNNINGHUB_BODY",
        value_name = "JSON|@FILE",
        conflicts_with = "param",
        hide_env_values = true
    )]
    pub(crate) body: Option<String>,

    #[command(flatten)]
    pub(crate) catalog: CatalogFile,
}

/// What is known of models.
#[derive(Args, Debug)]
pub(crate) struct CatalogFile {
    /// A catalog of one's own (JSON Lines); its models count where the built-in one has others
    #[arg(long, env = "RUNNINGHUB_CATALOG", value_name = "FILE")]
    pub(crate) catalog: Option<PathBuf>,
}

fn amount(text: &str) -> Result<f64, Sentence> {
    let amount = text.parse::<f64>().ok().filter(|amount| amount.is_finite() && *amount >= 0.0);
    amount.ok_or_else(|| say!("it is an amount such as `1.50`"))
}
