//! Who answers for whom: the line of grants, which a cascade follows and which
//! must lead to somebody who stays.

use super::state::SessionState;
use crate::format::ids::Recipient;
use std::collections::{BTreeMap, BTreeSet};

/// Who granted to whom.
pub(super) type Line = BTreeMap<Recipient, Recipient>;

impl SessionState {
    /// Everybody whose line of grants leads to one of `targets`.
    pub(super) fn granted_below(&self, targets: &[Recipient]) -> BTreeSet<Recipient> {
        let mut fallen: BTreeSet<Recipient> = targets.iter().copied().collect();
        loop {
            let more: Vec<Recipient> = self
                .members
                .iter()
                .filter(|(recipient, member)| {
                    let parent = member.granted_by;
                    !fallen.contains(recipient) && parent != **recipient && fallen.contains(&parent)
                })
                .map(|(recipient, _)| *recipient)
                .collect();
            if more.is_empty() {
                break;
            }
            fallen.extend(more);
        }
        fallen.retain(|recipient| !targets.contains(recipient));
        fallen
    }

    /// Who granted to whom, at this moment.
    pub(super) fn line_of_grants(&self) -> Line {
        self.members
            .iter()
            .map(|(recipient, member)| (*recipient, member.granted_by))
            .collect()
    }

    /// Gives the grants of those who are `gone` to somebody who stays, so that
    /// a later cascade has where to begin: to `answering`, unless that would
    /// put it below itself; else to the nearest one above, by the `line` as it
    /// was before; else to the first owner.
    pub(super) fn reparent(
        &mut self,
        line: &Line,
        gone: &[Recipient],
        answering: Option<Recipient>,
    ) {
        let orphans: Vec<(Recipient, Recipient)> = self
            .members
            .iter()
            .filter(|(_, member)| gone.contains(&member.granted_by))
            .map(|(recipient, member)| (*recipient, member.granted_by))
            .collect();
        let first_owner = self.members.iter().find(|(_, it)| it.is_owner());
        let first_owner = first_owner.map(|(recipient, _)| *recipient);
        for (orphan, parent) in orphans {
            let above = answering.filter(|heir| {
                let stays = self.members.contains_key(heir);
                stays && *heir != orphan && !is_above(line, &orphan, *heir)
            });
            let heir = above
                .or_else(|| self.nearest_above(line, parent))
                .or(first_owner);
            if let (Some(member), Some(heir)) = (self.members.get_mut(&orphan), heir) {
                member.granted_by = heir;
            }
        }
    }

    /// The first one who stays in the line above `gone`.
    fn nearest_above(&self, line: &Line, gone: Recipient) -> Option<Recipient> {
        let mut current = gone;
        for _ in 0..=line.len() {
            current = *line.get(&current)?;
            if self.members.contains_key(&current) {
                return Some(current);
            }
        }
        None
    }
}

/// Whether `ancestor` is in the `line` above `of`.
pub(super) fn is_above(line: &Line, ancestor: &Recipient, of: Recipient) -> bool {
    let mut current = of;
    for _ in 0..=line.len() {
        match line.get(&current).copied() {
            Some(parent) if parent == *ancestor => return true,
            Some(parent) if parent != current => current = parent,
            _ => return false,
        }
    }
    false
}
