//! Packs the list of models: as text it is a third of a megabyte in every program, packed a twelfth of that.

use std::{env, error::Error, fs, path::Path};

const LIST: &str = "models.jsonl";
/// The hardest that the packer tries.
const LEVEL: u8 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={LIST}");
    let out = Path::new(&env::var("OUT_DIR")?).join("models.deflate");
    fs::write(out, miniz_oxide::deflate::compress_to_vec(&fs::read(LIST)?, LEVEL))?;
    Ok(())
}
