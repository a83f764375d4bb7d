//! Lies about the tenant's own chain: whom to believe.

use super::answer::Answer;
use super::liar::{Liar, bytes_of, flip, position_of};
use super::list::Lie;
use crate::error::Result;
use crate::testing::kit_error;
use plico_directory::random;
use plico_protocol::chain::{Replay as _, replay};
use plico_protocol::format::bodies::TenantBody;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::identity::TenantState;
use plico_protocol::identity::draft::{next_own_entry, prove_key};
use plico_protocol::primitives::sign::SigningKey;

pub(super) async fn tell(lie: Lie, liar: &Liar<'_>, answer: &mut Answer) -> Result<bool> {
    let Answer::Tenant(answer) = answer else {
        return Ok(false);
    };
    let mut entries = liar.entries(liar.tenant.id).await?;
    match lie {
        Lie::TenantSwapped => {
            let foreign = liar.foreign().await?;
            let theirs = liar.entries_of(foreign.id, foreign.id).await?;
            answer.entries = bytes_of(&theirs, answer.from);
            answer.head = liar.head(foreign, foreign.id, position_of(&theirs));
            return Ok(true);
        }
        Lie::TenantAltered => {
            return Ok(answer.entries.last_mut().is_some_and(|it| flip(&mut it.0)));
        }
        Lie::TenantEndless => {
            answer.more = true;
            return Ok(true);
        }
        Lie::TenantProtocolUnknown => {
            answer.protocol_min = u32::MAX;
            answer.protocol_max = u32::MAX;
            return Ok(true);
        }
        Lie::TenantKeyForged => {
            // Signed with the new key itself.
            let thief = SigningKey::generate(&mut random::system());
            let mut entry = one_more_key(liar, &entries, &thief)?;
            entry.entry.author.key = plico_directory::admin::key_id(&liar.tenant.enrolment);
            entries.push(plico_protocol::chain::sign_entry(entry.entry, &thief));
        }
        _ => {
            if entries.len() < 2 {
                return Ok(false);
            }
            entries.pop();
            if lie == Lie::TenantForked {
                let other = one_more_key(liar, &entries, &liar.tenant.enrolment)?;
                entries.push(other);
            }
        }
    }
    answer.entries = bytes_of(&entries, answer.from);
    answer.head = liar.head(liar.tenant, liar.tenant.id, position_of(&entries));
    Ok(true)
}

/// An entry that adds a fresh enrolment key, signed by `signer`.
fn one_more_key(
    liar: &Liar<'_>,
    entries: &[SignedEntry],
    signer: &SigningKey,
) -> Result<SignedEntry> {
    let state: TenantState =
        replay(None, entries, &()).map_err(|error| kit_error("a tenant", error))?;
    let head = state.tip().head;
    let key = SigningKey::generate(&mut random::system());
    let body = TenantBody::AddKey(prove_key(state.id(), head.seq + 1, head.hash, &key));
    Ok(next_own_entry(
        state.tip(),
        body.encode(),
        liar.now_ms,
        signer,
    ))
}
