#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| collection_store::fuzz::segment(bytes));
