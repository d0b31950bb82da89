#![no_main]

/// What the records before have made.
static SEGMENT: &[u8] = include_bytes!("../../tests/formats/1/log/log-0000000000000001");

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| collection_store::fuzz::record(SEGMENT, bytes));
