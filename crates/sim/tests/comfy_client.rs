//! The package `comfy-api-simplified` from `PyPI`, a client of ComfyUI, works against the simulated one.

mod python;

use std::time::Duration;

use runninghub_sim::Native;
use tokio::{process::Command, time::timeout};

#[tokio::test]
async fn a_client_uploads_runs_and_fetches() {
    let Some(python) = python::with_packages("comfy-client", &["comfy-api-simplified==1.6.0"]) else {
        return;
    };
    for version in ["0.3.44", "0.29.0"] {
        let server = Native::builder().version(version).unwrap().start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(&python);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/comfy_check.py"));
        command.arg(server.base_url()).arg(folder.path());
        command.env("NO_PROXY", "*").env("PYTHONDONTWRITEBYTECODE", "1").kill_on_drop(true);
        let output =
            timeout(Duration::from_mins(1), command.output()).await.expect("the script ends").unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{version}: {text}\n{}", String::from_utf8_lossy(&output.stderr));
        assert!(text.ends_with("all is well\n"), "{text}");
        assert_eq!(server.prompts(), 1);
    }
}
