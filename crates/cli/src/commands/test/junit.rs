//! The report for CI systems, in the XML that `JUnit` defined.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use runninghub::say;

use crate::{
    event::{DiffLine, Test, TestVerdict},
    exit::{Error, Exit},
};

/// The report, in English as other programs read it.
///
/// # Errors
/// If it can't be written as XML.
pub(super) fn report(tests: &[Test]) -> Result<String, Error> {
    let mut suite = TestSuite::new("rhub test");
    for test in tests {
        suite.add_test_case(TestCase::new(&*test.recording, status(test)));
    }
    let mut report = Report::new("rhub test");
    report.add_test_suite(suite);
    report
        .to_string()
        .map_err(|why| Error::new(Exit::Store, say!("cannot write the report: {why}", why = why.to_string())))
}

fn status(test: &Test) -> TestCaseStatus {
    let Some(message) = &test.message else { return TestCaseStatus::success() };
    let kind =
        if test.verdict == TestVerdict::Broken { NonSuccessKind::Error } else { NonSuccessKind::Failure };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_message(message.to_string());
    let lines = test.diff.iter().map(|line| match line {
        DiffLine::Gap => "…".to_owned(),
        DiffLine::Same(text) => format!("  {text}"),
        DiffLine::Removed(text) => format!("- {text}"),
        DiffLine::Added(text) => format!("+ {text}"),
    });
    status.set_description(lines.collect::<Vec<_>>().join("\n"));
    status
}
