//! Our own frozen envelopes, made by a second implementation
//! (`vectors/make_envelopes.py`). None of them is ever changed or removed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::bytes;
use core::convert::Infallible;
use core::ops::ControlFlow;
use plico_protocol::envelope::{
    EnvelopeKey, EnvelopeSignature, Padding, envelope_hash, open, open_stream, seal, signed, text,
};
use plico_protocol::format::context::AppContext;
use plico_protocol::format::suite::Suite;
use plico_protocol::primitives::aead::Backend;
use plico_protocol::primitives::secret::Secret;
use plico_protocol::primitives::sign::VerifyingKey;
use rand_core::{TryCryptoRng, TryRng};
use serde_json::Value;

/// Gives one salt.
struct Salt(Vec<u8>);

impl TryRng for Salt {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("only bytes are asked for")
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("only bytes are asked for")
    }
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.copy_from_slice(&self.0);
        Ok(())
    }
}

impl TryCryptoRng for Salt {}

fn array<const N: usize>(case: &Value, field: &str) -> [u8; N] {
    bytes(case, field).try_into().unwrap()
}

#[test]
fn frozen_envelopes() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("vectors/envelopes.json")).unwrap();
    assert_eq!(cases.len(), 24);
    let backends = Backend::ALL.iter();
    for (backend, case) in backends.flat_map(|it| cases.iter().map(move |case| (*it, case))) {
        let number = |field: &str| case[field].as_u64().unwrap();
        let plain: Vec<u8> = (0..number("plaintext_len"))
            .map(|i| (i * 7 + i / 256) as u8)
            .collect();
        let suite = Suite::from_byte(number("suite") as u8).unwrap();
        let key = EnvelopeKey::new(
            Secret::new(&mut array(case, "payload_key")),
            array(case, "tenant_id"),
            array(case, "chain_id"),
            u32::try_from(number("epoch")).unwrap(),
            suite,
        )
        .on_backend(backend);
        let context = (!case["context"].is_null())
            .then(|| AppContext::decode(&bytes(case, "context")).unwrap());
        let padding = match case["padded"].as_bool().unwrap() {
            true => Padding::Padme,
            false => Padding::None,
        };
        let mut rng = Salt(bytes(case, "salt"));
        let envelope = seal(&key, &plain, context.as_ref(), padding, &mut rng).unwrap();
        assert_eq!(envelope.len() as u64, number("envelope_len"));
        assert_eq!(envelope_hash(&envelope), array(case, "envelope_sha512"));
        if let Some(expected) = case["envelope_text"].as_str() {
            assert_eq!(text::to_text(&envelope), expected);
            assert_eq!(text::from_text(expected).unwrap(), envelope);
        }
        assert_eq!(*open(&key, &envelope, context.as_ref()).unwrap(), plain);
        let mut out = Vec::new();
        open_stream(&key, &envelope[..], &mut out, context.as_ref(), &mut |_| {
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(out, plain);

        let signature = EnvelopeSignature::decode(&bytes(case, "signature")).unwrap();
        assert_eq!(signature.encode().unwrap(), bytes(case, "signature"));
        let subject = signed::Subject {
            tenant_id: array(case, "tenant_id"),
            chain_id: array(case, "chain_id"),
            envelope_hash: envelope_hash(&envelope),
            app_context_hash: AppContext::hash_of(context.as_ref()),
        };
        let signer = VerifyingKey::from_bytes(&bytes(case, "signer")).unwrap();
        assert_eq!(signature.verify(&signer, &subject), Ok(()));
    }
}
