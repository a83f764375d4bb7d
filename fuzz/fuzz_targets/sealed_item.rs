#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| plico_fuzz_targets::target("sealed_item").unwrap()(data));
