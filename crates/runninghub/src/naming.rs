//! Names of result files.

use runninghub_core::{FileUrl, OutputFile, TaskId, say};
use runninghub_net::{extension, numbered, result_name, sanitize};

use percent_encoding::percent_decode_str;
use url::Url;

use crate::Error;

/// Placeholders that a template may contain.
const PARTS: [&str; 6] = ["task", "node", "n", "ext", "name", "subfolder"];

/// A unique name for each of a task's results.
pub(crate) fn names(task: &TaskId, outputs: &[OutputFile], template: Option<&str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::with_capacity(outputs.len());
    for (output, n) in outputs.iter().zip(1..) {
        let extension = extension(output.url.as_ref().map(FileUrl::expose), output.file_type.as_deref());
        let name = match template {
            Some(template) => fill(template, task, output, n, &extension),
            None => result_name(task, output.node_id.as_ref(), n, &extension),
        };
        let free = |name: &String| !names.contains(name);
        let name = (1..=n).map(|number| numbered(&name, number)).find(free).unwrap_or(name);
        names.push(name);
    }
    names
}

/// Whether a file could have been saved under that name when `wanted` was requested: it may have got a number, or an
/// extension for its compression.
pub(crate) fn answers(name: &str, wanted: &str) -> bool {
    let stem = wanted.rsplit_once('.').map_or(wanted, |(stem, _)| stem);
    name.starts_with(stem)
}

fn fill(template: &str, task: &TaskId, output: &OutputFile, n: usize, extension: &str) -> String {
    let node = output.node_id.as_ref().map_or("", |node| node.as_str());
    let (subfolder, file) = output.url.as_ref().and_then(named).unwrap_or_default();
    let stem = file.rsplit_once('.').map_or(&*file, |(stem, _)| stem);
    let mut name = template.to_owned();
    for (part, value) in PARTS.iter().zip([task.as_str(), node, &n.to_string(), extension, stem, &subfolder])
    {
        name = name.replace(&format!("{{{part}}}"), &sanitize(value));
    }
    if !template.contains("{ext}") {
        name = format!("{name}.{extension}");
    }
    sanitize(&name)
}

/// The subfolder and the name that the workflow gave a result: a ComfyUI has them in the link's query, the platform in its
/// path.
fn named(url: &FileUrl) -> Option<(String, String)> {
    let url = Url::parse(url.expose()).ok()?;
    let part = |wanted: &str| {
        let found = url.query_pairs().find(|(name, _)| name == wanted);
        found.map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let file = part("filename");
    if url.path().ends_with("/view") && !file.is_empty() {
        return Some((part("subfolder"), file));
    }
    let file = url.path_segments()?.next_back()?;
    Some((String::new(), percent_decode_str(file).decode_utf8_lossy().into_owned()))
}

/// The name of a result's file, as the service has it.
pub(crate) fn file_name(url: &FileUrl) -> Option<String> {
    named(url).map(|(_, file)| file)
}

pub(crate) fn check_template(template: &str) -> Result<(), Error> {
    let hint =
        say!("a template is a file name with {{task}}, {{node}}, {{n}}, {{name}}, {{subfolder}} and {{ext}}");
    if template.is_empty() || template.contains(['/', '\\']) {
        return Err(
            Error::usage(say!("the name template is empty or leads into another folder")).with_hint(hint)
        );
    }
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('{') {
        let (part, after) = after.split_once('}').unwrap_or(("", ""));
        if !PARTS.contains(&part) {
            return Err(Error::usage(say!(
                "the name template has an unknown or unclosed part `{{{part}}}`",
                part
            ))
            .with_hint(hint));
        }
        rest = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_name_files_and_nothing_else() {
        let output = OutputFile { node_id: Some("../9".into()), ..OutputFile::default() };
        let name = |template: &str| fill(template, &"77".into(), &output, 2, "png");
        assert_eq!(name("{task}-{n}.{ext}"), "77-2.png");
        assert_eq!(name("cat"), "cat.png");
        assert!(!name("{node}").contains('/'));
        let from = |url: &str| {
            let output = OutputFile { url: Some(FileUrl::new(url)), ..OutputFile::default() };
            fill("{subfolder}-{name}.{ext}", &"77".into(), &output, 1, "png")
        };
        assert_eq!(
            from("http://h/view?filename=cat_00001_.png&subfolder=my%2Ffolder&type=output"),
            "my_folder-cat_00001_.png"
        );
        assert_eq!(from("http://h/view?filename=..%2F..%2Fx.png&subfolder=..&type=output"), "_-_.._x.png");
        assert_eq!(from("https://cdn.example/a/%E7%8C%AB.png?sign=1"), "_-猫.png");
        for bad in ["", "a/b", "{seed}", "{task", "..\\x"] {
            assert!(check_template(bad).is_err(), "{bad}");
        }
        assert!(check_template("{task}_{node}_{n}.{ext}").is_ok());
    }

    #[test]
    fn every_result_has_a_name_of_its_own() {
        let outputs = vec![OutputFile::default(); 3];
        assert_eq!(names(&"7".into(), &outputs, Some("cat")), ["cat.txt", "cat-2.txt", "cat-3.txt"]);
        assert_eq!(names(&"7".into(), &outputs, None), ["7-1.txt", "7-2.txt", "7-3.txt"]);
        assert!(answers("cat-2.png", "cat.png") && answers("cat.png.gz", "cat.png"));
        assert!(!answers("7-9-1.png", "cat.png"));
    }
}
