//! Envelopes, signed ones too.

use super::case::*;
use super::epochs::place;
use super::story::Story;
use plico_protocol::envelope::signed::{Author, EnvelopeSignature, Subject};
use plico_protocol::envelope::{EnvelopeKey, Padding, envelope_hash, seal};
use plico_protocol::format::context::AppContext;
use plico_protocol::format::suite::Suite;
use plico_protocol::keyring::EpochSecret;
use serde_json::{Value, json};

pub fn envelopes(story: &Story) -> Vec<Value> {
    let mut cases = Vec::new();
    let context = AppContext::raw(b"notes/42").unwrap();
    let (chacha, aes) = (Suite::ChaCha20Poly1305Sha512, Suite::Aes256GcmSha512);
    for (secret, context, padding, suite) in [
        (&story.session.secrets[0], None, Padding::Padme, chacha),
        (
            &story.session.secrets[2],
            Some(&context),
            Padding::None,
            chacha,
        ),
        (
            &story.session.secrets[3],
            Some(&context),
            Padding::Padme,
            chacha,
        ),
        (&story.session.secrets[0], None, Padding::None, aes),
        (
            &story.session.secrets[1],
            Some(&context),
            Padding::Padme,
            aes,
        ),
    ] {
        let place_of = secret.context();
        let key = EnvelopeKey::new(
            secret.payload_key(),
            place_of.tenant_id.0,
            place_of.chain_id.0,
            place_of.epoch,
            suite,
        );
        let plaintext = b"what only the session's recipients read";
        let sealed = seal(&key, plaintext, context, padding, &mut story.world.rng()).unwrap();
        let mut fields = place(secret);
        fields["envelope"] = hex(&sealed);
        fields["app_context"] = context.map_or(Value::Null, |it| hex(it.encode()));
        fields["plaintext"] = hex(plaintext);
        let good = ok("session_envelope", "an envelope of a session", fields);
        for byte in [4, 6, 25, 26, 50, 82] {
            let name = format!("an envelope of a session, byte {byte} altered");
            cases.push(refused(
                &good,
                &name,
                "envelope",
                flipped(&good["envelope"], byte),
            ));
        }
        cases.push(refused(
            &good,
            "under another secret",
            "secret",
            flipped(&good["secret"], 0),
        ));
        cases.push(good);
        cases.push(signed_envelope(story, secret, &sealed, context));
    }
    cases.extend(offline_envelope(story));
    cases
}

/// The same, written offline: the mark can't be taken away.
fn offline_envelope(story: &Story) -> [Value; 2] {
    let secret = &story.session.secrets[0];
    let of = secret.context();
    let (tenant, chain) = (of.tenant_id.0, of.chain_id.0);
    let suite = Suite::ChaCha20Poly1305Sha512;
    let key = EnvelopeKey::new(secret.payload_key(), tenant, chain, of.epoch, suite).offline();
    let plaintext = b"written in a tunnel";
    let rng = &mut story.world.rng();
    let mut fields = place(secret);
    fields["envelope"] = hex(seal(&key, plaintext, None, Padding::Padme, rng).unwrap());
    fields["app_context"] = Value::Null;
    fields["plaintext"] = hex(plaintext);
    let good = ok("session_envelope", "an envelope written offline", fields);
    let cleared = flipped_bit(&good["envelope"], 5, 0x04);
    let name = "an envelope written offline, its mark taken away";
    [refused(&good, name, "envelope", cleared), good]
}

fn signed_envelope(
    story: &Story,
    secret: &EpochSecret,
    sealed: &[u8],
    context: Option<&AppContext>,
) -> Value {
    let device = &story.owner.devices[0];
    let author = Author {
        identity: story.owner.id.0,
        key: device.id().0,
        seq: 1,
        head: story.owner.log[1].entry.hash().0,
    };
    let subject = Subject {
        tenant_id: secret.context().tenant_id.0,
        chain_id: secret.context().chain_id.0,
        envelope_hash: envelope_hash(sealed),
        app_context_hash: AppContext::hash_of(context),
    };
    let signature =
        EnvelopeSignature::sign(&device.signing, author, 1_800_000_000_000, &subject).unwrap();
    ok(
        "envelope_signature",
        "a detached signature over an envelope",
        json!({
            "tenant_id": hex(subject.tenant_id),
            "chain_id": hex(subject.chain_id),
            "envelope": hex(sealed),
            "app_context": context.map_or(Value::Null, |it| hex(it.encode())),
            "public_key": hex(device.signing.verifying_key().to_bytes()),
            "key_id": hex(author.key),
            "signature": hex(signature.encode().unwrap()),
        }),
    )
}
