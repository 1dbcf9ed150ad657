//! Checks values against the embedded catalog, and against parameters of every kind.

use proptest::prelude::*;
use runninghub_catalog::{Catalog, Error, Input, Model, Param, ParamKind};
use serde_json::{Map, Value, json};

fn model(name: &str) -> &'static Model {
    Catalog::embedded().find(name).expect(name)
}

/// A model with these parameters, in the catalog's line format.
fn made(params: &Value) -> Model {
    let text = format!("{{\"catalog\":1}}\n{}", json!({"endpoint": "lab/made", "params": params}));
    let catalog = Catalog::parse(&text).expect("a catalog");
    catalog.find("lab/made").expect("a model").clone()
}

fn body(model: &Model, values: &[(&str, Value)]) -> Result<Map<String, Value>, Error> {
    let inputs: Vec<_> = values.iter().map(|(name, value)| (*name, Input::Json(value.clone()))).collect();
    model.body(inputs.iter().map(|(name, input)| (*name, input)))
}

fn sent(model: &Model, values: &[(&str, Value)]) -> String {
    Value::Object(body(model, values).unwrap_or_else(|error| panic!("{error}"))).to_string()
}

fn refused(model: &Model, values: &[(&str, Value)]) -> String {
    let error = body(model, values).expect_err("refused");
    format!("{error} | {}", error.hint().unwrap_or_default())
}

#[test]
fn numbers_and_booleans_are_sent_in_the_models_type() {
    let pixverse = model("pixverse-v5.6/text-to-video");
    let values = [("prompt", json!(7)), ("duration", json!(8)), ("generateAudioSwitch", json!(true))];
    insta::assert_snapshot!(sent(pixverse, &values), @r#"{"prompt":"7","duration":"8","generateAudioSwitch":"true"}"#);
    let kling = model("kling-v3.0-pro/text-to-video");
    let values = [("prompt", json!("5")), ("cfgScale", json!("0.5")), ("sound", json!("False"))];
    insta::assert_snapshot!(sent(kling, &values), @r#"{"prompt":"5","duration":"5","cfgScale":0.5,"sound":false}"#);
}

#[test]
fn keys_are_sent_to_the_letter() {
    let hosted = model("f-2-dev/text-to-image");
    let values = [
        ("43##file_type", json!(1)),
        ("41##select", json!("2")),
        ("12##text", json!("a cat")),
        ("30##value", json!("64")),
    ];
    insta::assert_snapshot!(sent(hosted, &values), @r#"{"12##text":"a cat","41##select":"2","43##file_type":"1","30##value":64}"#);
    insta::assert_snapshot!(refused(hosted, &[("text", json!("a cat"))]), @"`rhart-image/f-2-dev/text-to-image` has no parameter `text` | did you mean `12##text`?");
    let hd = model("minimax/speech-2.8-hd");
    insta::assert_snapshot!(refused(hd, &[("voiceId", json!("x"))]), @"`rhart-audio/text-to-audio/speech-2.8-hd` has no parameter `voiceId` | did you mean `voice_id`?");
}

#[test]
fn several_are_a_list_also_one() {
    let several = made(
        &json!([{"name": "imageUrls", "type": "image", "required": true, "multiple": true, "max_items": 2}]),
    );
    let one = json!("https://h/1.png");
    let two = json!("https://h/2.png");
    insta::assert_snapshot!(sent(&several, &[("imageUrls", one.clone())]), @r#"{"imageUrls":["https://h/1.png"]}"#);
    let both = r#"{"imageUrls":["https://h/1.png","https://h/2.png"]}"#;
    assert_eq!(sent(&several, &[("imageUrls", one.clone()), ("imageUrls", two.clone())]), both);
    assert_eq!(sent(&several, &[("imageUrls", json!([one, two]))]), both);
    assert_eq!(sent(&several, &[("imageUrls", json!(json!([one, two]).to_string()))]), both);
    insta::assert_snapshot!(refused(&several, &[("imageUrls", json!([one, two, one]))]), @r"`imageUrls` has 3 values | it takes at most 2");
    insta::assert_snapshot!(refused(&several, &[("imageUrls", json!([]))]), @r"`imageUrls` is missing | upload a file for `imageUrls`: it takes an image");
}

#[test]
fn uploaded_files_become_urls_and_never_names() {
    let hailuo = model("minimax/hailuo-02/i2v-pro");
    let image = hailuo.params.iter().find(|param| param.kind == ParamKind::Image).expect("an image");
    let refused = |value: Value| refused(hailuo, &[(image.name.as_str(), value)]);
    assert!(refused(json!("openapi/0123.png")).contains("is a file name, which only workflows take"));
    assert!(refused(json!("cat.png")).contains("this URL does not point to one"));
    assert!(refused(json!("https://h/a b.png")).contains("this URL does not point to one"));
    assert!(refused(json!(5)).contains("takes an image"));
    let file = Input::File { name: "cat.png".into(), bytes: 5 };
    let address = Input::Address("https://h/cat.png?sign=1".into());
    for (input, shown) in [(&file, ""), (&address, "https://h/cat.png?sign=1")] {
        let inputs = [(image.name.as_str(), input), ("prompt", &Input::Json(json!("a cat")))];
        assert_eq!(hailuo.body(inputs).expect("a body")[&image.name], json!(shown));
    }
    let name = Input::Address("openapi/0123.png".into());
    hailuo.body([(image.name.as_str(), &name)]).expect_err("not even from an upload");
}

#[test]
fn invalid_values_are_reported_before_they_cost() {
    let kling = model("kling-v3.0-pro/text-to-video");
    let with =
        |name: &'static str, value: Value| refused(kling, &[("prompt", json!("a cat")), (name, value)]);
    insta::assert_snapshot!(refused(kling, &[]), @"`prompt` is missing | set `prompt`: it takes text");
    insta::assert_snapshot!(refused(kling, &[("prompt", json!("  "))]), @"`prompt` is empty | the model requires it");
    insta::assert_snapshot!(refused(kling, &[("prompt", json!("a".repeat(2501)))]), @r"`prompt` has 2501 characters | it takes at most 2500");
    insta::assert_snapshot!(with("promt", json!("x")), @"`kling-v3.0-pro/text-to-video` has no parameter `promt` | did you mean `prompt`?");
    insta::assert_snapshot!(with("aspect_ratio", json!("x")), @"`kling-v3.0-pro/text-to-video` has no parameter `aspect_ratio` | did you mean `aspectRatio`?");
    insta::assert_snapshot!(with("zzz", json!("x")), @r"`kling-v3.0-pro/text-to-video` has no parameter `zzz` | parameters: `prompt`, `negativePrompt`, `duration`, `aspectRatio`, `cfgScale`, `sound`, `multiShot`, `shotType`");
    insta::assert_snapshot!(with("duration", json!(99)), @"`duration` cannot be `99` | it is one of 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15");
    insta::assert_snapshot!(with("duration", json!(null)), @"`duration` cannot be `null` | it is one of 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15");
    insta::assert_snapshot!(with("cfgScale", json!(1.5)), @r"`cfgScale` cannot be `1.5` | it must be from 0 to 1");
    insta::assert_snapshot!(with("cfgScale", json!("much")), @"`cfgScale` cannot be `much` | it takes a number");
    insta::assert_snapshot!(with("cfgScale", json!("NaN")), @"`cfgScale` cannot be `NaN` | it takes a number");
    insta::assert_snapshot!(with("sound", json!("yes")), @"`sound` cannot be `yes` | it takes `true` or `false`");
    insta::assert_snapshot!(with("prompt", json!("again")), @r"`prompt` is set twice | it takes one value");
    insta::assert_snapshot!(with("shotType", json!({"a": 1})), @r#"`shotType` cannot be `{"a":1}` | it is one of customize, intelligence"#);
}

#[test]
fn whole_numbers_have_steps_and_numbers_with_a_point_do_not() {
    let numbers = made(&json!([
        {"name": "face", "type": "int", "min": 100_000, "max": 2_000_000, "step": 10_000},
        {"name": "cfg", "type": "float", "min": 0, "max": 1, "step": 0.1},
        {"name": "count", "type": "list", "choices": [1, 2, 4]},
        {"name": "big", "type": "int"},
    ]));
    insta::assert_snapshot!(sent(&numbers, &[("face", json!("120000")), ("cfg", json!(0.55)), ("count", json!("4"))]), @r#"{"face":120000,"cfg":0.55,"count":4}"#);
    insta::assert_snapshot!(refused(&numbers, &[("face", json!(120_001))]), @"`face` cannot be `120001` | values start at 100000, in steps of 10000");
    insta::assert_snapshot!(refused(&numbers, &[("face", json!(1.5))]), @"`face` cannot be `1.5` | it takes a whole number");
    insta::assert_snapshot!(sent(&numbers, &[("face", json!("100000.0")), ("big", json!(u64::MAX))]), @r#"{"face":100000,"big":18446744073709551615}"#);
}

#[test]
fn where_sources_disagree_both_may_be_right() {
    let open = made(&json!([
        {"name": "duration", "type": "list", "choices": ["5", "10"], "open": true},
        {"name": "30##value", "type": "int", "guessed": true, "max": 3},
        {"name": "news", "type": "something new"},
    ]));
    let values = [("duration", json!(15)), ("30##value", json!("wide")), ("news", json!([{"a": null}]))];
    insta::assert_snapshot!(sent(&open, &values), @r#"{"duration":"15","30##value":"wide","news":[{"a":null}]}"#);
}

/// A value that a parameter accepts, according to its line.
fn fitting(param: &Param) -> Value {
    match param.kind {
        ParamKind::Bool => json!(true),
        ParamKind::Int | ParamKind::Float => json!(param.min.or(param.max).unwrap_or(1.0)),
        ParamKind::List => param.choices.last().cloned().unwrap_or_else(|| json!("1")),
        kind if kind.is_media() => json!("https://example.com/a.png"),
        _ => json!("a".repeat(param.min_length.unwrap_or(1).max(1))),
    }
}

#[test]
fn every_model_of_the_catalog_can_be_given_what_it_says_that_it_takes() {
    for model in Catalog::embedded().models() {
        let values: Vec<_> = model.params.iter().map(|param| (param.name.as_str(), fitting(param))).collect();
        let all = body(model, &values).unwrap_or_else(|error| panic!("{}: {error}", model.endpoint));
        assert_eq!(all.len(), model.params.len());
        for param in &model.params {
            assert_eq!(all[&param.name].is_array(), param.multiple, "{} {}", model.endpoint, param.name);
            if param.kind == ParamKind::List && !param.choices.is_empty() {
                assert!(param.choices.contains(&all[&param.name]), "{} {}", model.endpoint, param.name);
            }
        }
        let required: Vec<_> = values
            .into_iter()
            .filter(|(name, _)| {
                model.param(name).is_some_and(|param| param.required && param.default.is_none())
            })
            .collect();
        body(model, &required).unwrap_or_else(|error| panic!("{}: {error}", model.endpoint));
    }
}

proptest! {
    /// Any input for any model gives a body with known keys only, or a readable error.
    #[test]
    fn nothing_panics(at in 0..455_usize, name in "[a-zA-Z#0-9]{0,9}", text in "\\PC{0,9}", number in any::<f64>()) {
        let model = &Catalog::embedded().models()[at];
        for value in [json!(text), json!(number), json!([text, number]), json!({"a": text}), json!(null), json!(false)] {
            for name in model.params.iter().map(|param| param.name.as_str()).chain([name.as_str()]) {
                match body(model, &[(name, value.clone())]) {
                    Ok(body) => prop_assert!(body.keys().all(|key| model.param(key).is_some())),
                    Err(error) => prop_assert!(!error.to_string().is_empty()),
                }
            }
        }
    }
}
