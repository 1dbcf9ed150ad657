//! JSON Lines.

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
        "line 2, `custom_id`: the key is set twice → keep one of them",
        "line 2, `6:text`: the field is set twice → keep one of the values",
        "line 3, `3.seed`: 18446744073709551616 does not fit into 64 bits and would be rounded → write it as text",
        "line 3, `10.image@`: the value is not the path of a file → write the path as text",
        "line 3, `.x`: the node or the field is missing → a key is a field such as",
        "line 4, `set`: it is not an object → it maps fields to values",
        "line 5: it is not an object → each line is",
        "line 6: it is not an object → each line is",
        "line 7, `6.text`: the key is unknown → fields belong inside `set`",
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
    assert!(problems[0].starts_with("line 1: the JSON continues on the next line → "), "{problems:?}");
    assert_eq!(
        line_problems("\n \n"),
        ["the file has no rows → each line is a JSON object and describes a run"]
    );
}
