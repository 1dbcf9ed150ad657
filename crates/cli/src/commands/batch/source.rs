//! Reads the rows of a batch, and reports their problems.

use std::{
    env, fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use runninghub::{Fact, Kind, Sentence, ledger::Batch, say};
use runninghub_batch::{At, Axis, Disk, Error as RowError, Given, Item, JobLimits, Problem, Rows, Source};

use super::{super::context::Context, target::Chosen};
use crate::{
    args,
    assign::{Written, named},
    event::{BatchProblem, Event},
    exit::{Error, Exit},
};

/// Parsed rows, and the facts about their source.
pub(super) struct Read {
    pub(super) source: Source,
    /// The name of the source in messages.
    pub(super) shown: Sentence,
    /// The same source has the same origin.
    pub(super) origin: Origin,
    /// The folder against which relative paths are resolved.
    pub(super) base: PathBuf,
}

/// The source of rows.
pub(super) enum Origin {
    /// A file, by its absolute path.
    File(PathBuf),
    /// Standard input or options, in this folder. Their targets tell them apart.
    Folder(&'static str, PathBuf),
}

impl Read {
    /// A batch already in the ledger: its rows are known, and their files have absolute paths.
    pub(super) fn stored(batch: &Batch) -> Self {
        let (rows, limits) = (Rows::default(), JobLimits::default());
        Self {
            source: Source { rows, target: None, limits, spec: batch.spec },
            shown: Sentence::verbatim(batch.name.clone()),
            origin: Origin::File(batch.origin.clone().into()),
            base: PathBuf::new(),
        }
    }
}

impl Origin {
    /// The origin as stored in a ledger.
    pub(super) fn text(&self, kind: &Kind, target: &str) -> String {
        match self {
            Self::File(path) => path.to_string_lossy().into_owned(),
            Self::Folder(what, folder) => format!("{what} in {} for {kind} {target}", folder.display()),
        }
    }

    /// The default name of a batch.
    pub(super) fn name(&self) -> String {
        match self {
            Self::File(path) => path.file_stem().map(|stem| stem.to_string_lossy().into_owned()),
            Self::Folder(..) => None,
        }
        .filter(|stem| !stem.trim().is_empty())
        .unwrap_or_else(|| "batch".to_owned())
    }
}

/// Reads the source from the command line, with the values for all rows.
pub(super) fn read(context: &mut Context, args: &args::BatchRows) -> Result<Read, Error> {
    let here = env::current_dir()
        .map_err(|why| Error::new(Exit::Store, say!("the current folder cannot be found: {why}", why)))?;
    let sets = args.set.iter().map(|text| set(text)).collect::<Result<Vec<_>, _>>()?;
    let axes = !(args.each.is_empty() && args.each_line.is_empty() && args.matrix.is_empty());
    let (mut read, files) = match &args.source {
        None if axes => {
            let disk = Disk { base: here.clone() };
            let shown = say!("the options");
            let source = combine(args, &disk).map_err(|error| refuse(context, &shown, &error))?;
            (
                Read {
                    source,
                    shown,
                    origin: Origin::Folder("the options", here.clone()),
                    base: here.clone(),
                },
                disk,
            )
        }
        None => {
            return Err(Error::usage(say!("there are no rows")).hint(say!(
                "give a table, JSON Lines or a job, or rows with `--each`, `--each-line` or `--matrix`"
            )));
        }
        Some(path) if path.as_os_str() == "-" => {
            let mut bytes = Vec::new();
            io::stdin()
                .read_to_end(&mut bytes)
                .map_err(|why| Error::usage(say!("cannot read standard input: {why}", why)))?;
            let disk = Disk { base: here.clone() };
            let shown = say!("standard input");
            let source =
                Source::read(None, &bytes, &disk).map_err(|error| refuse(context, &shown, &error))?;
            let origin = Origin::Folder("standard input", here.clone());
            (Read { source, shown, origin, base: here.clone() }, disk)
        }
        Some(path) => {
            let full = file(path)?;
            let base = full.parent().map_or_else(|| here.clone(), Path::to_owned);
            let bytes = fs::read(&full).map_err(|why| unreadable(path, &why))?;
            let disk = Disk { base: base.clone() };
            let shown = Sentence::verbatim(path.display().to_string());
            let source =
                Source::read(Some(path), &bytes, &disk).map_err(|error| refuse(context, &shown, &error))?;
            (Read { source, shown, origin: Origin::File(full), base }, disk)
        }
    };
    drop(files);
    for (field, given) in sets {
        // Like all paths on the command line, its paths are relative to the current folder.
        let given = match given {
            Given::File(path) => Given::File(here.join(path)),
            given => given,
        };
        read.source.rows.set_everywhere(&field, &given);
    }
    if let Some(instance) = &args.instance {
        for row in &mut read.source.rows.rows {
            row.instance.get_or_insert_with(|| instance.clone());
        }
    }
    Ok(read)
}

/// The absolute path of a file.
fn file(path: &Path) -> Result<PathBuf, Error> {
    let full = fs::canonicalize(path).map_err(|why| unreadable(path, &why))?;
    if full.is_file() {
        return Ok(full);
    }
    let path = Fact::of(path.display());
    Err(Error::usage(say!("{path} is not a file", path)).hint(say!(
        "give a table, JSON Lines or a job; `--each 'FIELD=@DIR/*.png'` makes a row for each file of a folder"
    )))
}

fn unreadable(path: &Path, why: &io::Error) -> Error {
    let path = Fact::of(path.display());
    if why.kind() == io::ErrorKind::NotFound {
        return Error::usage(say!("file {path} not found", path));
    }
    Error::usage(say!("cannot read {what}: {why}", what = path, why = why.to_string()))
}

/// The rows of `--each`, `--each-line` and `--matrix`.
fn combine(args: &args::BatchRows, disk: &Disk) -> Result<Source, RowError> {
    let each = args.each.iter().map(|text| Axis::each(text, disk));
    let lines = args.each_line.iter().map(|text| Axis::each_line(text, disk));
    let values = args.matrix.iter().map(|text| Axis::parse(text));
    Source::combine(each.chain(lines).chain(values).collect::<Result<_, _>>()?, args.zip)
}

/// Reads `FIELD=VALUE`.
fn set(text: &str) -> Result<(String, Given), Error> {
    let Some((field, value)) = text.split_once('=').filter(|(field, _)| !field.trim().is_empty()) else {
        return Err(Error::usage(say!("`--set {text}` needs a field and a value", text))
            .hint(say!("write `--set FIELD=VALUE`, for example `--set 3.steps=20`")));
    };
    let given = match Written::of(value) {
        Written::Plain(text) | Written::Text(text) => Given::Text(text.to_owned()),
        Written::File(path) => Given::File(named("--set", text, path)?),
    };
    let axis = Axis::new(field, vec![given]).map_err(|error| {
        let hint = say!("write `--set FIELD=VALUE`, for example `--set 3.steps=20`");
        Error::usage(error.sentence()).hint(error.hint().unwrap_or(hint))
    })?;
    let field = axis.field().to_owned();
    axis.into_values()
        .pop()
        .map(|given| (field, given))
        .ok_or_else(|| Error::usage(say!("there are no values")))
}

/// The items of a source: every value is checked, and every file is read.
pub(super) fn items(
    context: &mut Context,
    read: &mut Read,
    chosen: &Chosen,
    is_unique: bool,
) -> Result<Vec<Item>, Error> {
    let rows = std::mem::take(&mut read.source.rows);
    let disk = Disk { base: read.base.clone() };
    let items = rows
        .fit(&chosen.fields, &read.base)
        .and_then(|rows| rows.freeze(&chosen.target, is_unique, &mut |path| disk.digest(path)))
        .map_err(|error| refuse(context, &read.shown, &error))?;
    for problem in &items.notes {
        context.show(Event::BatchProblem(BatchProblem::new(&read.shown, problem, false)));
    }
    let more = items.notes.count() - items.notes.iter().count();
    if more > 0 {
        context.warn("more_notes", say!("{more} more warnings about rows are not listed", more));
    }
    Ok(items.items)
}

/// Reports every problem, and returns the error that ends the command.
pub(super) fn refuse(context: &mut Context, source: &Sentence, error: &RowError) -> Error {
    let problems = error.problems();
    for problem in problems {
        context.show(Event::BatchProblem(BatchProblem::new(source, problem, true)));
    }
    let sentence = match problems.count() {
        1 => say!("1 problem in {source}; nothing was sent", source),
        count => say!("{count} problems in {source}; nothing was sent", source, count),
    };
    let error = Error::usage(sentence);
    match problems.count() - problems.iter().count() {
        0 => error,
        more => error.hint(say!("these are the first; {more} more are not listed", more)),
    }
}

impl BatchProblem {
    fn new(source: &Sentence, problem: &Problem, fatal: bool) -> Self {
        let (row, line) = match problem.at {
            At::Row(row) => (Some(row), None),
            At::Line(line) => (None, Some(line)),
            At::Source => (None, None),
        };
        Self {
            source: source.clone(),
            fatal,
            row,
            line,
            column: problem.column.clone(),
            message: problem.what.clone(),
            cure: problem.cure.clone(),
            sentence: problem.sentence(),
        }
    }
}
