//! Files, lines and values, combined.

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
    assert_eq!(shown(&rows.notes), ["line 1, `6.text`: the line begins with `#` and is used as a value"]);
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
        Err("there are 100000000 combinations; the maximum is 1000000".into())
    );
}

#[test]
fn a_value_for_all_rows_gives_way_to_that_of_a_row() {
    let mut rows = Rows::from_table(b"6.text\na\n").unwrap();
    rows.set_everywhere("6.text", &text("b"));
    rows.set_everywhere("9.text", &text("c"));
    assert_eq!(values(&rows.rows[0]), ["a", "c"].map(text));
}
