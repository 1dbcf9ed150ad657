//! The account and its keys, slots, resources and assets.

use std::{fs, time::Duration};

use runninghub_sim::{Scenario, ScriptNode, Sim};
use serde_json::Value;

use crate::common::{Simulator, folder, rhub, snap};

fn sim() -> Simulator {
    Simulator::of("01-simple")
}

#[test]
fn keys_of_the_account() {
    let sim = sim();
    snap!(rhub(["account", "--keys"]).at(&sim), @r"
        exit 0
        --- out
        Coins:  1000
        Wallet: unknown
        Key:    SHARED
        Slots:  0 used, 3 free, 3 total; 0 waiting
        0123****cdef  simulated  on  0 used
    ");
}

#[test]
fn the_queue_of_the_key() {
    let slow = Scenario::script("slow")
        .node(ScriptNode::new("1", "Sleep").takes(Duration::from_mins(10)).saves("a.png"))
        .build();
    let id = slow.workflow_id();
    let sim = Simulator::start(Sim::builder().scenario(slow));
    rhub(["run", &id, "--detach"]).at(&sim).run();
    snap!(rhub(["queue"]).at(&sim), @r"
        exit 0
        --- out
        1 of 3 slots used, 0 waiting (key: SHARED)
    ");
    let done = rhub(["queue", "--json"]).at(&sim).run();
    let line: Value = serde_json::from_str(done.stdout.lines().next().unwrap_or_default()).expect("a line");
    assert_eq!((&line["event"], &line["running"]), (&"slots".into(), &1.into()), "{done}");
}

#[test]
fn resources_with_the_names_that_loaders_take() {
    let sim = sim();
    snap!(rhub(["resources", "checkpoint"]).at(&sim), @r"
        exit 0
        --- out
        sd_xl_base_1.0.safetensors               SDXL base v1  (SDXL)
        dreamshaper_8.safetensors                DreamShaper v1  (SD 1.5)
    ");
    snap!(rhub(["resources", "lora", "--search", "grain", "--family", "FLUX.1", "--tag", "3"]).at(&sim), @r"
        exit 0
        --- out
        film_grain_v2.safetensors                Film grain v1  (FLUX.1)
    ");
    snap!(rhub(["resources", "checkpoint", "--size", "1"]).at(&sim), @r"
        exit 0
        --- out
        sd_xl_base_1.0.safetensors               SDXL base v1  (SDXL)
        --- err
        hint: there are more: `--page 2`
    ");
    snap!(rhub(["resources", "unet", "--search", "nothing"]).at(&sim), @"exit 0");
    snap!(rhub(["resources", "vae"]).at(&sim), @r"
        exit 2
        --- err
        error: invalid value 'vae' for '<KIND>'
          [possible values: checkpoint, gguf, lora, unet]

        For more information, try '--help'.
    ");
}

#[test]
fn assets_from_the_group_to_the_end() {
    let (sim, dir) = (sim(), folder());
    let file = dir.path().join("sea.png");
    fs::write(&file, "an image").expect("written");
    let run = |args: &[&str]| rhub(args.iter().copied()).at(&sim).hide(dir.path(), "[dir]");
    snap!(run(&["assets", "group", "create", "seaside", "--description", "for the film"]), @r"
        exit 0
        --- out
        group-1  seaside  for the film
    ");
    snap!(run(&["assets", "create", "--group", "group-1"]).arg(&file), @r"
        exit 0
        --- out
        asset://asset-2  sea.png  (Image, PENDING)
    ");
    snap!(run(&["assets", "show", "asset://asset-2"]), @r"
        exit 0
        --- out
        asset://asset-2  sea.png  (Image, PENDING)
    ");
    snap!(run(&["assets", "show", "asset-2"]), @r"
        exit 0
        --- out
        asset://asset-2  sea.png  (Image, ACTIVE)
    ");
    snap!(run(&["assets", "rename", "asset-2", "waves"]), @r"
        exit 0
        --- out
        asset://asset-2  waves  (Image, ACTIVE)
    ");
    snap!(run(&["assets", "list", "--group", "group-1"]), @r"
        exit 0
        --- out
        asset://asset-2  waves  (Image, ACTIVE)
    ");
    snap!(run(&["assets", "delete", "asset-2"]), @r"
        exit 0
        --- out
        asset://asset-2  -  (deleted)
    ");
    snap!(run(&["assets", "list"]), @"exit 0");
    snap!(run(&["assets", "group", "change", "group-1", "--title", "beach"]), @r"
        exit 0
        --- out
        group-1  beach  for the film
    ");
    snap!(run(&["assets", "group", "list"]), @r"
        exit 0
        --- out
        group-1  beach  for the film
    ");
    snap!(run(&["assets", "group", "delete", "group-1"]), @r"
        exit 0
        --- out
        group-1  -  (deleted)
    ");
    snap!(run(&["assets", "group", "show", "group-1"]), @r"
        exit 4
        --- err
        error: the platform rejected the request: code 301, a parameter is missing or has the wrong type (PARAMS_INVALID)
    ");
}

#[test]
fn nothing_is_sent_of_a_file_that_cannot_be_an_asset() {
    let (sim, dir) = (sim(), folder());
    let file = dir.path().join("notes.xyz");
    fs::write(&file, "text").expect("written");
    let run = |args: &[&str]| rhub(args.iter().copied()).at(&sim).hide(dir.path(), "[dir]");
    snap!(run(&["assets", "create", "--group", "1"]).arg(&file), @r"
        exit 2
        --- err
        error: cannot tell what kind of file [dir]/notes.xyz is

        hint: specify it with `--medium image`, `video` or `audio`
    ");
    snap!(run(&["assets", "create", "--group", "1", "/nowhere/sea.png"]), @r"
        exit 2
        --- err
        error: file /nowhere/sea.png not found

        hint: nothing was sent
    ");
    assert_eq!(sim.sim().stats().api_calls(), 0);
}
