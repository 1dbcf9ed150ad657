//! Files stay small.

use super::source::Source;
use crate::report::Report;

/// Lines of code in a file: neither empty nor comment nor test.
const MAX_LINES: usize = 400;

pub(super) fn check(source: &Source, report: &mut Report) {
    if !source.is_rust() || source.is_test() {
        return;
    }
    let code = source.code().map(|(_, line)| line.trim());
    let lines = code.filter(|line| !line.is_empty() && !line.starts_with("//")).count();
    if lines > MAX_LINES {
        report.add(&source.path, &format!("{lines} lines of code, more than {MAX_LINES}: split it"));
    }
}

#[cfg(test)]
mod tests {
    use super::{super::source::tests::source, *};

    fn complaints(path: &str, text: &str) -> Vec<String> {
        let mut report = Report::new("test");
        check(&source(path, text), &mut report);
        report.complaints().to_vec()
    }

    #[test]
    fn a_long_file_is_found_and_tests_do_not_count() {
        let long = "let a = 1;\n".repeat(401);
        let path = "crates/core/src/a.rs";
        assert_eq!(complaints(path, &long), [format!("{path}: 401 lines of code, more than 400: split it")]);
        let fine =
            format!("{}\n// Why.\n\n#[cfg(test)]\nmod tests {{\n{long}}}\n", "let a = 1;\n".repeat(400));
        assert!(complaints(path, &fine).is_empty());
        assert!(complaints("crates/core/tests/a.rs", &long).is_empty());
    }
}
