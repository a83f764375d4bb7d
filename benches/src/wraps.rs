//! Wrapping a secret to people, and unwrapping it, against HPKE alone.

use crate::world::World;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS};
use plico_benches::Effort;
use plico_benches::measure::{Outcome, Show, compare, each, head, line};
use plico_directory::random;
use plico_protocol::format::encode;
use plico_protocol::format::ids::ChainId;
use plico_protocol::keyring::wraps::{Wrap, WrapTo, commit, seal_all};
use plico_protocol::keyring::{EpochContext, EpochSecret};
use std::hint::black_box;

type PublicKey = <XWing as Kem>::PublicKey;
type PrivateKey = <XWing as Kem>::PrivateKey;

/// HPKE's `SealBase` of 32 bytes to X-Wing keys, with nothing around it.
pub struct RawSealer {
    keys: Vec<PublicKey>,
    info: Vec<u8>,
}

impl RawSealer {
    /// To `count` keys, with an `info` as long as that of a wrap.
    pub fn new(count: usize) -> Outcome<Self> {
        let world = World::new(count)?;
        let keys = world.people.iter().map(|person| {
            let public = person.secret.kem_key().public_key()?;
            Ok(PublicKey::from_bytes(&public.to_bytes())?)
        });
        Ok(Self {
            keys: keys.collect::<Outcome<_>>()?,
            info: vec![7; 303],
        })
    }

    /// Once to each of the first `count` keys.
    pub fn seal(&self, count: usize) -> Outcome<()> {
        for key in self.keys.iter().take(count) {
            black_box(hpke::single_shot_seal_with_rng::<
                ChaCha20Poly1305,
                HkdfSha256,
                XWing,
            >(
                &OpModeS::Base,
                key,
                &self.info,
                &[9; 32],
                b"",
                &mut random::system(),
            )?);
        }
        Ok(())
    }
}

pub fn run(effort: Effort) -> Outcome<()> {
    head(
        "Wraps",
        "the `hpke` crate's single-shot seal and open with the same X-Wing, HKDF-SHA256 and ChaCha20-Poly1305",
    );
    let world = World::new(100)?;
    let (author, person) = (&world.people[0], &world.people[1]);
    let author = world.known[&author.id].author(author.device.id());
    let context = EpochContext {
        tenant_id: world.tenant,
        chain_id: ChainId([1; 32]),
        epoch: 3,
    };
    let secret = EpochSecret::generate(context, &mut random::system());
    let to = |person: &crate::world::Person| -> Outcome<WrapTo> {
        Ok(WrapTo {
            recipient: person.recipient(),
            generation: 0,
            key_id: world.known[&person.id].user_key().1.id,
            key: person.secret.kem_key().public_key()?,
        })
    };
    let one = to(person)?;
    let all = world.people.iter().map(to).collect::<Outcome<Vec<_>>>()?;
    let seal = |to: &WrapTo| {
        let rng = &mut random::system();
        Wrap::seal(&secret, &author, to, rng)
    };
    let raw = RawSealer::new(all.len())?;
    let rounds = effort.rounds(101);

    let wrapped = compare(
        rounds,
        || each(20, || Ok(seal(&one)?)),
        || each(20, || raw.seal(1)),
    )?;
    line("wrap to 1 key", Show::Time, &wrapped);

    let wrapped = compare(
        rounds,
        || {
            each(1, || {
                let rng = &mut random::system();
                let wraps = seal_all(&[&secret], &author, &all, rng)?;
                Ok((commit(&wraps)?, wraps))
            })
        },
        || each(1, || raw.seal(all.len())),
    )?;
    let what = format!("wrap to {} keys, with the Merkle root", all.len());
    line(&what, Show::Time, &wrapped);

    let wrap = seal(&one)?;
    let key = person.secret.kem_key();
    let private = PrivateKey::from_bytes(key.dangerous_seed().expose())?;
    let info = encode(&wrap.info);
    let (encapsulated, ciphertext) = wrap.sealed.split_at(1120);
    let encapsulated = <XWing as Kem>::EncappedKey::from_bytes(encapsulated)?;
    let opened = compare(
        rounds,
        || each(20, || Ok(wrap.open(&key)?)),
        || {
            each(20, || {
                Ok(
                    hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, XWing>(
                        &OpModeR::Base,
                        &private,
                        &encapsulated,
                        &info,
                        ciphertext,
                        b"",
                    )?,
                )
            })
        },
    )?;
    line("unwrap, with the commitment", Show::Time, &opened);
    println!();
    Ok(())
}
