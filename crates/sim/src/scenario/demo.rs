//! The run of `rhub demo`.

use std::time::Duration;

use super::{Scenario, Script, ScriptNode};

impl Scenario {
    /// A portrait that is sampled, saved, upscaled tile by tile and saved again: about 13 seconds at speed 1, with five
    /// cached nodes, 20 steps with previews, a node with six passes, Chinese titles and two results.
    pub fn demo() -> Self {
        Self { has_metadata: true, ..script().build() }
    }
}

fn script() -> Script {
    let seconds = Duration::from_secs_f64;
    Scenario::script("demo")
        .node(
            ScriptNode::new("4", "CheckpointLoaderSimple")
                .title("加载模型")
                .input("ckpt_name", "sdxl_base_1.0.safetensors")
                .cached(),
        )
        .node(
            ScriptNode::new("6", "CLIPTextEncode")
                .title("正面提示词")
                .input("text", "a lighthouse in the mist, 水彩画")
                .link("clip", "4", 1)
                .cached(),
        )
        .node(
            ScriptNode::new("7", "CLIPTextEncode")
                .title("负面提示词")
                .input("text", "blurry")
                .link("clip", "4", 1)
                .cached(),
        )
        .node(
            ScriptNode::new("5", "EmptyLatentImage")
                .title("画布")
                .input("width", 768)
                .input("height", 1024)
                .input("batch_size", 1)
                .cached(),
        )
        .node(
            ScriptNode::new("12", "UpscaleModelLoader")
                .title("放大模型")
                .input("model_name", "4x_foolhardy.pth")
                .cached(),
        )
        .node(
            ScriptNode::new("3", "KSampler")
                .title("采样 KSampler")
                .input("seed", 42)
                .input("steps", 20)
                .input("cfg", 6.5)
                .link("model", "4", 0)
                .link("positive", "6", 0)
                .link("negative", "7", 0)
                .link("latent_image", "5", 0)
                .takes(seconds(5.0))
                .steps(20)
                .previews(),
        )
        .node(
            ScriptNode::new("8", "VAEDecode")
                .title("解码")
                .link("samples", "3", 0)
                .link("vae", "4", 2)
                .takes(seconds(0.7)),
        )
        .node(
            ScriptNode::new("9", "SaveImage")
                .title("保存原图")
                .input("filename_prefix", "demo")
                .link("images", "8", 0)
                .takes(seconds(0.2))
                .saves("demo_00001_.png"),
        )
        .node(
            ScriptNode::new("13", "UltimateSDUpscale")
                .title("分块放大 (tiled)")
                .input("upscale_by", 2.0)
                .link("image", "8", 0)
                .link("model", "4", 0)
                .link("upscale_model", "12", 0)
                .takes(seconds(5.4))
                .steps(9)
                .passes(6),
        )
        .node(
            ScriptNode::new("14", "ImageSharpen").title("锐化 ✨").link("image", "13", 0).takes(seconds(0.8)),
        )
        .node(
            ScriptNode::new("15", "SaveImage")
                .title("保存高清图")
                .input("filename_prefix", "demo_hd")
                .link("images", "14", 0)
                .takes(seconds(0.4))
                .saves("demo_hd_00001_.png"),
        )
}
