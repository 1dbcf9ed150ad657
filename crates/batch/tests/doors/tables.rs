//! CSV and TSV.

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
            "row 1, column `6:text`: the column sets the same field as column 1 → keep one of them",
            "row 1, column `9.`: the node or the field is missing → a column header is a field such as 6.text or Prompt.text",
            "row 2: it has 3 cells, the header has 4 → a cell with a separator, a quote or a line break needs quotes around it",
            "row 3: it has 5 cells, the header has 4 → a cell with a separator, a quote or a line break needs quotes around it",
        ]
    );
    assert_eq!(
        table_problems("6.text,_repeat,_priority,_id\na,0,,\nb,,high,\nc,,,a\u{7}b\n"),
        [
            "row 2, column `_repeat`: `0` is not a valid repeat count → it must be an integer from 1 to 10000",
            "row 3, column `_priority`: `high` is not a valid priority → it must be an integer; rows with a higher priority start earlier",
            "row 4, column `_id`: the id has more than 120 bytes or a control character → an id is a short name such as cat-1",
        ]
    );
}

#[test]
fn text_that_is_not_a_table_is_refused() {
    for (table, problem) in [
        (
            "",
            "the file is empty → the first row has the field names, for example 6.text; every other row is a run",
        ),
        (
            "\n\n",
            "the file is empty → the first row has the field names, for example 6.text; every other row is a run",
        ),
        ("6.text\n", "the table has a header but no rows → each row below the header is a run"),
        ("6.text\n\n,\n", "the table has a header but no rows → each row below the header is a run"),
        ("_id\na\n", "row 1: no column is a field → the first row has the field names, for example 6.text"),
        (
            "6.text,\na,b\n",
            "row 2, column `2`: the column has no header → name the field in the first row, or delete the column",
        ),
        (
            "6.text,9.text\na,b\n\"c,d\ne,f\n",
            "row 3: it has 1 cells, the header has 2 → a cell with a separator, a quote or a line break needs quotes around it",
        ),
        ("6.text\n\"c\"\"\ne\n", "row 2: a quoted cell is not closed → double a quote inside a quoted cell"),
        ("6.text\na\0b\n", "line 2: the text has a NUL byte → delete it; text cannot contain NUL bytes"),
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
        "row 2, column `_repeat`: `b` is not a valid repeat count; and 999 more problems"
    );
    assert_eq!(error.hint().map(|hint| hint.to_string()).unwrap(), "it must be an integer from 1 to 10000");
}

#[test]
fn a_table_on_its_side_is_refused() {
    for columns in [1_001, 100_001] {
        let header: Vec<String> = (0..columns).map(|column| format!("{column}.text")).collect();
        let problems = table_problems(&format!("{}\n", header.join(",")));
        assert_eq!(
            problems,
            [format!(
                "row 1: the table has {columns} columns; the maximum is 1000 → each run is a row, not a column"
            )]
        );
    }
}

#[test]
fn a_table_of_failed_rows_can_be_read_again() {
    let rows =
        Rows::from_table(b"_id,6.text,_error,_code,_task\ncat-1,a,out of memory,805,1904\n").unwrap().rows;
    assert_eq!((fields(&rows[0]), rows[0].id.as_deref()), (vec!["6.text"], Some("cat-1")));
}
