//! From a deed to a signed entry: with the protocol's own drafts where an
//! honest client would use them, by hand where somebody cheats.

use super::actions::Tamper;
use super::common::world::{link_ref, some_wraps};
use super::model::{Deed, Key, Party, Signer, To};
use super::stage::Stage;
use plico_protocol::chain::{Replay as _, sign_entry};
use plico_protocol::format::bodies::{
    EpochStart, Grant, RecipientKey, Removal, RemovalReason, RightsBits, SessionBody, SessionGrant,
    SessionRevoke, SessionRotate,
};
use plico_protocol::format::encode;
use plico_protocol::format::entry::{Author, Entry};
use plico_protocol::format::ids::{KeyId, Position, Recipient};
use plico_protocol::format::opaque::Opaque;
use plico_protocol::keyring::wraps::{Wrap, WrapTo, commit, seal_all};
use plico_protocol::keyring::{EpochContext, EpochSecret};
use plico_protocol::primitives::random::random_bytes;
use plico_protocol::rights::SessionState;
use plico_protocol::rights::draft::{self, Draft, Writer};
use plico_protocol::wire::upload::Upload;

impl Stage {
    pub fn recipient_key(&self, party: Party, key: Key) -> RecipientKey {
        let identity = self.identity(party);
        RecipientKey {
            recipient: Recipient::identity(identity.id()),
            generation: key.generation,
            key_id: identity.user_keys()[key.generation as usize].id,
            position: Position {
                seq: key.place,
                hash: identity.hash_at(key.place).expect("a place of its chain"),
            },
        }
    }

    pub fn grant(&self, to: &To) -> Grant {
        Grant {
            key: self.recipient_key(to.party, to.key),
            rights: RightsBits(to.rights),
            expires_ms: to.end,
        }
    }

    pub fn writer<'a>(&self, signer: &Signer, device: &'a super::stage::Device) -> Writer<'a> {
        let identity = self.identity(signer.party);
        Writer {
            author: Author {
                identity: identity.id(),
                key: device.secret.id(),
                position: Position {
                    seq: signer.place,
                    hash: identity
                        .hash_at(signer.place)
                        .expect("a place of its chain"),
                },
            },
            key: &device.secret.signing,
            now_ms: signer.claimed,
        }
    }

    /// The entry that does `deed`. `secrets` are those of all epochs: liars are
    /// given what they would need, so that nothing but the rules stops them.
    pub fn draft(
        &mut self,
        signer: &Signer,
        deed: &Deed,
        honest: bool,
        state: &SessionState,
        secrets: &[EpochSecret],
    ) -> Draft {
        let mut rng = self.rng();
        let device = self.parties[signer.party].devices[signer.device].clone();
        let writer = self.writer(signer, &device);
        let chosen = |epochs: &[u32]| -> Vec<&EpochSecret> {
            epochs.iter().map(|it| &secrets[*it as usize]).collect()
        };
        match deed {
            Deed::Grant {
                to,
                epochs,
                false_for,
            } => {
                let grants = to.iter().map(|to| self.grant(to)).collect();
                let secrets = chosen(epochs);
                let mut draft =
                    draft::grant(&writer, state, grants, &secrets, &self.known, &mut rng).unwrap();
                if !false_for.is_empty() {
                    self.spoil(&mut draft.wraps, false_for, &mut rng);
                    let body = SessionBody::Grant(SessionGrant {
                        grants: to.iter().map(|to| self.grant(to)).collect(),
                        epochs: epochs.clone(),
                        wraps: commit(&draft.wraps).unwrap(),
                    });
                    draft.entry = writer.plain(state, &body).entry;
                }
                draft
            }
            Deed::Revoke { whom, cascade } => {
                let recipients = whom.iter().map(|it| self.parties[*it].recipient());
                let body = SessionBody::Revoke(SessionRevoke {
                    recipients: recipients.collect(),
                    cascade: u8::from(*cascade),
                });
                writer.plain(state, &body)
            }
            Deed::Rotate { links, .. } if honest => {
                let earlier = chosen(links);
                draft::rotate(&writer, state, &earlier, &self.known, &mut rng).unwrap()
            }
            Deed::Rotate { .. } => self.crooked_rotation(&writer, deed, state, secrets, &mut rng),
            Deed::Transfer {
                to,
                key,
                remaining,
                epochs,
            } => {
                let to = self.recipient_key(*to, *key);
                let secrets = chosen(epochs);
                let known = &self.known;
                draft::transfer(&writer, state, to, *remaining, &secrets, known, &mut rng).unwrap()
            }
            Deed::Metadata { epoch } => {
                let secret = &secrets[*epoch as usize];
                draft::set_metadata(&writer, state, secret, b"a name", &mut rng).unwrap()
            }
            Deed::End => writer.plain(state, &SessionBody::Tombstone),
        }
    }

    fn wrap_to(&self, key: &RecipientKey) -> WrapTo {
        let identity = self.identity(self.party_of(&key.recipient));
        let user_key = &identity.user_keys()[key.generation as usize];
        WrapTo {
            recipient: key.recipient,
            generation: key.generation,
            key_id: key.key_id,
            key: user_key.record.kem_key().unwrap(),
        }
    }

    /// Makes the wraps for some parties ones that do not open, in two ways.
    fn spoil(&self, wraps: &mut [Wrap], false_for: &[Party], rng: &mut super::common::TestRng) {
        for (number, wrap) in wraps.iter_mut().enumerate() {
            let party = self.party_of(&wrap.info.recipient);
            if !false_for.contains(&party) {
                continue;
            }
            if number % 2 == 0 {
                wrap.sealed[1_150] ^= 1;
            } else {
                let user_key = &self.identity(party).user_keys()[wrap.info.generation as usize];
                let other: [u8; 32] = random_bytes(rng);
                let key = user_key.record.kem_key().unwrap();
                wrap.sealed = key.seal(&encode(&wrap.info), &other, rng).unwrap();
            }
        }
    }

    fn crooked_rotation(
        &self,
        writer: &Writer<'_>,
        deed: &Deed,
        state: &SessionState,
        secrets: &[EpochSecret],
        rng: &mut super::common::TestRng,
    ) -> Draft {
        let Deed::Rotate {
            epoch,
            links,
            updates,
            removals,
            left_out,
            slipped_in,
            false_for,
            false_links,
        } = deed
        else {
            unreachable!("only rotations come here")
        };
        let context = EpochContext {
            tenant_id: state.tenant_id(),
            chain_id: state.id(),
            epoch: *epoch,
        };
        let secret = EpochSecret::generate(context, rng);
        let updates = updates
            .iter()
            .map(|(it, key)| self.recipient_key(*it, *key));
        let updates: Vec<RecipientKey> = updates.collect();
        let mut to: Vec<RecipientKey> = Vec::new();
        for (recipient, member) in state.members() {
            let party = self.party_of(recipient);
            if !removals.contains(&party) && *left_out != Some(party) {
                let newer = updates.iter().find(|it| it.recipient == *recipient);
                to.push(newer.copied().unwrap_or(member.key));
            }
        }
        if let Some(party) = slipped_in {
            let key = draft::recipient_key(self.identity(*party));
            to.retain(|it| it.recipient != key.recipient);
            to.push(key);
        }
        to.sort_by_key(|it| it.recipient);
        let to: Vec<WrapTo> = to.iter().map(|it| self.wrap_to(it)).collect();
        let author = &writer.author;
        let mut wraps = seal_all(&[&secret], author, &to, rng).unwrap();
        self.spoil(&mut wraps, false_for, rng);
        let back_links: Vec<_> = links
            .iter()
            .map(|target| {
                let true_one = &secrets[*target as usize];
                if *false_links {
                    secret.seal_back_link(&EpochSecret::generate(*true_one.context(), rng))
                } else {
                    secret.seal_back_link(true_one)
                }
            })
            .collect();
        let removals = removals.iter().map(|party| Removal {
            recipient: self.parties[*party].recipient(),
            reason: RemovalReason::Expired,
        });
        let body = SessionBody::Rotate(SessionRotate {
            epoch: EpochStart {
                epoch: *epoch,
                commitment: secret.commitment(),
                back_links: back_links.iter().map(link_ref).collect(),
                wraps: commit(&wraps).unwrap_or(some_wraps(0)),
            },
            updates,
            removals: removals.collect(),
        });
        Draft {
            wraps,
            back_links,
            secret: Some(secret),
            ..writer.plain(state, &body)
        }
    }

    /// Changes what is on its way.
    pub fn tamper(&self, upload: &mut Upload, signer: &Signer, how: Tamper) {
        let device = &self.parties[signer.party].devices[signer.device];
        let other = &self.parties[(signer.party + 1) % self.parties.len()];
        let again = |upload: &mut Upload, change: &dyn Fn(&mut Entry)| {
            let mut entry = upload.entry.entry.clone();
            change(&mut entry);
            upload.entry = sign_entry(entry, &device.secret.signing);
        };
        let many = upload.wraps.len();
        match how {
            Tamper::Signature => {
                let mut signature = upload.entry.signature.as_slice().to_vec();
                signature[7] ^= 4;
                upload.entry.signature = Opaque::new(signature);
            }
            Tamper::OtherSigner => {
                let entry = upload.entry.entry.clone();
                upload.entry = sign_entry(entry, &other.devices[0].secret.signing);
            }
            Tamper::OtherAuthor => again(upload, &|it| it.author.identity = other.id),
            Tamper::OtherPlace => again(upload, &|it| it.author.position.hash.0[3] ^= 1),
            Tamper::Skipped => again(upload, &|it| it.seq += 1),
            Tamper::NotAfter => again(upload, &|it| it.prev.0[30] ^= 1),
            Tamper::OtherTime => upload.entry.entry.claimed_ms += 1,
            Tamper::DropWrap if many > 0 => {
                upload.wraps.pop();
            }
            Tamper::SwapWraps if many > 1 => {
                let (first, rest) = upload.wraps.split_at_mut(1);
                std::mem::swap(&mut first[0].sealed, &mut rest[0].sealed);
            }
            Tamper::FlipWrap | Tamper::SwapWraps if many > 0 => upload.wraps[0].sealed[99] ^= 1,
            Tamper::OtherRecipient if many > 0 => {
                upload.wraps[0].recipient = Recipient::identity(other.id);
                upload.wraps[0].key_id = KeyId([1; 32]);
            }
            Tamper::DropLink if !upload.back_links.is_empty() => {
                upload.back_links.pop();
            }
            Tamper::FlipLink if !upload.back_links.is_empty() => {
                upload.back_links[0].ciphertext[40] ^= 1;
            }
            _ => {
                let blob = upload.metadata.get_or_insert_default();
                blob.push(1);
            }
        }
    }

    /// Whether a change shows in replay, too, and not only to the directory.
    pub fn shows_in_replay(how: Tamper) -> bool {
        use Tamper::*;
        matches!(
            how,
            Signature | OtherSigner | OtherAuthor | OtherPlace | Skipped | NotAfter | OtherTime
        )
    }

    /// The head of a chain, for the model's numbers to be compared with.
    pub fn head(&self, party: Party) -> u64 {
        self.identity(party).tip().head.seq
    }
}
