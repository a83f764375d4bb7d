//! Published vectors for Ed25519, X25519, ML-KEM-768, X-Wing and HPKE.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::{bytes, is_valid, vectors, wycheproof};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::{HkdfSha256, Kdf, KdfShake256};
use hpke::{Deserializable, Kem as _, OpModeR};
use ml_kem::MlKem768;
use ml_kem::kem::{Decapsulate, Kem, KeyExport};
use plico_protocol::primitives::aead::AeadAlgorithm;
use plico_protocol::primitives::kem;
use plico_protocol::primitives::secret::Secret;
use plico_protocol::primitives::sign::VerifyingKey;
use serde_json::Value;

/// The file has no "acceptable" test: each must pass or must fail.
#[test]
fn ed25519() {
    let Some(tests) = wycheproof("wycheproof_ed25519_test.json") else {
        return;
    };
    let (mut valid, mut invalid) = (0, 0);
    for (group, test) in &tests {
        let verified = VerifyingKey::from_bytes(&bytes(&group["publicKey"], "pk"))
            .and_then(|key| key.verify_raw(&bytes(test, "msg"), &bytes(test, "sig")));
        assert_eq!(verified.is_ok(), is_valid(test), "{test}");
        *(if is_valid(test) {
            &mut valid
        } else {
            &mut invalid
        }) += 1;
    }
    assert_eq!((valid, invalid), (88, 63));
}

/// Strict verification accepts number 3 alone. Its public key has a torsion
/// component, which our validation of keys refuses before: of the twelve we
/// accept none, and each part is shown by itself.
#[test]
fn ed25519_speccheck() {
    let Some(tests) = vectors("ed25519_speccheck.json") else {
        return;
    };
    let tests = tests.as_array().unwrap();
    assert_eq!(tests.len(), 12);
    let (mut strict, mut valid_key, mut ours) = (vec![], vec![], vec![]);
    for (number, test) in tests.iter().enumerate() {
        let key: [u8; 32] = bytes(test, "pub_key").try_into().unwrap();
        let (message, signature) = (bytes(test, "message"), bytes(test, "signature"));
        let parsed = ed25519_dalek::Signature::from_slice(&signature).unwrap();
        if ed25519_dalek::VerifyingKey::from_bytes(&key)
            .is_ok_and(|key| key.verify_strict(&message, &parsed).is_ok())
        {
            strict.push(number);
        }
        if let Ok(key) = VerifyingKey::from_bytes(&key) {
            valid_key.push(number);
            if key.verify_raw(&message, &signature).is_ok() {
                ours.push(number);
            }
        }
    }
    assert_eq!(strict, [3]);
    assert!(!valid_key.contains(&3));
    assert!(ours.is_empty());
}

/// X25519 as X-Wing uses it (RFC 7748 §5): every result must be the stated one,
/// also where the file says "acceptable", for X-Wing hashes whatever comes out.
#[test]
fn x25519() {
    let Some(tests) = wycheproof("wycheproof_x25519_test.json") else {
        return;
    };
    let (mut valid, mut acceptable, mut zero) = (0, 0, 0);
    for (_, test) in &tests {
        let array = |field| <[u8; 32]>::try_from(bytes(test, field)).unwrap();
        let shared = x25519_dalek::StaticSecret::from(array("private"))
            .diffie_hellman(&x25519_dalek::PublicKey::from(array("public")));
        assert_eq!(shared.as_bytes(), &array("shared"), "{test}");
        assert_eq!(
            shared.was_contributory(),
            !common::has_flag(test, "ZeroSharedSecret")
        );
        zero += usize::from(!shared.was_contributory());
        match test["result"].as_str().unwrap() {
            "valid" => valid += 1,
            "acceptable" => acceptable += 1,
            other => panic!("{other}"),
        }
    }
    assert_eq!((valid, acceptable, zero), (264, 254, 31));
}

#[test]
fn ml_kem_768() {
    let Some(tests) = wycheproof("wycheproof_mlkem_768_test.json") else {
        return;
    };
    let (mut valid, mut bad_seed, mut bad_ciphertext) = (0, 0, 0);
    for (group, test) in &tests {
        assert_eq!(group["parameterSet"], "ML-KEM-768");
        let seed = ml_kem::Seed::try_from(bytes(test, "seed").as_slice());
        let ciphertext = ml_kem::Ciphertext::<MlKem768>::try_from(bytes(test, "c").as_slice());
        let (Ok(seed), Ok(ciphertext)) = (seed, ciphertext) else {
            assert!(!is_valid(test), "{test}");
            *(if seed.is_err() {
                &mut bad_seed
            } else {
                &mut bad_ciphertext
            }) += 1;
            continue;
        };
        assert!(is_valid(test), "{test}");
        let key = <MlKem768 as Kem>::DecapsulationKey::from_seed(seed);
        assert_eq!(&key.encapsulation_key().to_bytes()[..], bytes(test, "ek"));
        assert_eq!(&key.decapsulate(&ciphertext)[..], bytes(test, "K"));
        valid += 1;
    }
    assert_eq!(valid, 153);
    assert_eq!(bad_seed + bad_ciphertext, 40);
}

#[test]
fn x_wing() {
    let Some(tests) = vectors("xwing.json") else {
        return;
    };
    let tests = tests.as_array().unwrap();
    assert_eq!(tests.len(), 3);
    for test in tests {
        assert_eq!(test["seed"], test["sk"]);
        let seed: [u8; 32] = bytes(test, "seed").try_into().unwrap();
        let private = x_wing::DecapsulationKey::from(seed);
        let public = x_wing::EncapsulationKey::try_from(bytes(test, "pk").as_slice()).unwrap();
        assert_eq!(&public.to_bytes()[..], bytes(test, "pk"));
        let randomness: [u8; 64] = bytes(test, "eseed").try_into().unwrap();
        let (ciphertext, secret) = public.encapsulate_deterministic(&randomness.into());
        assert_eq!(&ciphertext[..], bytes(test, "ct"));
        assert_eq!(&secret[..], bytes(test, "ss"));
        assert_eq!(&private.decapsulate(&ciphertext)[..], bytes(test, "ss"));

        let ours = kem::PrivateKey::from_seed(Secret::new(&mut { seed }));
        assert_eq!(ours.public_key().unwrap().to_bytes(), bytes(test, "pk"));
    }
}

/// Everything of one vector through the crate: key, all encryptions, all exports.
fn hpke_vector<K: Kdf>(test: &Value) {
    type Xwing = hpke::kem::XWing;
    let private = <Xwing as hpke::Kem>::PrivateKey::from_bytes(&bytes(test, "skRm")).unwrap();
    let public = Xwing::sk_to_pk(&private);
    assert_eq!(
        hpke::Serializable::to_bytes(&public)[..],
        bytes(test, "pkRm")
    );
    let enc = <Xwing as hpke::Kem>::EncappedKey::from_bytes(&bytes(test, "enc")).unwrap();
    let mut receiver = hpke::setup_receiver::<ChaCha20Poly1305, K, Xwing>(
        &OpModeR::Base,
        &private,
        &enc,
        &bytes(test, "info"),
    )
    .unwrap();
    let encryptions = test["encryptions"].as_array().unwrap();
    assert_eq!(encryptions.len(), 10);
    for encryption in encryptions {
        assert_eq!(
            receiver
                .open(&bytes(encryption, "ct"), &bytes(encryption, "aad"))
                .unwrap(),
            bytes(encryption, "pt")
        );
    }
    for export in test["exports"].as_array().unwrap() {
        let mut out = vec![0u8; export["L"].as_u64().unwrap() as usize];
        receiver
            .export(&bytes(export, "exporter_context"), &mut out)
            .unwrap();
        assert_eq!(out, bytes(export, "exported_value"));
    }
}

#[test]
fn hpke_x_wing() {
    let Some(tests) = vectors("hpke_pq.json") else {
        return;
    };
    let mut seen = Vec::new();
    for test in tests.as_array().unwrap() {
        if test["kem_id"] != kem::KEM_ID {
            continue;
        }
        assert_eq!(test["mode"], 0);
        assert_eq!(test["aead_id"], 3);
        seen.push(test["kdf_id"].as_u64().unwrap());
        match test["kdf_id"].as_u64().unwrap() {
            0x0001 => {
                hpke_vector::<HkdfSha256>(test);
                through_our_wrapper(test);
            }
            0x0011 => hpke_vector::<KdfShake256>(test),
            other => panic!("KDF {other}"),
        }
    }
    assert_eq!(seen, [0x0001, 0x0011]);
}

/// Our wrapper has no associated data and the vectors do, so the vector's own
/// key and base nonce seal its plaintext anew; everything before that (private
/// key, `enc`, `info`) is the vector's.
fn through_our_wrapper(test: &Value) {
    const LEN: usize = 58;
    let private = kem::PrivateKey::from_seed(Secret::from_slice(&bytes(test, "skRm")).unwrap());
    assert_eq!(
        private.public_key().unwrap().to_bytes(),
        bytes(test, "pkRm")
    );

    let plaintext = bytes(&test["encryptions"][0], "pt");
    let mut buffer = plaintext.clone();
    let key: [u8; 32] = bytes(test, "key").try_into().unwrap();
    let nonce: [u8; 12] = bytes(test, "base_nonce").try_into().unwrap();
    let cipher = AeadAlgorithm::ChaCha20Poly1305.with_key(&key);
    let tag = cipher.seal(&nonce, b"", &mut buffer).unwrap();
    let sealed = [bytes(test, "enc"), buffer, tag.to_vec()].concat();

    let info = bytes(test, "info");
    let opened = private.open::<LEN>(&info, &sealed).unwrap();
    assert_eq!(&opened.expose()[..], plaintext);

    assert!(private.open::<LEN>(b"other", &sealed).is_err());
    assert!(private.open::<57>(&info, &sealed).is_err());
    for at in [0, 1087, 1088, 1119, 1120, sealed.len() - 1] {
        let mut altered = sealed.clone();
        altered[at] ^= 1;
        assert!(private.open::<LEN>(&info, &altered).is_err(), "{at}");
    }
}
