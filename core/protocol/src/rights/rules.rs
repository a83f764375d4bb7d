//! One function for each type of entry: what it demands and what it changes.

use super::groups::{GroupKey, GroupPart};
use super::known::Known;
use super::lineage::is_above;
use super::state::{
    Epoch, MAX_MEMBERS, MAX_SEGMENTS, Member, RemovalCause, RemovedMember, RightsError,
    SessionState,
};
use crate::chain::{ChainError, Tip};
use crate::format::bodies::{
    EpochStart, Grant, RecipientKey, RightsBits, SessionBody, SessionCreate, SessionGrant,
    SessionRevoke, SessionSetExpiry, WrapsRef,
};
use crate::format::entry::Entry;
use crate::format::ids::{ChainId, Kind, Recipient};
use crate::format::keys::{Authority, KeyRecord};
use std::collections::{BTreeMap, BTreeSet};

impl SessionState {
    pub(super) fn created(
        tip: Tip,
        entry: &Entry,
        body: SessionCreate,
        (key, group): (Option<KeyRecord>, Option<GroupPart>),
        positions: BTreeMap<ChainId, u64>,
        known: &dyn Known,
    ) -> Result<Self, RightsError> {
        let creator = entry.author.identity;
        if body.core.authority != Authority::Creator(creator) {
            return Err(ChainError::Author.into());
        }
        let mut state = Self {
            tip,
            core: body.core,
            members: BTreeMap::new(),
            removed: Vec::new(),
            epochs: Vec::new(),
            wraps: BTreeMap::new(),
            positions,
            metadata: None,
            tag: None,
            expiry: SessionSetExpiry::default(),
            active_ms: entry.claimed_ms,
            someone_left: false,
            ended: false,
            group,
        };
        for grant in &body.grants {
            state.check_key(grant, known)?;
            check_owner_has_no_end(grant)?;
            state.insert(grant, entry, Recipient::identity(creator), BTreeSet::new());
        }
        let is_owner = state
            .members
            .get(&Recipient::identity(creator))
            .is_some_and(Member::is_owner);
        if !is_owner {
            return Err(RightsError::Owner);
        }
        if body.epoch.epoch != 0 || !body.epoch.back_links.is_empty() {
            return Err(RightsError::Epoch);
        }
        state.begin_epoch(entry, body.epoch, 0, key)?;
        Ok(state)
    }

    pub(super) fn apply_body(
        &mut self,
        entry: &Entry,
        body: SessionBody,
        known: &dyn Known,
    ) -> Result<(), RightsError> {
        let (acting, body) = match body {
            SessionBody::Through(through) => {
                let acting = self.check_path(entry, &through.path, known)?;
                (acting, through.body)
            }
            body => (Recipient::identity(entry.author.identity), body),
        };
        let author = self.acting(entry, &acting)?;
        if let Some(group) = &mut self.group {
            group.fresh_segment &= matches!(body, SessionBody::Grant(_));
        }
        match (body, self.is_group()) {
            (SessionBody::Grant(body), _) => self.grant(entry, &author, &body, known),
            (SessionBody::Revoke(body), _) => self.revoke(entry, &author, &body),
            (SessionBody::Rotate(body), false) => self.rotate(entry, &author, body, None, known),
            (SessionBody::GroupRotate(body), true) => {
                self.rotate(entry, &author, body.rotate, Some(body.key), known)
            }
            (SessionBody::Transfer(body), _) => self.transfer(entry, &author, &body, known),
            (SessionBody::SetMetadata(body), _) => self.set_metadata(&author, body),
            (SessionBody::SetTag(body), _) => self.set_tag(&author, body),
            (SessionBody::SetExpiry(body), false) => self.set_expiry(&author, body),
            (SessionBody::InUse, false) => self.in_use(),
            (SessionBody::Tombstone, _) => {
                if !author.is_owner() {
                    return Err(RightsError::Owner);
                }
                self.ended = true;
                Ok(())
            }
            // Entry 0 in the middle, a group's entry in a session, or the reverse.
            _ => Err(ChainError::Sequence.into()),
        }
    }

    pub(super) fn check_key(
        &mut self,
        grant: &Grant,
        known: &dyn Known,
    ) -> Result<(), RightsError> {
        self.check_recipient_key(&grant.key, known)?;
        if grant.key.recipient.kind != Kind::Group {
            return Ok(());
        }
        // A group that was deleted is nobody.
        let group = known.group(&grant.key.recipient.chain());
        if group.is_some_and(|it| it.ended() && it.tip().head == grant.key.position) {
            return Err(RightsError::Recipient);
        }
        self.check_nesting(&grant.key, known)
    }

    pub(super) fn insert(
        &mut self,
        grant: &Grant,
        entry: &Entry,
        granted_by: Recipient,
        segments: BTreeSet<u32>,
    ) {
        let member = Member {
            key: grant.key,
            rights: grant.rights,
            expires_ms: grant.expires_ms,
            granted_by,
            signed_by: entry.author.identity,
            granted_seq: entry.seq,
            granted_ms: entry.claimed_ms,
            segments,
            suspended_seq: None,
        };
        self.members.insert(grant.key.recipient, member);
        self.touch(grant.key.recipient);
    }

    /// Begins an epoch for everybody who is a recipient now.
    pub(super) fn begin_epoch(
        &mut self,
        entry: &Entry,
        start: EpochStart,
        segment: u32,
        key: Option<KeyRecord>,
    ) -> Result<(), RightsError> {
        if self.members.len() > MAX_MEMBERS || segment >= MAX_SEGMENTS {
            return Err(RightsError::TooMany);
        }
        if start.wraps.count as usize != self.active().count() {
            return Err(RightsError::Epoch);
        }
        for member in self.members.values_mut() {
            if !member.is_suspended() {
                member.segments.insert(segment);
            }
        }
        self.wraps.insert(entry.seq, (start.wraps, entry.author));
        self.epochs.push(Epoch {
            commitment: start.commitment,
            segment,
            seq: entry.seq,
            back_links: start.back_links,
            key: key.map(GroupKey::new),
        });
        self.someone_left = false;
        Ok(())
    }

    fn grant(
        &mut self,
        entry: &Entry,
        author: &Member,
        body: &SessionGrant,
        known: &dyn Known,
    ) -> Result<(), RightsError> {
        if !author.rights.contains(RightsBits::FORWARD) {
            return Err(RightsError::NotAllowed);
        }
        let segments =
            self.granted_segments(author, &body.epochs, body.grants.len(), &body.wraps)?;
        for grant in &body.grants {
            self.check_grant(author, grant)?;
            self.check_history(grant, &body.epochs)?;
            self.check_not_across(&grant.key, known)?;
            self.check_key(grant, known)?;
            let mut all = segments.clone();
            self.keep_what_it_had(&grant.key, &mut all);
            self.insert(grant, entry, author.key.recipient, all);
        }
        if self.members.len() > MAX_MEMBERS {
            return Err(RightsError::TooMany);
        }
        self.wraps.insert(entry.seq, (body.wraps, entry.author));
        Ok(())
    }

    /// A grant to a group that has begun a segment since it was recorded would
    /// open to its newest members what came before: a rotation comes first.
    pub(super) fn check_not_across(
        &self,
        key: &RecipientKey,
        known: &dyn Known,
    ) -> Result<(), RightsError> {
        match self.members.get(&key.recipient) {
            Some(old) if Self::crosses_segment(&old.key, key, known) => Err(RightsError::Epoch),
            _ => Ok(()),
        }
    }

    /// Somebody who comes to a group "from now on" is given nothing that was
    /// used before.
    fn check_history(&self, grant: &Grant, epochs: &[u32]) -> Result<(), RightsError> {
        let Some(group) = self.group.as_ref().filter(|it| !it.history) else {
            return Ok(());
        };
        let is_new = !self.members.contains_key(&grant.key.recipient);
        if is_new && (epochs.len() != 1 || !group.fresh_segment) {
            return Err(RightsError::Epoch);
        }
        Ok(())
    }

    /// A grant to somebody who is a recipient already adds to what it may open.
    /// If its key has moved on, the old key still opens the current epoch: that
    /// epoch stays due, although the newer key is recorded from now on.
    pub(super) fn keep_what_it_had(&mut self, key: &RecipientKey, segments: &mut BTreeSet<u32>) {
        if let Some(old) = self.members.get(&key.recipient) {
            segments.extend(&old.segments);
            self.someone_left |= key.generation > old.key.generation;
        }
    }

    /// Checks the epochs that a grant carries wraps for; gives their segments.
    pub(super) fn granted_segments(
        &self,
        author: &Member,
        epochs: &[u32],
        grants: usize,
        wraps: &WrapsRef,
    ) -> Result<BTreeSet<u32>, RightsError> {
        if epochs.last() != Some(&self.current_epoch())
            || wraps.count as usize != grants * epochs.len()
        {
            return Err(RightsError::Epoch);
        }
        let mut segments = BTreeSet::new();
        for number in epochs {
            let segment = self.epoch(*number).ok_or(RightsError::Epoch)?.segment;
            if self.newest_epoch_of(segment) != Some(*number) {
                return Err(RightsError::Epoch);
            }
            if !author.segments.contains(&segment) {
                return Err(RightsError::ExceedsGrantor);
            }
            segments.insert(segment);
        }
        Ok(segments)
    }

    fn check_grant(&self, author: &Member, grant: &Grant) -> Result<(), RightsError> {
        let recipient = grant.key.recipient;
        if recipient == author.key.recipient {
            return Err(RightsError::Recipient);
        }
        if !author.rights.contains(grant.rights.0) || exceeds(grant.expires_ms, author.expires_ms) {
            return Err(RightsError::ExceedsGrantor);
        }
        check_owner_has_no_end(grant)?;
        let Some(old) = self.members.get(&recipient) else {
            return Ok(());
        };
        if old.is_owner() && !author.is_owner() {
            return Err(RightsError::Owner);
        }
        // A replacing grant that takes something away is a revocation in part.
        let takes_away =
            !grant.rights.contains(old.rights.0) || exceeds(old.expires_ms, grant.expires_ms);
        if takes_away && !author.rights.contains(RightsBits::REVOKE) {
            return Err(RightsError::NotAllowed);
        }
        // Whoever answers for the author's own rights can't come to depend on
        // the author: revoking with cascade would have no beginning.
        let depends = !author.is_owner()
            && is_above(&self.line_of_grants(), &recipient, author.key.recipient);
        if depends {
            return Err(RightsError::NotAllowed);
        }
        Ok(())
    }

    fn revoke(
        &mut self,
        entry: &Entry,
        author: &Member,
        body: &SessionRevoke,
    ) -> Result<(), RightsError> {
        let me = author.key.recipient;
        let may_revoke = author.rights.contains(RightsBits::REVOKE);
        let cascade = body.cascade == 1;
        for target in &body.recipients {
            let member = self.members.get(target).ok_or(RightsError::Recipient)?;
            if member.is_owner() && !author.is_owner() {
                return Err(RightsError::Owner);
            }
            // Leaving needs no right; but nobody leaves for a whole group.
            let leaves = *target == me && me == Recipient::identity(entry.author.identity);
            if !may_revoke && (!leaves || cascade) {
                return Err(RightsError::NotAllowed);
            }
        }
        let below = if cascade {
            self.granted_below(&body.recipients)
        } else {
            BTreeSet::new()
        };
        for fallen in &below {
            let is_owner = self.members.get(fallen).is_some_and(Member::is_owner);
            if *fallen == me || (is_owner && !author.is_owner()) {
                return Err(RightsError::Owner);
            }
        }
        let line = self.line_of_grants();
        let had_owner = self.owners() != 0;
        for target in &body.recipients {
            let cause = if *target == me {
                RemovalCause::Left
            } else {
                RemovalCause::Revoked
            };
            self.remove(entry, *target, cause);
        }
        for fallen in below {
            self.remove(entry, fallen, RemovalCause::Cascade);
        }
        if had_owner && self.owners() == 0 {
            return Err(RightsError::Owner);
        }
        self.reparent(&line, &body.recipients, Some(me));
        Ok(())
    }

    pub(super) fn remove(&mut self, entry: &Entry, recipient: Recipient, cause: RemovalCause) {
        self.members.remove(&recipient);
        self.touch(recipient);
        self.removed.push(RemovedMember {
            recipient,
            cause,
            by: entry.author.identity,
            seq: entry.seq,
            at_ms: entry.claimed_ms,
        });
        self.someone_left = true;
    }
}

/// Whether the end `wanted` lies after the end `limit` (0 = without end).
fn exceeds(wanted: u64, limit: u64) -> bool {
    limit != 0 && (wanted == 0 || wanted > limit)
}

/// An owner can't run out: a session must always have one.
pub(super) fn check_owner_has_no_end(grant: &Grant) -> Result<(), RightsError> {
    if grant.rights.contains(RightsBits::OWNER) && grant.expires_ms != 0 {
        return Err(RightsError::Owner);
    }
    Ok(())
}
