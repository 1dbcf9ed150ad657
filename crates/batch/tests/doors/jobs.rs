//! Batches as TOML files.

use super::*;

struct Made;

impl Files for Made {
    fn matching(&self, pattern: &str) -> Result<Vec<PathBuf>, Error> {
        assert_eq!(pattern, "in/*.png");
        Ok(["in/a.png", "in/b.png"].map(PathBuf::from).into())
    }

    fn read(&self, path: &Path) -> Result<Vec<u8>, Sentence> {
        assert_eq!(path, Path::new("prompts.txt"));
        Ok("a cat\na dog\n".into())
    }
}

fn job(text: &str) -> Job {
    Job::parse(text.as_bytes(), &Made).unwrap_or_else(|error| panic!("{:?}", shown(error.problems())))
}

fn problems(text: &str) -> Vec<String> {
    shown(Job::parse(text.as_bytes(), &Made).expect_err(text).problems())
}

#[test]
fn a_job_says_everything() {
    let Job { target, rows, limits, .. } = job(r#"
        app = "1877265245566922753"
        id = "{animal}-{9.width}"
        out = "{animal}/{id}"
        priority = 2
        instance = "plus"

        [set]
        "6.text" = "a {animal} in {{braces}}, {\"json\": 1}"
        "10.image@" = "{animal}.png"
        3.cfg = 7.5

        [matrix]
        animal = ["cat", "dog/wolf"]

        [[zip]]
        "9.width" = [512, 768]
        "9.height" = [768, 512]

        [[exclude]]
        animal = "cat"
        "9.width" = 768

        [limits]
        slots = 3
        max_cost = 2.5
        max_failures = "5%"
        until = "07:00"
    "#);
    assert_eq!(target, Some((Kind::App, "1877265245566922753".into())));
    let names: Vec<_> =
        rows.rows.iter().map(|row| (row.id.as_deref().unwrap(), row.out.as_deref().unwrap())).collect();
    assert_eq!(
        names,
        [("cat-512", "cat/{id}"), ("dog/wolf-512", "dog_wolf/{id}"), ("dog/wolf-768", "dog_wolf/{id}")]
    );
    let row = &rows.rows[2];
    assert_eq!(fields(row), ["10.image", "3.cfg", "6.text", "9.height", "9.width"]);
    assert_eq!(row.set.get("6.text"), Some(&text("a dog/wolf in {braces}, {\"json\": 1}")));
    assert_eq!(row.set.get("10.image"), Some(&Given::File("dog/wolf.png".into())));
    assert_eq!(row.set.get("3.cfg"), Some(&Given::Json(json!(7.5))));
    assert_eq!((row.priority, row.instance.as_deref()), (Some(2), Some("plus")));
    assert_eq!(limits.slots, Some(3));
    assert_eq!(limits.max_cost, Some(Amount::from_millionths(2_500_000)));
    assert_eq!(limits.max_failures, Some(MaxFailures::Percent(5)));
    assert_eq!(limits.until, Some(Clock { hour: 7, minute: 0 }));
    assert!(rows.notes.is_empty());
}

#[test]
fn values_come_from_files_lines_and_ranges() {
    let rows = job(r#"
        [[zip]]
        "10.image@" = { glob = "in/*.png" }
        "6.text" = { lines = "prompts.txt" }
        "3.seed" = "5..6"
    "#)
    .rows
    .rows;
    assert_eq!(values(&rows[1]), [Given::File("in/b.png".into()), Given::Json(json!(6)), text("a dog")]);
    assert_eq!(rows.len(), 2);
}

#[test]
fn random_seeds_are_the_same_each_time_and_independent_of_other_rows() {
    let seeds = |rows: &[Row]| -> Vec<u64> {
        rows.iter()
            .map(|row| match row.set.get("3.seed") {
                Some(Given::Json(seed)) => seed.as_u64().filter(|seed| *seed < 1 << 53).unwrap(),
                other => panic!("{other:?}"),
            })
            .collect()
    };
    let of = |job_text: &str| seeds(&job(job_text).rows.rows);
    let base = "repeat = 2\n[set]\n\"3.seed\" = { random = true }\n[matrix]\n";
    let two = of(&format!("{base}\"6.text\" = [\"a\", \"b\"]\n"));
    let turned = of(&format!("{base}\"6.text\" = [\"c\", \"b\", \"a\"]\n"));
    assert_eq!((two.len(), turned.len()), (4, 6));
    assert_eq!((&two[..2], &two[2..]), (&turned[4..], &turned[2..4]));
    let mut all = turned.clone();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 6, "every row and every repeat has its own seed");
    assert_ne!(of(&format!("seed = 1\n{base}\"6.text\" = [\"a\", \"b\"]\n")), two);
    // An axis has the same seeds for every combination of the others.
    let axis = of("[matrix]\n\"6.text\" = [\"a\", \"b\"]\n\"3.seed\" = { random = 3 }\n");
    assert_eq!((axis.len(), &axis[..3]), (6, &axis[3..]));
}

#[test]
fn a_misspelled_key_is_found_with_its_line() {
    let text = r#"
ap = "1"
[sets]
[set]
"6.text" = "a {anmial}"
"9." = 1
"5.seed" = { random = 4 }
"7.date" = 2026-01-01
[matrix]
animal = ["cat"]
3.seed = "4..1"
4.x = {}
5.y = []
[[exclude]]
animals = "cat"
[limits]
max_failure = 3
slots = 0
max_cost = "much"
until = "25:00"
"#;
    assert_eq!(
        problems(text),
        [
            "line 2, `ap`: the key is unknown → did you mean `app`?",
            "line 3, `sets`: the key is unknown → did you mean `set`?",
            "line 6, `9.`: the node or the field is missing → a key is a field such as \"6.text\"",
            "line 7, `5.seed`: it is not a random seed → write { random = true } to get a seed for each row",
            "line 8, `7.date`: a date needs quotes around it → write a text, a number, true, false or a list",
            "line 11, `3.seed`: the range `4..1` counts down → write the smaller number first",
            "line 12, `4.x`: it is not a list of values → values are [\"a\", \"b\"], \"1..4\", { random = 4 }, { glob = \"in/*.png\" } or { lines = \"prompts.txt\" }",
            "line 13, `5.y`: there are no values",
            "line 17, `max_failure`: the key is unknown → did you mean `max_failures`?",
            "line 18, `slots`: `0` is not a number of slots",
            "line 19, `max_cost`: `much` is not an amount such as 3 or 0.25",
            "line 20, `until`: `25:00` is not a time of day such as 07:00",
            "line 5, `6.text`: `anmial` is not a key of the matrix → did you mean `animal`?",
            "line 15, `animals`: `animals` is not a key of the matrix → did you mean `animal`?",
        ]
    );
}

#[test]
fn contradictions_are_refused() {
    for (text, problem) in [
        ("app = \"1\"\nworkflow = \"2\"\n", "line 2, `workflow`: the job already runs something else"),
        (
            "[set]\n6.text = \"a\"\n[matrix]\n6.text = [\"b\"]\n",
            "line 2, `6.text`: the field has a value in [set] and others in the matrix",
        ),
        ("[set]\n6.text = \"a\"\n\"6:text\" = \"b\"\n", "line 3, `6:text`: the field is set twice"),
        ("[matrix]\na = [1]\n[[exclude]]\na = 1\n", "`exclude`: all combinations are excluded"),
        ("[[zip]]\n1.a = [1]\n1.b = [1, 2]\n", "line 1, `zip`: `1.a` has 1 values, and `1.b` has 2"),
        ("set = 1\n", "line 1, `set`: it is not a table"),
        ("zip = 1\n", "line 1, `zip`: it is not a list of tables"),
        ("seed = -1\n", "line 1, `seed`: it is not a non-negative integer"),
        ("[set]\n10.image@ = \"a\"\n", "line 2: it is not TOML: "),
    ] {
        let found = problems(text);
        assert!(found[0].starts_with(problem), "{text}\n{found:?}");
    }
    let rows = job("[matrix]\na = [1, 2]\n[[exclude]]\na = 3\n").rows;
    assert_eq!(shown(&rows.notes), ["line 4, `exclude`: it excludes no combination"]);
}
