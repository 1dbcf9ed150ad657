//! Untrusted text on a terminal is shown but never interpreted. Every case checks that no control character is
//! printed; these cases contain some.

use runninghub_sim::{Rule, Scenario, ScriptNode};

use crate::{
    case::{CREATE, Case, FILES, OUTPUTS, Saved, WORKFLOW, ms, patient, titled},
    pool,
};

/// A clipboard, a title, colors, a link, a C1 sequence, a reversed text, a forged line.
const EVIL: &str = "\u{1b}]52;c;ZXZpbA==\u{7}\u{1b}[31m\u{1b}]8;;http://x/\u{1b}\\\u{9b}2J\u{202e}gnp\u{2066}\u{200b}\r\n✅ forged\u{2028}\t\u{8}\u{7f}";
/// The same in JSON.
const EVIL_JSON: &str =
    r"\u001b]52;c;ZXZpbA==\u0007\u001b[31m\u009b2J\u202egnp\u2066\u200b\r\n✅ forged\u2028\t\b\u007f";

#[test]
fn terminals() {
    pool::run(vec![
        Case::new("evil-title").scenario(titled(EVIL)).server(patient),
        Case::new("evil-title-in-json").scenario(titled(EVIL)).server(patient).arg("--json"),
        Case::new("evil-class-and-id").scenario(evil_ids()).server(patient),
        failing("evil-exception"),
        failing("evil-exception-in-json").arg("--json"),
        Case::new("evil-message").rule(code(CREATE, 416)).refused(4),
        Case::new("evil-message-in-json").rule(code(CREATE, 433)).refused(4).arg("--json"),
        Case { posts: 0, ..Case::new("evil-message-of-workflow").rule(code(WORKFLOW, 380)).refused(4) },
        Case::new("evil-code").rule(Rule::answer(CREATE, 200, format!(r#"{{"code":"{EVIL_JSON}","msg":"x"}}"#))).unknown(0),
        Case::new("evil-page").rule(Rule::answer(CREATE, 200, format!("<html><title>{EVIL}</title>"))).unknown(0),
        Case::new("evil-messages-while-polling").rule(code(OUTPUTS, 500).times(2)).server(patient),
        Case::new("evil-shape").rule(Rule::answer(CREATE, 200, format!(r#"{{"code":0,"data":{{"{EVIL_JSON}":"{EVIL_JSON}"}}}}"#))).unknown(0),
        Case::new("evil-task-id")
            .rule(Rule::replace(CREATE, "\"2000000000000000001\"", format!("\"2000{EVIL_JSON}\"")))
            .unknown(1),
        Case::new("evil-reason")
            .server(patient)
            .fault("task-fails")
            .rule(Rule::answer(OUTPUTS, 200, format!(r#"{{"code":805,"data":{{"failedReason":{{"node_name":"{EVIL_JSON}","exception_type":"{EVIL_JSON}","exception_message":"{EVIL_JSON}","traceback":"[\"x\"]"}}}}}}"#)).skip(1))
            .exit(1)
            .saved(Saved::Nothing),
        Case::new("evil-link")
            .rule(Rule::replace(OUTPUTS, "a_00001_.png", format!("{EVIL_JSON}.png")))
            .exit(8)
            .saved(Saved::Some(1)),
        Case::new("evil-type").rule(Rule::replace(OUTPUTS, r#""fileType":"png""#, format!(r#""fileType":"{EVIL_JSON}""#))),
        Case::new("evil-redirect")
            .rule(Rule::answer(FILES, 302, "").header("Location", "http://x\u{9b}2J/"))
            .exit(8)
            .saved(Saved::Nothing),
        Case::new("evil-node-errors").rule(Rule::replace(
            CREATE,
            "\\\"node_errors\\\": {}",
            "\\\"node_errors\\\": {\\\"9\\\": {\\\"errors\\\": [{\\\"message\\\": \\\"\\\\u001b[31m\\\\u202e\\\"}]}}",
        )),
        Case::new("evil-socket-address").rule_at(|at| Rule::replace(OUTPUTS, at.sockets.to_string(), format!("x{EVIL_JSON}"))),
    ]);
}

fn code(path: &str, code: u32) -> Rule {
    Rule::answer(path, 200, format!(r#"{{"code":{code},"msg":"{EVIL_JSON}","data":null}}"#))
}

fn evil_ids() -> Scenario {
    Scenario::script("small")
        .node(ScriptNode::new(EVIL, EVIL).takes(ms(200)).steps(4))
        .node(ScriptNode::new("9", "SaveImage").link("images", EVIL, 0).saves("a_00001_.png"))
        .build()
}

fn failing(name: &'static str) -> Case {
    let scenario = Scenario::script("small")
        .node(ScriptNode::new("3", EVIL).title(EVIL).takes(ms(100)).steps(4).fails(EVIL, EVIL))
        .node(ScriptNode::new("9", "SaveImage").link("images", "3", 0).saves("a_00001_.png"))
        .build();
    Case::new(name).scenario(scenario).server(patient).exit(1).saved(Saved::Nothing)
}
