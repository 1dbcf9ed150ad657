//! `rhub run`.

use runninghub::{Code, Submit, editor_workflow, say};
use serde_json::Value;

use super::{
    context::Context,
    rerun,
    submit::{self, Submission},
};
use crate::{
    args, assign,
    exit::{Error, Exit},
    input,
    target::{self, Target},
};

/// Submits a workflow and follows it to the end.
pub(super) async fn run(context: &mut Context, args: args::Run) -> Result<Exit, Error> {
    let is_on_server = context.global.server.is_some();
    if is_on_server {
        refuse_options(&args)?;
    }
    if let Some(file) = &args.from {
        return rerun::from(context, file, &args).await;
    }
    let target = Target::parse(args.workflow.as_deref().unwrap_or_default())?;
    let texts = args.set_text.iter().map(|text| assign::text(text));
    let changes = args.set.iter().map(|text| assign::parse(text)).chain(texts).collect::<Result<_, _>>()?;
    let list = args.node_info_list.as_deref().map(assign::node_info_list).transpose()?;
    let is_alone = matches!(target, Target::Own(_)) && args.under.is_none();
    let own = match &target {
        Target::Own(text) if !is_on_server => Some(text.clone()),
        _ => None,
    };
    let (mut submit, id, site) = match target {
        Target::Saved(..) if is_on_server => {
            let error = Error::usage(say!("a ComfyUI server has no workflow ids")).about("server");
            return Err(error.hint(say!(
                "use the workflow's file, exported from the editor with `Workflow > Export (API)`"
            )));
        }
        Target::Saved(id, site) => (Submit::workflow(id.clone()), Some(id), site),
        Target::Own(text) => (Submit::graph(text), None, None),
    };
    if let Some(id) = args.under {
        submit = submit.under(target::saved(&id, "--under")?.0);
    }
    submit = assign::put_all(submit, changes);
    if let Some(list) = list {
        submit = submit.node_info_list(list);
    }
    if let Some(path) = &args.extra_pnginfo {
        let name = || path.display();
        let text = input::read(path).map_err(|why| {
            Error::usage(say!("cannot read the workflow {name}: {why}", name = name(), why))
        })?;
        let workflow: Value = serde_json::from_str(&text).map_err(|why| {
            Error::usage(say!("cannot read the workflow {name}: {why}", name = name(), why))
        })?;
        submit = submit.extra_pnginfo(workflow);
    }
    if args.no_metadata {
        submit = submit.add_metadata(false);
    }
    submit = submit::on_machine(context, submit, &args.machine)?;
    let reach = |context: &mut Context| context.service(submit::settings(&args.submitting, site));
    let submission = Submission::new(context, &args.submitting, reach)?;
    let explain = |error: runninghub::Error| match Error::from(error) {
        error if is_alone && error.code.as_deref() == Some(&Code::INVALID_PARAMETER) => error.or_hint(say!(
            "it may require a saved workflow to submit the file under: give one with `--under ID`"
        )),
        error if error.exit == Exit::Usage && own.as_deref().and_then(editor_workflow).is_some() => error
            .and_hint(say!(
                "or let a ComfyUI that has its nodes convert it: `rhub workflow convert FILE --server URL`"
            )),
        error => match &id {
            Some(id)
                if [Some(&Code::NO_SUCH_WORKFLOW), Some(&Code::NO_SUCH_APP)]
                    .contains(&error.code.as_deref()) =>
            {
                error.and_hint(say!("run an AI app with `rhub app run {id}`", id = id))
            }
            _ => error,
        },
    };
    submission.make(context, submit, explain).await
}

/// Rejects options that only RunningHub's API supports.
fn refuse_options(args: &args::Run) -> Result<(), Error> {
    let given = first_given([
        ("--under", args.under.is_some()),
        ("--instance", args.machine.instance.is_some()),
        ("--personal-queue", args.machine.personal_queue),
        ("--retain", args.machine.retain.is_some()),
        ("--access-password", args.machine.access_password.is_some()),
        ("--v2", args.machine.v2),
        ("--webhook", args.submitting.webhook.is_some()),
        ("--queue-timeout", args.submitting.queue_timeout.is_some()),
        ("--no-metadata", args.no_metadata),
    ]);
    given.map_or(Ok(()), |option| {
        Err(Error::usage(say!("`{option}` is for RunningHub's API, not for a server", option))
            .hint(say!("leave it out; `--set NODE.FIELD=VALUE` changes fields")))
    })
}

/// The first of these options that was given.
pub(super) fn first_given<const N: usize>(options: [(&'static str, bool); N]) -> Option<&'static str> {
    options.into_iter().find_map(|(name, is_given)| is_given.then_some(name))
}
