//! Help, version, usage.

use crate::common::{rhub, snap};

#[test]
fn version() {
    snap!(rhub(["--version"]), @r#"
        exit 0
        --- out
        rhub [version]
    "#);
}

#[test]
fn overview() {
    snap!(rhub(["--help"]), @r"
        exit 0
        --- out
        Run RunningHub workflows from a terminal, follow them live, bring the files home

        Usage: rhub [OPTIONS] <COMMAND>

        Commands:
          run          Submit a workflow and follow it to the end
          watch        Follow a task that already runs, or is over
          status       Say where a task stands
          outputs      List the results of a task
          download     Bring the results of a task home
          cancel       Cancel a task
          queue        Show how many tasks run and wait
          tasks        List what this machine has submitted, the newest first
          resolve      Settle a submit of unknown outcome
          webhook      Receive what the platform says when a task is over
          workflow     Look at workflows
          model        Run models of the Standard Model API: pictures, videos, sound, text
          upload       Upload files: pictures, audio, video, or a ZIP archive of pictures, of 30 MB at most
          lora         LoRAs of one's own
          app          Find AI apps, look at them, and run them
          quick        Run what Quick Create offers
          account      Show the balance, the kind of key, and the slots that are used and free
          resources    List the models and LoRAs that workflows can load, with the names that their loaders
                       take
          assets       Pictures, films and sounds that models take as `asset://ID`, and groups of them
          login        Keep an API key in a profile; asks for it without showing it
          logout       Forget the key of the profile
          config       Look at the profile, or change it
          doctor       Look whether all is in place: key, site, network, disk; with a cure for what is not
          completions  Print what makes a shell complete commands, options and task ids
          man          Write the man pages, one for each command
          replay       Play a recording through the same machine and reporters as a live run
          demo         The whole main job without key or network: simulator, submit, follow, download
          simulate     Serve a simulated RunningHub on this machine
          schema       Print the JSON Schema of the lines that `--format json` writes
          help         Print this message or the help of the given subcommand(s)

        Options:
          -h, --help     Print help
          -V, --version  Print version

        Options of every command:
              --site <SITE>              Which RunningHub the key belongs to [default: cn] [env:
                                         RUNNINGHUB_SITE=] [possible values: cn, ai]
              --base-url <URL>           Another address instead of the site's, for example of a simulator;
                                         http only on this machine [env: RUNNINGHUB_BASE_URL]
              --server <URL>             Ask a ComfyUI instead: its address, or `runninghub` or
                                         `runninghub-plus` for RunningHub's native proxy [env:
                                         RUNNINGHUB_SERVER]
              --server-auth-file <PATH>  Read the server's login from a file that only you can read:
                                         `USER:PASSWORD`, `Bearer TOKEN`, a header, or `?token=TOKEN` [env:
                                         RUNNINGHUB_SERVER_AUTH_FILE=]
              --profile <NAME>           A profile of the configuration [default: the one called `default`]
                                         [env: RUNNINGHUB_PROFILE=]
              --config <PATH>            The configuration file, which only you can read [env:
                                         RUNNINGHUB_CONFIG]
              --api-key-file <PATH>      Read the API key from a file that only you can read [env:
                                         RUNNINGHUB_API_KEY_FILE=]
              --api-key-stdin            Read the API key from standard input [env:
                                         RUNNINGHUB_API_KEY_STDIN=]
              --format <FORMAT>          How to report [default: human on a terminal, plain elsewhere] [env:
                                         RUNNINGHUB_FORMAT=] [possible values: human, plain, json]
              --json                     The same as --format json [env: RUNNINGHUB_JSON=]
              --color <WHEN>             When to use colours [env: RUNNINGHUB_COLOR=] [default: auto]
                                         [possible values: auto, always, never]
              --lang <LANG>              The language of messages and help; JSON is English [default: that
                                         of the system] [env: RUNNINGHUB_LANG=] [possible values: en, zh]
              --proxy <URL>              A proxy for HTTP and socket, for example `socks5://127.0.0.1:1080`
                                         [env: RUNNINGHUB_PROXY]
              --ca-file <PATH>           Certificates (PEM) to trust besides those of the system [env:
                                         RUNNINGHUB_CA_FILE=]
              --allow-private-hosts      Fetch results also from loopback and private addresses, and follow
                                         tasks there [env: RUNNINGHUB_ALLOW_PRIVATE_HOSTS=]
              --max-file-size <SIZE>     Fetch no result that is larger, as in 500M or 2G [default: 32 GiB]
                                         [env: RUNNINGHUB_MAX_FILE_SIZE=]
              --priors <FILE>            Expected seconds of node classes (JSON), before those that are
                                         built in [env: RUNNINGHUB_PRIORS=]
          -q, --quiet                    Only results and errors [env: RUNNINGHUB_QUIET=]
          -v, --verbose...               Log what is done to standard error; more often for more [env:
                                         RUNNINGHUB_VERBOSE=]
              --log-file <PATH>          Log to a file instead [env: RUNNINGHUB_LOG_FILE=]
              --state-dir <PATH>         Where this machine keeps its records [env: RUNNINGHUB_STATE_DIR]

        Exit codes:
          0  done
          1  the task failed or was cancelled
          2  usage or configuration; nothing was sent
          3  network or server unreachable
          4  refused: key, balance, quota, validation
          5  nobody knows whether the task was created; it may have been charged
          6  stopped waiting; the task still runs
          7  some of several failed
          8  the task succeeded, but its results were not all saved
          9  local store or disk
          130, 143  interrupted; the task goes on

        The key is read from --api-key-file or --api-key-stdin, else RUNNINGHUB_API_KEY, else the profile
        (`rhub login`).
        An option counts before its variable, that before the profile, that before the default.
        RUNNINGHUB_TIME_SCALE multiplies every built-in wait (default 1).
    ");
}

#[test]
fn run() {
    insta::assert_snapshot!(own_options("run"), @r"
        Submit a workflow and follow it to the end

        Usage: rhub run [OPTIONS] <WORKFLOW>

        Arguments:
          <WORKFLOW>  A workflow id, the address of its page, or a JSON file in API format

        Options:
          -s, --set <NODE.FIELD=VALUE>       Change a field before the run; NODE is an id or a unique title,
                                             VALUE is JSON or else text, @FILE uploads [env:
                                             RUNNINGHUB_SET=]
              --node-info-list <JSON|@FILE>  The API's own list of changes: sent as it is for a saved
                                             workflow, written into a graph from a file [env:
                                             RUNNINGHUB_NODE_INFO_LIST]
              --under <ID>                   The saved workflow that a JSON file is submitted under [env:
                                             RUNNINGHUB_UNDER=]
              --extra-pnginfo <FILE>         The workflow in the editor's format (JSON), for nodes of a
                                             server that read it and for the metadata of images [env:
                                             RUNNINGHUB_EXTRA_PNGINFO=]
              --no-metadata                  Leave the workflow out of the result files [env:
                                             RUNNINGHUB_NO_METADATA=]
              --instance <INSTANCE>          The machine: 24, 48 or 84 GB of memory [env:
                                             RUNNINGHUB_INSTANCE=] [possible values: default, plus, ultra]
              --personal-queue               Wait in the personal queue; for keys of dedicated machines
                                             [env: RUNNINGHUB_PERSONAL_QUEUE=]
              --retain <SECONDS>             Keep the machine warm this long afterwards, 10 to 180; billed,
                                             for enterprise-shared keys [env: RUNNINGHUB_RETAIN=]
              --access-password <PASSWORD>   The password of an encrypted workflow or app [env:
                                             RUNNINGHUB_ACCESS_PASSWORD]
              --v2                           Submit by the newer endpoint, with the key in the header alone
                                             [env: RUNNINGHUB_V2=]
          -o, --out <DIR>                    Download the results into this folder [env: RUNNINGHUB_OUT=]
              --name <TEMPLATE>              How to name files; the parts task, node, n, name, subfolder and
                                             ext stand in braces, as in {name}-
                                             .{ext} [env: RUNNINGHUB_NAME=]
              --keep-intermediate            Keep what nodes show on the way, and what a task that failed
                                             had saved, in a folder `intermediate` of that folder [env:
                                             RUNNINGHUB_KEEP_INTERMEDIATE=]
              --detach                       Submit, and do not follow [env: RUNNINGHUB_DETACH=]
              --queue-timeout <DURATION>     Give up when the account has had no free slot for this long
                                             [default: wait] [env: RUNNINGHUB_QUEUE_TIMEOUT=]
              --timeout <DURATION>           Stop waiting after this long; the task goes on [env:
                                             RUNNINGHUB_TIMEOUT=]
              --cancel-on-interrupt          Ctrl-C cancels the task instead of leaving it alone [env:
                                             RUNNINGHUB_CANCEL_ON_INTERRUPT=]
              --record <DIR>                 Keep a redacted recording in this new or empty folder, for
                                             `rhub replay` [env: RUNNINGHUB_RECORD=]
              --previews <DIR>               Save the preview pictures into this folder [env:
                                             RUNNINGHUB_PREVIEWS=]
              --preview <HOW>                Show preview pictures on a terminal, this way [env:
                                             RUNNINGHUB_PREVIEW=] [default: auto] [possible values: auto,
                                             off, kitty, iterm2, sixel, blocks]
              --create-timeout <DURATION>    How long the submit itself may take [env:
                                             RUNNINGHUB_CREATE_TIMEOUT=] [default: 120s]
              --webhook <URL>                An address that the platform calls when the task is over [env:
                                             RUNNINGHUB_WEBHOOK]
              --yes                          Never ask [env: RUNNINGHUB_YES=]
          -h, --help                         Print help
        The first Ctrl-C stops watching and leaves the task alone; it prints the commands that attach again
        and that cancel.
    ");
}

#[test]
fn watch() {
    insta::assert_snapshot!(own_options("watch"), @r"
        Follow a task that already runs, or is over

        Usage: rhub watch [OPTIONS] <TASK_ID>

        Arguments:
          <TASK_ID>  The task's id, or `last` for the one submitted last from this machine

        Options:
              --workflow <ID>        The workflow that it runs, for a percentage from the start [env:
                                     RUNNINGHUB_WORKFLOW=]
          -o, --out <DIR>            Download the results into this folder [env: RUNNINGHUB_OUT=]
              --name <TEMPLATE>      How to name files; the parts task, node, n, name, subfolder and ext
                                     stand in braces, as in {name}-
                                     .{ext} [env: RUNNINGHUB_NAME=]
              --keep-intermediate    Keep what nodes show on the way, and what a task that failed had saved,
                                     in a folder `intermediate` of that folder [env:
                                     RUNNINGHUB_KEEP_INTERMEDIATE=]
              --timeout <DURATION>   Stop waiting after this long; the task goes on [env:
                                     RUNNINGHUB_TIMEOUT=]
              --cancel-on-interrupt  Ctrl-C cancels the task instead of leaving it alone [env:
                                     RUNNINGHUB_CANCEL_ON_INTERRUPT=]
              --record <DIR>         Keep a redacted recording in this new or empty folder, for `rhub
                                     replay` [env: RUNNINGHUB_RECORD=]
              --previews <DIR>       Save the preview pictures into this folder [env: RUNNINGHUB_PREVIEWS=]
              --preview <HOW>        Show preview pictures on a terminal, this way [env:
                                     RUNNINGHUB_PREVIEW=] [default: auto] [possible values: auto, off,
                                     kitty, iterm2, sixel, blocks]
          -h, --help                 Print help
    ");
}

#[test]
fn status_outputs_download_cancel() {
    insta::assert_snapshot!(["status", "outputs", "download", "cancel"].map(own_options).join("\n"), @r"
        Say where a task stands

        Usage: rhub status [OPTIONS] <TASK_ID>

        Arguments:
          <TASK_ID>  The task's id, or `last` for the one submitted last from this machine

        Options:
          -h, --help  Print help
        Exits with 0 whenever the platform answers, whatever the answer is.

        List the results of a task

        Usage: rhub outputs [OPTIONS] <TASK_ID>

        Arguments:
          <TASK_ID>  The task's id, or `last` for the one submitted last from this machine

        Options:
          -h, --help  Print help

        Bring the results of a task home

        Usage: rhub download [OPTIONS] <TASK_ID>

        Arguments:
          <TASK_ID>  The task's id, or `last` for the one submitted last from this machine

        Options:
          -o, --out <DIR>        The folder for the results [env: RUNNINGHUB_OUT=] [default: .]
              --name <TEMPLATE>  How to name files; the parts task, node, n, name, subfolder and ext stand
                                 in braces, as in {name}-
                                 .{ext} [env: RUNNINGHUB_NAME=]
          -h, --help             Print help

        Cancel a task

        Usage: rhub cancel [OPTIONS] <TASK_ID>

        Arguments:
          <TASK_ID>  The task's id, or `last` for the one submitted last from this machine

        Options:
          -h, --help  Print help
    ");
}

#[test]
fn workflow_account_schema() {
    insta::assert_snapshot!([own_options("account"), own_options("schema"), help(&["workflow", "show"])].join("\n"), @r"
        Show the balance, the kind of key, and the slots that are used and free

        Usage: rhub account [OPTIONS]

        Options:
              --keys  Also list the keys of the account, masked [env: RUNNINGHUB_KEYS=]
          -h, --help  Print help

        Print the JSON Schema of the lines that `--format json` writes

        Usage: rhub schema [OPTIONS]

        Options:
          -h, --help  Print help

        List the nodes, their titles, and the fields that `--set` can change

        Usage: rhub workflow show [OPTIONS] <ID>

        Arguments:
          <ID>  A workflow id, the address of its page, or a JSON file in API format

        Options:
          -h, --help  Print help
    ");
}

#[test]
fn replay() {
    insta::assert_snapshot!(own_options("replay"), @r#"
        Play a recording through the same machine and reporters as a live run

        Usage: rhub replay [OPTIONS] <DIR|FILE.jsonl>

        Arguments:
          <DIR|FILE.jsonl>  A recording: a folder or a single tape; or a file that `--format json` has
                            written

        Options:
              --workflow <FILE>  The workflow in API format, instead of the recording's own [env:
                                 RUNNINGHUB_WORKFLOW=]
              --speed <N|max>    So many times as fast, or `max` [default: 1 on a terminal, max elsewhere]
                                 [env: RUNNINGHUB_SPEED=]
              --prompt <ID>      One run of several [env: RUNNINGHUB_PROMPT=]
              --stream <NAME>    One client of several: `a` plays ws-a.jsonl, or ws-a1, ws-a2, … as one that
                                 reconnected [env: RUNNINGHUB_STREAM=]
              --preview <HOW>    Show preview pictures on a terminal, this way [env: RUNNINGHUB_PREVIEW=]
                                 [default: auto] [possible values: auto, off, kitty, iterm2, sixel, blocks]
          -h, --help             Print help
    "#);
}

#[test]
fn demo_and_simulate() {
    insta::assert_snapshot!(["demo", "simulate"].map(own_options).join("\n"), @r#"
        The whole main job without key or network: simulator, submit, follow, download

        Usage: rhub demo [OPTIONS]

        Options:
          -o, --out <DIR>            Download the results into this folder [env: RUNNINGHUB_OUT=] [default:
                                     rhub-demo]
              --speed <N|max>        So many times as fast [env: RUNNINGHUB_SPEED=] [default: 1]
              --timeout <DURATION>   Stop waiting after this long; the task goes on [env:
                                     RUNNINGHUB_TIMEOUT=]
              --cancel-on-interrupt  Ctrl-C cancels the task instead of leaving it alone [env:
                                     RUNNINGHUB_CANCEL_ON_INTERRUPT=]
              --record <DIR>         Keep a redacted recording in this new or empty folder, for `rhub
                                     replay` [env: RUNNINGHUB_RECORD=]
              --previews <DIR>       Save the preview pictures into this folder [env: RUNNINGHUB_PREVIEWS=]
              --preview <HOW>        Show preview pictures on a terminal, this way [env:
                                     RUNNINGHUB_PREVIEW=] [default: auto] [possible values: auto, off,
                                     kitty, iterm2, sixel, blocks]
          -h, --help                 Print help

        Serve a simulated RunningHub on this machine

        Usage: rhub simulate [OPTIONS]

        Options:
              --listen <ADDRESS>    Where to listen; loopback only, port 0 takes a free one [env:
                                    RUNNINGHUB_LISTEN=] [default: 127.0.0.1:8189]
              --scenario <DIR>      Serve a recording as a workflow; can be given several times [default: a
                                    demo] [env: RUNNINGHUB_SCENARIO=]
              --native              Serve a ComfyUI instead of RunningHub [env: RUNNINGHUB_NATIVE=]
              --version <VERSION>   The version of that ComfyUI, as in 0.3.44 [env: RUNNINGHUB_VERSION=]
              --fault <NAME=VALUE>  Do something wrong on purpose; can be given several times; `list` shows
                                    what there is [env: RUNNINGHUB_FAULT=]
              --speed <N|max>       Send frames so many times as fast as they were recorded [env:
                                    RUNNINGHUB_SPEED=] [default: 1]
          -h, --help                Print help
    "#);
}

#[test]
fn an_unknown_option_is_a_usage_error_in_json_too() {
    snap!(rhub(["run", "--sett", "1"]), @r#"
        exit 2
        --- err
        error: unexpected argument '--sett' found

          tip: a similar argument exists: '--set'

        Usage: rhub run --set <NODE.FIELD=VALUE> <WORKFLOW>

        For more information, try '--help'.
    "#);
    let done = rhub(["watch"]).env("RUNNINGHUB_JSON", "1").run();
    assert!(
        done.stdout.contains(r#""message":"the following required arguments were not provided: <TASK_ID>""#),
        "{done}"
    );
    assert_eq!(rhub(["watch"]).env("RUNNINGHUB_JSON", "0").run().stdout, "");
    snap!(rhub(["status", "1", "--json", "--site", "com"]), @r#"
        exit 2
        --- out
        {"schema":"rhub.event/1","t":0.0,"event":"result","status":"error","exit_code":2,"task_id":null,"percent":null,"done":0,"total":null,"outputs":[],"failure":{"node_id":null,"node":null,"type":null,"message":"invalid value 'com' for '--site <SITE>' [possible values: cn, ai]","code":null},"cost":null,"elapsed_s":0.0,"api_calls":0}
        --- err
        error: invalid value 'com' for '--site <SITE>'
          [possible values: cn, ai]

        For more information, try '--help'.
    "#);
}

fn own_options(command: &str) -> String {
    help(&[command])
}

#[test]
fn apps_webhooks_and_the_account() {
    for (name, command) in [
        ("app", &["app"][..]),
        ("app list", &["app", "list"]),
        ("quick", &["quick"]),
        ("webhook", &["webhook"]),
        ("webhook show", &["webhook", "show"]),
        ("webhook listen", &["webhook", "listen"]),
        ("queue", &["queue"]),
        ("resources", &["resources"]),
        ("assets", &["assets"]),
        ("assets create", &["assets", "create"]),
    ] {
        insta::assert_snapshot!(format!("help of {name}"), help(command));
    }
}

/// The help of a command, without the global options.
fn help(command: &[&str]) -> String {
    let done = rhub(command.iter().copied().chain(["--help"])).run();
    assert_eq!((done.code, &*done.stderr), (Some(0), ""));
    let (own, common) = done.stdout.split_once("Options of every command:").expect("common options");
    let after = common.split_once("\n\n").map_or("", |(_, after)| after);
    format!("{}\n{after}", own.trim_end())
}

#[test]
fn tasks_and_resolve() {
    insta::assert_snapshot!(["tasks", "resolve"].map(own_options).join("\n"), @r#"
    List what this machine has submitted, the newest first

    Usage: rhub tasks [OPTIONS]

    Options:
      -n, --limit <N>  Show at most so many; 0 for all [env: RUNNINGHUB_LIMIT=] [default: 20]
          --open       Only those that are not over [env: RUNNINGHUB_OPEN=]
          --refresh    Ask the platform about those that are not over first [env: RUNNINGHUB_REFRESH=]
      -h, --help       Print help
    States: submitting, waiting (for a free slot), accepted, done, failed, cancelled, gone (forgotten by
    the platform).
    Refused and absent ones cost nothing. Unknown: nobody knows whether there is a task; `rhub resolve`
    settles it.

    Settle a submit of unknown outcome

    Usage: rhub resolve [OPTIONS] <--task-id <ID>|--not-created> <ATTEMPT>

    Arguments:
      <ATTEMPT>  The submit, as `rhub tasks` names it; the beginning of its name is enough

    Options:
          --task-id <ID>  There is a task, and this is its id [env: RUNNINGHUB_TASK_ID=]
          --not-created   There is no task: nothing was created and nothing charged [env:
                          RUNNINGHUB_NOT_CREATED=]
      -h, --help          Print help
    "#);
}
