//! What each door makes of its source, and what it refuses.

use std::path::{Path, PathBuf};

use runninghub_batch::{
    Amount, At, Axis, Clock, Dimension, Error, Files, Given, Job, MaxFailures, Problems, Row, Rows,
};
use runninghub_core::{Kind, Sentence};
use serde_json::{Value, json};

fn text(text: &str) -> Given {
    Given::Text(text.into())
}

/// The values of a row, in the order of its fields.
fn values(row: &Row) -> Vec<Given> {
    row.set.iter().map(|(_, value)| value.clone()).collect()
}

fn fields(row: &Row) -> Vec<&str> {
    row.set.iter().map(|(field, _)| &**field).collect()
}

/// Each problem as one line, with its cure behind an arrow.
fn shown(problems: &Problems) -> Vec<String> {
    let cure = |cure: &Option<Sentence>| cure.as_ref().map(|cure| format!(" → {cure}")).unwrap_or_default();
    problems.iter().map(|problem| format!("{problem}{}", cure(&problem.cure))).collect()
}

fn table_problems(table: &str) -> Vec<String> {
    shown(Rows::from_table(table.as_bytes()).expect_err(table).problems())
}

fn line_problems(lines: &str) -> Vec<String> {
    shown(Rows::from_json_lines(lines.as_bytes()).expect_err(lines).problems())
}

mod tables {
    use super::*;

    #[test]
    fn a_cell_is_text_to_the_letter() {
        let cells = [
            "null",
            "true",
            "007",
            "-1",
            "{\"a\":1}",
            "[brackets]",
            "@home sweet home",
            "\"quoted\"",
            "  spaces  ",
            "=formula",
            "-dash first",
            "a dog, \"running\"",
            "two\nlines",
            "一只猫",
            "# a comment",
            "a {b} {{c}}",
        ];
        let quoted = |cell: &str| format!("\"{}\"\n", cell.replace('"', "\"\""));
        let table: String = std::iter::once("6.text\n".into()).chain(cells.map(quoted)).collect();
        let rows = Rows::from_table(table.as_bytes()).unwrap().rows;
        let read: Vec<Given> = rows.iter().flat_map(values).collect();
        assert_eq!(read, cells.map(text));
        // Quotes that aren't around the cell are text too.
        let rows = Rows::from_table(b"6.text\na \"b\" c\n5\" pipe\n").unwrap().rows;
        assert_eq!(rows.iter().flat_map(values).collect::<Vec<_>>(), ["a \"b\" c", "5\" pipe"].map(text));
    }

    #[test]
    fn a_table_of_prompts_with_a_byte_order_mark_is_read() {
        let rows = Rows::from_table(
            "\u{feff}prompt,seed,file\n一只猫,42,cat\n\"a dog, running\",-1,dog\n007,0,bond\n".as_bytes(),
        )
        .unwrap()
        .rows;
        assert_eq!(fields(&rows[0]), ["file", "prompt", "seed"]);
        assert_eq!(values(&rows[1]), ["dog", "a dog, running", "-1"].map(text));
        assert_eq!(rows.iter().map(|row| row.at).collect::<Vec<_>>(), [At::Row(2), At::Row(3), At::Row(4)]);
    }

    #[test]
    fn headers_name_fields_and_files_and_steer() {
        let table = "6:text,Prompt.text,10.image@,_id,_out,_repeat,_priority,_instance,_profile,_webhook\n\
                     a,b,in/x y.png,cat-1,cats/{id},3,-2,plus,work,https://h/x\n\
                     a,b,,,,,,,,\n";
        let rows = Rows::from_table(table.as_bytes()).unwrap().rows;
        assert_eq!(fields(&rows[0]), ["10.image", "6.text", "Prompt.text"]);
        assert_eq!(rows[0].set.get("10.image"), Some(&Given::File("in/x y.png".into())));
        let Row { id, out, repeat, priority, instance, profile, webhook, .. } = &rows[0];
        let words = [id, out, instance, profile, webhook].map(|word| word.as_deref().unwrap_or_default());
        assert_eq!(words, ["cat-1", "cats/{id}", "plus", "work", "https://h/x"]);
        assert_eq!((*repeat, *priority), (Some(3), Some(-2)));
        // Empty cells: text is sent empty, a file isn't set, and nothing is steered.
        assert_eq!(fields(&rows[1]), ["6.text", "Prompt.text"]);
        assert_eq!(Row { at: rows[1].at, set: rows[1].set.clone(), ..Row::default() }, rows[1]);
    }

    #[test]
    fn the_separator_is_found_out() {
        let texts = |table: &str| -> Vec<Given> {
            Rows::from_table(table.as_bytes()).unwrap().rows.iter().flat_map(values).collect()
        };
        for table in ["6.text;9.text\na, b;c\n", "6.text\t9.text\na, b\tc\n", "6.text,9.text\n\"a, b\",c\n"] {
            assert_eq!(texts(table), ["a, b", "c"].map(text), "{table}");
        }
        assert_eq!(texts("sep=;\r\n6.text\r\na,b\r\n"), ["a,b"].map(text));
        assert_eq!(texts("6.text\na; b\n"), ["a; b"].map(text));
    }

    #[test]
    fn rows_are_counted_as_a_spreadsheet_counts_them() {
        for end in ["\n", "\r\n"] {
            let table = ["", "6.text,_repeat", "\"two", "lines\",1", "", "", "b,x", ",", "c,y"].join(end);
            assert_eq!(
                table_problems(&table)
                    .iter()
                    .map(|problem| problem.split(':').next().unwrap_or_default().to_owned())
                    .collect::<Vec<_>>(),
                ["row 6, column `_repeat`", "row 8, column `_repeat`"],
                "{end:?}"
            );
        }
    }

    #[test]
    fn all_problems_are_found_with_their_cures() {
        assert_eq!(
            table_problems("6.text,_ids,6:text,9.\na,b,c\na,b,c,d,e\n"),
            [
                "row 1, column `_ids`: the column is unknown → did you mean `_id`?",
                "row 1, column `6:text`: the column sets the same as column 1 → keep one of them",
                "row 1, column `9.`: the node or the field is missing → a header such as 6.text or Prompt.text names a field",
                "row 2: it has 3 cells, the header has 4 → a cell with a separator, a quote or a line break needs quotes around it",
                "row 3: it has 5 cells, the header has 4 → a cell with a separator, a quote or a line break needs quotes around it",
            ]
        );
        assert_eq!(
            table_problems("6.text,_repeat,_priority,_id\na,0,,\nb,,high,\nc,,,a\u{7}b\n"),
            [
                "row 2, column `_repeat`: `0` is not a number of repeats → it is a whole number from 1 to 10000",
                "row 3, column `_priority`: `high` is not a priority → it is a whole number; rows of a higher number start earlier",
                "row 4, column `_id`: the id has more than 120 bytes, or a control character → an id is a short name such as cat-1",
            ]
        );
    }

    #[test]
    fn what_is_no_table_is_refused() {
        for (table, problem) in [
            (
                "",
                "the file is empty → the first row names the fields, for example 6.text; each other row is a run",
            ),
            (
                "\n\n",
                "the file is empty → the first row names the fields, for example 6.text; each other row is a run",
            ),
            ("6.text\n", "the table has a header but no rows → each row below the header is a run"),
            ("6.text\n\n,\n", "the table has a header but no rows → each row below the header is a run"),
            (
                "_id\na\n",
                "row 1: no column names a field → the first row names the fields, for example 6.text",
            ),
            (
                "6.text,\na,b\n",
                "row 2, column `2`: the column has no header → name the field in the first row, or delete the column",
            ),
            (
                "6.text,9.text\na,b\n\"c,d\ne,f\n",
                "row 3: it has 1 cells, the header has 2 → a cell with a separator, a quote or a line break needs quotes around it",
            ),
            (
                "6.text\n\"c\"\"\ne\n",
                "row 2: a quoted cell has no end → a quote inside a quoted cell is written twice",
            ),
            ("6.text\na\0b\n", "line 2: the text has a NUL byte → delete it; texts have no NUL bytes"),
        ] {
            assert_eq!(table_problems(table)[0], problem, "{table:?}");
        }
        assert_eq!(Rows::from_table(b"6.text,\na,\n").unwrap().rows.len(), 1, "an empty column is ignored");
    }

    #[test]
    fn only_the_first_problems_are_kept_and_all_are_counted() {
        let table = format!("6.text,_repeat\n{}", "a,b\n".repeat(1_000));
        let error = Rows::from_table(table.as_bytes()).unwrap_err();
        assert_eq!((error.problems().iter().count(), error.problems().count()), (20, 1_000));
        assert_eq!(
            error.to_string(),
            "row 2, column `_repeat`: `b` is not a number of repeats; and 999 more problems"
        );
        assert_eq!(
            error.hint().map(|hint| hint.to_string()).unwrap(),
            "it is a whole number from 1 to 10000"
        );
    }

    #[test]
    fn a_table_on_its_side_is_refused() {
        for columns in [1_001, 100_001] {
            let header: Vec<String> = (0..columns).map(|column| format!("{column}.text")).collect();
            let problems = table_problems(&format!("{}\n", header.join(",")));
            assert_eq!(
                problems,
                [format!(
                    "row 1: the table has {columns} columns; the most are 1000 → each run is a row, not a column"
                )]
            );
        }
    }
}

mod json_lines {
    use super::*;

    #[test]
    fn a_line_is_a_row() {
        let lines = r#"
            {"id":"cat-1","set":{"6.text":"@a cat","3.seed":18446744073709551615,"10.image@":"a.png"},"out":"cats/{id}"}
            {"custom_id":7,"set":{"6:text":"null","5.flag":true,"5.none":null},"priority":3,"repeat":2,"instance":null}
        "#;
        let rows = Rows::from_json_lines(lines.as_bytes()).unwrap().rows;
        assert_eq!(rows[0].set.get("6.text"), Some(&text("@a cat")));
        assert_eq!(rows[0].set.get("3.seed"), Some(&Given::Json(json!(u64::MAX))));
        assert_eq!(rows[0].set.get("10.image"), Some(&Given::File("a.png".into())));
        assert_eq!((rows[0].id.as_deref(), rows[0].out.as_deref()), (Some("cat-1"), Some("cats/{id}")));
        assert_eq!((rows[1].id.as_deref(), rows[1].priority, rows[1].repeat), (Some("7"), Some(3), Some(2)));
        assert_eq!(values(&rows[1]), [Given::Json(json!(true)), Given::Json(Value::Null), text("null")]);
        assert_eq!((rows[0].at, rows[1].at), (At::Line(2), At::Line(3)));
    }

    #[test]
    fn the_list_of_the_api_is_a_set() {
        let line = r#"{"set":[{"nodeId":6,"fieldName":"text","fieldValue":"a","fieldType":"STRING"},{"nodeId":"57:8","fieldName":"seed","fieldValue":42}]}"#;
        let rows = Rows::from_json_lines(line.as_bytes()).unwrap().rows;
        assert_eq!(fields(&rows[0]), ["57:8.seed", "6.text"]);
        assert_eq!(values(&rows[0]), [Given::Json(json!(42)), text("a")]);
        for list in [
            r#"[{"nodeId":"6","fieldName":"text","value":"b"}]"#,
            r#"[{"node_id":"6","field_name":"text","field_value":"b"}]"#,
        ] {
            assert_eq!(
                line_problems(&format!("{{\"set\":{list}}}")),
                [
                    "line 1, `set`: an entry of the list lacks `nodeId`, `fieldName` or `fieldValue` → a list has entries such as \
                  [{\"nodeId\":\"6\",\"fieldName\":\"text\",\"fieldValue\":\"a cat\"}]"
                ]
            );
        }
    }

    #[test]
    fn all_problems_are_found_with_their_cures() {
        let lines = [
            r#"{"ID":"a","set":{}}"#,
            r#"{"id":"a","custom_id":"b","set":{"6.text":"a","6:text":"b"}}"#,
            r#"{"set":{"3.seed":18446744073709551616,"10.image@":5,".x":1}}"#,
            r#"{"set":"a"}"#,
            "[]",
            "a cat",
            r#"{"set":{},"6.text":"a"}"#,
            r#"{"set":{},"repeat":[1]}"#,
        ];
        let problems = line_problems(&lines.join("\n"));
        let starts = [
            "line 1, `ID`: the key is unknown → did you mean `id`?",
            "line 2, `custom_id`: the key is there twice → keep one of them",
            "line 2, `6:text`: the field is set twice → keep one of the values",
            "line 3, `3.seed`: 18446744073709551616 does not fit into 64 bits and would be rounded → write it as text",
            "line 3, `10.image@`: the value is not the path of a file → write the path as text",
            "line 3, `.x`: the node or the field is missing → a key such as",
            "line 4, `set`: it is not an object → it has fields and their values",
            "line 5: it is not an object → each line is one object",
            "line 6: it is not an object → each line is one object",
            "line 7, `6.text`: the key is unknown → fields are inside `set`",
            "line 8, `repeat`: [1] is neither text nor a number",
        ];
        assert_eq!(problems.len(), starts.len(), "{problems:#?}");
        for (problem, start) in problems.iter().zip(starts) {
            assert!(problem.starts_with(start), "{problem}\n{start}");
        }
    }

    #[test]
    fn a_document_of_several_lines_is_one_problem() {
        let problems = line_problems("{\n  \"set\": {\n    \"6.text\": \"a\"\n  }\n}\n");
        assert_eq!(problems.len(), 1);
        assert!(problems[0].starts_with("line 1: the JSON goes on in the next line → "), "{problems:?}");
        assert_eq!(line_problems("\n \n"), ["the file has no rows → each line is an object and a run"]);
    }
}

mod matrices {
    use super::*;

    fn parse(axis: &str) -> Result<(String, Vec<Given>), String> {
        Axis::parse(axis)
            .map(|axis| (axis.field().to_owned(), axis.values().to_vec()))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn values_are_a_range_or_a_list() {
        assert_eq!(parse("3.seed=1..4"), Ok(("3.seed".into(), ["1", "2", "3", "4"].map(text).into())));
        assert_eq!(parse("3:seed=-1..1"), Ok(("3.seed".into(), ["-1", "0", "1"].map(text).into())));
        assert_eq!(
            parse("5.name=euler, \"a, \"\"b\" , x=y"),
            Ok(("5.name".into(), ["euler", "a, \"b", "x=y"].map(text).into()))
        );
        assert_eq!(parse("5.cfg=7"), Ok(("5.cfg".into(), vec![text("7")])));
        let files = ["a.png", "b.png"].map(|path| Given::File(path.into()));
        assert_eq!(parse("10.image@=a.png,b.png"), Ok(("10.image".into(), files.into())));
        for (axis, problem) in [
            ("3.seed", "`3.seed` has no values"),
            ("3.seed=", "`3.seed`: there are no values"),
            ("3.seed=4..1", "`3.seed`: the range `4..1` counts down"),
            ("3.seed=0..1000000", "`3.seed`: the range `0..1000000` has more than 1000000 numbers"),
            (
                "3.seed=-9223372036854775808..9223372036854775807",
                "`3.seed`: the range `-9223372036854775808..9223372036854775807` has more than 1000000 numbers",
            ),
            ("3.seed=1,,2", "`3.seed`: value 2 is empty"),
            ("3.seed=a,", "`3.seed`: value 2 is empty"),
            ("3.seed=\"a, b", "`3.seed`: value 1 has no closing quote before its comma"),
            ("3.seed=x,\"a\" b", "`3.seed`: value 2 has no closing quote before its comma"),
            ("=1", "``: the name of the field is missing"),
        ] {
            assert_eq!(parse(axis), Err(problem.into()), "{axis}");
        }
    }

    #[test]
    fn a_line_is_a_value_to_the_letter() {
        let file = "# 注释行\n一只猫\n\na dog, \"running\", 4k\r\n@home\n  spaces  \n[brackets]\n";
        let axis = Axis::lines("6.text", file.as_bytes()).unwrap();
        assert_eq!(
            axis.values(),
            ["# 注释行", "一只猫", "a dog, \"running\", 4k", "@home", "  spaces  ", "[brackets]"].map(text)
        );
        let rows = Rows::combine(&[axis.into()]).unwrap();
        assert_eq!(
            shown(&rows.notes),
            ["line 1, `6.text`: the line begins with `#`, and is a value like any other"]
        );
    }

    #[test]
    fn combinations_are_a_product_or_side_by_side() {
        let axis = |text: &str| Axis::parse(text).unwrap();
        let rows = Rows::combine(&[axis("1.a=x,y").into(), axis("2.b=1..3").into()]).unwrap().rows;
        let shown: Vec<_> = rows.iter().map(values).collect();
        let pair = |a, b| vec![text(a), text(b)];
        assert_eq!(
            shown,
            [pair("x", "1"), pair("x", "2"), pair("x", "3"), pair("y", "1"), pair("y", "2"), pair("y", "3")]
        );
        assert_eq!(rows[5].at, At::Row(6));
        let zip = Dimension::zip(vec![axis("1.a=x,y"), axis("2.b=1..2")]).unwrap();
        let rows = Rows::combine(&[zip, axis("3.c=0,1").into()]).unwrap().rows;
        assert_eq!(rows.len(), 4);
        assert_eq!(values(&rows[2]), ["y", "2", "0"].map(text));
        let error = |error: Error| error.to_string();
        assert_eq!(
            Dimension::zip(vec![axis("1.a=x,y"), axis("2.b=1..3")]).map_err(error),
            Err("`1.a` has 2 values, and `2.b` has 3".into())
        );
        assert_eq!(
            Rows::combine(&[axis("1.a=x").into(), axis("1:a=y").into()]).map_err(error),
            Err("`1.a`: the field has values twice".into())
        );
        let many = || axis("1.a=0..9999").into();
        let other: Dimension = axis("2.a=0..9999").into();
        assert_eq!(
            Rows::combine(&[many(), other]).map_err(error),
            Err("there are 100000000 combinations; the most are 1000000".into())
        );
    }

    #[test]
    fn a_value_for_all_rows_gives_way_to_that_of_a_row() {
        let mut rows = Rows::from_table(b"6.text\na\n").unwrap();
        rows.set_everywhere("6.text", &text("b"));
        rows.set_everywhere("9.text", &text("c"));
        assert_eq!(values(&rows.rows[0]), ["a", "c"].map(text));
    }
}

mod jobs {
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
                "line 6, `9.`: the node or the field is missing → a key such as \"6.text\" names a field",
                "line 7, `5.seed`: it is not a random seed → write { random = true } for a seed for each row",
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
            ("app = \"1\"\nworkflow = \"2\"\n", "line 2, `workflow`: the job runs something else already"),
            (
                "[set]\n6.text = \"a\"\n[matrix]\n6.text = [\"b\"]\n",
                "line 2, `6.text`: the field has a value in [set] and others in the matrix",
            ),
            ("[set]\n6.text = \"a\"\n\"6:text\" = \"b\"\n", "line 3, `6:text`: the field is set twice"),
            ("[matrix]\na = [1]\n[[exclude]]\na = 1\n", "`exclude`: every combination is excluded"),
            ("[[zip]]\n1.a = [1]\n1.b = [1, 2]\n", "line 1, `zip`: `1.a` has 1 values, and `1.b` has 2"),
            ("set = 1\n", "line 1, `set`: it is not a table"),
            ("zip = 1\n", "line 1, `zip`: it is not a list of tables"),
            ("seed = -1\n", "line 1, `seed`: it is not a whole number from 0"),
            ("[set]\n10.image@ = \"a\"\n", "line 2: it is not TOML: "),
        ] {
            let found = problems(text);
            assert!(found[0].starts_with(problem), "{text}\n{found:?}");
        }
        let rows = job("[matrix]\na = [1, 2]\n[[exclude]]\na = 3\n").rows;
        assert_eq!(shown(&rows.notes), ["line 4, `exclude`: no combination is excluded by it"]);
    }
}
