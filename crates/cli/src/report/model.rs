//! Formats models.

use runninghub::{
    Untrusted,
    answer::Price,
    catalog::{Param, Price as ListPrice},
};
use serde_json::Value;

use crate::{cells, event::Model, lang};

/// The column headers of the parameter table.
const HEAD: [&str; 5] = ["PARAMETER", "TYPE", "REQUIRED", "DEFAULT", "VALUES"];

/// A model: one line within a list, all details if it was requested by itself.
pub(super) fn model(model: &Model) -> Vec<String> {
    match &model.params {
        Some(params) => page(model, params),
        None => vec![row(model)],
    }
}

/// One model of a list: `video  vidu/text-to-video-q2  Vidu-text-to-video-q2  0.31 to 0.70 CNY a second`.
fn row(model: &Model) -> String {
    let name = model.names.first().map_or("", String::as_str);
    let mut line =
        format!("{:<5}  {}  {}", model.kind, cells::pad(&safe(&model.endpoint), model.width), safe(name));
    if let Some(price) = &model.list_price {
        line = format!("{}  {}", line.trim_end(), list_price(price));
    }
    if model.retired {
        line.push_str("  (retired)");
    }
    line.trim_end().to_owned()
}

/// All details of a model, with a table of its parameters.
fn page(model: &Model, params: &[Param]) -> Vec<String> {
    let mut lines = vec![format!("{}  ({})", safe(&model.endpoint), model.kind)];
    if !model.names.is_empty() {
        lines.push(format!("  Names: {}", safe(&model.names.join(", "))));
    }
    let about: Vec<_> = [&model.task, &model.family].into_iter().flatten().map(|text| safe(text)).collect();
    if !about.is_empty() {
        lines.push(format!("  About: {}", about.join(", ")));
    }
    if let Some(price) = &model.list_price {
        let by =
            if price.by.is_empty() { String::new() } else { format!(", by {}", safe(&price.by.join(", "))) };
        let as_of = price.as_of.as_deref().map(|day| format!(" ({})", safe(day))).unwrap_or_default();
        let price = list_price(price);
        lines.push(format!("  Price: {price}{by}{as_of}; `rhub model price` asks for the present one"));
    }
    if model.retired {
        lines.push("  Retired: newer lists do not have it any more; it may be gone".to_owned());
    }
    if params.is_empty() {
        lines.push("  Parameters: none are known".to_owned());
        return lines;
    }
    lines.push(String::new());
    lines.extend(table(params));
    lines
}

fn table(params: &[Param]) -> Vec<String> {
    let rows = params.iter().map(|param| {
        let kind = if param.multiple {
            format!("{}[]", param.kind.as_str())
        } else {
            param.kind.as_str().to_owned()
        };
        let kind = if param.guessed { format!("{kind}?") } else { kind };
        let default = param.default.as_ref().map_or_else(|| "-".to_owned(), shown);
        let required = if param.required { "yes" } else { "no" };
        [safe(&param.name), kind, required.to_owned(), default, values(param)]
    });
    let rows: Vec<[String; 5]> =
        std::iter::once(HEAD.map(|head| lang::say(head).into_owned())).chain(rows).collect();
    let widths: [usize; 4] =
        std::array::from_fn(|at| rows.iter().map(|row| cells::width(&row[at])).max().unwrap_or_default());
    let line = |row: &[String; 5]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| cells::pad(cell, width) + "  ");
        format!("  {}{}", cells.collect::<String>(), row[4]).trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// The accepted values of a parameter.
fn values(param: &Param) -> String {
    let mut parts: Vec<String> = Vec::new();
    if !param.choices.is_empty() {
        let mut list = param.choices.iter().map(shown).collect::<Vec<_>>().join(", ");
        if param.open {
            list.push_str(", and maybe more");
        }
        parts.push(list);
    }
    match (param.min, param.max) {
        (Some(min), Some(max)) => parts.push(format!("{min} to {max}")),
        (Some(min), None) => parts.push(format!("{min} or more")),
        (None, Some(max)) => parts.push(format!("up to {max}")),
        (None, None) => {}
    }
    parts.extend(
        param.step.filter(|step| (*step - 1.0).abs() > f64::EPSILON).map(|step| format!("steps of {step}")),
    );
    parts.extend(param.min_length.map(|length| format!("{length} characters or more")));
    parts.extend(param.max_length.map(|length| format!("up to {length} characters")));
    parts.extend(param.max_items.map(|items| format!("up to {items} of them")));
    if !param.accept.is_empty() {
        parts.push(safe(&param.accept.join(", ")));
    }
    parts.extend(param.max_mb.map(|mb| format!("up to {mb} MB each")));
    parts.iter().map(|part| lang::say(part)).collect::<Vec<_>>().join("; ")
}

fn list_price(price: &ListPrice) -> String {
    let amount = match (price.min, price.max) {
        (Some(min), Some(max)) if max > min => format!("{min} to {max}"),
        (Some(min), Some(_)) => format!("{min}"),
        (Some(min), None) => format!("from {min}"),
        (None, _) => "?".to_owned(),
    };
    let unit = match price.unit.as_str() {
        "1000chars" => "for 1000 characters".to_owned(),
        "5seconds" => "for 5 seconds".to_owned(),
        "image" => "an image".to_owned(),
        unit => format!("a {}", safe(unit)),
    };
    format!("{amount} {} {}", safe(&price.currency), lang::say(&unit))
}

/// The estimated price of a run.
pub(super) fn price(price: &Price) -> String {
    if price.free {
        return match price.free_calls {
            Some(calls) => format!("💰 It would be free ({calls} free ones left)"),
            None => "💰 It would be free".to_owned(),
        };
    }
    let words = price.text.as_ref().map(|text| format!(" ({text})")).unwrap_or_default();
    match &price.amount {
        Some(amount) => {
            let currency = price.currency.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
            format!("💰 It would cost {}{currency}{words}", safe(amount))
        }
        None => format!("💰 The platform does not say what it would cost{words}"),
    }
}

fn shown(value: &Value) -> String {
    safe(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// Sanitizes text of a catalog, which can be an untrusted file.
fn safe(text: &str) -> String {
    Untrusted::from(text).to_string()
}
