//! Examples of each command.

/// The examples of a command, by its words after `rhub`.
pub(super) fn of(path: &str) -> Option<&'static [&'static str]> {
    EXAMPLES.iter().find(|(name, _)| *name == path).map(|(_, lines)| *lines)
}

const EXAMPLES: &[(&str, &[&str])] = &[
    (
        "run",
        &[
            "rhub run 1904136902449209346 -s 6.text=a-cat -o results",
            "rhub run workflow.json -s 10.image=@photo.png -o results",
            "rhub run picture.png -s 3.seed=random --server http://127.0.0.1:8188",
        ],
    ),
    ("watch", &["rhub watch last", "rhub watch --all", "rhub watch 1904154698679771137 -o results"]),
    ("status", &["rhub status last", "rhub status 1904154698679771137 --json"]),
    ("outputs", &["rhub outputs last"]),
    ("download", &["rhub download last -o results"]),
    ("cancel", &["rhub cancel 1904154698679771137"]),
    ("queue", &["rhub queue", "rhub queue --server http://127.0.0.1:8188"]),
    ("tasks", &["rhub tasks cat --since 7d", "rhub tasks --open --refresh", "rhub tasks --limit 0 --json"]),
    ("open", &["rhub open last"]),
    ("report", &["rhub report last", "rhub report 1904154698679771137 report.tar.gz"]),
    ("rerun", &["rhub rerun last -s 3.seed=random", "rhub rerun 1904154698679771137 -o results"]),
    ("resolve", &["rhub resolve a1b2c3 --task-id 1904154698679771137", "rhub resolve a1b2c3 --not-created"]),
    (
        "webhook listen",
        &["rhub webhook listen --listen 0.0.0.0:8190", "rhub webhook listen --exec ./notify.sh"],
    ),
    ("webhook show", &["rhub webhook show last"]),
    ("webhook resend", &["rhub webhook resend last --webhook https://example.com/hook"]),
    ("workflow show", &["rhub workflow show 1904136902449209346", "rhub workflow show workflow.json"]),
    ("workflow convert", &["rhub workflow convert editor.json --server http://127.0.0.1:8188"]),
    ("model list", &["rhub model list --kind video --search kling"]),
    ("model show", &["rhub model show vidu/text-to-video-q2"]),
    ("model run", &["rhub model run vidu/text-to-video-q2 -p prompt=waves -o results --max-cost 1.50"]),
    ("model price", &["rhub model price vidu/text-to-video-q2 -p prompt=waves"]),
    ("upload", &["rhub upload photo.png voice.mp3"]),
    ("lora upload", &["rhub lora upload style.safetensors --lora-name style"]),
    ("app list", &["rhub app list --sort hottest --days 7"]),
    ("app show", &["rhub app show 1877265245566922753"]),
    (
        "app run",
        &[
            "rhub app run 1877265245566922753 -s prompt=a-cat -o results",
            "rhub app run 1877265245566922753 --interactive",
        ],
    ),
    ("quick styles", &["rhub quick styles 1877265245566922753"]),
    ("quick run", &["rhub quick run 1877265245566922753 --code 006 -s steps=30 -o results"]),
    (
        "batch plan",
        &[
            "rhub batch plan cats.csv --app 1877265245566922753 -o results",
            "rhub batch plan --workflow graph.json --each 10.image=@in/*.png --matrix 3.seed=1..4",
            "rhub batch plan job.toml --rows",
        ],
    ),
    (
        "batch run",
        &[
            "rhub batch run cats.csv --app 1877265245566922753 -o results",
            "rhub batch run job.toml -o results --max-cost 300 --until 07:00",
            "rhub batch run --workflow graph.json --each 10.image=@in/*.png -o results --slots 2",
        ],
    ),
    ("batch watch", &["rhub batch watch cats"]),
    ("batch pause", &["rhub batch pause cats"]),
    ("batch resume", &["rhub batch resume cats", "rhub batch resume cats --slots 2 --max-cost 300"]),
    ("batch retry", &["rhub batch retry cats", "rhub batch retry cats --id cat-7 --id cat-9"]),
    ("batch cancel", &["rhub batch cancel cats"]),
    ("batch ls", &["rhub batch ls"]),
    (
        "batch export",
        &["rhub batch export cats --format csv", "rhub batch export cats --format perfetto -o cats.json"],
    ),
    ("account", &["rhub account", "rhub account --keys --json"]),
    ("resources", &["rhub resources lora --search anime", "rhub resources checkpoint --family SDXL"]),
    ("assets list", &["rhub assets list --group 7"]),
    ("assets create", &["rhub assets create face.png --group 7"]),
    ("assets show", &["rhub assets show asset://12"]),
    ("assets rename", &["rhub assets rename 12 portrait"]),
    ("assets delete", &["rhub assets delete 12"]),
    ("assets group list", &["rhub assets group list"]),
    ("assets group create", &["rhub assets group create faces --description portraits"]),
    ("assets group show", &["rhub assets group show 7"]),
    ("assets group change", &["rhub assets group change 7 --title people"]),
    ("assets group delete", &["rhub assets group delete 7"]),
    ("login", &["rhub login", "rhub login --profile work --api-key-stdin < key.txt"]),
    ("logout", &["rhub logout --profile work"]),
    ("config get", &["rhub config get out"]),
    ("config set", &["rhub config set out results", "rhub config set proxy http://127.0.0.1:3128"]),
    ("config unset", &["rhub config unset proxy"]),
    ("config list", &["rhub config list"]),
    ("config path", &["rhub config path"]),
    ("doctor", &["rhub doctor"]),
    ("completions", &["rhub completions bash"]),
    ("man", &["rhub man ~/.local/share/man/man1"]),
    ("replay", &["rhub replay last", "rhub replay recording", "rhub replay recording --speed 10"]),
    ("test", &["rhub test", "rhub test flows --accept", "rhub test --junit report.xml"]),
    #[cfg(feature = "sim")]
    ("demo", &["rhub demo", "rhub demo --speed max"]),
    #[cfg(feature = "sim")]
    ("simulate", &["rhub simulate", "rhub simulate --scenario recording --fault list"]),
    ("schema", &["rhub schema"]),
    ("help", &["rhub help run", "rhub help exit-codes"]),
];
