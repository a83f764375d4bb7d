#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| plico_fuzz_targets::target("pairing").unwrap()(data));
