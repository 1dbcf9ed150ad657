//! Packs the Chinese messages: few programs that run need them, and all carry them.

use std::{env, error::Error, fs, path::Path};

const TABLE: &str = "src/lang/zh.txt";
/// The hardest that the packer tries.
const LEVEL: u8 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={TABLE}");
    let out = Path::new(&env::var("OUT_DIR")?).join("zh.deflate");
    fs::write(out, miniz_oxide::deflate::compress_to_vec(&fs::read(TABLE)?, LEVEL))?;
    Ok(())
}
