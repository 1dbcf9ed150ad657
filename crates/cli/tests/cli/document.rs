//! The commands of a document.

use crate::common::{Rhub, rhub};

/// Runs the commands of a document, each in a `console` block with its output. Returns their number.
pub(crate) fn run_commands(document: &str, of: impl Fn(Rhub) -> Rhub) -> usize {
    let blocks = document.split("```console\n").skip(1).map(|rest| rest.split("```").next().expect("an end"));
    let mut count = 0;
    for block in blocks {
        let (line, expected) = block.split_once('\n').expect("a command and what it says");
        let args = words(line.strip_prefix("$ rhub ").expect("a command"));
        let done = of(rhub(args.iter().map(String::as_str))).run();
        let code = line.split("# exit code ").nth(1).map_or(0, |code| code.parse().expect("a code"));
        assert_eq!(done.code, Some(code), "{line}\n{done}");
        let output = done.to_string().replace("[url]", "http://127.0.0.1:8189");
        // The duration of a run varies.
        for wanted in expected.lines().filter(|line| !line.contains("billed")) {
            assert!(
                output.lines().any(|line| line == wanted),
                "{line} does not say {wanted:?} but\n{output}"
            );
        }
        count += 1;
    }
    count
}

/// The words of a command line, split as in a shell.
pub(crate) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.split("   #").next().unwrap_or_default().chars() {
        match quote {
            Some(mark) if c == mark => quote = None,
            None if c == '"' || c == '\'' => quote = Some(c),
            None if c == ' ' => words.push(std::mem::take(&mut word)),
            _ => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}
