#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| runninghub_fuzz::escape(bytes));
