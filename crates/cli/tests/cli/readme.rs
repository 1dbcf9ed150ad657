//! The first commands of the READMEs work verbatim.

use runninghub_sim::{App, Scenario, Sim};

use crate::{
    common::{Simulator, folder, rhub},
    document::words,
};

/// The `rhub` commands of a section's blocks.
fn commands(readme: &str, section: &str) -> Vec<Vec<String>> {
    let section = readme.split("\n## ").find(|part| part.starts_with(section)).expect("the section");
    let blocks = section.split("```sh\n").skip(1).map(|rest| rest.split("```").next().expect("an end"));
    let lines = blocks.flat_map(str::lines).filter_map(|line| line.strip_prefix("rhub "));
    lines.map(words).collect()
}

#[test]
fn the_commands_for_the_first_minute_work_in_order() {
    for (readme, section) in [
        (include_str!("../../../../README.md"), "60 seconds without a key"),
        (include_str!("../../../../README.zh-CN.md"), "60 秒试用，无需密钥"),
    ] {
        let commands = commands(readme, section);
        assert!(commands.len() > 6, "{commands:?}");
        assert!(readme.contains(Sim::DEMO_KEY), "the key that `rhub simulate` prints");
        let sim = Simulator::start(Sim::builder().scenario(Scenario::demo()).app(App::demo()).speed(50.0));
        let (dir, state) = (folder(), folder());
        for args in commands.iter().filter(|args| args[0] != "simulate") {
            let is_demo = args[0] == "demo";
            let speed = if is_demo { &["--speed", "max"][..] } else { &[] };
            let done = rhub(args.iter().map(String::as_str)).args(speed);
            let done = if is_demo { done } else { done.at(&sim) };
            let done = done.within(&dir).state(&state).run();
            assert_eq!(done.code, Some(0), "{args:?}: {done}");
        }
        let pictures = ["rhub-demo", "results", "again"].map(|name| {
            let files = std::fs::read_dir(dir.path().join(name)).expect(name);
            files
                .filter(|file| {
                    file.as_ref().is_ok_and(|file| file.path().extension().is_some_and(|end| end == "png"))
                })
                .count()
        });
        assert_eq!(pictures, [2, 2, 2]);
        assert_eq!(sim.creates(), 3, "run, rerun, and the picture");
    }
}

#[test]
fn a_picture_alone_repeats_its_run() {
    let sim = Simulator::start(Sim::builder().scenario(Scenario::demo()).speed(50.0));
    let (dir, state) = (folder(), folder());
    let run = |args: &[&str]| {
        let done = rhub([]).args(args).at(&sim).within(&dir).state(&state).run();
        assert_eq!(done.code, Some(0), "{args:?}: {done}");
        done.stdout
    };
    let workflow = Scenario::demo().workflow_id();
    let picture = run(&["run", &workflow, "-s", "6.text=雨中的猫", "-s", "3.seed=7", "-o", "out", "-q"]);
    let picture = picture.lines().next().expect("a file").to_owned();
    let shown = run(&["workflow", "show", &picture]);
    assert!(shown.contains("雨中的猫"), "the picture says what was set: {shown}");
    // Another machine, which has only the image.
    let elsewhere = folder();
    let done = rhub(["run", &picture, "-s", "3.seed=8"]).at(&sim).within(&dir).state(&elsewhere).run();
    assert_eq!(done.code, Some(0), "{done}");
}
