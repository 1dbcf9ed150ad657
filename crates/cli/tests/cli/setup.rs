//! Profiles: login, logout, config, doctor; completions and man pages.

use std::fs;

use runninghub_sim::{Rule, Sim};
use tempfile::TempDir;

use crate::common::{Done, Rhub, Simulator, folder, rhub, scenario, snap};

const STATUS: &str = "/openapi/v2/queue/status";
const CONSUMER: &str = "fedcba9876543210fedcba9876543210";

fn with<'a>(config: &TempDir, sim: &Simulator, args: impl IntoIterator<Item = &'a str>) -> Rhub {
    rhub(args).config(config).hide(sim.base_url(), "[url]")
}

fn login(config: &TempDir, sim: &Simulator, more: &[&str]) -> Done {
    let args =
        ["login", "--api-key-stdin", "--base-url", sim.base_url()].into_iter().chain(more.iter().copied());
    with(config, sim, args).stdin(Sim::DEMO_KEY).run()
}

#[test]
fn a_key_is_kept_used_and_forgotten() {
    let (sim, config) = (Simulator::of("01-simple"), folder());
    insta::assert_snapshot!(login(&config, &sim, &[]).to_string(), @r"
        exit 0
        --- out
        ✅ Logged in at [url], profile `default`
           SHARED: enterprise key: pays from the wallet; runs workflows, AI apps and models
    ");
    let file = config.path().join("config.toml");
    let text = fs::read_to_string(&file).expect("a file");
    insta::assert_snapshot!(text.replace(sim.base_url(), "[url]").replace(Sim::DEMO_KEY, "[key]"), @r#"
        [profile.default]
        api_key = "[key]"
        base_url = "[url]"
        key_type = "SHARED"
    "#);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    }
    snap!(with(&config, &sim, ["account"]), @r"
        exit 0
        --- out
        Coins:  1000
        Wallet: unknown
        Key:    SHARED
        Slots:  0 used, 3 free, 3 total; 0 waiting
    ");
    snap!(with(&config, &sim, ["config", "list"]), @r"
        exit 0
        --- out
        [default]
        api_key = set
        base_url = [url]
        key_type = SHARED
    ");
    snap!(with(&config, &sim, ["logout"]), @r#"
        exit 0
        --- out
        ✅ Removed the key of the profile `default`
    "#);
    snap!(with(&config, &sim, ["logout"]), @r#"
        exit 0
        --- out
        The profile `default` has no key
    "#);
    snap!(with(&config, &sim, ["account"]), @r#"
        exit 2
        --- err
        error: no API key

        hint: store one with `rhub login`, set RUNNINGHUB_API_KEY, or pass a file with `--api-key-file PATH`; `rhub demo` needs no key
    "#);
}

/// The key's kind from `rhub login` is enough to refuse a command; a key from elsewhere has no known kind.
#[test]
fn requests_beyond_the_keys_permissions_are_not_sent() {
    let builder = Sim::builder().scenario(scenario("01-simple")).consumer_key(CONSUMER).speed(20.0);
    let (sim, config) = (Simulator::start(builder), folder());
    let id = scenario("01-simple").workflow_id();
    let login = ["login", "--api-key-stdin", "--base-url", sim.base_url()];
    assert_eq!(with(&config, &sim, login).stdin(CONSUMER).run().code, Some(0));
    snap!(with(&config, &sim, ["model", "run", "rhart-text-g-25-pro/text-to-text", "-p", "prompt=x"]), @r"
        exit 4
        --- err
        error: the profile's key cannot call models: consumer key: pays with coins; runs workflows and AI apps, but no models

        hint: nothing was sent; use another key, or run `rhub login` again if the key's kind has changed
    ");
    snap!(with(&config, &sim, ["run", &id, "--personal-queue"]), @r"
        exit 4
        --- err
        error: the profile's key cannot use the personal queue: consumer key: pays with coins; runs workflows and AI apps, but no models

        hint: nothing was sent; use another key, or run `rhub login` again if the key's kind has changed
    ");
    assert_eq!(sim.creates(), 0);
    let given = with(&config, &sim, ["run", &id, "--personal-queue"]).env("RUNNINGHUB_API_KEY", CONSUMER);
    assert_eq!(given.run().code, Some(0));
}

/// Without a service that keeps keys, nothing is stored anywhere else instead.
#[cfg(target_os = "linux")]
#[test]
fn a_keyring_that_cannot_be_used_is_an_error() {
    let (sim, config) = (Simulator::of("01-simple"), folder());
    let words = ["login", "--keyring", "--api-key-stdin", "--base-url", sim.base_url()];
    let nowhere = ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus");
    let done = with(&config, &sim, words).stdin(Sim::DEMO_KEY).env(nowhere.0, nowhere.1).run();
    assert_eq!(done.code, Some(9), "{done}");
    assert!(
        done.stderr.contains("cannot use the keyring") && done.stderr.contains("without `--keyring`"),
        "{done}"
    );
    assert!(!config.path().join("config.toml").exists(), "{done}");
}

#[test]
fn logins_that_fail() {
    let (sim, config) = (Simulator::of("01-simple"), folder());
    snap!(with(&config, &sim, ["login"]), @r#"
        exit 2
        --- err
        error: cannot prompt for the API key: this is not a terminal

        hint: pass it with `--api-key-stdin`, as in `rhub login --api-key-stdin < FILE`, or with `--api-key-file PATH`
    "#);
    snap!(with(&config, &sim, ["login", "--api-key-stdin", "--base-url", sim.base_url()]).stdin("0123456789abcdef"), @r#"
        exit 4
        --- err
        error: cannot get information about the key: code 401, the API key was rejected (ApiKey verification failed); nothing was stored

        hint: check the key and the site: a key from runninghub.cn does not work on runninghub.ai, or the other way round
    "#);
    snap!(with(&config, &sim, ["login", "--api-key-stdin", "--base-url", "http://127.0.0.1:1"]).stdin("0123456789abcdef").env("RUNNINGHUB_TIME_SCALE", "0.01"), @r#"
        exit 3
        --- err
        error: cannot get information about the key: no connection: error sending request: client error (Connect): tcp connect error: Connection refused (os error 111); nothing was stored

        hint: check the network connection and any proxy in `HTTPS_PROXY` and `NO_PROXY`
    "#);
    snap!(with(&config, &sim, ["login", "--profile", "a b", "--api-key-stdin"]).stdin(Sim::DEMO_KEY), @r#"
        exit 2
        --- err
        error: `a b` is not a valid profile name

        hint: a name has up to 64 letters, digits, dots, hyphens and underscores
    "#);
    assert!(!config.path().join("config.toml").exists());
}

#[test]
fn an_option_beats_its_variable_beats_the_profile() {
    let (sim, config) = (Simulator::of("01-simple"), folder());
    let get = |name: &str| with(&config, &sim, ["config", "get", name]).run().stdout;
    assert_eq!(login(&config, &sim, &["--profile", "work"]).code, Some(0));
    for setting in [["site", "ai"], ["out", "results"], ["quiet", "false"]] {
        let [name, value] = setting;
        assert_eq!(with(&config, &sim, ["config", "set", name, value]).run().code, Some(0), "{name}");
        assert_eq!(get(name), format!("{value}\n"));
    }
    // The default profile has no key, the other profile has one.
    assert_eq!(with(&config, &sim, ["account"]).run().code, Some(2));
    assert_eq!(with(&config, &sim, ["account", "--profile", "work"]).run().code, Some(0));
    assert_eq!(with(&config, &sim, ["account"]).env("RUNNINGHUB_PROFILE", "work").run().code, Some(0));
    let wrong = with(&config, &sim, ["account", "--profile", "work"])
        .env("RUNNINGHUB_API_KEY", "0123456789abcdef")
        .run();
    assert_eq!(wrong.code, Some(4), "the variable's key counts: {wrong}");
    let elsewhere = with(&config, &sim, ["account", "--profile", "work"])
        .env("RUNNINGHUB_BASE_URL", "http://127.0.0.1:1")
        .env("RUNNINGHUB_TIME_SCALE", "0.01");
    assert_eq!(elsewhere.run().code, Some(3), "the variable's address counts");
    let back = with(&config, &sim, ["account", "--profile", "work", "--base-url", sim.base_url()])
        .env("RUNNINGHUB_BASE_URL", "http://127.0.0.1:1");
    assert_eq!(back.run().code, Some(0), "the option's address counts");
}

#[test]
fn the_profile_gives_any_option_its_value() {
    let (sim, config) = (Simulator::of("01-simple"), folder());
    assert_eq!(login(&config, &sim, &[]).code, Some(0));
    assert_eq!(with(&config, &sim, ["config", "set", "format", "json"]).run().code, Some(0));
    let done = with(&config, &sim, ["account"]).run();
    assert!(done.stdout.contains(r#""event":"account""#), "{done}");
    let done = with(&config, &sim, ["account", "--format", "plain"]).run();
    assert!(done.stdout.starts_with("Coins:"), "{done}");
}

#[test]
fn settings_that_cannot_be() {
    let (sim, config) = (Simulator::of("01-simple"), folder());
    snap!(with(&config, &sim, ["config", "set", "api-key", "0123456789abcdef"]), @r#"
        exit 2
        --- err
        error: `api_key` cannot be set on the command line, where others could see it

        hint: `rhub login` stores a key
    "#);
    snap!(with(&config, &sim, ["config", "set", "otu", "results"]), @r#"
        exit 2
        --- err
        error: unknown option `otu`

        hint: `rhub --help` and `rhub COMMAND --help` list the options
    "#);
    snap!(with(&config, &sim, ["config", "set", "site", "com"]), @r#"
        exit 2
        --- err
        error: cannot set this: invalid value 'com' for '--site <SITE>' [possible values: cn, ai]

        hint: `rhub --help` and `rhub COMMAND --help` list the options
    "#);
    snap!(with(&config, &sim, ["config", "get", "out"]), @r#"
        exit 2
        --- err
        error: the profile `default` does not set `out`

        hint: `rhub config list` shows what it sets
    "#);
    snap!(with(&config, &sim, ["config", "unset", "out"]), @r#"
        exit 2
        --- err
        error: the profile `default` does not set `out`

        hint: `rhub config list` shows what it sets
    "#);
    assert!(!config.path().join("config.toml").exists());
}

#[test]
fn a_password_in_a_profile_is_not_shown() {
    let (sim, config) = (Simulator::of("01-simple"), folder());
    let set =
        with(&config, &sim, ["config", "set", "proxy", "http://me:pr0xy-p4ss@proxy.example:3128"]).run();
    assert_eq!(set.code, Some(0), "{set}");
    snap!(with(&config, &sim, ["config", "list"]), @r#"
        exit 0
        --- out
        [default]
        proxy = http://***@proxy.example:3128
    "#);
}

#[cfg(unix)]
#[test]
fn key_files_that_are_readable_by_others_or_not_files_are_rejected() {
    use std::os::unix::fs::PermissionsExt as _;

    let (sim, config) = (Simulator::of("01-simple"), folder());
    let file = config.path().join("config.toml");
    let write = |text: &str, mode| {
        fs::write(&file, text).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("a mode");
    };
    write("[profile.default]\napi_key = \"0123456789abcdef\"\n", 0o644);
    snap!(with(&config, &sim, ["account"]), @r#"
        exit 2
        --- err
        error: the configuration [config] is readable by others (mode 644)

        hint: make it private: `chmod 600 [config]`
    "#);
    assert_eq!(with(&config, &sim, ["schema"]).run().code, Some(0), "nothing there needs a profile");
    write("[profile.default]\napi_key = 0123456789abcdef\n", 0o600);
    snap!(with(&config, &sim, ["account"]), @r#"
        exit 2
        --- err
        error: the configuration [config] is not TOML: line 2: unexpected leading zero, expected nothing

        hint: fix it in an editor, or delete it and run `rhub login`
    "#);
    write("[profile.default]\notu = 'x'\n", 0o600);
    snap!(with(&config, &sim, ["account"]), @r#"
        exit 2
        --- err
        error: the profile `default` has an invalid setting: unknown option `otu`

        hint: show it with `rhub config list --profile default`; change it with `rhub config set` or `unset`
    "#);
}

#[test]
fn the_doctor_finds_nothing() {
    let (sim, config, state) = (Simulator::of("01-simple"), folder(), folder());
    assert_eq!(login(&config, &sim, &[]).code, Some(0));
    snap!(with(&config, &sim, ["doctor"]).state(&state).hide(state.path(), "[state]"), @r"
        exit 0
        --- out
        ok     config   [config] is private
        ok     disk     [state] is writable
        ok     ledger   intact, with 0 submits
        ok     proxy    none
        ok     network  [url] is reachable
        ok     tls      none is needed on this machine
        ok     clock    within 1 s of the server's clock
        ok     socket   WebSockets work
        ok     key      SHARED: enterprise key: pays from the wallet; runs workflows, AI apps and models
    ");
    let done = with(&config, &sim, ["doctor", "--json"]).state(&state).run();
    assert!(
        done.stdout.lines().any(|line| line.contains(r#""event":"check","name":"clock","ok":true"#)),
        "{done}"
    );
}

#[test]
fn the_doctor_has_a_cure_for_each_failure() {
    let early = Rule::answer(STATUS, 200, r#"{"code":0,"data":{"apiKeyType":"SHARED"}}"#)
        .header("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    let sim = Simulator::start(Sim::builder().rule(early));
    let (config, state) = (folder(), folder());
    fs::write(state.path().join("ledger.sqlite"), "").expect("a file");
    let done = with(&config, &sim, ["doctor"]).at(&sim).state(&state).run();
    let clock =
        done.stdout.lines().skip_while(|line| !line.starts_with("failed clock")).take(2).collect::<Vec<_>>();
    assert!(
        done.code == Some(2) && matches!(clock[..], [_, cure] if cure.contains("fix: set the clock")),
        "{done}"
    );

    let sim = Simulator::of("01-simple");
    snap!(with(&config, &sim, ["doctor"]).at(&sim).env("RUNNINGHUB_API_KEY", "0123456789abcdef").state(&state).hide(state.path(), "[state]"), @r#"
        exit 4
        --- out
        ok     config   none; it would be [config]
        ok     disk     [state] is writable
        ok     ledger   intact, with 0 submits
        ok     proxy    none
        ok     network  [url] is reachable
        ok     tls      none is needed on this machine
        ok     clock    within 1 s of the server's clock
        ok     socket   WebSockets work
        failed key      cannot get information about the key: code 401, the API key was rejected (ApiKey verification failed)
                        fix: check the key and the site: a key from runninghub.cn does not work on runninghub.ai, or the other way round
    "#);
    snap!(
        with(&config, &sim, ["doctor"])
            .at(&sim)
            .env("RUNNINGHUB_BASE_URL", "http://127.0.0.1:1")
            .env("RUNNINGHUB_STATE_DIR", "/dev/null/state")
            .env("RUNNINGHUB_PROFILE", "work"),
        @r#"
            exit 9
            --- out
            failed config   profile `work` does not exist
                            fix: create it with `rhub login --profile work`; `rhub config list` shows the existing ones
            failed disk     cannot write to /dev/null/state: Not a directory (os error 20)
                            fix: make it writable, or use another folder with `--state-dir PATH`
            ok     proxy    none
            failed network  cannot reach the platform: no connection: error sending request: client error (Connect): tcp connect error: Connection refused (os error 111)
                            fix: check the network connection and any proxy in `HTTPS_PROXY` and `NO_PROXY`
        "#
    );
}

#[test]
fn the_doctor_looks_at_the_rest_without_a_key_and_at_a_server() {
    let sim = Simulator::of("01-simple");
    let (config, state) = (folder(), folder());
    let done = with(&config, &sim, ["doctor"]).at(&sim).env("RUNNINGHUB_API_KEY", "").state(&state).run();
    let heads = done.stdout.lines().filter_map(|line| line.get(..15)).map(str::trim);
    let found: Vec<_> = heads.filter(|head| !head.is_empty()).collect();
    let found = found.join(", ");
    assert_eq!(done.code, Some(2), "{done}");
    assert!(found.ends_with("ok     network, ok     tls, ok     clock, ok     socket, failed key"), "{done}");
    let nowhere = with(&config, &sim, ["doctor", "--server", "http://127.0.0.1:1"]).state(&state).run();
    assert_eq!(nowhere.code, Some(3), "{nowhere}");
    assert!(nowhere.stdout.contains("failed server") && !nowhere.stdout.contains("key"), "{nowhere}");
}

#[test]
fn shells_complete_commands_options_and_tasks() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let done = rhub(["completions", shell]).run();
        assert!(done.code == Some(0) && done.stdout.contains("COMPLETE"), "{done}");
    }
    let (sim, state) = (Simulator::of("01-simple"), folder());
    let id = scenario("01-simple").workflow_id();
    assert_eq!(rhub(["run", &id, "--detach"]).at(&sim).state(&state).run().code, Some(0));
    let task = sim.sim().tasks()[0].task_id.clone();
    let offered = |words: &[&str], index: &str| {
        let done = rhub(["--"].iter().chain(words).copied())
            .state(&state)
            .env("COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", index)
            .env("_CLAP_COMPLETE_COMP_TYPE", "9")
            .env("_CLAP_COMPLETE_SPACE", "true")
            .env("_CLAP_IFS", "\n")
            .run();
        assert_eq!(done.code, Some(0), "{done}");
        done.stdout
    };
    assert_eq!(
        offered(&["rhub", "watch", ""], "2")
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect::<Vec<_>>(),
        ["last", &task]
    );
    assert_eq!(offered(&["rhub", "conf"], "1"), "config");
    assert!(offered(&["rhub", "run", "--inst"], "2").contains("--instance"));
    let videos = offered(&["rhub", "model", "run", "kling"], "3");
    assert!(videos.lines().count() > 3 && videos.lines().all(|name| name.starts_with("kling")), "{videos}");
}

#[test]
fn man_pages() {
    let dir = folder();
    snap!(rhub(["man"]).arg(dir.path()).hide(dir.path(), "[dir]"), @r#"
        exit 0
        --- out
        ✅ Wrote man pages to [dir]
    "#);
    for page in ["rhub.1", "rhub-run.1", "rhub-config-set.1"] {
        let text = fs::read_to_string(dir.path().join(page)).expect(page);
        assert!(text.contains(".SH NAME"), "{page}");
    }
}
