//! Shared by the integration tests.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

pub mod place;
pub mod world;

use core::convert::Infallible;
use rand_core::{TryCryptoRng, TryRng};
use serde_json::Value;
use std::path::PathBuf;

/// The vectors that come from elsewhere: `PLICO_VECTORS`, or `shared/vectors`
/// beside the project. `None`, with a visible message, if the file is missing;
/// with `CI` set that is a failure.
pub fn vectors(name: &str) -> Option<Value> {
    let directory = std::env::var_os("PLICO_VECTORS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors"),
        PathBuf::from,
    );
    match std::fs::read(directory.join(name)) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).expect("vectors are JSON")),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "{name}: {error}");
            eprintln!("SKIPPED: {name} is not there ({error})");
            None
        }
    }
}

/// Each test of a Wycheproof file with the group that it is in; their number
/// must be the one that the file states.
pub fn wycheproof(name: &str) -> Option<Vec<(Value, Value)>> {
    let file = vectors(name)?;
    let mut all = Vec::new();
    for group in file["testGroups"].as_array().unwrap() {
        for test in group["tests"].as_array().unwrap() {
            all.push((group.clone(), test.clone()));
        }
    }
    assert_eq!(all.len() as u64, file["numberOfTests"].as_u64().unwrap());
    Some(all)
}

/// A field in hex. An absent field is empty.
pub fn bytes(value: &Value, field: &str) -> Vec<u8> {
    value[field]
        .as_str()
        .map_or_else(Vec::new, |text| hex::decode(text).expect("hex"))
}

pub fn has_flag(test: &Value, flag: &str) -> bool {
    test["flags"].as_array().unwrap().iter().any(|f| f == flag)
}

/// Must the test pass? There is no third answer in the files that use this.
pub fn is_valid(test: &Value) -> bool {
    match test["result"].as_str().unwrap() {
        "valid" => true,
        "invalid" => false,
        other => panic!("unexpected result {other}"),
    }
}

/// Reproducible bytes for tests; nothing else.
pub struct TestRng(pub u64);

impl TryRng for TestRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.try_next_u64()? as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(z ^ (z >> 31))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for chunk in out.chunks_mut(8) {
            let bytes = self.try_next_u64()?.to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for TestRng {}

/// `len` reproducible bytes.
pub fn data(len: usize) -> Vec<u8> {
    let mut out = vec![0u8; len];
    TestRng(len as u64).try_fill_bytes(&mut out).unwrap();
    out
}
