//! Fills in a form on a terminal: one prompt for each field that is not set yet.

use std::io::{self, IsTerminal as _};

use runninghub::{App, AppField, answer, app, say};

use crate::{
    assign::{NewValue, Written},
    exit::Error,
    printer::Printer,
    report::app as text,
};

/// Checks that the terminal is interactive.
pub(super) fn check() -> Result<(), Error> {
    if io::stdin().is_terminal() {
        return Ok(());
    }
    Err(Error::usage(say!("`--interactive` needs a terminal"))
        .hint(say!("set the fields with `--set NAME=VALUE`")))
}

/// Prompts for all fields that are not set. Empty input keeps a field as it is; invalid input is prompted for again.
pub(super) fn fill(
    printer: Printer,
    form: &App,
    mut changes: Vec<(String, NewValue)>,
) -> Result<Vec<(String, NewValue)>, Error> {
    let mut set = Vec::new();
    for (name, _) in &changes {
        set.push(app::place(app::find(form, name)?));
    }
    let open = form.fields.iter().filter(|field| !set.contains(&app::place(field)));
    for field in open {
        for line in text::field(&answer::AppField::from(field)) {
            printer.talk(&line);
        }
        if let Some(value) = ask(printer, field)? {
            changes.push((app::place(field), value));
        }
    }
    Ok(changes)
}

fn ask(printer: Printer, field: &AppField) -> Result<Option<NewValue>, Error> {
    loop {
        printer.prompt("> ");
        let mut line = String::new();
        let size = io::stdin().read_line(&mut line);
        if size.is_ok_and(|size| size == 0) {
            return Err(Error::usage(say!("the form was not filled in; nothing was submitted")));
        }
        let answer = line.trim();
        if answer.is_empty() {
            return Ok(None);
        }
        let checked = match Written::of(answer) {
            Written::Plain(text) | Written::Text(text) => {
                app::fit(field, &text.into()).map(|text| NewValue::Json(text.into()))
            }
            Written::File(path) => app::fit_file(field, path).map(|()| NewValue::File(path.into())),
        };
        match checked {
            Ok(value) => return Ok(Some(value)),
            Err(error) => printer.error(&error.into()),
        }
    }
}
