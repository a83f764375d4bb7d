//! What is known of a session at one point of its log.

use super::identities::chain_error;
use super::stored::StoredSent;
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::format::bodies::TagOpening;
use plico_protocol::format::codec::decode;
use plico_protocol::format::ids::{EntryHash, Kind, Recipient};
use plico_protocol::format::wrap::BackLink;
use plico_protocol::keyring::{EpochSecret, back_link_hash};
use plico_protocol::rights::{RightsError, SessionState, Withdrawn};
use plico_protocol::wire::rest::{RecipientName, SessionAnswer};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A session at one point of its log. Secrets are wiped with the last clone.
#[derive(Clone)]
pub(crate) struct View {
    pub state: Arc<SessionState>,
    /// Every entry's hash: what a pin is compared with.
    pub hashes: HashMap<u64, EntryHash>,
    pub refreshed_ms: u64,
    pub secrets: BTreeMap<u32, EpochSecret>,
    /// Epochs whose wrap the log commits to, but which does not open.
    pub false_wraps: BTreeSet<u32>,
    pub back_links: BTreeMap<(u32, u32), BackLink>,
    pub metadata: Option<Vec<u8>>,
    /// Not kept in the store: asked for when it is wanted.
    pub tag: Option<TagOpening>,
    /// By the directory's word, since it was asked last.
    pub withdrawn: Withdrawn,
    /// What this account appended, kept to hand it back to a restored directory.
    pub sent: Vec<StoredSent>,
}

pub(crate) fn rights_error(error: &RightsError, known: bool) -> Error {
    let code = match error {
        RightsError::Chain(error) => return chain_error(error, known),
        RightsError::NotAllowed | RightsError::Owner => ErrorCode::RightsViolation,
        RightsError::ExceedsGrantor => ErrorCode::GrantExceedsGrantor,
        RightsError::Position => ErrorCode::HistoryForked,
        _ => ErrorCode::HistoryInvalid,
    };
    Error::new(code).with_detail(error.to_string())
}

impl View {
    /// A view without any secret yet.
    pub fn new(state: SessionState, hashes: HashMap<u64, EntryHash>, refreshed_ms: u64) -> Self {
        Self {
            state: Arc::new(state),
            hashes,
            refreshed_ms,
            secrets: BTreeMap::new(),
            false_wraps: BTreeSet::new(),
            back_links: BTreeMap::new(),
            metadata: None,
            tag: None,
            withdrawn: Withdrawn::Unknown,
            sent: Vec::new(),
        }
    }

    /// How many entries the log has.
    pub fn length(&self) -> u64 {
        self.state.tip().head.seq + 1
    }

    /// The secret of `epoch`: unwrapped, or opened through back-links.
    pub fn secret(&self, epoch: u32) -> Result<EpochSecret> {
        let wanted = self
            .state
            .epoch(epoch)
            .ok_or(ErrorCode::SessionBehindEnvelope)?;
        if let Some(secret) = self.secrets.get(&epoch) {
            return Ok(secret.clone());
        }
        // Downwards from what is known; a false link is stepped over if another leads on.
        let mut open = self.secrets.clone();
        let mut found_false = false;
        for (&(from, target), link) in self.back_links.iter().rev() {
            if target < epoch || open.contains_key(&target) {
                continue;
            }
            let (Some(secret), Some(earlier)) = (open.get(&from), self.state.epoch(target)) else {
                continue;
            };
            match secret.open_back_link(link, &earlier.commitment) {
                Ok(secret) => {
                    open.insert(target, secret);
                }
                Err(_) => found_false = true,
            }
        }
        open.remove(&epoch).ok_or_else(|| {
            let newest = self.state.newest_epoch_of(wanted.segment);
            let code = if found_false {
                ErrorCode::BackLinkFalse
            } else if newest.is_some_and(|newest| self.false_wraps.contains(&newest)) {
                ErrorCode::WrapFalse
            } else {
                ErrorCode::EpochUnavailable
            };
            code.into()
        })
    }

    /// The blob, if it is the one that the log commits to.
    pub fn checked_metadata(&self, answer: &SessionAnswer) -> Result<Option<Vec<u8>>> {
        let Some(blob) = &answer.metadata else {
            return Ok(None);
        };
        if self.is_metadata(&blob.0) {
            Ok(Some(blob.0.clone()))
        } else {
            Err(ErrorCode::AnswerMismatch.into())
        }
    }

    /// The tag's opening, if it is the one that the log commits to.
    pub fn checked_tag(&self, answer: &SessionAnswer) -> Result<Option<TagOpening>> {
        let Some(opening) = &answer.tag else {
            return Ok(None);
        };
        let opening = TagOpening::from_bytes(&opening.0);
        let opening = opening.map_err(|_| ErrorCode::AnswerMismatch)?;
        if self.state.tag() == Some(opening.commitment()) {
            Ok(Some(opening))
        } else {
            Err(ErrorCode::AnswerMismatch.into())
        }
    }

    /// Whom the operator has withdrawn, by the directory's unsigned word.
    pub fn withdrawn_of(answer: &SessionAnswer) -> Result<Withdrawn> {
        let of = |name: &RecipientName| {
            let kind = Kind::from_u8(name.kind).ok_or(ErrorCode::NeedsNewerClient)?;
            Ok(Recipient {
                kind,
                id: name.id.0,
            })
        };
        let all: Result<BTreeSet<Recipient>> = answer.withdrawn.iter().map(of).collect();
        Ok(Withdrawn::Exactly(all?))
    }

    /// Recipients whom the operator has withdrawn, by the directory's word, or
    /// whom the log says to be suspended if it has none.
    pub fn withdrawn_members(&self) -> BTreeSet<Recipient> {
        let members = self.state.members();
        let out = members.filter(|(it, member)| self.withdrawn.leaves_out(it, member));
        out.map(|(it, _)| *it).collect()
    }

    pub fn is_metadata(&self, blob: &[u8]) -> bool {
        let hash = plico_protocol::primitives::hash::ref_hash("metadata", blob);
        self.state
            .metadata()
            .is_some_and(|metadata| metadata.blob_hash == hash)
    }

    /// Keeps a back-link if the log names it.
    ///
    /// # Errors
    /// `BACK_LINK_INVALID` if it does not.
    pub fn keep_back_link(&mut self, bytes: &[u8]) -> Result<()> {
        let link: BackLink = decode("back-link", bytes).map_err(|_| ErrorCode::BackLinkInvalid)?;
        let hash = back_link_hash(&link);
        let named = self.state.epoch(link.epoch).is_some_and(|epoch| {
            epoch
                .back_links
                .iter()
                .any(|it| it.target == link.target && it.hash == hash)
        });
        if !named {
            return Err(ErrorCode::BackLinkInvalid.into());
        }
        self.back_links.insert((link.epoch, link.target), link);
        Ok(())
    }
}
