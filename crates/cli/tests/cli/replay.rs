//! Recordings through the reporters.

use std::fs;

use serde_json::Value;

use crate::common::{fixture, folder, rhub, snap};

fn replay(name: &str) -> crate::common::Rhub {
    rhub(["replay"]).arg(fixture(name))
}

#[test]
fn a_cached_run_in_plain() {
    snap!(replay("05-cached-partial"), @r"
        exit 0
        --- out
        ✅ Node mapping obtained successfully (6 nodes in total), which are {'1': 'EmptyImage', '2': 'LabSteps', '3': 'LabSteps', '4': 'ImageInvert', '5': 'SaveImage', '7': 'PreviewImage'}
        📊 Progress monitoring started...
        📈 Overall progress: 0.0% (0/6)
        📈 Overall progress: 10.4% (1/6) - Current node: LabSteps (60.0%)
        📈 Overall progress: 33.5% (2/6) - Current node: LabSteps (20.0%)
        📈 Overall progress: 47.6% (2/6) - Current node: LabSteps (60.0%)
        📈 Overall progress: 100.0% (6/6)
        🎉 Task completed!
        📄 Generation results:
          Result 1: Type=png, URL=/view?filename=ComfyUI_temp_paquf_00001_.png&subfolder=&type=temp
          Result 2: Type=png, URL=/view?filename=lab_00011_.png&subfolder=&type=output
        ✅ Node mapping obtained successfully (7 nodes in total), which are {'1': 'EmptyImage', '2': 'LabSteps', '3': 'LabSteps', '4': 'ImageInvert', '5': 'SaveImage', '7': 'PreviewImage', '6': 'LabSteps'}
        📊 Progress monitoring started...
        📈 Overall progress: 0.0% (0/7)
        📌 Node EmptyImage (completed from cache)
        📌 Node LabSteps (completed from cache)
        📌 Node ImageInvert (completed from cache)
        📌 Node PreviewImage (completed from cache)
        📈 Overall progress: 12.3% (5/7) - Current node: LabSteps (25.0%)
        📈 Overall progress: 31.7% (5/7) - Current node: LabSteps (75.0%)
        📈 Overall progress: 100.0% (7/7)
        🎉 Task completed!
        📄 Generation results:
          Result 1: Type=png, URL=/view?filename=ComfyUI_temp_paquf_00001_.png&subfolder=&type=temp
          Result 2: Type=png, URL=/view?filename=lab_00012_.png&subfolder=&type=output
    ");
}

#[test]
fn a_failed_run_in_plain() {
    snap!(replay("07-error"), @r"
        exit 1
        --- out
        ✅ Node mapping obtained successfully (5 nodes in total), which are {'1': 'EmptyImage', '2': 'LabSteps', '3': 'LabFail', '4': 'SaveImage', '5': 'PreviewImage'}
        📊 Progress monitoring started...
        📈 Overall progress: 0.0% (0/5)
        📈 Overall progress: 13.3% (1/5) - Current node: LabSteps (75.0%)
        📈 Overall progress: 28.7% (3/5) - Current node: LabFail (16.7%)
        📈 Overall progress: 40.0% (3/5) - Current node: LabFail (33.3%)
        📈 Overall progress: 46.9% (3/5)
        ❌ Task failed in node LabFail (3): ValueError: out of cheese: 你好
        📄 Generation results:
          Result 1: Type=png, URL=/view?filename=ComfyUI_temp_qfyoo_00001_.png&subfolder=&type=temp
        💾 Nothing was saved
    ");
}

#[test]
fn text_and_other_alphabets_in_plain() {
    snap!(replay("18-progress-text"), @r#"
        exit 0
        --- out
        ✅ Node mapping obtained successfully (3 nodes in total), which are {'1': 'EmptyImage', '7': 'LabText', '8': 'LabText'}
        📊 Progress monitoring started...
        📈 Overall progress: 0.0% (0/3)
        💬 Node 7: line 1 of 4 ✓ 你好
        💬 Node 7: line 2 of 4 ✓ 你好
        📈 Overall progress: 16.0% (2/3) - Current node: LabText
        💬 Node 7: line 3 of 4 ✓ 你好
        📈 Overall progress: 30.9% (2/3) - Current node: LabText
        💬 Node 7: line 4 of 4 ✓ 你好
        📈 Overall progress: 42.4% (2/3) - Current node: LabText
        📈 Overall progress: 93.0% (3/3)
        📈 Overall progress: 100.0% (3/3)
        🎉 Task completed!
        📄 Generation results:
          Result 1: Type=txt, Text=naïve 你好 😀 \u{2028} "q" \ end
    "#);
    snap!(replay("10-colon-ids"), @r"
        exit 0
        --- out
        ✅ Node mapping obtained successfully (6 nodes in total), which are {'1': 'EmptyImage', '12:5': 'LabSteps', '12:7:2': 'LabSteps', '12:7:3': 'ImageInvert', 'save-me': 'SaveImage', '节点 9': 'PreviewImage'}
        📊 Progress monitoring started...
        📈 Overall progress: 0.0% (0/6)
        📈 Overall progress: 12.4% (1/6) - Current node: LabSteps (100.0%)
        📈 Overall progress: 29.9% (3/6) - Current node: LabSteps (33.3%)
        📈 Overall progress: 46.0% (3/6) - Current node: LabSteps (100.0%)
        📈 Overall progress: 100.0% (6/6)
        🎉 Task completed!
        📄 Generation results:
          Result 1: Type=png, URL=/view?filename=ComfyUI_temp_epkfb_00001_.png&subfolder=&type=temp
          Result 2: Type=png, URL=/view?filename=lab_00016_.png&subfolder=&type=output
    ");
}

#[test]
fn a_reconnect_in_plain() {
    snap!(replay("v0.3.44-13-drop-reconnect"), @r"
        exit 0
        --- out
        ✅ Node mapping obtained successfully (7 nodes in total), which are {'1': 'EmptyImage', '2': 'LabSteps', '3': 'LabSteps', '4': 'LabSteps', '5': 'LabSteps', '6': 'SaveImage', '7': 'PreviewImage'}
        📊 Progress monitoring started...
        📈 Overall progress: 0.0% (0/7)
        📌 Node LabSteps (completed in 0.6 s)
        📈 Overall progress: 10.1% (2/7) - Current node: LabSteps
        🔌 Connection lost, reconnecting (attempt 1)...
        📈 Overall progress: 20.2% (2/7) - Current node: LabSteps (50.0%)
        📈 Overall progress: 31.4% (2/7) - Current node: LabSteps (50.0%)
        📈 Overall progress: 42.4% (2/7) - Current node: LabSteps (50.0%)
        📊 Progress monitoring resumed...
        📈 Overall progress: 53.6% (4/7) - Current node: LabSteps
        📈 Overall progress: 83.7% (4/7) - Current node: LabSteps (50.0%)
        📈 Overall progress: 100.0% (7/7)
        🎉 Task completed!
        📄 Generation results:
          Result 1: Type=png, URL=/view?filename=ComfyUI_temp_fvoha_00001_.png&subfolder=&type=temp
          Result 2: Type=png, URL=/view?filename=lab_00010_.png&subfolder=&type=output
    ");
}

#[test]
fn only_the_result_when_quiet() {
    snap!(replay("02-ksampler").arg("-q"), @r"
        exit 0
        --- out
        /view?filename=lab_00008_.png&subfolder=&type=output
    ");
}

#[test]
fn a_run_in_json() {
    snap!(replay("01-simple").arg("--json"), @r#"
        exit 0
        --- out
        {"schema":"rhub.event/1","t":0.0,"event":"plan","total":6,"nodes":[{"id":"1","title":"EmptyImage","class_type":"EmptyImage","required":true},{"id":"2","title":"ImageScale","class_type":"ImageScale","required":true},{"id":"3","title":"ImageInvert","class_type":"ImageInvert","required":true},{"id":"4","title":"ImageBlur","class_type":"ImageBlur","required":true},{"id":"5","title":"SaveImage","class_type":"SaveImage","required":true},{"id":"6","title":"PreviewImage","class_type":"PreviewImage","required":true}]}
        {"schema":"rhub.event/1","t":0.0,"event":"connection","state":"live","attempt":1}
        {"schema":"rhub.event/1","t":0.0,"event":"progress","percent":0.0,"basis":"class_known","counted":0.0,"done":0,"total":6,"current":[],"eta_s":null}
        {"schema":"rhub.event/1","t":0.0,"event":"progress","percent":0.0,"basis":"class_known","counted":0.0,"done":0,"total":6,"current":[],"eta_s":null}
        {"schema":"rhub.event/1","t":0.0,"event":"node","id":"1","title":"EmptyImage","state":"running","elapsed_s":null}
        {"schema":"rhub.event/1","t":0.0,"event":"progress","percent":0.0,"basis":"class_known","counted":0.0,"done":0,"total":6,"current":[{"id":"1","title":"EmptyImage","value":null,"max":null,"percent":null,"pass":1,"passes":null}],"eta_s":null}
        {"schema":"rhub.event/1","t":0.0,"event":"node","id":"1","title":"EmptyImage","state":"done","elapsed_s":0.0}
        {"schema":"rhub.event/1","t":0.0,"event":"node","id":"2","title":"ImageScale","state":"running","elapsed_s":null}
        {"schema":"rhub.event/1","t":0.1,"event":"progress","percent":6.13,"basis":"class_known","counted":16.67,"done":1,"total":6,"current":[{"id":"2","title":"ImageScale","value":null,"max":null,"percent":null,"pass":1,"passes":null}],"eta_s":null}
        {"schema":"rhub.event/1","t":0.3,"event":"progress","percent":14.32,"basis":"class_known","counted":16.67,"done":1,"total":6,"current":[{"id":"2","title":"ImageScale","value":null,"max":null,"percent":null,"pass":1,"passes":null}],"eta_s":null}
        {"schema":"rhub.event/1","t":0.3,"event":"node","id":"2","title":"ImageScale","state":"done","elapsed_s":0.359}
        {"schema":"rhub.event/1","t":0.3,"event":"node","id":"6","title":"PreviewImage","state":"running","elapsed_s":null}
        {"schema":"rhub.event/1","t":0.3,"event":"node","id":"6","title":"PreviewImage","state":"done","elapsed_s":0.0}
        {"schema":"rhub.event/1","t":0.3,"event":"node","id":"3","title":"ImageInvert","state":"running","elapsed_s":null}
        {"schema":"rhub.event/1","t":0.3,"event":"node","id":"3","title":"ImageInvert","state":"done","elapsed_s":0.0}
        {"schema":"rhub.event/1","t":0.3,"event":"node","id":"4","title":"ImageBlur","state":"running","elapsed_s":null}
        {"schema":"rhub.event/1","t":0.3,"event":"node","id":"4","title":"ImageBlur","state":"done","elapsed_s":0.0}
        {"schema":"rhub.event/1","t":0.3,"event":"node","id":"5","title":"SaveImage","state":"running","elapsed_s":null}
        {"schema":"rhub.event/1","t":0.3,"event":"node","id":"5","title":"SaveImage","state":"done","elapsed_s":0.0}
        {"schema":"rhub.event/1","t":0.363,"event":"progress","percent":100.0,"basis":"class_known","counted":100.0,"done":6,"total":6,"current":[],"eta_s":null}
        {"schema":"rhub.event/1","t":0.363,"event":"output","node_id":"6","url":"/view?filename=ComfyUI_temp_bscxp_00001_.png&subfolder=&type=temp","type":"png","text":null,"path":null,"bytes":null,"sha256":null}
        {"schema":"rhub.event/1","t":0.363,"event":"output","node_id":"5","url":"/view?filename=lab_00007_.png&subfolder=&type=output","type":"png","text":null,"path":null,"bytes":null,"sha256":null}
        {"schema":"rhub.event/1","t":0.363,"event":"result","status":"success","exit_code":0,"task_id":null,"prompt_id":"02add131-4831-419a-9f69-65ff1fdec830","percent":100.0,"done":6,"total":6,"outputs":[{"node_id":"6","url":"/view?filename=ComfyUI_temp_bscxp_00001_.png&subfolder=&type=temp","type":"png","text":null,"path":null,"bytes":null,"sha256":null},{"node_id":"5","url":"/view?filename=lab_00007_.png&subfolder=&type=output","type":"png","text":null,"path":null,"bytes":null,"sha256":null}],"failure":null,"cost":null,"elapsed_s":0.363,"api_calls":0}
    "#);
}

#[test]
fn a_run_without_a_workflow_has_no_percentage() {
    let dir = folder();
    let tape = dir.path().join("ws-a.jsonl");
    fs::copy(fixture("01-simple/ws-a.jsonl"), &tape).expect("a tape");
    snap!(rhub(["replay"]).arg(&tape), @r"
        exit 0
        --- out
        📊 Progress monitoring started...
        📈 Overall progress: unknown
        📈 Overall progress: 100.0%
        🎉 Task completed!
        📄 Generation results:
          Result 1: Type=png, URL=/view?filename=ComfyUI_temp_bscxp_00001_.png&subfolder=&type=temp
          Result 2: Type=png, URL=/view?filename=lab_00007_.png&subfolder=&type=output
    ");
}

#[test]
fn a_truncated_recording_is_not_a_failed_task() {
    let done = replay("35-server-killed").run();
    let last = done.stdout.lines().last();
    assert_eq!(
        (done.code, last),
        (Some(6), Some("🔌 The recording stops before the end of the run")),
        "{done}"
    );
}

#[test]
fn the_same_in_another_speed_and_twice() {
    let slow = replay("41-fast").arg("--speed").arg("50").run();
    let fast = replay("41-fast").run();
    assert_eq!((slow.code, fast.code), (Some(0), Some(0)));
    assert_eq!(fast.stdout, replay("41-fast").run().stdout);
    assert_eq!(slow.stdout.lines().last(), fast.stdout.lines().last());
}

#[test]
fn progress_lines_are_rare_and_none_repeats() {
    for name in ["41-fast", "40-long", "02-ksampler"] {
        let seconds = recorded_seconds(name);
        let done = replay(name).run();
        let lines: Vec<&str> = done.stdout.lines().collect();
        let progress = lines.iter().filter(|line| line.starts_with("📈")).count();
        assert!(progress as f64 <= seconds * 10.0 + 2.0, "{progress} lines in {seconds} s");
        assert!(lines.windows(2).all(|pair| pair[0] != pair[1]));
        let last = lines.iter().rfind(|line| line.starts_with("📈")).expect("progress");
        assert!(last.starts_with("📈 Overall progress: 100.0%"), "{last}");
    }
}

#[test]
fn exit_codes_follow_the_recorded_end() {
    let expected: Value =
        serde_json::from_str(&fs::read_to_string(fixture("expected.json")).expect("a file")).expect("JSON");
    for (name, runs) in expected.as_object().expect("an object") {
        for run in runs.as_array().expect("a list") {
            let (prompt, stream) = (&run["prompt_id"], &run["stream"]);
            let (Some(prompt), Some(stream), Some(end)) =
                (prompt.as_str(), stream.as_str(), run["end"].as_str())
            else {
                continue;
            };
            let done =
                replay(name).arg("--json").arg("--prompt").arg(prompt).arg("--stream").arg(stream).run();
            let results: Vec<Value> = done
                .stdout
                .lines()
                .map(|line| serde_json::from_str(line).expect("JSON"))
                .filter(|line: &Value| line["event"] == "result")
                .collect();
            for result in &results {
                assert_eq!(result["prompt_id"], prompt);
            }
            let code = match end {
                "success" => 0,
                "running" => 6,
                _ => 1,
            };
            // An id that was used twice has two runs, and one row for each.
            if let [result] = results.as_slice() {
                assert_eq!(result["status"], end, "{name} {prompt}");
                assert_eq!(done.code, Some(code), "{name} {prompt}");
                assert_eq!(result["exit_code"], code, "{name} {prompt}");
                assert_eq!(result["done"], run["settled"], "{name} {prompt}");
                assert_eq!(result["total"], run["total"], "{name} {prompt}");
            }
        }
    }
}

#[test]
fn several_runs_have_one_result_each_and_a_common_code() {
    let done = replay("06-interrupted").arg("--json").run();
    let results: Vec<&str> =
        done.stdout.lines().filter(|line| line.contains("\"event\":\"result\"")).collect();
    assert_eq!(results.len(), 2);
    assert_eq!(done.code, Some(7));
    assert_eq!(replay("11-queue-three").run().code, Some(0));
}

/// From the first frame of the first tape to the last of the last.
fn recorded_seconds(name: &str) -> f64 {
    let text = fs::read_to_string(fixture(name).join("ws-a.jsonl")).expect("a tape");
    let at = |line: &str| serde_json::from_str::<Value>(line).ok().and_then(|row| row["at_ms"].as_f64());
    let times: Vec<f64> = text.lines().filter_map(at).collect();
    (times.last().expect("rows") - times.first().expect("rows")) / 1000.0
}

#[test]
fn plain_progress_has_a_line_for_ten_percent_unless_it_is_verbose() {
    // This recording takes less than ten seconds.
    let percents = |options: &[&str]| {
        let done = rhub(["replay", "--format", "plain"])
            .args(options)
            .arg(fixture("v0.3.44-13-drop-reconnect"))
            .run();
        let lines = done.stdout.lines().filter_map(|line| line.strip_prefix("📈 Overall progress: "));
        let percent = |line: &str| line.split('%').next().and_then(|text| text.parse::<f64>().ok());
        lines.map(|line| percent(line).expect("a percentage")).collect::<Vec<_>>()
    };
    let brief = percents(&[]);
    let (last, before) = brief.split_last().expect("a run");
    assert!(*last >= 100.0, "the last line is always printed");
    assert!(before.windows(2).all(|pair| pair[1] - pair[0] > 9.9), "{brief:?}");
    assert!(percents(&["-v"]).len() > 2 * brief.len());
}
