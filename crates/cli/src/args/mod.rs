//! The command line: one file per command, and the global options.

mod account;
mod app;
mod assets;
mod batch;
mod config;
#[cfg(feature = "sim")]
mod demo;
mod follow;
mod global;
mod help;
mod hidden;
mod login;
mod machine;
mod model;
mod queue;
mod quick;
mod replay;
mod resources;
mod run;
mod server;
#[cfg(feature = "sim")]
mod simulate;
mod task;
mod tasks;
mod test;
mod upload;
mod webhook;
mod workflow;

use clap::{Parser, Subcommand};

pub(crate) use self::{
    account::Account,
    app::{App, AppCommand, AppList, AppShow, Filling, Sort},
    assets::{AssetCreate, Assets, AssetsCommand, GroupCommand, Medium, Paging},
    batch::{
        Batch, BatchCommand, BatchExport, BatchList, BatchPlan, BatchResume, BatchRetry, BatchRows, BatchRun,
        Changed, Limits, Resume, StoredBatch,
    },
    config::{Config, ConfigCommand},
    follow::{FollowOptions, Previews, Saving, Shown, SubmitOptions},
    global::{Format, Global},
    help::Help,
    hidden::Hidden,
    login::{Completions, Login, Man},
    machine::Machine,
    model::{List, Model, ModelCall, ModelCommand, RunModel, ShowModel},
    queue::Queue,
    quick::{Quick, QuickCommand, QuickStyles},
    replay::Replay,
    resources::{ResourceKind, Resources},
    run::Run,
    server::Server,
    task::{Cancel, Download, Open, Report, Rerun, SomeTasks, Watch},
    tasks::{Resolve, Tasks},
    test::{Pictures, Test},
    upload::{Lora, LoraCommand, Upload},
    webhook::{Listen, Resend, Webhook, WebhookCommand},
    workflow::{Workflow, WorkflowCommand},
};
#[cfg(feature = "sim")]
pub(crate) use self::{demo::Demo, simulate::Simulate};

/// Run RunningHub and ComfyUI workflows from the terminal.
#[derive(Debug, Parser)]
#[command(
    name = "rhub",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: Global,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(Box<Run>),
    Watch(Watch),
    /// Show the status of tasks.
    #[command(after_long_help = "Exits with 0 whenever the platform responds, whatever the status is.")]
    Status(SomeTasks),
    /// List the results of tasks.
    Outputs(SomeTasks),
    Download(Download),
    Cancel(Cancel),
    Queue(Queue),
    Batch(Batch),
    Open(Open),
    Rerun(Box<Rerun>),
    Tasks(Tasks),
    Resolve(Resolve),
    Webhook(Webhook),
    Workflow(Workflow),
    Model(Model),
    Upload(Upload),
    Lora(Lora),
    App(App),
    Quick(Quick),
    Account(Account),
    Resources(Resources),
    Assets(Assets),
    Login(Login),
    /// Remove the stored API key.
    Logout,
    Config(Config),
    /// Check the setup and suggest fixes.
    #[command(after_long_help = "Exits with 0 if all checks pass, else with the code of the worst problem.")]
    Doctor,
    Completions(Completions),
    Man(Man),
    Replay(Replay),
    Report(Report),
    Test(Test),
    #[cfg(feature = "sim")]
    Demo(Demo),
    #[cfg(feature = "sim")]
    Simulate(Simulate),
    /// Print the JSON Schema of `--format json` output.
    Schema,
    Help(Help),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    /// Options of single commands whose variables predate the rule that only global options have variables.
    const ALSO: [&str; 4] = ["out", "timeout", "create-timeout", "webhook"];

    #[test]
    fn the_options_of_every_command_have_variables_named_after_them() {
        fn check(command: &clap::Command) {
            for option in command.get_arguments().filter(|arg| !arg.is_positional()) {
                let Some(long) = option.get_long() else { panic!("{option} has no long name") };
                if matches!(long, "help" | "version") {
                    continue;
                }
                let variable = format!("RUNNINGHUB_{}", long.replace('-', "_").to_uppercase());
                let expected = option.is_global_set() || ALSO.contains(&long);
                assert_eq!(
                    option.get_env().and_then(|name| name.to_str()),
                    expected.then_some(&*variable),
                    "{} --{long}",
                    command.get_name()
                );
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
