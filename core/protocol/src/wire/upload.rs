//! Uploads, from JSON bodies to types and back.

use super::b64::{B64, B64x32};
use super::limits::{MAX_BATCH, MAX_HAND_BACK, MAX_METADATA, MAX_PART_WRAPS, MAX_PARTS};
use super::rest::{EntryUpload, WrapUpload};
use crate::format::bodies::{MAX_EPOCHS_PER_GRANT, MAX_RECIPIENTS_PER_ENTRY, TagOpening};
use crate::format::codec::{FormatError, decode, encode};
use crate::format::entry::SignedEntry;
use crate::format::ids::{KeyId, Kind, Recipient};
use crate::format::wrap::{BackLink, MAX_BACK_LINKS, WRAP_LEN};
use crate::identity::devices::IdentityDraft;
use crate::keyring::wraps::Wrap;
use crate::rights::draft::Draft;

/// A wrap, as uploaded.
#[derive(Clone, Debug)]
pub struct UploadedWrap {
    /// For whom.
    pub recipient: Recipient,
    /// The epoch whose secret it is.
    pub epoch: u32,
    /// The generation of the recipient's key.
    pub generation: u32,
    /// The id of that key.
    pub key_id: KeyId,
    /// 1,168 bytes.
    pub sealed: Vec<u8>,
}

/// An entry with what it commits to, as uploaded.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The entry.
    pub entry: SignedEntry,
    /// Its wraps.
    pub wraps: Vec<UploadedWrap>,
    /// How many parts its wraps are staged in; 0: they are all in `wraps`.
    pub staged_parts: u16,
    /// Its back-links.
    pub back_links: Vec<BackLink>,
    /// Its metadata blob.
    pub metadata: Option<Vec<u8>>,
    /// The opening of its tag.
    pub tag: Option<TagOpening>,
}

impl Upload {
    /// Decodes an upload, with all bounds.
    pub fn from_rest(upload: &EntryUpload) -> Result<Self, FormatError> {
        let at_most = MAX_RECIPIENTS_PER_ENTRY * MAX_EPOCHS_PER_GRANT;
        if upload.wraps.len() > at_most || upload.back_links.len() > MAX_BACK_LINKS {
            return Err(FormatError::TooLarge("upload"));
        }
        if usize::from(upload.staged_parts) > MAX_PARTS {
            return Err(FormatError::TooLarge("staged parts"));
        }
        if upload.staged_parts > 0 && !upload.wraps.is_empty() {
            return Err(FormatError::Malformed("staged parts"));
        }
        if upload
            .metadata
            .as_ref()
            .is_some_and(|blob| blob.0.len() > MAX_METADATA)
        {
            return Err(FormatError::TooLarge("metadata"));
        }
        Ok(Self {
            entry: SignedEntry::from_bytes(&upload.entry.0)?,
            wraps: upload
                .wraps
                .iter()
                .map(UploadedWrap::from_rest)
                .collect::<Result<_, _>>()?,
            staged_parts: upload.staged_parts,
            back_links: upload
                .back_links
                .iter()
                .map(|link| decode("back-link", &link.0))
                .collect::<Result<_, _>>()?,
            metadata: upload.metadata.as_ref().map(|blob| blob.0.clone()),
            tag: upload
                .tag
                .as_ref()
                .map(|opening| TagOpening::from_bytes(&opening.0))
                .transpose()?,
        })
    }

    /// Takes the wraps that were staged in parts, in the order of the parts.
    pub fn take_staged(&mut self, wraps: Vec<UploadedWrap>) {
        self.wraps = wraps;
        self.staged_parts = 0;
    }

    /// Decodes an append's entries, at most [`MAX_BATCH`].
    pub fn batch(uploads: &[EntryUpload]) -> Result<Vec<Self>, FormatError> {
        Self::at_most(MAX_BATCH, uploads)
    }

    /// Decodes entries that are handed back, at most [`MAX_HAND_BACK`].
    pub fn hand_back(uploads: &[EntryUpload]) -> Result<Vec<Self>, FormatError> {
        if uploads.iter().any(|upload| upload.staged_parts > 0) {
            return Err(FormatError::Malformed("staged parts"));
        }
        Self::at_most(MAX_HAND_BACK, uploads)
    }

    fn at_most(bound: usize, uploads: &[EntryUpload]) -> Result<Vec<Self>, FormatError> {
        if uploads.is_empty() {
            return Err(FormatError::Malformed("batch"));
        }
        if uploads.len() > bound {
            return Err(FormatError::TooLarge("batch"));
        }
        uploads.iter().map(Self::from_rest).collect()
    }
}

impl UploadedWrap {
    /// Decodes a staged part, of 1 to [`MAX_PART_WRAPS`].
    pub fn part(wraps: &[WrapUpload]) -> Result<Vec<Self>, FormatError> {
        if wraps.is_empty() {
            return Err(FormatError::Malformed("staged part"));
        }
        if wraps.len() > MAX_PART_WRAPS {
            return Err(FormatError::TooLarge("staged part"));
        }
        wraps.iter().map(Self::from_rest).collect()
    }

    fn from_rest(wrap: &WrapUpload) -> Result<Self, FormatError> {
        if wrap.sealed.0.len() != WRAP_LEN {
            return Err(FormatError::Malformed("wrap"));
        }
        let kind = Kind::from_u8(wrap.kind).ok_or(FormatError::NeedsNewerClient("wrap"))?;
        Ok(Self {
            recipient: Recipient {
                kind,
                id: wrap.id.0,
            },
            epoch: wrap.epoch,
            generation: wrap.generation,
            key_id: KeyId(wrap.key_id.0),
            sealed: wrap.sealed.0.clone(),
        })
    }
}

/// A wrap for sending.
#[must_use]
pub fn wrap_to_rest(wrap: &Wrap) -> WrapUpload {
    WrapUpload {
        kind: wrap.info.recipient.kind.to_u8(),
        id: B64x32(wrap.info.recipient.id),
        epoch: wrap.info.epoch,
        generation: wrap.info.generation,
        key_id: B64x32(wrap.info.key_id.0),
        sealed: B64(wrap.sealed.clone()),
    }
}

/// An entry and its wraps for sending.
#[must_use]
pub fn entry_to_rest(entry: &SignedEntry, wraps: &[Wrap]) -> EntryUpload {
    EntryUpload {
        entry: B64(entry.to_bytes()),
        wraps: wraps.iter().map(wrap_to_rest).collect(),
        staged_parts: 0,
        back_links: Vec::new(),
        metadata: None,
        tag: None,
    }
}

fn links_to_rest(links: &[BackLink]) -> Vec<B64> {
    links.iter().map(|link| B64(encode(link))).collect()
}

/// A draft of an identity's own entry for sending.
#[must_use]
pub fn identity_draft_to_rest(draft: &IdentityDraft) -> EntryUpload {
    EntryUpload {
        back_links: links_to_rest(&draft.back_links),
        ..entry_to_rest(&draft.entry, &draft.wraps)
    }
}

/// A draft for sending.
#[must_use]
pub fn draft_to_rest(draft: &Draft) -> EntryUpload {
    EntryUpload {
        back_links: links_to_rest(&draft.back_links),
        metadata: draft.metadata.clone().map(B64),
        tag: draft.tag.as_ref().map(|it| B64(it.to_bytes())),
        ..entry_to_rest(&draft.entry, &draft.wraps)
    }
}
