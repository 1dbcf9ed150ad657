//! The command line: one file per command, and the options that all of them know.

mod account;
mod app;
mod assets;
mod config;
#[cfg(feature = "sim")]
mod demo;
mod follow;
mod global;
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
mod upload;
mod webhook;
mod workflow;

use clap::{Parser, Subcommand};

pub(crate) use self::{
    account::Account,
    app::{App, AppCommand, AppList, AppShow, Filling, Sort},
    assets::{AssetCreate, Assets, AssetsCommand, GroupCommand, Medium, Paging},
    config::{Config, ConfigCommand},
    follow::{Patience, Previews, Saving, Shown, Submitting},
    global::{Format, Global},
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
    task::{Download, OneTask, Watch},
    tasks::{Resolve, Tasks},
    upload::{Lora, LoraCommand, Upload},
    webhook::{Listen, Resend, Webhook, WebhookCommand},
    workflow::{Show, Workflow},
};
#[cfg(feature = "sim")]
pub(crate) use self::{demo::Demo, simulate::Simulate};

/// Run RunningHub workflows from a terminal, follow them live, bring the files home.
#[derive(Debug, Parser)]
#[command(name = "rhub", version, arg_required_else_help = true, max_term_width = 100, after_help = EXIT_CODES)]
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
    /// Say where a task stands.
    #[command(after_help = "Exits with 0 whenever the platform answers, whatever the answer is.")]
    Status(OneTask),
    /// List the results of a task.
    Outputs(OneTask),
    Download(Download),
    /// Cancel a task.
    Cancel(OneTask),
    Queue(Queue),
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
    /// Forget the key of the profile.
    Logout,
    Config(Config),
    /// Look whether all is in place: key, site, network, disk; with a cure for what is not.
    #[command(after_help = "Exits with 0 when all is well, else with the code of the worst finding.")]
    Doctor,
    Completions(Completions),
    Man(Man),
    Replay(Replay),
    #[cfg(feature = "sim")]
    Demo(Demo),
    #[cfg(feature = "sim")]
    Simulate(Simulate),
    /// Print the JSON Schema of the lines that `--format json` writes.
    Schema,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  the task failed or was cancelled
  2  usage or configuration; nothing was sent
  3  network or server unreachable
  4  refused: key, balance, quota, validation
  5  nobody knows whether the task was created; it may have been charged
  6  stopped waiting; the task still runs
  7  some of several failed
  8  the task succeeded, but its results were not all saved
  9  local store or disk
  130, 143  interrupted; the task goes on

The key is read from --api-key-file or --api-key-stdin, else RUNNINGHUB_API_KEY, else the profile (`rhub login`).
An option counts before its variable, that before the profile, that before the default.
RUNNINGHUB_TIME_SCALE multiplies every built-in wait (default 1).";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_option_has_a_variable_named_after_it() {
        fn check(command: &clap::Command) {
            for option in command.get_arguments().filter(|arg| !arg.is_positional()) {
                let Some(long) = option.get_long() else { panic!("{option} has no long name") };
                if matches!(long, "help" | "version") {
                    continue;
                }
                let variable = format!("RUNNINGHUB_{}", long.replace('-', "_").to_uppercase());
                assert_eq!(
                    option.get_env().and_then(|name| name.to_str()),
                    Some(&*variable),
                    "{} --{long}",
                    command.get_name()
                );
            }
            command.get_subcommands().for_each(check);
        }
        check(&Cli::command());
    }
}
