//! Chinese messages, and the outcome of every code of the platform.

use runninghub_sim::{Rule, Sim, SimBuilder};

use crate::common::{Simulator, folder, rhub, scenario, snap};

const ACCOUNT: &str = "/uc/openapi/accountStatus";
const CREATE: &str = "/task/openapi/create";

/// Code, exit code of a query, exit code of a create: derived from each code's meaning, not from the table. A query
/// ends with 3 if the platform has an internal problem, else with 4; a create ends with 5 if it may have created a
/// task, else with 4 or 3. Rows without a number wait for a free slot.
#[rustfmt::skip]
const ROWS: &[(i32, u8, Option<u8>)] = &[
    (-1, 4, Some(5)), (1, 4, Some(5)), (301, 4, Some(4)), (380, 4, Some(4)), (401, 4, Some(5)), (403, 4, Some(5)),
    (412, 4, Some(4)), (415, 4, None), (416, 4, Some(4)), (421, 4, None), (423, 4, Some(5)), (433, 4, Some(4)),
    (435, 4, Some(4)), (436, 4, Some(4)), (500, 3, Some(5)), (801, 4, Some(4)), (802, 4, Some(4)), (803, 4, Some(4)),
    (804, 4, Some(5)), (805, 4, Some(5)), (806, 4, Some(4)), (807, 4, Some(5)), (808, 3, Some(5)), (809, 4, Some(5)),
    (810, 4, Some(4)), (811, 4, Some(4)), (812, 4, Some(4)), (813, 4, Some(5)), (814, 4, None), (901, 4, Some(4)),
    (1000, 3, Some(5)), (1001, 4, Some(4)), (1002, 4, Some(4)), (1003, 4, None), (1004, 4, Some(5)), (1005, 3, Some(5)),
    (1006, 3, Some(5)), (1007, 4, Some(4)), (1008, 4, Some(5)), (1009, 4, Some(5)), (1010, 3, Some(5)), (1011, 4, None),
    (1012, 3, Some(5)), (1013, 4, Some(5)), (1014, 4, Some(4)), (1015, 4, Some(5)), (1101, 4, Some(4)), (1501, 4, Some(4)),
    (1504, 4, Some(5)), (1505, 4, Some(4)), (1520, 4, None), (1601, 4, Some(4)),
];

#[test]
fn every_code_has_an_exit_code_and_a_message_in_both_languages() {
    let id = scenario("01-simple").workflow_id();
    for (code, exit_code, created) in ROWS {
        let answer = format!(r#"{{"code":{code},"msg":"APIKEY_SAYS_SO","data":null}}"#);
        let rules = [ACCOUNT, CREATE].map(|path| Rule::answer(path, 200, answer.clone()));
        let sim = rules.into_iter().fold(Sim::builder().scenario(scenario("01-simple")), SimBuilder::rule);
        let sim = Simulator::start(sim);
        let run =
            |args: &[&str]| rhub(args.iter().copied()).at(&sim).env("RUNNINGHUB_TIME_SCALE", "0.001").run();
        let english = run(&["account"]);
        assert_eq!(english.code, Some((*exit_code).into()), "{english}");
        assert!(english.stderr.contains(&format!("code {code}, ")), "{english}");
        let chinese = run(&["account", "--lang", "zh"]);
        assert_eq!(chinese.code, english.code);
        let meaning_line = chinese.stderr.lines().next().unwrap_or_default();
        let meaning = meaning_line.split_once(&format!("错误码 {code}，")).map(|(_, meaning)| meaning);
        assert!(
            meaning.is_some_and(|meaning| !meaning.contains(|c: char| c.is_ascii_lowercase())
                && meaning.ends_with("（APIKEY_SAYS_SO）")),
            "{meaning_line}"
        );
        assert_eq!(english.stderr.contains("hint:"), chinese.stderr.contains("提示："), "{code}");
        if let Some(created) = created {
            let done = run(&["run", &id]);
            assert_eq!(done.code, Some((*created).into()), "{done}");
        }
    }
}

#[test]
fn a_run_in_chinese() {
    let sim = Simulator::of("01-simple");
    let id = scenario("01-simple").workflow_id();
    let dir = folder();
    let done =
        rhub(["run", &id, "--lang", "zh", "--out"]).arg(dir.path()).at(&sim).hide(dir.path(), "[dir]").run();
    let shown: Vec<&str> = done
        .stdout
        .lines()
        .filter(|line| !["📈", "🔍"].iter().any(|mark| line.starts_with(mark)) || line.contains("100.0%"))
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
        ✅ 任务已提交，taskId：2000000000000000001
        ✅ 已获取节点信息（共 6 个）：{'1': 'EmptyImage', '2': 'ImageScale', '3': 'ImageInvert', '4': 'ImageBlur', '5': 'SaveImage', '6': 'PreviewImage'}
        ✅ 已获取 WSS 地址：[ws]/ws/c_instance?…
        📊 开始监听进度…
        📈 总进度：100.0% (6/6)
        🎉 任务完成！
        📄 生成结果：
          结果 1：类型=png，URL=[url]/files/2000000000000000001/lab_00007_.png?sign=1
        💾 已保存 [dir]/2000000000000000001-5-1.png (966 B)
        💰 费用：1 RH 币，计费 1 秒
    "#);
    assert_eq!((done.code, &*done.stderr), (Some(0), ""));
}

#[test]
fn the_language_of_the_environment_is_that_of_messages_and_not_of_json() {
    let sim = Simulator::of("01-simple");
    snap!(rhub(["account"]).env("LANG", "zh_CN.UTF-8"), @r#"
        exit 2
        --- err
        错误：没有 API 密钥

        提示：用 `rhub login` 保存密钥，或设置 RUNNINGHUB_API_KEY，或用 `--api-key-file PATH` 指定文件；`rhub demo` 无需密钥
    "#);
    snap!(rhub(["account", "--lang", "en"]).env("LANG", "zh_CN.UTF-8"), @r#"
        exit 2
        --- err
        error: no API key

        hint: store one with `rhub login`, set RUNNINGHUB_API_KEY, or pass a file with `--api-key-file PATH`; `rhub demo` needs no key
    "#);
    let config = folder();
    let doctor = rhub(["doctor"]).config(&config).at(&sim).env("RUNNINGHUB_STATE_DIR", "/dev/null/state");
    snap!(doctor.env("LANG", "zh_CN.UTF-8"), @r"
        exit 9
        --- out
        正常 config   没有，默认位置是 [config]
        异常 disk     无法写入 /dev/null/state：Not a directory (os error 20)
                        办法：请设为可写，或用 `--state-dir PATH` 指定其他文件夹
        正常 proxy    无
        正常 network  [url] 有应答
        正常 tls      本机连接，无需加密
        正常 clock    与服务器相差不超过 1 秒
        正常 socket   WebSocket 可以连通
        正常 key      SHARED：企业共享密钥：用钱包余额支付；可运行工作流、AI 应用并调用模型
    ");
    let json = |lang| {
        rhub(["account", "--json", "--lang", lang])
            .at(&sim)
            .run()
            .stdout
            .lines()
            .next()
            .unwrap_or_default()
            .split_once("\"event\"")
            .map(|(_, rest)| rest.to_owned())
    };
    assert_eq!(json("zh"), json("en"));
}
