//! New epochs: who is left out, whose key has moved on, which segment it is in.

use super::known::Known;
use super::state::{Member, RemovalCause, RightsError, SessionState};
use crate::format::bodies::{EpochStart, RemovalReason, RightsBits, SessionRotate};
use crate::format::entry::Entry;
use crate::format::ids::Recipient;
use crate::format::keys::KeyRecord;

impl SessionState {
    pub(super) fn rotate(
        &mut self,
        entry: &Entry,
        author: &Member,
        body: SessionRotate,
        group_key: Option<KeyRecord>,
        known: &dyn Known,
    ) -> Result<(), RightsError> {
        let line = self.line_of_grants();
        let mut gone = Vec::new();
        for removal in &body.removals {
            match removal.reason {
                RemovalReason::Expired => {
                    let member = self.members.get(&removal.recipient);
                    let member = member.ok_or(RightsError::Recipient)?;
                    if !member.expired_at(entry.claimed_ms) {
                        return Err(RightsError::Epoch);
                    }
                    self.remove(entry, removal.recipient, RemovalCause::Expired);
                    gone.push(removal.recipient);
                }
                RemovalReason::Withdrawn => self.suspend(entry, author, removal.recipient)?,
            }
        }
        // Nobody whose time is over may be wrapped to.
        if self
            .members
            .values()
            .any(|member| member.expired_at(entry.claimed_ms))
        {
            return Err(RightsError::Epoch);
        }
        self.reparent(&line, &gone, None);
        let mut crosses = false;
        for key in &body.updates {
            let old = self
                .members
                .get(&key.recipient)
                .ok_or(RightsError::Recipient)?
                .key;
            if key.generation < old.generation {
                return Err(RightsError::RecipientKey);
            }
            self.check_recipient_key(key, known)?;
            crosses |= Self::crosses_segment(&old, key, known);
            if let Some(member) = self.members.get_mut(&key.recipient) {
                // Named here, whoever was suspended is so no longer.
                member.suspended_seq = None;
                member.key = *key;
            }
            self.touch(key.recipient);
        }
        let segment = self.segment_of(author, &body.epoch, crosses)?;
        if let Some(group) = &mut self.group {
            group.fresh_segment = body.epoch.back_links.is_empty();
        }
        self.begin_epoch(entry, body.epoch, segment, group_key)
    }

    /// The segment that an epoch is in. `crosses`: a group among the recipients
    /// has begun a segment, and its newest members must not see what was before.
    fn segment_of(
        &self,
        author: &Member,
        start: &EpochStart,
        crosses: bool,
    ) -> Result<u32, RightsError> {
        let current = self.current_segment();
        if start.epoch != self.current_epoch() + 1 {
            return Err(RightsError::Epoch);
        }
        if start.back_links.is_empty() {
            // Taking the past away from those who come later.
            if !crosses && !author.rights.contains(RightsBits::REVOKE) {
                return Err(RightsError::NotAllowed);
            }
            return Ok(current + 1);
        }
        if crosses {
            return Err(RightsError::Epoch);
        }
        let in_segment = |target: u32| self.epoch(target).is_some_and(|it| it.segment == current);
        if start.back_links.iter().all(|link| in_segment(link.target)) {
            Ok(current)
        } else {
            Err(RightsError::Epoch)
        }
    }

    /// Leaves somebody out whom the operator has withdrawn. It stays in the log,
    /// with all that it was granted, until it is revoked or taken in again.
    fn suspend(
        &mut self,
        entry: &Entry,
        author: &Member,
        recipient: Recipient,
    ) -> Result<(), RightsError> {
        let member = self.members.get_mut(&recipient);
        let member = member.ok_or(RightsError::Recipient)?;
        if member.is_suspended() || recipient == author.key.recipient {
            return Err(RightsError::Recipient);
        }
        member.suspended_seq = Some(entry.seq);
        self.touch(recipient);
        Ok(())
    }
}
