//! From parsed arguments to an exit code.

use std::{env, time::Duration};

use runninghub::{Failure, Line, Outcome, say};
use tokio::runtime::Builder;

use super::{
    account, app, assets, batch, config, context::Context, doctor, login, manual, model, open, quick, replay,
    report as report_command, rerun, resources, run as run_command, task, tasks, test, upload, watch,
    webhook, workflow,
};
#[cfg(feature = "sim")]
use super::{demo, simulate};
use crate::{
    args::{Cli, Command, Format, Global},
    bug,
    event::{self, Event},
    exit::{Error, Exit},
    glyph, help, lang, log,
    printer::{self, Detail, Printer},
    report, terminal,
};

/// Runs the command, unless it uses a broken profile.
pub(crate) fn run(cli: Cli, trouble: Option<Error>) -> Exit {
    let Cli { command, global } = cli;
    lang::begin(global.lang.as_deref());
    glyph::begin(global.ascii);
    anstream::ColorChoice::from(global.color).write_global();
    let printer = Printer::new(global.detail());
    match command {
        Command::Schema => {
            printer.line(&format!("{:#}", event::json_schema().to_value()));
            return Exit::Done;
        }
        Command::Help(args) => return manual::help(printer, &args.words),
        _ => {}
    }
    let format = format(&global);
    if format == Format::Json {
        bug::expects_json();
    }
    let mut context = Context::new(global, format, printer);
    let result = match trouble {
        Some(trouble) if crate::config::is_used_by(&command) => Err(trouble),
        trouble => {
            context.trouble = trouble;
            begin(&mut context, command)
        }
    };
    context.end(result)
}

/// Reports an error in the command line, in the requested format.
pub(crate) fn misused(error: &clap::Error) -> Exit {
    lang::begin(crate::config::language().as_deref());
    printer::usage(error);
    let words: Vec<_> = env::args_os().collect();
    if let Some(variable) = crate::config::blamed(&help::command(), &words, error) {
        Printer::new(Detail::Normal)
            .hint(&say!("the value comes from the environment variable `{variable}`", variable));
    }
    if let Some(hint) = help::meant(error) {
        Printer::new(Detail::Normal).hint(&hint);
    }
    let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
    if exit == Exit::Usage && wants_json() {
        let printer = Printer::new(Detail::Normal);
        let failure = Failure { message: Some(english(error).into()), ..Failure::default() };
        let failure = failure.classed(exit.kind(), false);
        let outcome = Outcome { exit_code: exit.code(), failure: Some(failure), ..Outcome::default() };
        let event = Event::Run(runninghub::Event::Result(Box::new(outcome)));
        report::reporter(Format::Json, printer).show(&Line { t: Duration::ZERO, task_id: None, event });
    }
    exit
}

/// The error without its hints: the first paragraph as one line.
fn english(error: &clap::Error) -> String {
    let text = error.to_string();
    let lines = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    lines.collect::<Vec<_>>().join(" ").trim_start_matches("error: ").to_owned()
}

/// Builds the runtime only if needed; one thread is enough for one task.
fn begin(context: &mut Context, command: Command) -> Result<Exit, Error> {
    log::begin(&context.global)?;
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|why| Error::new(Exit::Store, say!("cannot start: {why}", why)))?;
    let result = runtime.block_on(dispatch(context, command));
    // Don't wait for background work such as a DNS lookup.
    runtime.shutdown_background();
    result
}

async fn dispatch(context: &mut Context, command: Command) -> Result<Exit, Error> {
    match command {
        Command::Run(args) => run_command::run(context, *args).await,
        Command::Watch(args) => watch::watch(context, args).await,
        Command::Status(args) => task::status(context, args).await,
        Command::Outputs(args) => task::outputs(context, args).await,
        Command::Download(args) => task::download(context, args).await,
        Command::Cancel(args) => task::cancel(context, args).await,
        Command::Queue(_) => account::queue(context).await,
        Command::Batch(args) => batch::batch(context, args).await,
        Command::Open(args) => open::open(context, args).await,
        Command::Rerun(args) => rerun::rerun(context, *args).await,
        Command::Tasks(args) => tasks::tasks(context, args).await,
        Command::Resolve(args) => tasks::resolve(context, args).await,
        Command::Webhook(args) => webhook::webhook(context, args).await,
        Command::Workflow(args) => workflow::workflow(context, args).await,
        Command::Model(args) => model::model(context, args).await,
        Command::App(args) => app::app(context, args).await,
        Command::Quick(args) => quick::quick(context, args).await,
        Command::Account(args) => account::account(context, &args).await,
        Command::Resources(args) => resources::resources(context, args).await,
        Command::Assets(args) => assets::assets(context, args).await,
        Command::Upload(args) => upload::upload(context, args).await,
        Command::Lora(args) => upload::lora(context, args.command).await,
        Command::Login(args) => login::login(context, &args).await,
        Command::Logout => login::logout(context),
        Command::Config(args) => config::config(context, args.command),
        Command::Doctor => doctor::doctor(context).await,
        Command::Completions(args) => manual::completions(context, &args),
        Command::Man(args) => manual::man(context, &args),
        Command::Report(args) => report_command::report(context, args).await,
        Command::Replay(args) => replay::replay(context, args).await,
        Command::Test(args) => test::test(context, &args).await,
        #[cfg(feature = "sim")]
        Command::Demo(args) => demo::demo(context, args).await,
        #[cfg(feature = "sim")]
        Command::Simulate(args) => simulate::simulate(context, args).await,
        Command::Schema | Command::Help(_) => Ok(Exit::Done),
    }
}

/// The live block needs a capable terminal, and no log lines in between.
fn format(global: &Global) -> Format {
    let wanted = match global.format {
        _ if global.json => Format::Json,
        None | Some(Format::Export(_)) => Format::Human,
        Some(format) => format,
    };
    let talks = global.verbose > 0 && global.log_file.is_none();
    if wanted == Format::Human && (talks || !terminal::is_drawable()) { Format::Plain } else { wanted }
}

/// The command line could not be parsed, so this is a guess that covers the common cases.
fn wants_json() -> bool {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    arguments.iter().any(|argument| argument == "--json" || argument == "--format=json")
        || arguments
            .windows(2)
            .any(|pair| matches!(pair, [name, value] if name == "--format" && value == "json"))
        || env::var_os("RUNNINGHUB_FORMAT").is_some_and(|format| format == "json")
        || env::var_os("RUNNINGHUB_JSON")
            .is_some_and(|json| !matches!(json.to_str(), Some("" | "0" | "n" | "no" | "f" | "false" | "off")))
}
