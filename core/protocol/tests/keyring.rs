//! Wraps, back-links, proofs and metadata: each opens for whom it was made, where
//! it was made, and nowhere else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::TestRng;
use common::world::*;
use plico_protocol::format::ids::{ChainId, KeyId, Recipient};
use plico_protocol::format::wrap::{BackLink, WRAP_LEN, WrapInfo, WrapPurpose};
use plico_protocol::format::{decode, encode};
use plico_protocol::keyring::merkle;
use plico_protocol::keyring::wraps::{Wrap, commit};
use plico_protocol::keyring::{
    EpochContext, EpochSecret, KeyringError, open_metadata, seal_metadata,
};
use plico_protocol::primitives::secret::Secret;

fn context(epoch: u32) -> EpochContext {
    EpochContext {
        tenant_id: ChainId([1; 32]),
        chain_id: ChainId([2; 32]),
        epoch,
    }
}

fn secret(epoch: u32) -> EpochSecret {
    EpochSecret::generate(context(epoch), &mut TestRng(u64::from(epoch) + 1))
}

/// A session of one owner and one reader, with the owner's wrap first.
fn session() -> (World, Vec<Person>, Log) {
    let mut world = World::new(20);
    let (mut owner, mut reader) = (world.person(), world.person());
    world.rotate_user_key(&mut owner);
    world.rotate_user_key(&mut reader);
    let log = world.create(&owner, vec![world.grant_to(&reader, READ, 0)]);
    let mut people = vec![owner, reader];
    people.sort_by_key(Person::recipient);
    (world, people, log)
}

#[test]
fn a_wrap_opens_for_its_recipient_only() {
    let (_, people, log) = session();
    let wraps = &log.drafts[0].wraps;
    for (index, wrap) in wraps.iter().enumerate() {
        assert_eq!(wrap.sealed.len(), WRAP_LEN);
        assert_eq!(wrap.info.recipient, people[index].recipient());
        assert_eq!(wrap.info.generation, 1);
        assert_eq!(
            &wrap.open(&people[index].secrets[1].kem_key()).unwrap(),
            log.secret()
        );
        // Another person, another generation, a device.
        for key in [
            people[1 - index].secrets[1].kem_key(),
            people[index].secrets[0].kem_key(),
            people[index].devices[0].kem.clone(),
        ] {
            assert_eq!(wrap.open(&key), Err(KeyringError::Unwrap));
        }
    }
}

/// Every way to change one field of an info.
fn changed(info: &WrapInfo) -> Vec<WrapInfo> {
    let mut out = Vec::new();
    let mut with = |change: &dyn Fn(&mut WrapInfo)| {
        let mut info = *info;
        change(&mut info);
        out.push(info);
    };
    with(&|it| it.version = 2);
    with(&|it| it.purpose = WrapPurpose::Device);
    with(&|it| it.tenant_id.0[31] ^= 1);
    with(&|it| it.chain_id.0[31] ^= 1);
    with(&|it| it.epoch += 1);
    with(&|it| it.commitment[31] ^= 1);
    with(&|it| it.author_identity.0[31] ^= 1);
    with(&|it| it.author_key.0[31] ^= 1);
    with(&|it| it.recipient = Recipient::device(KeyId(it.recipient.id)));
    with(&|it| it.recipient.id[31] ^= 1);
    with(&|it| it.generation += 1);
    with(&|it| it.key_id.0[31] ^= 1);
    out
}

#[test]
fn a_wrap_is_bound_to_every_field_of_its_info_and_to_every_byte() {
    let (_, people, log) = session();
    let draft = &log.drafts[0];
    let (committed, _) = log.state.wraps_at(0).unwrap();
    let leaves: Vec<_> = draft.wraps.iter().map(Wrap::leaf_hash).collect();
    let wrap = &draft.wraps[0];
    let path = merkle::proof(&leaves, 0).unwrap();
    wrap.check_proof(committed, 0, &path).unwrap();
    let key = people[0].secrets[1].kem_key();
    for info in changed(&wrap.info) {
        let other = Wrap {
            info,
            sealed: wrap.sealed.clone(),
        };
        assert!(other.open(&key).is_err(), "{info:?}");
        assert_eq!(
            other.check_proof(committed, 0, &path),
            Err(KeyringError::Proof)
        );
    }
    for at in 0..wrap.sealed.len() {
        let mut other = wrap.clone();
        other.sealed[at] ^= 1;
        assert_eq!(
            other.check_proof(committed, 0, &path),
            Err(KeyringError::Proof)
        );
        assert_eq!(other.open(&key), Err(KeyringError::Unwrap), "byte {at}");
    }
    for len in [0, 1, 1_120, WRAP_LEN - 1, WRAP_LEN + 1] {
        let mut other = wrap.clone();
        other.sealed.resize(len, 0);
        assert_eq!(other.open(&key), Err(KeyringError::Unwrap));
    }
    // Proofs of another place, of another count, too short and too long.
    for (index, path) in [
        (1, path.clone()),
        (2, path.clone()),
        (0, vec![]),
        (0, [path.clone(), path.clone()].concat()),
        (0, vec![[0; 32]]),
    ] {
        assert!(wrap.check_proof(committed, index, &path).is_err());
    }
    let mut other = *committed;
    other.count = 3;
    assert!(wrap.check_proof(&other, 0, &path).is_err());
}

#[test]
fn a_wrap_of_another_secret_than_the_log_commits_to() {
    let mut world = World::new(21);
    let person = world.person();
    let (true_one, false_one) = (
        secret(0),
        EpochSecret::generate(context(0), &mut TestRng(99)),
    );
    let wrap = world.device_wraps(&person, &false_one, &person.devices)[0].clone();
    let key = &person.devices[0].kem;
    assert_eq!(wrap.open(key), Ok(false_one.clone()));
    // HPKE itself opens; the commitment, which stands in `info`, is what refuses.
    let mut info = wrap.info;
    info.commitment = true_one.commitment();
    let public = person.devices[0].kem.public_key().unwrap();
    let sealed = public.seal(
        &encode(&info),
        false_one.dangerous_secret().expose(),
        &mut TestRng(5),
    );
    let lie = Wrap {
        info,
        sealed: sealed.unwrap(),
    };
    assert_eq!(lie.open(key), Err(KeyringError::Commitment));
    // Neither a longer nor a shorter secret is one.
    for plain in [&[0u8; 31][..], &[0; 33], &[]] {
        let sealed = public.seal(&encode(&info), plain, &mut TestRng(6)).unwrap();
        assert_eq!(Wrap { info, sealed }.open(key), Err(KeyringError::Unwrap));
    }
}

#[test]
fn a_set_of_wraps_is_whole_and_in_order() {
    let (_, _, log) = session();
    let wraps = &log.drafts[0].wraps;
    assert_eq!(commit(wraps).unwrap(), log.state.wraps_at(0).unwrap().0);
    let swapped: Vec<Wrap> = wraps.iter().rev().cloned().collect();
    let twice = vec![wraps[0].clone(), wraps[0].clone()];
    for bad in [swapped, twice, vec![]] {
        assert_eq!(commit(&bad), Err(KeyringError::WrapSet));
    }
}

#[test]
fn derivations_differ_by_label_and_place() {
    let of = |secret: &EpochSecret| {
        [
            secret.commitment(),
            *secret.payload_key().expose(),
            *secret.metadata_key().expose(),
            *secret.dangerous_secret().expose(),
        ]
    };
    let raw = *secret(0).dangerous_secret().expose();
    let mut all = of(&secret(0)).to_vec();
    let mut places = vec![context(1); 3];
    places[0].tenant_id.0[0] ^= 1;
    places[1].chain_id.0[0] ^= 1;
    for place in places {
        let commitment = |it: EpochContext| {
            // The same secret elsewhere has another commitment, which the true one refuses.
            EpochSecret::checked(it, Secret::new(&mut { raw }), &secret(0).commitment())
        };
        assert_eq!(commitment(place), Err(KeyringError::Commitment));
        all.extend(of(&EpochSecret::generate(place, &mut TestRng(1)))[..3].to_vec());
    }
    let unique: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(unique.len(), all.len());
}

#[test]
fn back_links_open_the_epoch_that_they_name() {
    let (old, older, new) = (secret(3), secret(1), secret(4));
    // One epoch may link to several: an epoch whose wraps were false is stepped over.
    for target in [&old, &older] {
        let link = new.seal_back_link(target);
        assert_eq!(
            &new.open_back_link(&link, &target.commitment()).unwrap(),
            target
        );
        assert_eq!(
            decode::<BackLink>("link", &encode(&link)).as_ref(),
            Ok(&link)
        );
    }
    let link = new.seal_back_link(&old);
    let false_link = KeyringError::BackLink;
    assert_eq!(
        new.open_back_link(&link, &older.commitment()),
        Err(KeyringError::BackLink)
    );
    assert_eq!(
        secret(5).open_back_link(&link, &old.commitment()),
        Err(KeyringError::BackLink)
    );
    // Under the same number, but another secret.
    let twin = EpochSecret::generate(context(4), &mut TestRng(77));
    assert_eq!(
        twin.open_back_link(&link, &old.commitment()),
        Err(KeyringError::BackLink)
    );
    for at in 0..encode(&link).len() {
        let mut bytes = encode(&link);
        bytes[at] ^= 1;
        let opened = decode::<BackLink>("link", &bytes)
            .map(|link| new.open_back_link(&link, &old.commitment()));
        assert!(
            matches!(opened, Ok(Err(ref error)) if *error == false_link),
            "byte {at}"
        );
    }
}

#[test]
fn metadata_opens_under_its_epoch_only() {
    let blob = seal_metadata(&secret(0), b"title", &mut TestRng(1)).unwrap();
    assert_eq!(blob.len(), 24 + 5 + 16);
    assert_eq!(open_metadata(&secret(0), &blob).unwrap(), b"title");
    assert!(open_metadata(&secret(1), &blob).is_err());
    for at in 0..blob.len() {
        let mut bad = blob.clone();
        bad[at] ^= 1;
        assert!(open_metadata(&secret(0), &bad).is_err());
        assert!(open_metadata(&secret(0), &blob[..at]).is_err());
    }
    let empty = seal_metadata(&secret(0), b"", &mut TestRng(2)).unwrap();
    assert_eq!(open_metadata(&secret(0), &empty).unwrap(), b"");
}
