//! Entries of somebody who is registered, but is no recipient of the session.

use super::liar::Liar;
use super::list::Lie;
use super::sessions::{Log, reading};
use crate::error::Result;
use crate::testing::kit_error;
use plico_protocol::format::bodies::{SessionBody, SessionRevoke};
use plico_protocol::format::ids::EntryHash;
use plico_protocol::rights::draft::{Draft, grant, recipient_key, rotate};

pub(super) async fn draft(lie: Lie, liar: &Liar<'_>, log: &Log) -> Result<Draft> {
    let stranger = liar.stranger().await?;
    let mut known = log.known.clone();
    let mut writer = liar.writer(&stranger, &mut known).await?;
    let state = &log.state;
    let rng = &mut plico_directory::random::system();
    let revocation = SessionBody::Revoke(SessionRevoke {
        recipients: state.members().map(|(it, _)| *it).take(1).collect(),
        cascade: 0,
    });
    Ok(match lie {
        Lie::SessionRecipientByOutsider => {
            let me = known
                .get(&stranger.puppet.id)
                .ok_or_else(|| kit_error("a stranger", "is not registered"))?;
            let grants = vec![reading(recipient_key(me))];
            let secret = liar.made_up_secret(state);
            grant(&writer, state, grants, &[&secret], &known, rng)
                .map_err(|error| kit_error("a grant", error))?
        }
        Lie::SessionRotationByOutsider => {
            let secret = liar.made_up_secret(state);
            rotate(&writer, state, &[&secret], &known, rng)
                .map_err(|error| kit_error("a rotation", error))?
        }
        Lie::SessionAuthorAhead => {
            writer.author.position.seq += 40;
            writer.plain(state, &revocation)
        }
        Lie::SessionAuthorElsewhere => {
            writer.author.position.hash = EntryHash([7; 32]);
            writer.plain(state, &revocation)
        }
        _ => writer.plain(state, &revocation),
    })
}
