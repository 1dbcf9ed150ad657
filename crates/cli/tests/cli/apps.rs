//! AI apps and Quick Create.

use std::fs;

use runninghub_sim::{App, Scenario, Sim};
use serde_json::Value;

use crate::common::{Simulator, folder, rhub, snap};
#[cfg(unix)]
use crate::live::Terminal;

fn simulator() -> Simulator {
    Simulator::start(Sim::builder().scenario(Scenario::demo()).app(App::demo()).speed(f64::INFINITY))
}

#[test]
fn apps_are_listed_and_shown() {
    let (sim, id) = (simulator(), App::demo().id());
    snap!(rhub(["app", "list", "--sort", "hottest"]).at(&sim), @r#"
        exit 0
        --- out
        1892300583309880551 portrait  9 fields
    "#);
    snap!(rhub(["app", "show", &id]).at(&sim), @r#"
        exit 0
        --- out
        portrait
        6.text  提示词 / prompt  (text, node 正面提示词)
            = a lighthouse
        3.steps  步数 / steps  (int 1 to 60, node 采样 KSampler)
            = 20
        3.cfg  引导 / guidance  (float, node 采样 KSampler)
            = 6.5
        5.ratio  比例 / ratio  (list, node 画布)
            = 1:1
            one of: 1:1 (方形), 3:4 (竖图)
        4.style  风格 / style  (list, node 加载模型)
            = oil
            one of: watercolour, oil
        13.enabled  高清 / upscale  (boolean, node 分块放大 (tiled))
            = 1
            one of: 1 (开), 0 (关)
        9.mode  模式 / mode  (list, node 保存原图)
            = fast
            one of: fast, slow
        10.image  参考图 / reference  (image, node 参考图)
            = example.png
        11.stamp  印章  (HOLOGRAM, node 印章)
    "#);
    let page = format!("https://www.runninghub.cn/ai-detail/{id}?inviteCode=x");
    let json = rhub(["app", "show", &page, "--json"]).at(&sim).run();
    let app: Value =
        json.stdout.lines().next().and_then(|line| serde_json::from_str(line).ok()).expect("an app");
    assert_eq!((&app["event"], &app["webapp_id"]), (&"app".into(), &id.into()));
    assert_eq!(app["fields"][3]["choices"][1], serde_json::json!({"value": "3:4", "name": "竖图"}));
    snap!(rhub(["quick", "styles", &App::demo().id()]).at(&sim), @r#"
        exit 0
        --- out
        ink                  水墨  (插画)
        watercolour          水彩  (插画)
    "#);
}

#[test]
fn an_app_runs_as_a_workflow_does() {
    let (sim, id, dir) = (simulator(), App::demo().id(), folder());
    let run = |more: &[&'static str]| {
        let mut command = rhub(["app", "run", &id, "--set", "prompt=a dog", "--set", "ratio=竖图"]).at(&sim);
        for arg in more {
            command = command.arg(arg);
        }
        command
    };
    let done = run(&["--json", "--out"]).arg(dir.path()).run();
    assert_eq!(done.code, Some(0), "{done}");
    let result: Value =
        done.stdout.lines().last().and_then(|line| serde_json::from_str(line).ok()).expect("a result");
    assert_eq!((&result["status"], &result["percent"]), (&"success".into(), &100.0.into()));
    assert_eq!(result["outputs"].as_array().map(Vec::len), Some(2));
    assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 3, "two results and the manifest");
    snap!(run(&["--detach", "--v2"]), @r#"
        exit 0
        --- out
        ✅ Task initiated successfully, taskId: 2000000000000000002
        --- err
        hint: the task keeps running; follow it or cancel it with
          rhub watch 2000000000000000002 --base-url [url]
          rhub cancel 2000000000000000002 --base-url [url]
    "#);
    let quick = rhub(["quick", "run", &id, "--code", "006", "-s", "steps=30"]).at(&sim).run();
    assert_eq!(quick.code, Some(0), "{quick}");
    assert_eq!(sim.creates(), 3);
}

#[test]
fn each_kind_of_submit_is_recorded() {
    let (sim, state) = (simulator(), folder());
    let done = rhub(["app", "run", &App::demo().id(), "--detach"]).at(&sim).state(&state).run();
    assert_eq!(done.code, Some(0), "{done}");
    let tasks = rhub(["tasks"]).at(&sim).state(&state).run();
    assert!(tasks.stdout.contains(&format!(" app {}\n", App::demo().id())), "{tasks}");
}

#[test]
fn mistakes_are_reported_before_anything_is_paid() {
    let (sim, id) = (simulator(), App::demo().id());
    let run = |set: &'static str| rhub(["app", "run", &id, "--set", set]).at(&sim);
    snap!(run("promt=x"), @r#"
        exit 2
        --- err
        error: the app has no field `promt`

        hint: did you mean `prompt`?
    "#);
    snap!(run("steps=61"), @r#"
        exit 2
        --- err
        error: `61` is outside the range of `3.steps`

        hint: it takes a number from 1 to 60
    "#);
    snap!(run("ratio=wide"), @r"
        exit 2
        --- err
        error: `5.ratio` has no choice `wide`

        hint: choices: `1:1` (方形), `3:4` (竖图)
    ");
    snap!(run("image=@Cargo.toml"), @r#"
        exit 2
        --- err
        error: `10.image` does not take files like Cargo.toml

        hint: the platform accepts jpg, jpeg, png, webp there
    "#);
    snap!(run("steps"), @r#"
        exit 2
        --- err
        error: `--set steps` needs a field and a value

        hint: write `--set NAME=VALUE`, for example `--set prompt="a cat"`
    "#);
    snap!(rhub(["app", "run", &id, "--interactive"]).at(&sim), @r#"
        exit 2
        --- err
        error: `--interactive` needs a terminal

        hint: set the fields with `--set NAME=VALUE`
    "#);
    snap!(rhub(["app", "run", "1000000000000000000"]).at(&sim), @r#"
        exit 4
        --- err
        error: cannot get the app: code 901, the AI app does not exist (WEBAPP_NOT_EXISTS)

        hint: check the id, and that it belongs to the key's site and account; run a workflow with `rhub run 1000000000000000000`
    "#);
    snap!(rhub(["run", &id]).at(&sim), @r#"
        exit 4
        --- err
        error: cannot get the workflow: code 380, the workflow does not exist (WORKFLOW_NOT_EXISTS)

        hint: check the id, and that it belongs to the key's site and account; run an AI app with `rhub app run 1892300583309880551`
    "#);
    snap!(rhub(["run", "https://www.runninghub.cn/ai-detail/1877265245566922753"]).at(&sim), @r#"
        exit 2
        --- err
        error: this is the page of an AI app, not of a workflow

        hint: run it with `rhub app run https://www.runninghub.cn/ai-detail/1877265245566922753`
    "#);
    snap!(rhub(["app", "run", "https://www.runninghub.cn/post/1877265245566922753"]).at(&sim), @r#"
        exit 2
        --- err
        error: `https://www.runninghub.cn/post/1877265245566922753` is the page of a workflow, not of an AI app

        hint: run it with `rhub run https://www.runninghub.cn/post/1877265245566922753`
    "#);
    snap!(rhub(["app", "show", "portrait"]).at(&sim), @r#"
        exit 2
        --- err
        error: `portrait` is not the id of an AI app or the URL of its page

        hint: an id is a number such as `1877265245566922753`; `rhub app list` shows some
    "#);
    snap!(rhub(["quick", "run", &id, "--code", "9"]).at(&sim), @r#"
        exit 4
        --- err
        error: the task was not created: code 301, a parameter is missing or has the wrong type (PARAMS_INVALID)
    "#);
    snap!(rhub(["app", "run", &id, "--retain", "5"]).at(&sim), @r#"
        exit 2
        --- err
        error: invalid value '5' for '--retain <SECONDS>': 5 is not in 10..=180

        For more information, try '--help'.
    "#);
    assert_eq!(sim.creates(), 0);
}

#[test]
fn a_workflow_runs_by_the_newer_endpoint() {
    let (sim, id) = (simulator(), Scenario::demo().workflow_id());
    let done = rhub([
        "run",
        &id,
        "--v2",
        "--set",
        "6.text=x",
        "--instance",
        "plus",
        "--retain",
        "10",
        "--personal-queue",
    ])
    .at(&sim)
    .run();
    assert_eq!(done.code, Some(0), "{done}");
    assert_eq!(sim.sim().stats().calls.get(&format!("/openapi/v2/run/workflow/{id}")), Some(&1));
}

#[cfg(unix)]
#[test]
fn a_form_is_filled_in_on_a_terminal() {
    let (sim, id, state) = (simulator(), App::demo().id(), folder());
    let state = state.path().to_string_lossy();
    let environment = [
        ("RUNNINGHUB_API_KEY", Sim::DEMO_KEY),
        ("RUNNINGHUB_BASE_URL", sim.base_url()),
        ("RUNNINGHUB_STATE_DIR", &state),
        ("RUNNINGHUB_TIME_SCALE", "0.05"),
    ];
    let mut terminal =
        Terminal::start(200, &["app", "run", &id, "-i", "--set", "cfg=7", "--detach"], &environment);
    for (question, answer) in [
        ("6.text", "a dog"),
        ("3.steps", "many"),
        ("takes a whole number, not `many`", "30"),
        ("5.ratio", "竖图"),
        ("4.style", ""),
        ("13.enabled", "off"),
        ("9.mode", ""),
        ("10.image", ""),
        ("11.stamp", ""),
    ] {
        terminal.wait(|screen| screen.contains(question));
        terminal.press(format!("{answer}\r").as_bytes());
    }
    let (code, screen) = terminal.finish();
    assert_eq!((code, sim.creates()), (0, 1), "{screen}");
    assert!(!screen.contains("guidance"), "what is set is not asked for: {screen}");
}

#[test]
fn a_delivery_is_shown_and_requested_again() {
    let (sim, id) = (simulator(), App::demo().id());
    let hook = "http://127.0.0.1:9/S3CRET";
    let done = rhub(["app", "run", &id, "--webhook", hook]).at(&sim).run();
    assert_eq!(done.code, Some(0), "{done}");
    let task = sim.sim().tasks()[0].task_id.clone();
    let shown = rhub(["webhook", "show", &task]).at(&sim).run();
    assert_eq!(shown.code, Some(0), "{shown}");
    assert!(shown.stdout.contains("TASK_END") && shown.stdout.contains("127.0.0.1:9"), "{shown}");
    assert!(!shown.to_string().contains("S3CRET"), "{shown}");
    let again = rhub(["webhook", "resend", &task, "--webhook", hook]).at(&sim).run();
    assert_eq!(again.code, Some(0), "{again}");
    let none = rhub(["app", "run", &id]).at(&sim).run();
    assert_eq!(none.code, Some(0), "{none}");
    let other = sim.sim().tasks()[1].task_id.clone();
    assert_eq!(rhub(["webhook", "show", &other]).at(&sim).run().code, Some(4));
}
