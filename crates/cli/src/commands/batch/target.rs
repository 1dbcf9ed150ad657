//! The target of a batch, and its fields.

use std::sync::Arc;

use runninghub::{
    Fields, Kind, RunningHub, Service as _, Site, Work, Workflow,
    catalog::Catalog,
    ledger::{Batch, Digest},
    say,
};
use runninghub_batch::Target;

use super::super::{
    context::Context,
    model,
    service::{Settings, Writes, check_place},
};
use crate::{
    args,
    exit::Error,
    key,
    target::{self, Target as WorkflowTarget},
};

/// The target of a batch, its fields, and the service.
pub(super) struct Chosen {
    pub(super) target: Target,
    /// The target for display: a graph by its file.
    pub(super) name: String,
    pub(super) fields: Fields,
    /// `None` if everything is known without a key.
    pub(super) service: Option<Reached>,
    /// The work submitted for each row.
    pub(super) work: Work,
    /// The catalog of the model.
    pub(super) catalog: Option<Arc<Catalog>>,
}

/// A service to query.
pub(super) enum Reached {
    Hub(RunningHub),
    Server,
}

/// Work, with facts specific to its kind.
struct Runnable {
    work: Work,
    id: String,
    name: String,
    site: Option<Site>,
    catalog: Option<Arc<Catalog>>,
}

/// Determines the target: from the options, or else from the job.
pub(super) async fn choose(
    context: &mut Context,
    args: &args::BatchRows,
    of_job: Option<&(Kind, String)>,
) -> Result<Chosen, Error> {
    let runnable = runnable(context, args, of_job)?;
    let settings = Settings { site: runnable.site, ledger: Writes::Elsewhere, ..Settings::default() };
    if let Some(server) = context.global.server.clone() {
        let Work::Graph(json) = &runnable.work else {
            return Err(Error::usage(say!("a ComfyUI server runs workflow files only")).hint(say!(
                "use the workflow's file, exported from the editor with `Workflow > Export (API)`"
            )));
        };
        let server = context.server(server, settings)?;
        let fields = server.fields(Workflow::parse(json)?);
        let target = Target { place: server.place().clone(), kind: Kind::Prompt, id: runnable.id };
        return Ok(Chosen {
            target,
            name: runnable.name,
            fields,
            service: Some(Reached::Server),
            work: runnable.work,
            catalog: None,
        });
    }
    let kind = runnable.work.kind();
    let offline = match &runnable.work {
        Work::Graph(json) => Some(Fields::of_graph(Workflow::parse(json)?)),
        Work::Model(_) => {
            let catalog = runnable.catalog.as_deref().unwrap_or_else(|| Catalog::embedded());
            Some(Fields::of_model(catalog.find(&runnable.id).map_err(runninghub::Error::from)?.clone()))
        }
        _ => None,
    };
    if let Some(fields) = &offline
        && !key::is_named(&context.global)
    {
        let site = context.site(runnable.site)?;
        let place = RunningHub::place_of(site, context.global.base_url.as_deref())?;
        return Ok(Chosen {
            target: Target { place, kind, id: runnable.id },
            name: runnable.name,
            fields: fields.clone(),
            service: None,
            work: runnable.work,
            catalog: runnable.catalog,
        });
    }
    let hub = context.connect(settings)?;
    let fields = match offline {
        Some(fields) => fields,
        None => hub.fields(&runnable.work, None).await?,
    };
    let target = Target { place: hub.place().clone(), kind, id: runnable.id };
    let Runnable { work, name, catalog, .. } = runnable;
    Ok(Chosen { target, name, fields, service: Some(Reached::Hub(hub)), work, catalog })
}

/// The target of a batch in the ledger. The ledger doesn't store workflow files, so the file has to be given again.
pub(super) async fn stored(
    context: &mut Context,
    batch: &Batch,
    workflow: Option<&str>,
) -> Result<Chosen, Error> {
    let (name, place) = (&*batch.name, &batch.place);
    check_place(place)?;
    let is_file = batch.kind == Kind::Prompt || batch.target.parse::<Digest>().is_ok();
    let id = match workflow {
        Some(file) => file.to_owned(),
        None if is_file => {
            return Err(Error::usage(say!(
                "the batch `{name}` runs a workflow file, which is not stored",
                name
            ))
            .hint(say!("give the file with `--workflow FILE`")));
        }
        None => batch.target.clone(),
    };
    let settings = Settings::of(place);
    let global = &mut context.global;
    global.server = global.server.take().or(settings.server);
    global.base_url = global.base_url.take().or(settings.known_url);
    global.site = global.site.or(settings.site);
    let kind = if is_file { Kind::Workflow } else { batch.kind.clone() };
    let chosen = choose(context, &args::BatchRows::default(), Some(&(kind, id))).await?;
    let was = Target { place: place.clone(), kind: batch.kind.clone(), id: batch.target.clone() };
    if chosen.target != was {
        let (now, url) = (chosen.target.place.url(), place.url());
        let error = Error::usage(say!("the batch `{name}` runs another workflow", name));
        return Err(if now == url {
            error.hint(say!("give the same workflow file, without changes"))
        } else {
            error.hint(say!("the batch runs at {url}, not at {now}", url, now))
        });
    }
    Ok(chosen)
}

fn runnable(
    context: &mut Context,
    args: &args::BatchRows,
    of_job: Option<&(Kind, String)>,
) -> Result<Runnable, Error> {
    let options = [
        (Kind::Workflow, &args.workflow),
        (Kind::App, &args.app),
        (Kind::Quick, &args.quick),
        (Kind::Model, &args.model),
    ];
    let of_options = options.into_iter().find_map(|(kind, id)| Some((kind, id.clone()?)));
    if of_options.is_some() && of_job.is_some() {
        return Err(Error::usage(say!("the job already has a target"))
            .hint(say!("leave the option out, or delete the key in the job")));
    }
    let Some((kind, id)) = of_options.or_else(|| of_job.cloned()) else {
        return Err(Error::usage(say!("the rows have no target"))
            .hint(say!("add `--workflow`, `--app`, `--quick` or `--model`")));
    };
    let given = id.clone();
    let (work, id, site, catalog) = match kind {
        Kind::App => {
            let (id, site) = target::app(&id)?;
            (Work::App(id.clone()), id.as_str().to_owned(), site, None)
        }
        Kind::Quick => {
            let (app, code) = id.rsplit_once('/').filter(|(_, code)| !code.is_empty()).ok_or_else(|| {
                Error::usage(say!("`{id}` is not an app and a code", id = &*id))
                    .hint(say!("write the id of the Quick Create app, a slash and the code, as in 1877265245566922753/006"))
            })?;
            let (app, site) = target::app(app)?;
            let id = format!("{}/{code}", app.as_str());
            (Work::Quick { app, code: code.to_owned() }, id, site, None)
        }
        Kind::Model => {
            let catalog = model::catalog(context, args.catalog.as_deref())?;
            let endpoint = catalog.find(&id).map_err(runninghub::Error::from)?.endpoint.clone();
            (Work::Model(endpoint.clone()), endpoint, None, Some(catalog))
        }
        _ => match WorkflowTarget::parse(&id)? {
            WorkflowTarget::Saved(id, site) => {
                (Work::Workflow(id.clone()), id.as_str().to_owned(), site, None)
            }
            WorkflowTarget::Own(text) => {
                // In the form that is sent, so that whitespace doesn't matter.
                let digest = Digest::of(Workflow::parse(&text)?.text());
                (Work::Graph(text), digest.to_string(), None, None)
            }
        },
    };
    let name = if let Work::Graph(_) = work { given } else { id.clone() };
    Ok(Runnable { work, id, name, site, catalog })
}

impl Reached {
    /// The number of tasks that may run at once, if the service reports it.
    pub(super) async fn slots(&self) -> Option<usize> {
        match self {
            // Only an estimate depends on it, and is omitted without a response.
            Self::Hub(hub) => {
                let status = hub.api().queue_status().await.ok()?;
                usize::try_from(status.concurrent_limit?).ok()
            }
            Self::Server => Some(1),
        }
    }
}
