//! Laws of all doors.

use proptest::{collection::vec, prelude::*};
use runninghub_batch::Disk;

use super::*;

/// Text with characters that are special in some format, mixed with others.
fn source() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[,;\t\"\r\n@_.:={}\\[\\]#]{1,3}",
        "(6.text|_id|_repeat|set|matrix|zip|id|random|1..4)",
        "[a-z0-9 猫\u{0}\u{feff}]{0,4}",
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_is_read_or_refused_with_its_problems(text in source()) {
        let disk = Disk { base: "/nowhere".into() };
        let results = [
            Rows::from_table(text.as_bytes()).err(),
            Rows::from_json_lines(text.as_bytes()).err(),
            Job::parse(text.as_bytes(), &disk).err(),
            Axis::parse(&text).err(),
            Axis::lines("6.text", text.as_bytes()).err(),
        ];
        for error in results.into_iter().flatten() {
            prop_assert!(error.problems().count() > 0 && !error.to_string().contains('\n'));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
        let disk = Disk { base: "/nowhere".into() };
        let _ = Rows::from_table(&bytes);
        let _ = Rows::from_json_lines(&bytes);
        let _ = Job::parse(&bytes, &disk);
    }

    #[test]
    fn any_cells_come_out_of_a_table_as_they_went_in(
        rows in vec(vec("[a \"',;\t\r\n猫{}]{0,6}", 3), 1..8),
        separator in prop_oneof![Just(b','), Just(b';'), Just(b'\t')],
    ) {
        let mut writer = csv::WriterBuilder::new().delimiter(separator).from_writer(Vec::new());
        writer.write_record(["1.a", "2.b", "3.c"]).unwrap();
        for row in &rows {
            writer.write_record(row).unwrap();
        }
        let read = Rows::from_table(&writer.into_inner().unwrap());
        let kept: Vec<Vec<Given>> = rows.iter()
            .filter(|row| row.iter().any(|cell| !cell.is_empty()))
            .map(|row| row.iter().map(|cell| text(cell)).collect())
            .collect();
        match read {
            Ok(read) => prop_assert_eq!(read.rows.iter().map(values).collect::<Vec<_>>(), kept),
            Err(error) => prop_assert!(kept.is_empty(), "{error}"),
        }
    }
}
