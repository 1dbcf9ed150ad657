//! `rhub model …`.

use std::{fs, io, path::Path, sync::Arc};

use runninghub::{
    KeyKind, Sentence, Submit,
    answer::Price,
    catalog::{Catalog, Kind},
    say,
};

use super::{
    context::Context,
    service::Settings,
    submit::{self, Submission},
};
use crate::{
    args::{self, ModelCall, ModelCommand},
    assign, cells,
    event::{Event, Model},
    exit::{Error, Exit},
    key,
};

/// A catalog has a few hundred kilobytes; a larger file is a mistake.
const MAX_FILE: u64 = 16 * 1024 * 1024;
/// Maximum number of bad catalog lines reported individually.
const TOLD: usize = 5;

pub(super) async fn model(context: &mut Context, args: args::Model) -> Result<Exit, Error> {
    match args.command {
        ModelCommand::List(args) => list(context, &args),
        ModelCommand::Show(args) => show(context, &args),
        ModelCommand::Run(args) => run(context, *args).await,
        ModelCommand::Price(args) => price(context, &args).await,
    }
}

fn list(context: &mut Context, args: &args::List) -> Result<Exit, Error> {
    let catalog = catalog(context, args.catalog.catalog.as_deref())?;
    let kind = args.kind.as_deref().map(kind);
    let found = catalog.search(&args.search, kind).filter(|model| args.retired || !model.retired);
    let found: Vec<_> = found.collect();
    let width = found.iter().map(|model| cells::width(&model.endpoint)).max().unwrap_or_default();
    for model in &found {
        context.show(Event::Model(Model { width, ..Model::from(*model) }));
    }
    if found.is_empty() {
        context.advice.push(say!("no models match; try fewer words or `--retired`"));
    }
    Ok(Exit::Done)
}

/// One of the kinds that the option accepts.
fn kind(word: &str) -> Kind {
    match word {
        "audio" => Kind::Audio,
        "image" => Kind::Image,
        "text" => Kind::Text,
        "3d" => Kind::ThreeD,
        "video" => Kind::Video,
        _ => Kind::Other,
    }
}

fn show(context: &mut Context, args: &args::ShowModel) -> Result<Exit, Error> {
    let catalog = catalog(context, args.catalog.catalog.as_deref())?;
    let found = catalog.find(&args.model).map_err(runninghub::Error::from)?;
    context.show(Event::Model(Model { params: Some(found.params.clone()), ..found.into() }));
    Ok(Exit::Done)
}

async fn run(context: &mut Context, args: args::RunModel) -> Result<Exit, Error> {
    let mut submit = read(context, &args.call)?;
    key::check(&context.global, KeyKind::may_call_models, |kind| {
        say!("the profile's key cannot call models: {kind}", kind)
    })?;
    if let Some(amount) = args.max_cost {
        submit = submit.max_cost(amount);
    }
    let reach = |context: &mut Context| context.platform(submit::settings(&args.submitting, None));
    Submission::new(context, &args.submitting, reach)?.make(context, submit, Error::from).await
}

async fn price(context: &mut Context, args: &ModelCall) -> Result<Exit, Error> {
    let submit = read(context, args)?;
    let hub = context.connect(Settings::default())?;
    let price = Price::of(&args.model, hub.price(&submit).await?);
    context.show(Event::Price(price));
    Ok(Exit::Done)
}

/// A model call from the command line.
fn read(context: &mut Context, args: &ModelCall) -> Result<Submit, Error> {
    let catalog = catalog(context, args.catalog.catalog.as_deref())?;
    if let Ok(model) = catalog.find(&args.model)
        && model.retired
    {
        let model = &model.endpoint;
        context.warn("retired", say!("`{model}` is no longer in recent lists; it may be gone", model));
    }
    let params = args.param.iter().map(|text| assign::param(text)).collect::<Result<_, _>>()?;
    let submit = assign::put_all(Submit::model(&args.model).catalog(catalog), params);
    match args.body.as_deref().map(assign::body).transpose()? {
        Some(body) => Ok(submit.body(body)),
        None => Ok(submit),
    }
}

/// The built-in catalog, with the models of a file layered over it.
pub(super) fn catalog(context: &mut Context, path: Option<&Path>) -> Result<Arc<Catalog>, Error> {
    let Some(path) = path else { return Ok(Arc::new(Catalog::embedded().clone())) };
    let name = || path.display();
    let cannot = |why| Error::usage(say!("cannot read the catalog {name}: {why}", name = name(), why));
    let unread = |error: io::Error| cannot(Sentence::verbatim(error.to_string()));
    let meta = fs::metadata(path).map_err(unread)?;
    if !meta.is_file() || meta.len() > MAX_FILE {
        return Err(cannot(say!("it is not a model catalog")));
    }
    let text = fs::read_to_string(path).map_err(unread)?;
    let newer = Catalog::parse(&text)
        .map_err(|error| Error { hint: error.hint().map(Box::new), ..cannot(error.sentence()) })?;
    for skipped in newer.skipped().iter().take(TOLD) {
        let (line, why) = (skipped.line, skipped.why.sentence());
        let message = say!("line {line} of the catalog {name} was skipped: {why}", line, name = name(), why);
        context.warn("catalog", message);
    }
    if let Some(more) = newer.skipped().len().checked_sub(TOLD).filter(|more| *more > 0) {
        let message =
            say!("{count} more lines of the catalog {name} were skipped", count = more, name = name());
        context.warn("catalog", message);
    }
    Ok(Arc::new(Catalog::embedded().clone().with(newer)))
}
