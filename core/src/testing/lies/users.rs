//! Lies about who stands behind a user id.

use super::answer::Answer;
use super::liar::{Liar, flip};
use super::list::Lie;
use crate::error::Result;
use crate::testing::accomplice::Puppet;
use crate::testing::kit_error;
use plico_directory::{admin, random};
use plico_protocol::chain::replay;
use plico_protocol::format::bodies::UserIdOpening;
use plico_protocol::format::codec::decode;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::identity::{Attestation, IdentityState};
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::wire::rest::{IdentityAnswer, UserFound, UsersFound};

const DAY_MS: u64 = 86_400_000;

/// The number of the binding that an answer shows.
fn number_of(answer: &IdentityAnswer) -> Result<u64> {
    let entries = answer
        .entries
        .iter()
        .map(|bytes| SignedEntry::from_bytes(&bytes.0))
        .collect::<core::result::Result<Vec<_>, _>>()
        .map_err(|error| kit_error("entries", error))?;
    let state: IdentityState =
        replay(None, &entries, &()).map_err(|error| kit_error("an identity", error))?;
    Ok(state.binding().map_or(0, |binding| binding.body.number))
}

pub(super) async fn tell(lie: Lie, liar: &Liar<'_>, answer: &mut Answer) -> Result<bool> {
    let Answer::Users(answer) = answer else {
        return Ok(false);
    };
    match lie {
        Lie::UserIdsSwapped => {
            let [first, second, ..] = answer.found.as_mut_slice() else {
                return Ok(false);
            };
            std::mem::swap(&mut first.identity, &mut second.identity);
            Ok(true)
        }
        Lie::UserIdsExtra => {
            let identity = thief(liar, "nobody asked for me", 1)?;
            answer.found.push(UserFound {
                user_id: "nobody asked for me".into(),
                identity,
            });
            Ok(true)
        }
        Lie::UserIdMissing => {
            let gone = std::mem::take(&mut answer.found);
            let lied = !gone.is_empty();
            let names = gone.into_iter().map(|it| it.user_id);
            answer.missing.extend(names);
            Ok(lied)
        }
        Lie::UserIdDuplicated => duplicate(liar, answer),
        _ => {
            let mut lied = false;
            for user in &mut answer.found {
                if !liar.is_asker(&user.identity.identity_id) {
                    about(lie, liar, user).await?;
                    lied = true;
                }
            }
            Ok(lied)
        }
    }
}

fn duplicate(liar: &Liar<'_>, answer: &mut UsersFound) -> Result<bool> {
    let Some(user) = answer.found.first() else {
        return Ok(false);
    };
    let mut identity = thief(liar, "somebody else", 1)?;
    identity.opening = None;
    let user_id = user.user_id.clone();
    answer.found.push(UserFound { user_id, identity });
    Ok(true)
}

/// A made-up identity with the backend's true word for `user_id`.
fn thief(liar: &Liar<'_>, user_id: &str, number: u64) -> Result<IdentityAnswer> {
    let mut puppet = liar.puppet()?;
    let token = liar.tenant.token(user_id, puppet.id, number, liar.now_ms);
    puppet.bind(user_id, number, &token, liar.now_ms)?;
    Ok(liar.show(liar.tenant, &puppet, 0))
}

/// A made-up identity bound to `user_id` with the word that `make` gives.
fn bound(
    liar: &Liar<'_>,
    user_id: &str,
    number: u64,
    make: impl FnOnce(&Puppet) -> Result<String>,
) -> Result<IdentityAnswer> {
    let mut puppet = liar.puppet()?;
    let token = make(&puppet)?;
    puppet.bind(user_id, number, &token, liar.now_ms)?;
    Ok(liar.show(liar.tenant, &puppet, 0))
}

async fn about(lie: Lie, liar: &Liar<'_>, user: &mut UserFound) -> Result<()> {
    let name = user.user_id.clone();
    let number = number_of(&user.identity)?;
    let next = number + 1;
    user.identity = match lie {
        Lie::UserIdRenamed => {
            user.user_id = "somebody else".into();
            return Ok(());
        }
        Lie::UserIdWordAltered => {
            if let Some(opening) = &mut user.identity.opening {
                flip(&mut opening.0);
            }
            return Ok(());
        }
        Lie::UserIdWordOfAnotherBinding => {
            user.identity.opening = thief(liar, &name, next)?.opening;
            return Ok(());
        }
        Lie::UserIdWithoutWord => IdentityAnswer {
            opening: None,
            ..thief(liar, "somebody else", 1)?
        },
        Lie::UserIdWithOthersWord => thief(liar, "somebody else", 1)?,
        Lie::UserIdWithForgedWord => bound(liar, &name, next, |puppet| {
            let mut keys = liar.tenant.clone();
            keys.enrolment = SigningKey::generate(&mut random::system());
            Ok(keys.token(&name, puppet.id, next, liar.now_ms))
        })?,
        Lie::UserIdWithStolenWord => {
            let opening = user.identity.opening.as_ref();
            let opening: UserIdOpening = decode("opening", opening.map_or(&[], |it| &it.0))
                .map_err(|error| kit_error("an opening", error))?;
            let word = String::from_utf8_lossy(opening.attestation.as_slice()).into_owned();
            bound(liar, &name, number, |_| Ok(word))?
        }
        Lie::UserIdWithAnotherTenantsWord => {
            let foreign = liar.foreign().await?.id;
            bound(liar, &name, next, |puppet| {
                let attestation = Attestation {
                    user_id: name.clone(),
                    identity: puppet.id,
                    number: next,
                    issued_ms: liar.now_ms,
                    expires_ms: liar.now_ms + 300_000,
                };
                let key = &liar.tenant.enrolment;
                Ok(attestation.sign(foreign, admin::key_id(key), key))
            })?
        }
        Lie::UserIdWithExpiredWord => bound(liar, &name, next, |puppet| {
            let yesterday = liar.now_ms.saturating_sub(DAY_MS);
            Ok(liar.tenant.token(&name, puppet.id, next, yesterday))
        })?,
        Lie::UserIdMovedWithSameNumber => thief(liar, &name, number)?,
        Lie::UserIdMovedBack => thief(liar, &name, number.saturating_sub(1))?,
        Lie::UserIdOfAnotherTenant => {
            let foreign = liar.foreign().await?;
            let mut puppet = Puppet::new(foreign.id, liar.now_ms)?;
            let token = foreign.token(&name, puppet.id, 1, liar.now_ms);
            puppet.bind(&name, 1, &token, liar.now_ms)?;
            liar.show(foreign, &puppet, 0)
        }
        _ => thief(liar, &name, next)?,
    };
    Ok(())
}
