//! Converts a value to the type that the platform expects: text that looks like a number stays text if text is
//! expected.

use runninghub_core::{Sentence, half_width, say};
use serde_json::{Number, Value};

use crate::{Error, Param, ParamKind, name::closest};

/// Maximum number of choices in a message: hundreds wouldn't help.
const LISTED: usize = 24;
/// The prefixes of URLs that the platform can read.
const ADDRESSES: [&str; 4] = ["https://", "http://", "data:", "asset://"];
/// The prefixes of the names of uploaded files: workflows accept those, models don't.
const FILE_NAMES: [&str; 2] = ["openapi/", "api/"];

/// The value to send. A value that only fits with half-width characters is a typo.
pub(crate) fn fit(param: &Param, value: Value) -> Result<Value, Error> {
    let half = value.as_str().and_then(half_width).filter(|half| is_meant(param, &value, half));
    match half {
        Some(close) => Err(wrong(param, &value, say!("did you mean `{close}`?", close))),
        None => fit_to_the_letter(param, value),
    }
}

/// Whether the parameter takes `half`, and not the given value.
fn is_meant(param: &Param, value: &Value, half: &str) -> bool {
    let fits = |text: &str| fit_to_the_letter(param, text.into()).is_ok();
    let text = value.as_str().unwrap_or_default();
    match param.kind {
        ParamKind::Any | ParamKind::String | ParamKind::Model => false,
        ParamKind::List => !is_choice(param, text) && is_choice(param, half),
        // A guessed parameter accepts anything.
        ParamKind::Bool => bool(&Value::from(half)).is_some(),
        ParamKind::Int => int(&Value::from(half)).is_some(),
        ParamKind::Float => number(&Value::from(half)).is_some(),
        _ => !fits(text) && fits(half),
    }
}

fn fit_to_the_letter(param: &Param, value: Value) -> Result<Value, Error> {
    let fitted = match param.kind {
        ParamKind::Any => return Ok(value),
        ParamKind::Bool => bool(&value),
        ParamKind::Int => int(&value),
        ParamKind::Float => number(&value),
        ParamKind::List => return choice(param, &value),
        ParamKind::String | ParamKind::Model => text(&value),
        _ => return address(param, value),
    };
    match fitted {
        Some(fitted) => check(param, fitted),
        // A guessed type must not block a request.
        None if param.guessed => Ok(value),
        None => Err(wrong(param, &value, param.kind.it_takes())),
    }
}

fn bool(value: &Value) -> Option<Value> {
    match value {
        Value::Bool(_) => Some(value.clone()),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true.into()),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false.into()),
        _ => None,
    }
}

fn number(value: &Value) -> Option<Value> {
    let number = match value {
        Value::Number(number) => number.clone(),
        Value::String(text) => text.trim().parse::<Number>().ok()?,
        _ => return None,
    };
    number.as_f64().is_some_and(f64::is_finite).then_some(Value::Number(number))
}

fn int(value: &Value) -> Option<Value> {
    let number = number(value)?;
    if number.is_i64() || number.is_u64() {
        return Some(number);
    }
    // `5.0` is a whole number too; beyond 2^53 a double is no longer exact.
    let float =
        number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0)?;
    format!("{float:.0}").parse::<Number>().ok().map(Value::Number)
}

fn text(value: &Value) -> Option<Value> {
    match value {
        Value::String(_) => Some(value.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string().into()),
        _ => None,
    }
}

/// Checks the ranges of numbers and the lengths of texts.
fn check(param: &Param, value: Value) -> Result<Value, Error> {
    if param.guessed {
        return Ok(value);
    }
    let place = &param.name;
    if let Some(number) = value.as_f64() {
        let is_low = param.min.is_some_and(|min| number < min);
        let is_high = param.max.is_some_and(|max| number > max);
        if is_low || is_high {
            let hint = say!("it must be {range}", range = range(param.min, param.max));
            return Err(wrong(param, &value, hint));
        }
        // The step of a float is only how a slider moves; the step of an integer limits what the model accepts.
        let step = param.step.filter(|step| param.kind == ParamKind::Int && *step > 1.0);
        let start = param.min.unwrap_or_default();
        if let Some(step) = step.filter(|step| (number - start) % step != 0.0) {
            return Err(wrong(
                param,
                &value,
                say!("values start at {start}, in steps of {step}", start, step),
            ));
        }
    }
    if let Some(text) = value.as_str() {
        if param.required && text.trim().is_empty() {
            return Err(
                Error::new(say!("`{place}` is empty", place)).with_hint(say!("the model requires it"))
            );
        }
        let length = text.chars().count();
        let bad =
            |hint| Err(Error::new(say!("`{place}` has {length} characters", place, length)).with_hint(hint));
        if let Some(most) = param.max_length.filter(|most| length > *most) {
            return bad(say!("it takes at most {most}", most));
        }
        if let Some(least) = param.min_length.filter(|least| length < *least && !text.is_empty()) {
            return bad(say!("it takes at least {least}", least));
        }
    }
    Ok(value)
}

fn shown(choice: &Value) -> String {
    choice.as_str().map_or_else(|| choice.to_string(), str::to_owned)
}

fn is_choice(param: &Param, text: &str) -> bool {
    param.choices.iter().any(|choice| shown(choice).eq_ignore_ascii_case(text))
}

/// The matching choice, in the form to send: most are text, even those that look like numbers.
fn choice(param: &Param, value: &Value) -> Result<Value, Error> {
    let Some(wanted) = text(value) else {
        return Err(wrong(param, value, choices(param)));
    };
    let wanted = wanted.as_str().unwrap_or_default();
    let same = param.choices.iter().find(|choice| shown(choice) == wanted);
    let like = || param.choices.iter().find(|choice| shown(choice).eq_ignore_ascii_case(wanted));
    if let Some(choice) = same.or_else(like) {
        return Ok(choice.clone());
    }
    if param.open || param.guessed || param.choices.is_empty() {
        return Ok(wanted.into());
    }
    let names: Vec<String> = param.choices.iter().map(shown).collect();
    let close = closest(wanted, names.iter().map(String::as_str)).filter(|_| names.len() > LISTED);
    Err(wrong(
        param,
        value,
        close.map_or_else(|| choices(param), |close| say!("did you mean `{close}`?", close)),
    ))
}

/// The choices as a message: `it is one of 5, 8, 10`.
fn choices(param: &Param) -> Sentence {
    let list: Vec<String> = param.choices.iter().take(LISTED).map(shown).collect();
    let (list, count) = (list.join(", "), param.choices.len());
    if count > LISTED {
        say!("it is one of {list}, … ({count} in total)", list, count)
    } else {
        say!("it is one of {list}", list)
    }
}

/// Accepts only URLs that the platform can fetch. The name of an uploaded file isn't one, and a request with it would
/// be paid for in vain.
fn address(param: &Param, value: Value) -> Result<Value, Error> {
    let place = &param.name;
    let hint = say!("upload a file for `{place}`, or use a URL that begins with `https://`", place);
    let Some(text) = value.as_str() else {
        return Err(
            Error::new(say!("`{place}` takes {kind}", place, kind = param.kind.noun())).with_hint(hint)
        );
    };
    let is_address = |start: &&str| {
        text.strip_prefix(*start).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
    };
    if ADDRESSES.iter().any(is_address) && !text.contains(char::is_whitespace) {
        return Ok(value);
    }
    let what = if FILE_NAMES.iter().any(|start| text.starts_with(start)) {
        say!("`{place}` takes a URL, and `{text}` is a file name, which only workflows take", place, text)
    } else {
        say!("`{place}` takes {kind}, and this URL does not point to one", place, kind = param.kind.noun())
    };
    Err(Error::new(what).with_hint(hint))
}

fn range(min: Option<f64>, max: Option<f64>) -> Sentence {
    match (min, max) {
        (Some(min), Some(max)) => say!("from {min} to {max}", min, max),
        (Some(min), None) => say!("at least {min}", min),
        (None, Some(max)) => say!("at most {max}", max),
        (None, None) => say!("a number"),
    }
}

/// The error for a value that a parameter doesn't accept, with a hint at what it accepts.
fn wrong(param: &Param, value: &Value, hint: Sentence) -> Error {
    /// Maximum length of a displayed value, in characters.
    const SHOWN: usize = 40;
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    Error::new(say!("`{place}` cannot be `{value}`", place = &param.name, value = short)).with_hint(hint)
}
