//! Published vectors for AEADs, HKDF and C2SP chunked-encryption.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{bytes, has_flag, is_valid, wycheproof};
use hkdf::Hkdf;
use plico_protocol::envelope::EnvelopeError;
use plico_protocol::envelope::chunked::{ChunkedError, MessageKeys};
use plico_protocol::envelope::open::open_message;
use plico_protocol::envelope::signed::envelope_hash as sha512;
use plico_protocol::primitives::aead::{AeadAlgorithm, Backend, NONCE_LEN, TAG_LEN};
use plico_protocol::primitives::kdf::{expand_sha256, extract_sha256};
use serde_json::Value;
use sha2::Sha512;

/// Runs one AEAD test in both directions on every back end; `false` if the
/// nonce has a length that our type does not admit.
fn run_aead(algorithm: AeadAlgorithm, test: &Value) -> bool {
    let mut backends = Backend::ALL.iter();
    backends.all(|backend| run_aead_on(*backend, algorithm, test))
}

fn run_aead_on(backend: Backend, algorithm: AeadAlgorithm, test: &Value) -> bool {
    let key: [u8; 32] = bytes(test, "key").try_into().unwrap();
    let Ok(nonce) = <[u8; NONCE_LEN]>::try_from(bytes(test, "iv")) else {
        assert!(!is_valid(test), "{test}");
        return false;
    };
    let (aad, msg, ct) = (bytes(test, "aad"), bytes(test, "msg"), bytes(test, "ct"));
    let tag: [u8; TAG_LEN] = bytes(test, "tag").try_into().unwrap();
    let cipher = algorithm.with_key_on(backend, &key);

    let mut sealed = msg.clone();
    let sealed_tag = cipher.seal(&nonce, &aad, &mut sealed).unwrap();
    assert_eq!(
        (sealed == ct) && (sealed_tag == tag),
        is_valid(test),
        "{test}"
    );

    let mut opened = ct.clone();
    let result = cipher.open(&nonce, &aad, &mut opened, &tag);
    assert_eq!(result.is_ok(), is_valid(test), "{test}");
    if is_valid(test) {
        assert_eq!(opened, msg);
    } else {
        // Ciphertext or zeros, according to the back end.
        assert!(opened == ct || opened.iter().all(|it| *it == 0));
    }
    true
}

#[test]
fn aes_256_gcm() {
    let Some(tests) = wycheproof("wycheproof_aes_gcm_test.json") else {
        return;
    };
    let (mut valid, mut invalid, mut out_of_scope) = (0, 0, 0);
    for (group, test) in &tests {
        // Other sizes of keys and nonces are not used and not implemented.
        if group["keySize"] != 256 || group["ivSize"] != 96 || group["tagSize"] != 128 {
            out_of_scope += 1;
            continue;
        }
        assert!(run_aead(AeadAlgorithm::Aes256Gcm, test));
        *(if is_valid(test) {
            &mut valid
        } else {
            &mut invalid
        }) += 1;
    }
    assert_eq!((valid, invalid, out_of_scope), (39, 27, 250));
}

#[test]
fn chacha20_poly1305() {
    let Some(tests) = wycheproof("wycheproof_chacha20_poly1305_test.json") else {
        return;
    };
    let (mut valid, mut invalid, mut nonce_refused) = (0, 0, 0);
    for (_, test) in &tests {
        if !run_aead(AeadAlgorithm::ChaCha20Poly1305, test) {
            nonce_refused += 1;
        } else if is_valid(test) {
            valid += 1;
        } else {
            invalid += 1;
        }
    }
    assert_eq!((valid, invalid, nonce_refused), (256, 60, 9));
}

fn run_hkdf(name: &str, expand: impl Fn(&Value, &mut [u8]) -> bool) -> (usize, usize) {
    let (mut valid, mut invalid) = (0, 0);
    for (_, test) in &wycheproof(name).unwrap_or_default() {
        let mut okm = vec![0u8; test["size"].as_u64().unwrap() as usize];
        assert_eq!(expand(test, &mut okm), is_valid(test), "{test}");
        if is_valid(test) {
            assert_eq!(okm, bytes(test, "okm"), "{test}");
            valid += 1;
        } else {
            invalid += 1;
        }
    }
    (valid, invalid)
}

#[test]
fn hkdf_sha256() {
    let counts = run_hkdf("wycheproof_hkdf_sha256_test.json", |test, okm| {
        let prk = extract_sha256(&bytes(test, "salt"), &bytes(test, "ikm"));
        let info = bytes(test, "info");
        // In two parts, as the protocol does it.
        let (a, b) = info.split_at(info.len() / 2);
        expand_sha256(&prk, &[a, b], okm).is_ok()
    });
    assert!(counts == (83, 3) || counts == (0, 0), "{counts:?}");
}

/// Through the crate: our wrapper of Expand takes 32-byte keys only, and those
/// are in the vectors of chunked-encryption below.
#[test]
fn hkdf_sha512() {
    let counts = run_hkdf("wycheproof_hkdf_sha512_test.json", |test, okm| {
        Hkdf::<Sha512>::new(Some(&bytes(test, "salt")), &bytes(test, "ikm"))
            .expand(&bytes(test, "info"), okm)
            .is_ok()
    });
    assert!(counts == (80, 3) || counts == (0, 0), "{counts:?}");
}

#[test]
fn c2sp_chunked_encryption() {
    let Some(tests) = wycheproof("wycheproof_c2sp_chunked_encryption_aes_256_gcm_test.json") else {
        return;
    };
    let (mut valid, mut header_failures, mut partial, mut nothing) = (0, 0, 0, 0);
    for (backend, (group, test)) in Backend::ALL
        .iter()
        .flat_map(|it| tests.iter().map(move |test| (*it, test)))
    {
        assert_eq!(group["aead"], "AEAD_AES_256_GCM");
        let message =
            miniz_oxide::inflate::decompress_to_vec_zlib(&bytes(test, "ct")).expect("zlib");
        let context = bytes(test, "ctx");
        let mut header_error = None;
        let mut released = Vec::new();
        let mut keys_seen = false;
        let result = open_message(
            message.as_slice(),
            |salt| {
                let keys = MessageKeys::derive(
                    AeadAlgorithm::Aes256Gcm,
                    &bytes(test, "key"),
                    salt,
                    &context,
                )
                .inspect_err(|error| header_error = Some(*error))?;
                keys_seen = true;
                if !has_flag(test, "HeaderFailure") {
                    assert_eq!(keys.dangerous_key(), bytes(test, "aeadKey"), "{test}");
                    assert_eq!(&keys.base_nonce()[..], bytes(test, "baseNonce"), "{test}");
                }
                Ok(keys.on_backend(backend))
            },
            |chunk| {
                released.extend_from_slice(chunk);
                Ok(())
            },
        );
        assert_eq!(
            result.is_ok(),
            is_valid(test),
            "{}: {result:?}",
            test["comment"]
        );

        // What was released is exactly the longest valid prefix.
        let expected_len = test["msgLength"].as_u64().unwrap_or(0);
        assert_eq!(released.len() as u64, expected_len, "{}", test["comment"]);
        if !test["msgSha512"].is_null() {
            assert_eq!(&sha512(&released)[..], bytes(test, "msgSha512"));
        }
        if is_valid(test) {
            valid += 1;
            continue;
        }
        let error = result.unwrap_err();
        if has_flag(test, "HeaderFailure") {
            header_failures += 1;
            assert!(released.is_empty());
            if has_flag(test, "InvalidKeySize") {
                assert_eq!(header_error, Some(ChunkedError::InputKeyLength));
            } else if has_flag(test, "Truncation") {
                assert_eq!(error, EnvelopeError::Truncated);
                assert!(!keys_seen);
            } else {
                assert_eq!(error, EnvelopeError::CommitmentMismatch);
            }
        } else if has_flag(test, "PartialPlaintext") {
            partial += 1;
        } else {
            nothing += 1;
            assert!(released.is_empty());
        }
    }
    let count = |each| each * Backend::ALL.len();
    let expected = (count(10), count(10), count(9), count(6));
    assert_eq!((valid, header_failures, partial, nothing), expected);
}
