//! Formats models.

use runninghub::{
    Fact, Sentence, Untrusted,
    answer::Price,
    catalog::{Param, Price as ListPrice},
    say,
};
use serde_json::Value;

use crate::{cells, event::Model, lang::word};

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
        line = format!("{}  {}", line.trim_end(), word(&list_price(price)));
    }
    if model.retired {
        line = format!("{line}  ({})", word(&say!("retired")));
    }
    line.trim_end().to_owned()
}

/// All details of a model, with a table of its parameters.
fn page(model: &Model, params: &[Param]) -> Vec<String> {
    let mut lines = vec![format!("{}  ({})", safe(&model.endpoint), model.kind)];
    if !model.names.is_empty() {
        lines.push(word(&say!("  Names: {names}", names = model.names.join(", "))));
    }
    let about: Vec<&str> = [&model.task, &model.family].into_iter().flatten().map(|text| &**text).collect();
    if !about.is_empty() {
        lines.push(word(&say!("  About: {about}", about = about.join(", "))));
    }
    if let Some(list) = &model.list_price {
        let mut price = list_price(list);
        if !list.by.is_empty() {
            price = say!("{price}, by {names}", price, names = list.by.join(", "));
        }
        if let Some(day) = &list.as_of {
            price = say!("{price} ({day})", price, day);
        }
        lines.push(word(&say!("  Price: {price}; `rhub model price` gets the current one", price)));
    }
    if model.retired {
        lines.push(word(&say!("  Retired: it is no longer in recent lists and may be gone")));
    }
    if params.is_empty() {
        lines.push(word(&say!("  Parameters: unknown")));
        return lines;
    }
    lines.push(String::new());
    lines.extend(table(params));
    lines
}

fn table(params: &[Param]) -> Vec<String> {
    let head = [say!("PARAMETER"), say!("TYPE"), say!("REQUIRED"), say!("DEFAULT"), say!("VALUES")];
    let rows = params.iter().map(|param| {
        let kind = if param.multiple {
            format!("{}[]", param.kind.as_str())
        } else {
            param.kind.as_str().to_owned()
        };
        let kind = if param.guessed { format!("{kind}?") } else { kind };
        let default = param.default.as_ref().map_or_else(|| "-".to_owned(), shown);
        let required = if param.required { say!("yes") } else { say!("no") };
        [safe(&param.name), kind, word(&required), default, values(param)]
    });
    let rows: Vec<[String; 5]> = std::iter::once(head.map(|head| word(&head))).chain(rows).collect();
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
        let mut list: Vec<_> = param.choices.iter().map(shown).collect();
        list.extend(param.open.then(|| word(&say!("and possibly more"))));
        parts.push(list.join(", "));
    }
    let step = param.step.filter(|step| (*step - 1.0).abs() > f64::EPSILON);
    let limits = [
        match (param.min, param.max) {
            (Some(min), Some(max)) => Some(say!("{min} to {max}", min, max)),
            (Some(min), None) => Some(say!("at least {min}", min)),
            (None, Some(max)) => Some(say!("up to {max}", max)),
            (None, None) => None,
        },
        step.map(|step| say!("steps of {step}", step)),
        param.min_length.map(|length| say!("at least {length} characters", length)),
        param.max_length.map(|length| say!("up to {length} characters", length)),
        param.max_items.map(|items| say!("up to {items} files", items)),
    ];
    parts.extend(limits.iter().flatten().map(word));
    if !param.accept.is_empty() {
        parts.push(safe(&param.accept.join(", ")));
    }
    parts.extend(param.max_mb.map(|size| word(&say!("up to {size} MB each", size))));
    parts.join("; ")
}

fn list_price(price: &ListPrice) -> Sentence {
    let amount = match (price.min, price.max) {
        (Some(min), Some(max)) if max > min => say!("{min} to {max}", min, max).into(),
        (Some(min), Some(_)) => Fact::of(min),
        (Some(min), None) => say!("from {min}", min).into(),
        (None, _) => Fact::from("?"),
    };
    let unit = match price.unit.as_str() {
        "1000chars" => say!("per 1000 characters"),
        "5seconds" => say!("per 5 seconds"),
        "call" => say!("per call"),
        "image" => say!("per image"),
        "second" => say!("per second"),
        unit => say!("per {unit}", unit),
    };
    say!("{amount} {currency} {unit}", amount, currency = &price.currency, unit)
}

/// The estimated price of a run.
pub(super) fn price(price: &Price) -> Sentence {
    let words = match (&price.amount, &price.currency) {
        _ if price.free => {
            return match price.free_calls {
                Some(calls) => say!("💰 It would be free ({calls} free ones left)", calls),
                None => say!("💰 It would be free"),
            };
        }
        (Some(amount), Some(currency)) => say!("💰 It would cost {amount} {currency}", amount, currency),
        (Some(amount), None) => say!("💰 It would cost {amount}", amount),
        (None, _) => say!("💰 The platform does not give a price"),
    };
    match &price.text {
        Some(said) => say!("{words} ({said})", words, said),
        None => words,
    }
}

fn shown(value: &Value) -> String {
    safe(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// Sanitizes text of a catalog, which can be an untrusted file.
fn safe(text: &str) -> String {
    Untrusted::from(text).to_string()
}
