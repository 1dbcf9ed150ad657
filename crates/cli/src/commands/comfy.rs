//! What differs where a ComfyUI is asked: `run`, `watch` and `queue` with `--server`.

use std::ops::ControlFlow;

use runninghub::{Comfy, Place, Site, TaskId, Untrusted, ledger::Entry};

use super::{
    context::{Context, Settings, Writes, reached},
    follow::{Following, follow, take_up},
    service::Named,
    submit::{leave, send},
};
use crate::{
    args::{self, Server},
    assign,
    assign::NewValue,
    event::Event,
    exit::{Error, Exit},
    key, speed,
    target::{self, Target},
};

impl Context {
    /// A task with what is known of it; where that is on a server, the server is named from here on.
    pub(super) fn at(
        &mut self,
        task: TaskId,
        entry: Option<Entry>,
    ) -> Result<(TaskId, Option<Entry>), Error> {
        if self.global.server.is_none() {
            if let Some(entry) = &entry {
                check_place(&entry.intent.place)?;
                self.global.server = Server::of(&entry.intent.place);
            }
            if self.global.server.is_none() && target::is_uuid(task.as_str()) {
                return Err(Error::usage("this is the id of a prompt on a ComfyUI")
                    .hint("name the server, as in `--server http://127.0.0.1:8188`"));
            }
        }
        Ok((task, entry))
    }

    /// The handle to the server of a submit.
    pub(super) fn server_at(&mut self, place: &Place) -> Result<Comfy, Error> {
        let named = std::mem::replace(&mut self.global.server, Server::of(place));
        let comfy = self.server(Settings::of(place));
        self.global.server = named;
        comfy
    }

    /// The handle to the server that the options name.
    pub(super) fn server(&mut self, settings: Settings) -> Result<Comfy, Error> {
        let Some(server) = self.global.server.clone() else {
            return Err(Error::usage("no server was named")
                .hint("name a ComfyUI, as in `--server http://127.0.0.1:8188`"));
        };
        self.keep_previews(settings.previews)?;
        let is_proxy = matches!(server, Server::Proxy(_));
        let mut builder = match server {
            Server::Proxy(proxy) => {
                let builder = Comfy::of_runninghub(key::read(&self.global)?, self.site(None)?, proxy);
                let known = settings.known_url.as_ref().filter(|_| self.global.site.is_none());
                match self.global.base_url.as_ref().or(known) {
                    Some(url) => builder.base_url(url),
                    None => builder,
                }
            }
            Server::Url(url) if url.contains("://") => Comfy::builder(url),
            Server::Url(host) => Comfy::builder(format!("http://{host}")),
        };
        builder = builder.time_scale(speed::time_scale()?).previews(self.wants_previews());
        builder = reached!(builder, self);
        if let Some(history) = self.history() {
            builder = builder.history(history);
        }
        if let Some(dir) = self.state_dir() {
            builder = builder.classes(dir.join("classes"));
        }
        match self.ledger() {
            Ok(ledger) => builder = builder.ledger(ledger),
            // One's own server costs nothing.
            Err(error) if settings.ledger == Writes::Must && is_proxy => return Err(error),
            Err(error) => self.warn("ledger", error.message),
        }
        if let Some(dir) = settings.record {
            builder = builder.record(dir);
        }
        let comfy = builder.build()?;
        self.asked.push(Named::Comfy(comfy.clone()));
        Ok(comfy)
    }
}

/// Queues a workflow and follows it to the end.
pub(super) async fn run(context: &mut Context, args: args::Run) -> Result<Exit, Error> {
    refuse_options(&args)?;
    let Target::Own(text) = Target::parse(&args.workflow)? else {
        return Err(Error::usage("a ComfyUI knows no workflow by an id")
            .hint("give the workflow's file: `Workflow > Export (API)` in the editor makes one"));
    };
    let changes = args.set.iter().map(|text| assign::parse(text)).collect::<Result<Vec<_>, _>>()?;
    let list = args.node_info_list.as_deref().map(assign::node_info_list).transpose()?;
    let comfy = context.server(Settings {
        ledger: Writes::Must,
        record: args.submitting.patience.record.clone(),
        previews: args.submitting.patience.previews.clone(),
        ..Settings::default()
    })?;
    let following = Following::new(args.submitting.saving, &args.submitting.patience, &comfy)?;
    let mut prompt = comfy.workflow_json(text).node_info_list(list.unwrap_or_default());
    for change in changes {
        prompt = match change.value {
            NewValue::Json(value) => prompt.set(change.node, change.field, value),
            NewValue::File(path) => prompt.set_file(change.node, change.field, path),
        };
    }
    let mut signals = context.signals()?;
    let start = |told| prompt.on_step(told).submit();
    let run = match send(context, start, Some(Site::default()), &mut signals).await? {
        ControlFlow::Continue(run) => run,
        ControlFlow::Break(exit) => return Ok(exit),
    };
    context.submitted(&run, Place::COMFYUI);
    if args.submitting.detach {
        leave(context, &run, Some(Site::default()));
        return Ok(Exit::Done);
    }
    follow(context, &comfy, run, &mut signals, &following).await
}

/// Follows a prompt that somebody has queued.
pub(super) async fn watch(
    context: &mut Context,
    args: args::Watch,
    task: TaskId,
    of_entry: Settings,
) -> Result<Exit, Error> {
    if args.workflow.is_some() {
        return Err(Error::usage("`--workflow` is for RunningHub: a ComfyUI knows what it runs"));
    }
    let comfy = context.server(Settings {
        record: args.patience.record.clone(),
        previews: args.patience.previews.clone(),
        ..of_entry
    })?;
    let following = Following::new(args.saving, &args.patience, &comfy)?;
    let mut signals = context.signals()?;
    context.outcome.task_id = Some(task.clone());
    let start = comfy.follow(task.clone()).start();
    match take_up(context, &comfy, &task, start, &mut signals).await? {
        ControlFlow::Continue(run) => follow(context, &comfy, run, &mut signals, &following).await,
        ControlFlow::Break(exit) => Ok(exit),
    }
}

/// Shows what runs and what waits.
pub(super) async fn queue(context: &mut Context) -> Result<Exit, Error> {
    let comfy = context.server(Settings::default())?;
    context.show(Event::Queue(comfy.queue().await?.into()));
    Ok(Exit::Done)
}

/// Options that only RunningHub's API has.
fn refuse_options(args: &args::Run) -> Result<(), Error> {
    let given = [
        ("--under", args.under.is_some()),
        ("--instance", args.machine.instance.is_some()),
        ("--personal-queue", args.machine.personal_queue),
        ("--retain", args.machine.retain.is_some()),
        ("--access-password", args.machine.access_password.is_some()),
        ("--v2", args.machine.v2),
        ("--webhook", args.submitting.webhook.is_some()),
        ("--queue-timeout", args.submitting.queue_timeout.is_some()),
        ("--no-metadata", args.no_metadata),
    ];
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((name, _)) => {
            Err(Error::usage(format!("`{name}` is for RunningHub's API and not for a server"))
                .hint("leave it out; `--set NODE.FIELD=VALUE` changes fields"))
        }
        None => Ok(()),
    }
}

/// That a task's place can be reached at all.
///
/// # Errors
/// Usage, where a newer version has written it down.
pub(super) fn check_place(place: &Place) -> Result<(), Error> {
    match place {
        Place::RunningHub { .. } | Place::ComfyUi { .. } | Place::NativeProxy { .. } => Ok(()),
        _ => Err(Error::usage(format!(
            "the ledger names a place that this version does not know: `{}`",
            Untrusted::from(place.word())
        ))
        .hint("use the newer version of rhub that has submitted it")),
    }
}

/// A prompt's id as a ComfyUI takes it.
///
/// # Errors
/// Usage, where it cannot be one.
pub(super) fn prompt_id(text: &str) -> Result<TaskId, Error> {
    if target::is_prompt_id(text) {
        return Ok(text.into());
    }
    Err(Error::usage(format!("`{}` is not a prompt id", Untrusted::from(text))).hint(
        "a prompt id is like `9b354dcf-8f10-4212-8b21-db4e40ce60d8`; `rhub queue` shows those that wait",
    ))
}
