//! `index.html`: all results on one page, along the axes of the matrix. It has no script, and loads only its own images.

use std::fmt::Write as _;

use super::{
    axes::{Axis, Layout, by_place, places, value},
    html::{text, url},
    record::{Record, is_below},
};
use crate::ItemState;

/// Maximum length of a value, characters.
const SHOWN: usize = 160;

const IMAGES: [&str; 7] = ["avif", "bmp", "gif", "jpeg", "jpg", "png", "webp"];
const VIDEOS: [&str; 4] = ["m4v", "mov", "mp4", "webm"];
const SOUNDS: [&str; 5] = ["flac", "m4a", "mp3", "ogg", "wav"];

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8886; --bad: #c33; --soft: #8882; }
body { font: 14px/1.4 system-ui, sans-serif; margin: 1.5rem; }
h1 { font-size: 1.3rem; margin: 0; } h2 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p { margin: .3rem 0 1rem; opacity: .8; }
.flow { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 1rem; align-items: start; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; } th, td { border: 1px solid var(--line); padding: .4rem; vertical-align: top; }
th { font-weight: 600; max-width: 16rem; overflow-wrap: anywhere; text-align: left; background: var(--soft); }
td { min-width: 180px; max-width: 320px; }
figure { margin: 0 0 .6rem; } figure:last-child { margin: 0; }
img, video { display: block; max-width: 100%; height: auto; border-radius: 4px; } audio { width: 100%; }
figcaption { font-size: 12px; margin-top: .2rem; overflow-wrap: anywhere; }
dl { margin: .2rem 0 0; } dt { opacity: .7; } dd { margin: 0 0 .2rem; white-space: pre-line; }
.none { background: var(--soft); border-radius: 4px; padding: 1.2rem .6rem; text-align: center; }
.failed .none, .refused .none, .unknown .none { color: var(--bad); }
bdi { unicode-bidi: isolate; }
";

/// The page of a batch. Paths are relative to the folder of its results.
pub(super) fn contact_sheet<'r>(batch: &str, records: impl IntoIterator<Item = &'r Record>) -> String {
    let records: Vec<&Record> = records.into_iter().collect();
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src 'self' file:; media-src 'self' file:; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n<p>{counts}</p>\n",
        title = text(batch),
        counts = text(&counts(&records)),
    );
    match Layout::of(&records) {
        Layout::Flow(fields) => {
            page.push_str("<div class=\"flow\">\n");
            for record in records {
                let values: Vec<_> = fields.iter().map(|field| (&**field, value(record, field))).collect();
                figure(&mut page, record, &values);
            }
            page.push_str("</div>\n");
        }
        Layout::Grid { sections, rows, columns } => {
            let axes: Vec<&Axis> = sections.iter().collect();
            let of_section = by_place(&records, &axes);
            for place in places(&records, &axes) {
                if !axes.is_empty() {
                    let parts = axes
                        .iter()
                        .zip(&place)
                        .map(|(axis, value)| format!("{} = {}", text(&axis.name), cut(value)));
                    let _ = writeln!(page, "<h2>{}</h2>", parts.collect::<Vec<_>>().join(" \u{b7} "));
                }
                let items = of_section.get(&place).map(Vec::as_slice).unwrap_or_default();
                table(&mut page, &rows, &columns, items);
            }
        }
    }
    page.push_str("</body>\n</html>\n");
    page
}

/// `612 of 1000 done, 4 failed`.
fn counts(records: &[&Record]) -> String {
    let count = |state| records.iter().filter(|record| record.state == state).count();
    let others = ItemState::ALL.into_iter().filter(|state| *state != ItemState::Done);
    let others = others.map(|state| (state, count(state))).filter(|(_, count)| *count > 0);
    let parts = others.map(|(state, count)| format!("{count} {state}"));
    let done = format!("{} of {} done", count(ItemState::Done), records.len());
    std::iter::once(done).chain(parts).collect::<Vec<_>>().join(", ")
}

fn table(page: &mut String, rows: &Axis, columns: &Axis, records: &[&Record]) {
    let cells = by_place(records, &[rows, columns]);
    let (down, right) = (text(&rows.name), text(&columns.name));
    let _ = write!(page, "<div class=\"wide\"><table>\n<tr><th>{down} \u{2193} {right} \u{2192}</th>");
    for value in &columns.values {
        let _ = write!(page, "<th scope=\"col\">{}</th>", cut(value));
    }
    page.push_str("</tr>\n");
    for row in &rows.values {
        let _ = write!(page, "<tr><th scope=\"row\">{}</th>", cut(row));
        for column in &columns.values {
            page.push_str("<td>");
            for record in cells.get(&vec![row.clone(), column.clone()]).into_iter().flatten() {
                figure(page, record, &[]);
            }
            page.push_str("</td>");
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</table></div>\n");
}

/// A value on one line, cut.
fn cut(value: &str) -> String {
    let short = match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}\u{2026}", value.get(..end).unwrap_or_default()),
        None => value.to_owned(),
    };
    format!("<bdi>{}</bdi>", text(&short))
}

/// An item with its results, or its outcome.
fn figure(page: &mut String, record: &Record, values: &[(&str, String)]) {
    let (id, state) = (text(record.id.as_str()), record.state.as_str());
    let _ = write!(page, "<figure class=\"{state}\">");
    let files = record.files.iter().map(|file| &*file.path).filter(|path| is_below(path));
    let files: Vec<&str> = files.collect();
    for path in &files {
        medium(page, path, &id);
    }
    if files.is_empty() {
        let why = record.error.as_ref().map(|error| cut(&error.message)).unwrap_or_default();
        let gap = if why.is_empty() { "" } else { "<br>" };
        let _ = write!(page, "<div class=\"none\">{state}{gap}{why}</div>");
    }
    let _ = write!(page, "<figcaption><bdi>{id}</bdi>");
    if !values.is_empty() {
        page.push_str("<dl>");
        for (field, value) in values {
            let _ = write!(page, "<dt>{}</dt><dd>{}</dd>", text(field), cut(value));
        }
        page.push_str("</dl>");
    }
    page.push_str("</figcaption></figure>\n");
}

fn medium(page: &mut String, path: &str, id: &str) {
    let extension = path.rsplit_once('.').map(|(_, extension)| extension.to_lowercase()).unwrap_or_default();
    let is = |known: &[&str]| known.contains(&&*extension);
    let source = url(path);
    let name = text(path.rsplit('/').next().unwrap_or(path));
    let _ = if is(&IMAGES) {
        write!(page, "<a href=\"{source}\"><img loading=\"lazy\" src=\"{source}\" alt=\"{id}\"></a>")
    } else if is(&VIDEOS) {
        write!(page, "<video controls preload=\"metadata\" src=\"{source}\"></video>")
    } else if is(&SOUNDS) {
        write!(page, "<audio controls preload=\"none\" src=\"{source}\"></audio>")
    } else {
        write!(page, "<a href=\"{source}\"><bdi>{name}</bdi></a>")
    };
}
