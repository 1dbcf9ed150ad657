//! `rhub batch export`.

use std::path::Path;

use runninghub::{Fact, ledger::ItemEntry, net::replace_file, say};
use runninghub_batch::{Export, Head, Item, Record, Results, Target};

use super::super::context::Context;
use crate::{
    args::{self, Format},
    exit::{Error, Exit, chain},
};

/// Writes the results of a batch in another format.
pub(super) async fn export(context: &mut Context, args: &args::BatchExport) -> Result<Exit, Error> {
    let format = match args.format {
        Some(Format::Export(format)) => format,
        _ => Export::Csv,
    };
    if context.format == Format::Json && args.to.is_none() {
        return Err(Error::usage(say!("standard output is used for the lines of `--json`"))
            .hint(say!("choose a file for the export with `--to FILE`")));
    }
    let ledger = context.workspace()?.ledger_to_read()?;
    let kept = ledger.items(&args.batch).await?;
    let known = ledger.batches().await?.into_iter().find(|entry| entry.batch.name == args.batch);
    let results = known.and_then(|known| {
        let batch = known.batch;
        let head = Head {
            batch: batch.name,
            spec: batch.spec,
            target: Target { place: batch.place, kind: batch.kind, id: batch.target },
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Some(Results::open(batch.folder?, head))
    });
    let results = match results {
        Some(Ok(results)) => Some(results),
        Some(Err(error)) => {
            context.warn("results", say!("the results folder cannot be read: {error}", error = &error));
            None
        }
        None => None,
    };
    let records = records(&kept, results.as_ref())?;
    let text = format.text(&args.batch, &records);
    match &args.to {
        Some(path) => write(path, &text)?,
        None => context.printer.line(text.trim_end_matches('\n')),
    }
    Ok(Exit::Done)
}

/// The record of each item: details from the results folder, the state from the ledger.
fn records(kept: &[ItemEntry], results: Option<&Results>) -> Result<Vec<Record>, Error> {
    let mut records = Vec::with_capacity(kept.len());
    for kept in kept {
        let item = Item::thawed(&kept.item)?;
        let known = results.and_then(|results| results.record(&item.id));
        let mut record = match known.filter(|record| record.fingerprint == item.fingerprint) {
            Some(record) => record.clone(),
            None => Record::new(&item),
        };
        record.settle(kept.entry.as_ref());
        records.push(record);
    }
    records.sort_by_key(|record| record.row);
    Ok(records)
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    replace_file(path, text.as_bytes()).map_err(|error| {
        let path = Fact::of(path.display());
        Error::new(Exit::Store, say!("cannot write {file}: {why}", file = path, why = chain(&error)))
    })
}
