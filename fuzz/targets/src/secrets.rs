//! Wraps, back-links, metadata and proofs: nothing opens but what was sealed.

use crate::cut::Cut;
use crate::fixture::fixture;
use crate::formats::canonical;
use plico_protocol::format::wrap::{BackLink, WRAP_LEN};
use plico_protocol::keyring::merkle::{self, Hash};
use plico_protocol::keyring::open_metadata;
use plico_protocol::keyring::wraps::{Wrap, commit};

/// `which, wrap`: one of the fixture's wraps with other bytes.
pub fn wrap(data: &[u8]) {
    let mut cut = Cut(data);
    let world = fixture();
    let all: Vec<&Wrap> = world.drafts.iter().flat_map(|it| &it.wraps).collect();
    let true_one = all[usize::from(cut.byte()) % all.len()];
    let mut drafts = world.drafts.iter();
    let draft = drafts.find(|it| it.wraps.iter().any(|wrap| wrap == true_one));
    let together = &draft.expect("one of the fixture's").wraps;
    let index = together.iter().position(|it| it == true_one);
    let index = index.expect("is among them");
    let given = Wrap {
        info: true_one.info,
        sealed: cut.0.to_vec(),
    };
    let leaves: Vec<Hash> = together.iter().map(Wrap::leaf_hash).collect();
    let path = merkle::proof(&leaves, index).expect("is among them");
    let committed = commit(together).expect("is in order");
    let proven = given.check_proof(&committed, index as u32, &path);
    assert_eq!(proven.is_ok(), given.sealed == true_one.sealed);
    let mut to = world.people.iter();
    let to = to.find(|it| it.id.0 == true_one.info.recipient.id);
    let secrets = &to.expect("one of ours").secrets;
    let key = secrets[true_one.info.generation as usize].kem_key();
    let opened = given.open(&key);
    assert_eq!(opened.is_ok(), given.sealed == true_one.sealed);
    if let Ok(secret) = opened {
        assert_eq!(secret.commitment(), true_one.info.commitment);
        assert_eq!(given.sealed.len(), WRAP_LEN);
    }
}

/// Back-links; only the fixture's own opens, and only under its epoch.
pub fn back_link(data: &[u8]) {
    let Some(link) = canonical::<BackLink>(data) else {
        return;
    };
    let world = fixture();
    let mut links = world.drafts.iter().flat_map(|it| &it.back_links);
    let is_true = links.any(|it| *it == link);
    for secret in &world.secrets {
        for target in &world.secrets {
            let opened = secret.open_back_link(&link, &target.commitment());
            let right =
                secret.context().epoch == link.epoch && target.context().epoch == link.target;
            assert_eq!(opened.is_ok(), is_true && right);
            if let Ok(opened) = opened {
                assert_eq!(opened, *target);
            }
        }
    }
}

/// Metadata blobs.
pub fn metadata(data: &[u8]) {
    let world = fixture();
    let mut blobs = world.drafts.iter().filter_map(|it| it.metadata.as_deref());
    let is_true = blobs.any(|it| it == data);
    for (epoch, secret) in world.secrets.iter().enumerate() {
        let opened = open_metadata(secret, data);
        assert_eq!(opened.is_ok(), is_true && epoch == 2);
        if let Ok(plaintext) = opened {
            assert_eq!(plaintext.len() + 40, data.len());
        }
    }
}

/// `leaves, index, count, path`: a path proves a leaf at its place, or nothing.
pub fn merkle(data: &[u8]) {
    let mut cut = Cut(data);
    let many = u32::from(cut.byte() % 70) + 1;
    let leaves: Vec<Hash> = (0..many)
        .map(|it| merkle::leaf_hash(&[&it.to_be_bytes()]))
        .collect();
    let root = merkle::root(&leaves);
    let (index, count) = (u32::from(cut.byte()), u32::from(cut.byte()));
    let leaf = leaves[index as usize % leaves.len()];
    let mut path: Vec<Hash> = Vec::new();
    if cut.byte() % 2 == 0 {
        // A true path, with a change of one bit or of its length.
        path = merkle::proof(&leaves, index as usize).unwrap_or_default();
        let place = cut.number() as usize;
        if let Some(hash) = path.get_mut(place / 256) {
            hash[place % 32] ^= cut.byte();
        }
    }
    for chunk in cut.0.chunks_exact(32).take(80) {
        path.push(chunk.try_into().expect("32 bytes"));
    }
    let proven = merkle::root_from_proof(leaf, index, count, &path);
    if proven.is_some() {
        assert!(index < count && path.len() <= 32);
    }
    // In a tree of another size the same hashes may mean another place; the
    // count is signed.
    if proven == root && count == many {
        assert_eq!(merkle::proof(&leaves, index as usize).as_ref(), Some(&path));
    }
    if let Some(path) = merkle::proof(&leaves, index as usize) {
        assert_eq!(merkle::root_from_proof(leaf, index, many, &path), root);
    }
}
