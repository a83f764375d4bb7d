//! What a session is called, until when it lasts, and who owns it.

use super::known::Known;
use super::rules::check_owner_has_no_end;
use super::state::{MAX_MEMBERS, Member, RemovalCause, RightsError, SessionState};
use crate::format::bodies::{
    RightsBits, SessionSetExpiry, SessionSetMetadata, SessionSetTag, SessionTransfer,
};
use crate::format::entry::Entry;

impl SessionState {
    pub(super) fn transfer(
        &mut self,
        entry: &Entry,
        author: &Member,
        body: &SessionTransfer,
        known: &dyn Known,
    ) -> Result<(), RightsError> {
        let me = author.key.recipient;
        let to = body.to.key.recipient;
        if !author.is_owner() || !body.to.rights.contains(RightsBits::OWNER) {
            return Err(RightsError::Owner);
        }
        if to == me {
            return Err(RightsError::Recipient);
        }
        check_owner_has_no_end(&body.to)?;
        let mut segments = self.granted_segments(author, &body.epochs, 1, &body.wraps)?;
        self.check_not_across(&body.to.key, known)?;
        self.check_key(&body.to, known)?;
        self.keep_what_it_had(&body.to.key, &mut segments);
        self.insert(&body.to, entry, me, segments);
        self.wraps.insert(entry.seq, (body.wraps, entry.author));
        // The new owner answers for itself, and for what the old one granted.
        if let Some(member) = self.members.get_mut(&to) {
            member.granted_by = to;
        }
        if body.remaining_rights == 0 {
            let line = self.line_of_grants();
            self.remove(entry, me, RemovalCause::Left);
            self.reparent(&line, &[me], Some(to));
        } else if let Some(member) = self.members.get_mut(&me) {
            member.rights = RightsBits(body.remaining_rights);
            if !member.is_owner() {
                member.granted_by = to;
            }
        }
        if self.members.len() > MAX_MEMBERS {
            return Err(RightsError::TooMany);
        }
        Ok(())
    }

    pub(super) fn set_metadata(
        &mut self,
        author: &Member,
        body: SessionSetMetadata,
    ) -> Result<(), RightsError> {
        check_may_name(author)?;
        if body.epoch != self.current_epoch() {
            return Err(RightsError::Epoch);
        }
        self.metadata = Some(body);
        Ok(())
    }

    pub(super) fn set_tag(
        &mut self,
        author: &Member,
        body: SessionSetTag,
    ) -> Result<(), RightsError> {
        check_may_name(author)?;
        self.tag = Some(body.tag_hash).filter(|it| *it != [0; 32]);
        Ok(())
    }

    pub(super) fn set_expiry(
        &mut self,
        author: &Member,
        body: SessionSetExpiry,
    ) -> Result<(), RightsError> {
        if !author.is_owner() {
            return Err(RightsError::Owner);
        }
        self.expiry = body;
        Ok(())
    }

    /// An entry like any other is use; this one is for when there is none.
    pub(super) fn in_use(&self) -> Result<(), RightsError> {
        if self.expiry.idle_ms == 0 {
            return Err(RightsError::NotAllowed);
        }
        Ok(())
    }
}

/// Owners and managers name things.
fn check_may_name(author: &Member) -> Result<(), RightsError> {
    let both = RightsBits::FORWARD | RightsBits::REVOKE;
    if author.rights.contains(both) {
        Ok(())
    } else {
        Err(RightsError::NotAllowed)
    }
}
