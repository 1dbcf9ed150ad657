//! `rhub app …` and `rhub quick run`.

use runninghub::{AppSort, Code, Site, Submit, WebappId, answer, say};
use serde_json::Value;

use super::{
    context::Context,
    form,
    service::Settings,
    submit::{self, Submission},
};
use crate::{
    args::{self, AppCommand, Filling, Sort, SubmitOptions},
    assign::{self, NewValue, Written, named},
    event::Event,
    exit::{Error, Exit},
    target,
};

/// The field values from the command line.
pub(super) struct Filled {
    changes: Vec<(String, NewValue)>,
    list: Option<Vec<Value>>,
    interactive: bool,
}

impl Filled {
    /// Reads the values before any request is sent.
    pub(super) fn parse(filling: &Filling) -> Result<Self, Error> {
        if filling.interactive {
            form::check()?;
        }
        Ok(Self {
            changes: filling.set.iter().map(|text| parse(text)).collect::<Result<_, _>>()?,
            list: filling.node_info_list.as_deref().map(assign::node_info_list).transpose()?,
            interactive: filling.interactive,
        })
    }
}

pub(super) async fn app(context: &mut Context, args: args::App) -> Result<Exit, Error> {
    match args.command {
        AppCommand::List(args) => list(context, args).await,
        AppCommand::Show(args) => show(context, args).await,
        AppCommand::Run(args) => {
            let (id, site) = target::app(&args.app)?;
            let filled = Filled::parse(&args.filling)?;
            let submit = submit::on_machine(context, Submit::app(id.clone()), &args.machine)?;
            run(context, submit, (&id, site), filled, &args.submitting).await
        }
    }
}

/// Fills in the form, submits, and follows the task to its end.
pub(super) async fn run(
    context: &mut Context,
    submit: Submit,
    (id, site): (&WebappId, Option<Site>),
    filled: Filled,
    submitting: &SubmitOptions,
) -> Result<Exit, Error> {
    let reach = |context: &mut Context| context.platform(submit::settings(submitting, site));
    let submission = Submission::new(context, submitting, reach)?;
    let Filled { mut changes, list, interactive } = filled;
    if interactive {
        let hub = context.connect(Settings { site, ..Settings::default() })?;
        let app = hub.form(id).await.map_err(|error| unknown(error, id))?;
        changes = form::fill(context.printer, &app, changes)?;
    }
    let mut submit = assign::put_all(submit, changes);
    if let Some(list) = list {
        submit = submit.node_info_list(list);
    }
    submission.make(context, submit, |error| unknown(error, id)).await
}

fn unknown(error: runninghub::Error, id: &WebappId) -> Error {
    let error = Error::from(error);
    if error.code.as_deref() != Some(&Code::NO_SUCH_APP) {
        return error;
    }
    error.and_hint(say!("run a workflow with `rhub run {id}`", id = id))
}

/// Lists apps.
async fn list(context: &mut Context, args: args::AppList) -> Result<Exit, Error> {
    let hub = context.connect(Settings::default())?;
    let sort = match args.sort {
        Sort::Recommend => AppSort::Recommend,
        Sort::Hottest => AppSort::Hottest,
        Sort::Newest => AppSort::Newest,
    };
    let page = hub
        .apps(|list| {
            let list = list.page(args.paging.page).size(args.paging.size).sort(sort);
            if let Some(days) = args.days { list.days(days) } else { list }
        })
        .await?;
    for listed in &page.records {
        context.show(Event::App(listed.into()));
    }
    context.more(page.has_next, &args.paging);
    Ok(Exit::Done)
}

/// Shows the fields of an app.
async fn show(context: &mut Context, args: args::AppShow) -> Result<Exit, Error> {
    let (id, site) = target::app(&args.app)?;
    let hub = context.connect(Settings { site, ..Settings::default() })?;
    let app = hub.form(&id).await.map_err(|error| unknown(error, &id))?;
    context.show(Event::App(answer::App::of(&id, &app)));
    Ok(Exit::Done)
}

/// Reads `NAME=VALUE`. Values of apps are text; JSON text is decoded.
pub(super) fn parse(text: &str) -> Result<(String, NewValue), Error> {
    let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.trim().is_empty()) else {
        return Err(Error::usage(say!("`--set {text}` needs a field and a value", text))
            .hint(say!("write `--set NAME=VALUE`, for example `--set prompt=\"a cat\"`")));
    };
    let value = match Written::of(value) {
        Written::Text(value) => NewValue::Json(value.into()),
        Written::File(path) => NewValue::File(named("--set", text, path)?),
        Written::Plain(value) => match serde_json::from_str(value) {
            Ok(text @ Value::String(_)) => NewValue::Json(text),
            _ => NewValue::Json(value.into()),
        },
    };
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_text_to_the_letter() {
        let text = |text: &str| NewValue::Json(text.into());
        for (given, name, value) in [
            ("prompt=a cat", "prompt", text("a cat")),
            ("6.text=a=b", "6.text", text("a=b")),
            ("seed=12345678901234567890123", "seed", text("12345678901234567890123")),
            ("cfg=007", "cfg", text("007")),
            ("x=[1,  2]", "x", text("[1,  2]")),
            ("x=\"@home\"", "x", text("@home")),
            ("提示词=", "提示词", text("")),
            ("image=@a b.png", "image", NewValue::File("a b.png".into())),
        ] {
            assert_eq!(parse(given).expect(given), (name.to_owned(), value), "{given}");
        }
        for bad in ["", "prompt", "=x", " =x", "image=@"] {
            assert_eq!(parse(bad).expect_err(bad).exit, Exit::Usage, "{bad}");
        }
    }
}
