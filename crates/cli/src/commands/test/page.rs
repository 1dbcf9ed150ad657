//! The page of a report: one HTML file that loads only the images next to it.

use std::fmt::Write as _;

use runninghub::{Sentence, Untrusted, say};

use crate::{
    event::{DiffLine, LiveTest, PictureTest, PictureVerdict, Test, TestVerdict},
    lang::{self, word},
};

/// Light or dark, according to the reader's system.
const STYLE: &str = "\
:root { color-scheme: light dark; --good: light-dark(#1a7f37, #3fb950); --bad: light-dark(#cf222e, #f85149);
  --line: light-dark(#d0d7de, #3d444d); --box: light-dark(#f6f8fa, #151b23); --dim: light-dark(#59636e, #9198a1); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem;
  color: light-dark(#1f2328, #f0f6fc); background: light-dark(#fff, #0d1117); }
section { border: 1px solid var(--line); border-radius: 8px; margin: 1rem 0; padding: 0 1rem 1rem; }
h2 { font-size: 1.1rem; overflow-wrap: anywhere; } .good { color: var(--good); } .bad { color: var(--bad); }
.dim, figcaption { color: var(--dim); font-size: .9em; }
pre { background: var(--box); border-radius: 6px; padding: .75rem; overflow-x: auto; }
.pictures { display: grid; grid-template-columns: repeat(3, 1fr); gap: 1rem; margin: .75rem 0; align-items: start; }
summary { cursor: pointer; }
figure { margin: 0; } img { width: 100%; height: auto; border: 1px solid var(--line); border-radius: 6px;
  background: repeating-conic-gradient(var(--box) 0 25%, transparent 0 50%) 0 0 / 16px 16px; }
.none { border: 1px dashed var(--line); border-radius: 6px; padding: 2rem 0; text-align: center; }
@media (max-width: 40rem) { .pictures { grid-template-columns: 1fr; } }
";

/// The whole page.
pub(super) fn page(tests: &[Test]) -> String {
    let failed = tests.iter().filter(|test| !test.verdict.is_good()).count();
    let title = escape(&word(&say!("Workflow tests")));
    let sum = match (tests.len() - failed, failed) {
        (passed, 0) => say!("{passed} passed", passed),
        (passed, failed) => say!("{passed} passed, {failed} failed", passed, failed),
    };
    let (class, sum) = (if failed == 0 { "good" } else { "bad" }, escape(&word(&sum)));
    let mut html = format!(
        "<!doctype html>\n<html lang=\"{lang}\">\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src 'self' file:; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>\n{STYLE}</style>\n\
         <h1>{title}</h1>\n<p class=\"{class}\">{sum}</p>\n",
        lang = lang::code(),
    );
    for one in tests {
        test(&mut html, one);
    }
    html.push_str("</html>\n");
    html
}

fn test(html: &mut String, test: &Test) {
    let (class, mark) = if test.verdict.is_good() { ("good", "✓") } else { ("bad", "✗") };
    let _ = writeln!(
        html,
        "<section>\n<h2><span class=\"{class}\">{mark}</span> {}</h2>",
        escape(&test.recording)
    );
    let what = match (&test.message, test.verdict) {
        (Some(message), _) => Some(message.clone()),
        (None, TestVerdict::Accepted) => Some(say!("accepted")),
        (None, _) => None,
    };
    if let Some(what) = what {
        paragraph(html, class, &what);
    }
    if let Some(hint) = &test.hint {
        paragraph(html, "dim", hint);
    }
    if !test.diff.is_empty() {
        html.push_str("<pre>");
        for line in &test.diff {
            let _ = match line {
                DiffLine::Gap => writeln!(html, "  …"),
                DiffLine::Same(text) => writeln!(html, "  {}", escape(text)),
                DiffLine::Removed(text) => writeln!(html, "<span class=\"bad\">- {}</span>", escape(text)),
                DiffLine::Added(text) => writeln!(html, "<span class=\"good\">+ {}</span>", escape(text)),
            };
        }
        html.push_str("</pre>\n");
    }
    if let Some(live) = &test.live {
        run(html, live);
    }
    html.push_str("</section>\n");
}

fn run(html: &mut String, live: &LiveTest) {
    let seconds = |seconds: f64| format!("{seconds:.1}");
    if let Some(task) = &live.task_id {
        paragraph(
            html,
            "dim",
            &match (live.took_s.map(seconds), live.recorded_s.map(seconds)) {
                (Some(took), Some(before)) => {
                    say!("task {task}: {took} s; the recorded run took {before} s", task, took, before)
                }
                _ => say!("task {task}", task),
            },
        );
    }
    live.pictures.iter().for_each(|one| picture(html, one));
}

fn picture(html: &mut String, picture: &PictureTest) {
    let name = &*picture.name;
    let similarity = picture.similarity.map(|similarity| format!("{similarity:.4}"));
    let (class, what) = match (picture.verdict, similarity) {
        (PictureVerdict::Passed, Some(similarity)) => {
            ("good", say!("{name}: similarity {similarity}", name, similarity))
        }
        (PictureVerdict::Changed, Some(similarity)) => {
            ("bad", say!("{name}: similarity {similarity}", name, similarity))
        }
        (PictureVerdict::Changed, None) => ("bad", say!("{name}: can't be compared", name)),
        (PictureVerdict::Missing, _) => ("bad", say!("{name}: missing", name)),
        (PictureVerdict::New, _) => ("bad", say!("{name}: not expected", name)),
        (PictureVerdict::Passed, None) => ("good", Sentence::verbatim(name)),
    };
    // Tests that passed are collapsed.
    let is_open = if class == "bad" { " open" } else { "" };
    let _ = writeln!(html, "<details{is_open}><summary class=\"{class}\">{}</summary>", escape(&word(&what)));
    html.push_str("<div class=\"pictures\">\n");
    let parts = [
        (say!("expected"), &picture.expected),
        (say!("new"), &picture.found),
        (say!("difference"), &picture.difference),
    ];
    for (caption, file) in parts {
        let caption = escape(&word(&caption));
        let _ = match file {
            Some(file) => {
                let url = url(file);
                writeln!(
                    html,
                    "<figure><a href=\"{url}\"><img src=\"{url}\" alt=\"{caption}\" loading=\"lazy\"></a><figcaption>{caption}</figcaption></figure>"
                )
            }
            None => writeln!(
                html,
                "<figure><div class=\"none dim\">—</div><figcaption>{caption}</figcaption></figure>"
            ),
        };
    }
    html.push_str("</div>\n</details>\n");
}

fn paragraph(html: &mut String, class: &str, words: &Sentence) {
    let _ = writeln!(html, "<p class=\"{class}\">{}</p>", escape(&word(words)));
}

/// Escapes text for any position in the page, and removes control characters from external text.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in
        text.split('\n').map(|line| Untrusted::from(line).to_string()).collect::<Vec<_>>().join("\n").chars()
    {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// A path within the report, as a relative URL.
fn url(path: &str) -> String {
    let mut url = String::from("./");
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_./".contains(&byte) {
            url.push(byte.into());
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn no_text_from_outside_becomes_markup_or_leads_away() {
        let evil = "\"><script src=//evil.example/x.js></script><img src=x onerror='alert(1)'>";
        let mut bad = Test::new(Path::new(evil));
        bad.verdict = TestVerdict::Changed;
        bad.message = Some(Sentence::verbatim(evil));
        bad.hint = Some(Sentence::verbatim(evil));
        bad.diff = vec![
            DiffLine::Same(evil.to_owned()),
            DiffLine::Removed(evil.to_owned()),
            DiffLine::Added(format!("</pre>{evil}\u{1b}[31m")),
        ];
        let picture = PictureTest {
            name: evil.to_owned(),
            verdict: PictureVerdict::Changed,
            similarity: Some(0.5),
            expected: Some(format!("run/expected/{evil}")),
            found: Some("javascript:alert(1)".to_owned()),
            difference: Some("//evil.example/y.png".to_owned()),
        };
        let task_id = Some(evil.to_owned());
        bad.live = Some(LiveTest { task_id, pictures: vec![picture], ..LiveTest::default() });
        let html = page(&[bad]);
        assert!(
            !html.contains("<script") && !html.contains("<img src=x") && !html.contains('\u{1b}'),
            "{html}"
        );
        for tag in html.split('<').filter(|tag| tag.starts_with("img") || tag.starts_with("a ")) {
            let url = tag.split('"').nth(1).expect("a URL");
            assert!(url.starts_with("./"), "{tag}");
        }
        assert_eq!(html.matches("<section>").count(), html.matches("</section>").count());
    }
}
