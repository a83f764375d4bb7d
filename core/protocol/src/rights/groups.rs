//! What is a group's alone (docs/spec/group.md): its key, who was in it when,
//! and acting through it.

use super::known::Known;
use super::state::{Member, RightsError, SessionState};
use crate::chain::ChainError;
use crate::format::bodies::{MAX_STEPS, RecipientKey, Step};
use crate::format::entry::Entry;
use crate::format::ids::{ChainId, EntryHash, KeyId, Kind, Position, Recipient};
use crate::format::keys::KeyRecord;
use std::collections::BTreeMap;

/// Groups in groups, at most: the height of the greatest one.
pub const MAX_HEIGHT: u8 = 4;

/// A generation of a group's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupKey {
    /// The key's id.
    pub id: KeyId,
    /// The public key.
    pub record: KeyRecord,
}

impl GroupKey {
    pub(super) fn new(record: KeyRecord) -> Self {
        Self {
            id: record.id(),
            record,
        }
    }
}

/// From when to when somebody was a member, on which terms.
#[derive(Clone, Debug)]
struct Span {
    from: u64,
    /// The first entry after which it was not any more, or on other terms.
    to: Option<u64>,
    expires_ms: u64,
    /// It stays a member, for nesting, but may do nothing.
    suspended: bool,
    /// The place of its own chain that was recorded.
    position: Position,
}

/// What a group's state has and a session's has not.
#[derive(Clone, Debug)]
pub(super) struct GroupPart {
    /// Whether new members open what came before.
    pub history: bool,
    pub height: u8,
    /// Whether the newest segment has just begun, and nobody but new members came since.
    pub fresh_segment: bool,
    /// Whose terms this entry has changed.
    pub touched: Vec<Recipient>,
    hashes: Vec<EntryHash>,
    /// The height after each entry.
    heights: Vec<u8>,
    spans: BTreeMap<Recipient, Vec<Span>>,
}

impl GroupPart {
    pub fn new(history: bool) -> Self {
        Self {
            history,
            height: 1,
            fresh_segment: true,
            touched: Vec::new(),
            hashes: Vec::new(),
            heights: Vec::new(),
            spans: BTreeMap::new(),
        }
    }

    /// Notes how things stand after `entry`.
    pub fn note(&mut self, entry: &Entry, members: &BTreeMap<Recipient, Member>) {
        self.hashes.push(entry.hash());
        self.heights.push(self.height);
        for recipient in std::mem::take(&mut self.touched) {
            let spans = self.spans.entry(recipient).or_default();
            // One entry may touch somebody twice: a hand-over to a member.
            spans.retain(|it| it.from != entry.seq);
            if let Some(last) = spans.last_mut() {
                last.to.get_or_insert(entry.seq);
            }
            if let Some(member) = members.get(&recipient) {
                spans.push(Span {
                    from: entry.seq,
                    to: None,
                    expires_ms: member.expires_ms,
                    suspended: member.is_suspended(),
                    position: member.key.position,
                });
            }
        }
    }

    fn span_at(&self, recipient: &Recipient, seq: u64) -> Option<&Span> {
        let mut spans = self.spans.get(recipient)?.iter();
        spans.find(|it| it.from <= seq && it.to.is_none_or(|to| seq < to))
    }
}

impl SessionState {
    /// Notes that this entry changes on which terms `recipient` is here.
    pub(super) fn touch(&mut self, recipient: Recipient) {
        if let Some(group) = &mut self.group {
            group.touched.push(recipient);
        }
    }

    /// Whether this is a group's log.
    #[must_use]
    pub fn is_group(&self) -> bool {
        self.group.is_some()
    }

    /// Of a group: whether new members open what came before them.
    #[must_use]
    pub fn opens_history(&self) -> bool {
        self.group.as_ref().is_none_or(|it| it.history)
    }

    /// Of a group: 1, or more if groups are members of it.
    #[must_use]
    pub fn height(&self) -> u8 {
        self.group.as_ref().map_or(0, |it| it.height)
    }

    /// The same as it was at entry `seq`: what came later must not change how a
    /// log that names this place replays.
    fn height_at(&self, seq: u64) -> Option<u8> {
        let heights = &self.group.as_ref()?.heights;
        heights.get(usize::try_from(seq).ok()?).copied()
    }

    /// As what it stands in grants.
    #[must_use]
    pub fn as_recipient(&self) -> Recipient {
        Recipient::group(self.id())
    }

    /// Of a group: its newest key, and its head.
    #[must_use]
    pub fn group_key(&self) -> Option<RecipientKey> {
        let key = self.epochs.last()?.key.as_ref()?;
        Some(RecipientKey {
            recipient: self.as_recipient(),
            generation: self.current_epoch(),
            key_id: key.id,
            position: self.tip.head,
        })
    }

    /// Of a group: the hash of one of its entries.
    #[must_use]
    pub fn hash_at(&self, seq: u64) -> Option<EntryHash> {
        let hashes = &self.group.as_ref()?.hashes;
        hashes.get(usize::try_from(seq).ok()?).copied()
    }

    /// Of a group: whether `recipient` was a member at entry `seq`, and its
    /// membership had not ended at `ms`, nor was suspended.
    #[must_use]
    pub fn was_member(&self, recipient: &Recipient, seq: u64, ms: u64) -> bool {
        let span = self
            .group
            .as_ref()
            .and_then(|it| it.span_at(recipient, seq));
        span.is_some_and(|it| !it.suspended && (it.expires_ms == 0 || ms < it.expires_ms))
    }

    /// The generation that was newest at entry `seq`.
    pub(super) fn generation_at(&self, seq: u64) -> Option<(u32, &GroupKey)> {
        let end = self.epochs.partition_point(|epoch| epoch.seq <= seq);
        let generation = end.checked_sub(1)?;
        let key = self.epochs[generation].key.as_ref()?;
        Some((generation as u32, key))
    }

    /// Whether `wanted` is in this group at entry `seq`, by whatever path.
    fn contains(&self, wanted: ChainId, seq: u64, known: &dyn Known, depth: u8) -> bool {
        let Some(part) = self.group.as_ref().filter(|_| depth < MAX_HEIGHT) else {
            return false;
        };
        part.spans.keys().any(|recipient| {
            if recipient.kind != Kind::Group {
                return false;
            }
            let Some(span) = part.span_at(recipient, seq) else {
                return false;
            };
            recipient.chain() == wanted
                || known.group(&recipient.chain()).is_some_and(|inner| {
                    inner.contains(wanted, span.position.seq, known, depth + 1)
                })
        })
    }

    /// Checks a group's key as a recipient here.
    pub(super) fn check_group_key(
        &mut self,
        key: &RecipientKey,
        known: &dyn Known,
    ) -> Result<(), RightsError> {
        let group = self.resolve_group(key.recipient.chain(), &key.position, known)?;
        match group.generation_at(key.position.seq) {
            Some((generation, current))
                if generation == key.generation && current.id == key.key_id => {}
            _ => return Err(RightsError::RecipientKey),
        }
        Ok(())
    }

    /// Checks that a grant to a group makes no circle, and nests not too deep.
    /// Rotations are not checked: they must always be possible.
    pub(super) fn check_nesting(
        &mut self,
        key: &RecipientKey,
        known: &dyn Known,
    ) -> Result<(), RightsError> {
        let me = self.id();
        let Some(mine) = self.group.as_mut() else {
            return Ok(());
        };
        let group = known.group(&key.recipient.chain());
        let group = group.ok_or(RightsError::Position)?;
        if group.id() == me || group.contains(me, key.position.seq, known, 0) {
            return Err(RightsError::Circle);
        }
        let height = group.height_at(key.position.seq);
        let height = height.ok_or(RightsError::Position)?;
        mine.height = mine.height.max(height.saturating_add(1));
        if mine.height > MAX_HEIGHT {
            return Err(RightsError::TooDeep);
        }
        Ok(())
    }

    /// The group, if it is of this tenant and holds `position`, which is not
    /// before one named earlier.
    fn resolve_group<'a>(
        &mut self,
        id: ChainId,
        position: &Position,
        known: &'a dyn Known,
    ) -> Result<&'a SessionState, RightsError> {
        let group = known.group(&id).ok_or(RightsError::Position)?;
        if group.tenant_id() != self.tenant_id() || !group.is_group() {
            return Err(ChainError::OtherChain.into());
        }
        if group.hash_at(position.seq) != Some(position.hash) {
            return Err(RightsError::Position);
        }
        super::replay::not_backwards(&mut self.positions, id, position)?;
        Ok(group)
    }

    /// Checks that the author is in the last group of `path`, each of which is
    /// in the one before it; gives the first, which is a recipient here.
    pub(super) fn check_path(
        &mut self,
        entry: &Entry,
        path: &[Step],
        known: &dyn Known,
    ) -> Result<Recipient, RightsError> {
        let first = path.first().ok_or(RightsError::NotAllowed)?;
        if path.len() > MAX_STEPS {
            return Err(RightsError::TooDeep);
        }
        for (at, step) in path.iter().enumerate() {
            let group = self.resolve_group(step.group, &step.position, known)?;
            let next = path.get(at + 1).map_or_else(
                || Recipient::identity(entry.author.identity),
                |next| Recipient::group(next.group),
            );
            if !group.was_member(&next, step.position.seq, entry.claimed_ms) {
                return Err(RightsError::NotAllowed);
            }
        }
        Ok(Recipient::group(first.group))
    }

    /// Whether an update takes a group's key across the beginning of a segment,
    /// before which its newest members must not see.
    pub(super) fn crosses_segment(
        old: &RecipientKey,
        new: &RecipientKey,
        known: &dyn Known,
    ) -> bool {
        if new.recipient.kind != Kind::Group {
            return false;
        }
        let segment = |generation: u32| {
            let group = known.group(&new.recipient.chain())?;
            Some(group.epoch(generation)?.segment)
        };
        segment(old.generation) != segment(new.generation)
    }
}
