//! Still images of the display, in `docs/screens`, so that a review shows the effect of a change.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context as _, Result};
use portable_pty::PtySize;
use runninghub_sim::{Scenario, Sim};

use crate::film::{size, still, terminal, watch};

/// An image to capture.
struct Shot<'a> {
    name: &'a str,
    about: &'a str,
    size: PtySize,
    args: &'a [&'a str],
    /// The last image with all of these texts is kept.
    wanted: &'a [&'a str],
}

/// Writes all images. `dir` is a folder for files of the commands.
pub(crate) fn screens(rhub: &Path, root: &Path, dir: &Path) -> Result<()> {
    let simulator = Simulator::start(rhub)?;
    let workflow = &*Scenario::demo().workflow_id();
    let rows: Vec<String> = (1..=12).map(|row| format!("a cat in picture {row}")).collect();
    fs::write(dir.join("cats.csv"), format!("6.text\n{}\n", rows.join("\n")))?;
    for args in [["run", workflow, "--detach", "-q"]; 3] {
        simulator.environment(&mut Command::new(rhub), dir).args(args).status()?;
    }
    let error = root.join("fixtures/07-error");
    let error = error.to_string_lossy();
    let demo = ["demo", "--preview", "off"];
    let shots = [
        Shot {
            name: "watch",
            about: "three tasks in one block",
            size: size(90, 12),
            args: &["watch", "--all", "-o", "watched"],
            wanted: &["0 of 3", "KSampler"],
        },
        Shot {
            name: "run",
            about: "a run at 80 columns",
            size: size(80, 24),
            args: &demo,
            wanted: &["pass", "ETA"],
        },
        Shot {
            name: "narrow",
            about: "a run in Chinese at 40 columns",
            size: size(40, 15),
            args: &["--lang", "zh", "demo", "--preview", "off"],
            wanted: &["采样", "/20"],
        },
        Shot {
            name: "preview",
            about: "a run with a preview at 120 columns",
            size: size(120, 40),
            args: &["demo", "--preview", "blocks"],
            wanted: &["▀", "/20"],
        },
        Shot {
            name: "failed",
            about: "a run that failed",
            size: size(80, 12),
            args: &["replay", "--speed", "2", &error],
            wanted: &["failed"],
        },
        Shot {
            name: "batch",
            about: "a batch on three slots",
            size: size(100, 16),
            args: &["batch", "run", "cats.csv", "--workflow", workflow, "-o", "batch"],
            wanted: &["3 of 12", "KSampler"],
        },
    ];
    let folder = root.join("docs/screens");
    fs::create_dir_all(&folder)?;
    for shot in shots {
        let mut command = terminal(rhub);
        command.args(shot.args);
        command.cwd(dir);
        for (name, value) in simulator.variables(dir) {
            command.env(name, value);
        }
        let pictures = watch(command, shot.size)?;
        let is_wanted = |text: &str| shot.wanted.iter().all(|wanted| text.contains(wanted));
        let found = pictures.iter().rev().find(|picture| is_wanted(&picture.screen.contents()));
        let last = || pictures.last().map(|picture| picture.screen.contents()).unwrap_or_default();
        let found =
            found.with_context(|| format!("no picture of `{}`; it ends with\n{}", shot.name, last()))?;
        fs::write(folder.join(format!("{}.svg", shot.name)), still(&found.screen, shot.about))?;
    }
    Ok(())
}

/// `rhub simulate`, running while images are captured.
struct Simulator {
    child: Child,
    url: String,
}

impl Simulator {
    fn start(rhub: &Path) -> Result<Self> {
        let args = ["simulate", "--listen", "127.0.0.1:0", "--slots", "3", "--json"];
        let mut child = Command::new(rhub).args(args).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("a pipe")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let server: serde_json::Value = serde_json::from_str(&line)?;
        let url = server["base_url"].as_str().context("a URL")?.to_owned();
        Ok(Self { child, url })
    }

    fn variables(&self, dir: &Path) -> [(&'static str, String); 3] {
        [
            ("RUNNINGHUB_API_KEY", Sim::DEMO_KEY.to_owned()),
            ("RUNNINGHUB_BASE_URL", self.url.clone()),
            ("RUNNINGHUB_STATE_DIR", dir.join("state").to_string_lossy().into_owned()),
        ]
    }

    fn environment<'a>(&self, command: &'a mut Command, dir: &Path) -> &'a mut Command {
        command.envs(self.variables(dir)).current_dir(dir).stdout(Stdio::null())
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // It has nothing to save.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
