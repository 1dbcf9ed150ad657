//! Models: search, details, price and run; and user errors.

use std::fs;

use runninghub_sim::{Model, Sim};
use serde_json::Value;

use crate::{
    common::{Rhub, Simulator, folder, rhub, snap},
    document::run_commands,
};

const KLING: &str = "kling-v3.0-pro/text-to-video";

fn simulator() -> Simulator {
    let lab = Model::new("lab/new-model").choice("size", &["5"]).costs("0.14");
    Simulator::start(Sim::builder().speed(20.0).model(lab))
}

fn model<'a>(args: impl IntoIterator<Item = &'a str>) -> Rhub {
    rhub(["model"].into_iter().chain(args))
}

#[test]
fn models_are_listed_without_a_key() {
    snap!(model(["list", "--kind", "video", "--search", "kling-v3.0-pro"]), @r"
        exit 0
        --- out
        video  kling-v3.0-pro/image-to-video  kling-v3.0-pro-image-to-video  0.69 to 1.04 CNY per second
        video  kling-v3.0-pro/motion-control  kling-v3.0-pro-motion-control  1.08 CNY per second
        video  kling-v3.0-pro/text-to-video   kling-v3.0-pro-text-to-video  0.69 to 1.04 CNY per second
    ");
    snap!(model(["list", "--search", "可灵 文生视频 v3.0"]), @r"
        exit 0
        --- out
        video  kling-v3.0-pro/text-to-video  kling-v3.0-pro-text-to-video  0.69 to 1.04 CNY per second
        video  kling-v3.0-std/text-to-video  kling-v3.0-std-text-to-video  0.52 to 0.78 CNY per second
    ");
    snap!(model(["list", "--search", "skyreels-v4 omni-reference", "--retired"]), @r"
        exit 0
        --- out
        video  skyreels-v4/omni-reference       SkyReels V4 Omni 参考视频  0.01 CNY per call  (retired)
        video  skyreels-v4/omni-reference-fast  SkyReels V4 Omni 参考视频-fast
        video  skyreels-v4/omni-reference-std   SkyReels V4 Omni 参考视频-std
    ");
    snap!(model(["list", "--search", "nothing like that"]), @r#"
        exit 0
        --- err
        hint: no models match; try fewer words or `--retired`
    "#);
    let all = model(["list", "--retired", "--json"]).run().stdout;
    assert_eq!(all.lines().count(), 456, "each model, and the result");
    let first: Value = serde_json::from_str(all.lines().next().expect("a line")).expect("JSON");
    assert_eq!((&first["event"], first.get("params")), (&Value::from("model"), None));
}

#[test]
fn a_model_is_shown_by_any_name() {
    snap!(model(["show", "Kling v3.0 pro text to video"]), @r"
        exit 0
        --- out
        kling-v3.0-pro/text-to-video  (video)
          Names: kling-v3.0-pro-text-to-video, 可灵文生视频3.0-pro
          About: text-to-video, Kling
          Price: 0.69 to 1.04 CNY per second, by sound (2026-04-29); `rhub model price` gets the current one

          PARAMETER       TYPE    REQUIRED  DEFAULT    VALUES
          prompt          string  yes       -          up to 2500 characters
          negativePrompt  string  no        -          up to 2500 characters
          duration        list    yes       5          3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
          aspectRatio     list    no        16:9       1:1, 16:9, 9:16
          cfgScale        float   no        0.5        0 to 1; steps of 0.1
          sound           bool    yes       true
          multiShot       bool    no        false
          shotType        list    no        customize  customize, intelligence
    ");
    snap!(model(["show", "nano-banana-pro/edit-channel-low-price"]), @r"
        exit 0
        --- out
        rhart-image-n-pro/edit  (image)
          Names: nano-banana-pro/edit-channel-low-price, 全能图片PRO-图生图-低价渠道版
          About: image-to-image, RHArt Image
          Price: 0.4 to 0.5 CNY per call, by resolution (2026-04-29); `rhub model price` gets the current one

          PARAMETER    TYPE     REQUIRED  DEFAULT  VALUES
          imageUrls    image[]  yes       -        up to 10 files; jpg, png; up to 10 MB each
          prompt       string   yes       -        up to 20000 characters
          aspectRatio  list     no        empty    empty, 1:1, 16:9, 9:16, 4:3, 3:4, 3:2, 2:3, 5:4, 4:5, 21:9, and possibly more
          resolution   list     yes       1k       1k, 2k, 4k
    ");
    snap!(model(["show", "f-2-dev/text-to-image"]), @r"
        exit 0
        --- out
        rhart-image/f-2-dev/text-to-image  (image)
          Names: f-2-dev/text-to-image
          About: text-to-image
          Price: from 0.2 CNY per call (2026-06-18); `rhub model price` gets the current one

          PARAMETER      TYPE     REQUIRED  DEFAULT  VALUES
          12##text       string?  yes       -
          41##select     list?    yes       -
          43##file_type  list?    yes       -
          30##value      int?     no        -
          29##value      int?     no        -
    ");
    snap!(model(["show", "klin-v3.0-pro/text-to-vidio"]), @r#"
        exit 2
        --- err
        error: model `klin-v3.0-pro/text-to-vidio` not found

        hint: did you mean `kling-v3.0-pro-text-to-video`?
    "#);
    let shown = model(["show", KLING, "--json"]).run().stdout;
    let shown: Value = serde_json::from_str(shown.lines().next().expect("a line")).expect("JSON");
    assert_eq!(shown["params"][2]["choices"][0], "3");
}

#[test]
fn a_model_runs_like_a_workflow() {
    let sim = simulator();
    let dir = folder();
    let seconds = [
        (r"\(running, \d+ s\)", "(running, [n] s)"),
        (r"\d+ s billed", "[n] s billed"),
        (r"(?m)^🔍.*\n", ""),
    ];
    insta::with_settings!({ filters => seconds }, {
    snap!(model(["run", KLING, "-p", "prompt=a cat", "-p", "duration=10", "--out"]).arg(dir.path()).at(&sim).hide(dir.path(), "[dir]"), @r#"
        exit 0
        --- out
        ✅ Task initiated successfully, taskId: 2000000000000000001
        📈 Overall progress: unknown
        📈 Overall progress: 100.0%
        🎉 Task completed!
        📄 Generation results:
          Result 1: Type=mp4, URL=[url]/files/2000000000000000001/kling.mp4?sign=1
        💾 Saved [dir]/2000000000000000001-1.mp4 (65.5 kB)
        💰 Cost: 5.20 to third parties, [n] s billed
    "#);
    snap!(model(["run", "rhart-text-g-25-pro/text-to-text", "-p", "prompt=@@home", "--out"]).arg(dir.path()).at(&sim).hide(dir.path(), "[dir]"), @r#"
        exit 0
        --- out
        ✅ Task initiated successfully, taskId: 2000000000000000002
        📈 Overall progress: 100.0%
        🎉 Task completed!
        📄 Generation results:
          Result 1: Type=string, Text=Once upon a time there was a lighthouse.\n从前有一座灯塔。
        💾 Saved [dir]/2000000000000000002-1.txt (65 B)
        💰 Cost: 0.02 to third parties
    "#);
    });
    let state = folder();
    let detached = model(["run", KLING, "-p", "prompt=a cat", "--detach"]).at(&sim).state(&state).run();
    assert_eq!(detached.code, Some(0), "{detached}");
    let task = sim.sim().tasks()[2].task_id.clone();
    assert!(detached.stderr.contains(&format!("rhub watch {task}")), "{detached}");
    let tasks = rhub(["tasks", "--json"]).at(&sim).state(&state).run();
    assert!(tasks.stdout.contains(&format!(r#""kind":"model","target":"{KLING}""#)), "{tasks}");
    for command in ["watch", "status", "outputs"] {
        let done = rhub([command, "last"]).at(&sim).state(&state).run();
        assert_eq!(done.code, Some(0), "{command}: {done}");
    }
    let elsewhere = rhub(["watch", &task]).at(&sim).run();
    assert_eq!(elsewhere.code, Some(0), "{elsewhere}");
}

#[test]
fn files_become_urls() {
    let sim = simulator();
    let dir = folder();
    let picture = dir.path().join("cat.png");
    fs::write(&picture, "picture").expect("written");
    let one = format!("imageUrls=@{}", picture.display());
    let edit = ["run", "nano-banana-pro/edit-channel-low-price", "-p", "prompt=a hat"];
    let done = model(edit.into_iter().chain(["-p", &one, "-p", "imageUrls=https://example.com/b.png"]))
        .at(&sim)
        .run();
    assert_eq!(done.code, Some(0), "{done}");
    assert_eq!(sim.creates(), 1);
}

#[test]
fn a_price_comes_before_and_sets_a_limit() {
    let sim = simulator();
    let kling = [KLING, "-p", "prompt=a cat"];
    snap!(model(["price"].into_iter().chain(kling)).at(&sim), @r#"
        exit 0
        --- out
        💰 It would cost 5.20 CNY (CNY 5.20 per call)
    "#);
    snap!(model(["run", "--max-cost", "1.5"].into_iter().chain(kling)).at(&sim), @r#"
        exit 4
        --- err
        error: nothing was submitted: it would cost 5.2 CNY, and the limit is 1.5

        hint: raise the limit, or choose values that cost less
    "#);
    snap!(model(["run", "--max-cost", "-1"].into_iter().chain(kling)).at(&sim), @r#"
        exit 2
        --- err
        error: unexpected argument '-1' found

          tip: to pass '-1' as a value, use '-- -1'

        Usage: rhub model run [OPTIONS] <NAME>

        For more information, try '--help'.
    "#);
    assert_eq!(sim.creates(), 0);
    let done = model(["run", "--max-cost", "5.20"].into_iter().chain(kling)).at(&sim).run();
    assert_eq!((done.code, sim.creates()), (Some(0), 1), "{done}");
}

#[test]
fn nothing_is_submitted_for_a_mistake() {
    let sim = simulator();
    let dir = folder();
    let large = dir.path().join("large.png");
    fs::File::create(&large).and_then(|file| file.set_len(40 << 20)).expect("a large file");
    let large = format!("imageUrls=@{}", large.display());
    let run = |args: &[&str]| {
        model(["run"].into_iter().chain(args.iter().copied())).at(&sim).hide(dir.path(), "[dir]")
    };
    let edit = "rhart-image-n-pro/edit";
    snap!(run(&["klin"]), @r#"
        exit 2
        --- err
        error: model `klin` not found

        hint: did you mean `kling-elements`?
    "#);
    snap!(run(&[KLING]), @r"
        exit 2
        --- err
        error: `prompt` is missing

        hint: set it with `-p prompt=VALUE`: it takes text
    ");
    snap!(run(&[KLING, "-p", "prompt"]), @r#"
        exit 2
        --- err
        error: `-p prompt` needs a parameter and a value

        hint: write `-p NAME=VALUE`, for example `-p prompt="a cat"`
    "#);
    snap!(run(&[KLING, "-p", "prompt=@"]), @r#"
        exit 2
        --- err
        error: `-p prompt=@` names no file

        hint: write `@FILE`, or `@@` for a literal `@`
    "#);
    snap!(run(&[KLING, "-p", "prompt=x", "-p", "promt=x"]), @r#"
        exit 2
        --- err
        error: `kling-v3.0-pro/text-to-video` has no parameter `promt`

        hint: did you mean `prompt`?
    "#);
    snap!(run(&[KLING, "-p", "prompt=x", "-p", "duration=16"]), @r#"
        exit 2
        --- err
        error: `duration` cannot be `16`

        hint: it is one of 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    "#);
    snap!(run(&[KLING, "-p", "prompt=x", "-p", "cfgScale=7"]), @r"
        exit 2
        --- err
        error: `cfgScale` cannot be `7`

        hint: it must be from 0 to 1
    ");
    snap!(run(&[KLING, "-p", "prompt=x", "-p", "sound=loud"]), @r#"
        exit 2
        --- err
        error: `sound` cannot be `loud`

        hint: it takes `true` or `false`
    "#);
    snap!(run(&[edit, "-p", "prompt=x", "-p", "imageUrls=openapi/0123.png"]), @r"
        exit 2
        --- err
        error: `imageUrls` takes a URL, and `openapi/0123.png` is a file name, which only workflows take

        hint: write `imageUrls=@FILE` for a file on this machine, or use a URL that begins with `https://`
    ");
    snap!(run(&[edit, "-p", "prompt=x", "-p", "imageUrls=@none.png"]), @r"
        exit 2
        --- err
        error: file none.png not found
    ");
    snap!(run(&[edit, "-p", "prompt=x", "-p", &large]), @r#"
        exit 2
        --- err
        error: the file `large.png` is larger than the 10 MB that `imageUrls` takes

        hint: make it smaller
    "#);
    snap!(run(&[KLING, "--body", "{"]), @r#"
        exit 2
        --- err
        error: the body is not a JSON object: EOF while parsing an object at line 1 column 1

        hint: it must be an object such as `{"prompt": "a cat"}`
    "#);
    snap!(run(&[KLING, "--body", "[]"]), @r#"
        exit 2
        --- err
        error: the body is not a JSON object: invalid type: sequence, expected a map at line 1 column 0

        hint: it must be an object such as `{"prompt": "a cat"}`
    "#);
    snap!(run(&[KLING, "--body", "@none.json"]), @r#"
        exit 2
        --- err
        error: cannot read the body none.json: No such file or directory (os error 2)

        hint: it must be an object such as `{"prompt": "a cat"}`
    "#);
    snap!(rhub(["run", KLING]).at(&sim), @r#"
        exit 2
        --- err
        error: `kling-v3.0-pro/text-to-video` is a model, not a workflow

        hint: `rhub model run kling-v3.0-pro/text-to-video -p NAME=VALUE` runs it
    "#);
    assert_eq!(sim.sim().stats().api_calls(), 0);
}

#[test]
fn refusals_by_the_platform_are_reported() {
    let consumer = "c".repeat(32);
    let sim = Simulator::start(Sim::builder().key(Sim::DEMO_KEY).consumer_key(&consumer));
    snap!(model(["run", "lab/none", "--body", "{}"]).at(&sim), @r"
        exit 4
        --- err
        error: the task was not created: code 1001, the platform has no such endpoint (Invalid URL)

        hint: the model may have been removed or renamed: `rhub model list` shows the known ones
    ");
    snap!(model(["run", KLING, "-p", "prompt=x"]).at(&sim).env("RUNNINGHUB_API_KEY", &consumer), @r"
        exit 4
        --- err
        error: the task was not created: code 1014, model calls require an enterprise-shared key (Only enterprise-shared API keys can call the standard model API)

        hint: create an enterprise-shared key on the website
    ");
    assert_eq!(sim.creates(), 0);
}

#[test]
fn a_custom_catalog_takes_precedence_and_bad_lines_are_skipped() {
    let sim = simulator();
    let dir = folder();
    let path = dir.path().join("catalog.jsonl");
    let line = r#"{"endpoint":"lab/new-model","kind":"image","params":[{"name":"size","type":"list","choices":["5"],"required":true}]}"#;
    fs::write(&path, format!("{{\"catalog\":1}}\nnonsense\n{line}\n")).expect("written");
    let with = |args: &[&str]| {
        model(args.iter().copied()).arg("--catalog").arg(&path).at(&sim).hide(dir.path(), "[dir]")
    };
    snap!(with(&["show", "lab/new-model"]), @r#"
        exit 0
        --- out
        ⚠️ line 2 of the catalog [dir]/catalog.jsonl was skipped: expected ident at line 1 column 2
        lab/new-model  (image)

          PARAMETER  TYPE  REQUIRED  DEFAULT  VALUES
          size       list  yes       -        5
    "#);
    let done = with(&["run", "lab/new-model", "-p", "size=5"]).run();
    assert_eq!(done.code, Some(0), "{done}");
    let raw = model(["run", "lab/new-model", "--body", r#"{"size": "5"}"#]).at(&sim).run();
    assert_eq!((raw.code, sim.creates()), (Some(0), 2), "{raw}");
    fs::write(&path, "{}").expect("written");
    snap!(with(&["list"]), @r#"
        exit 2
        --- err
        error: cannot read the catalog [dir]/catalog.jsonl: this is not a model catalog

        hint: the first line is `{"catalog":1}`, and every other line is a model
    "#);
    snap!(model(["list", "--catalog", "none.jsonl"]), @r#"
        exit 2
        --- err
        error: cannot read the catalog none.jsonl: No such file or directory (os error 2)
    "#);
}

#[test]
fn the_commands_of_the_document_do_what_it_says() {
    let document = include_str!("../../../../docs/models.md");
    let sim = Simulator::start(Sim::builder().speed(4.0).any_model());
    let dir = folder();
    fs::write(dir.path().join("cat.png"), "picture").expect("written");
    let list = r#"{"endpoint":"lab/paint","kind":"image","params":[{"name":"prompt","type":"string","required":true,"max_length":200}]}"#;
    fs::write(dir.path().join("models.jsonl"), format!("{{\"catalog\":1}}\n{list}\n")).expect("written");
    let count =
        run_commands(document, |command| command.at(&sim).env("RUNNINGHUB_TIME_SCALE", "1").within(&dir));
    assert_eq!(count, 8);
}
