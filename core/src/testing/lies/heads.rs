//! Lies about where a chain stands.

use super::answer::Answer;
use super::liar::{Liar, flip, sign_head};
use super::list::Lie;
use crate::error::Result;
use crate::testing::kit_error;
use plico_directory::random;
use plico_protocol::format::codec::decode;
use plico_protocol::format::head::{Head, SignedHead};
use plico_protocol::format::ids::{ChainId, EntryHash};
use plico_protocol::primitives::sign::SigningKey;
use plico_protocol::wire::b64::B64;

const DAY_MS: u64 = 86_400_000;

pub(super) async fn tell(lie: Lie, liar: &Liar<'_>, answer: &mut Answer) -> Result<bool> {
    let mut lied = false;
    for head in answer.heads() {
        let signed: SignedHead =
            decode("head", &head.0).map_err(|error| kit_error("a head", error))?;
        *head = about(lie, liar, signed).await?;
        lied = true;
    }
    Ok(lied)
}

async fn about(lie: Lie, liar: &Liar<'_>, signed: SignedHead) -> Result<B64> {
    let honest = signed.head;
    let key = &liar.tenant.directory;
    Ok(match lie {
        Lie::HeadMissing => B64(Vec::new()),
        Lie::HeadAltered => {
            let mut bytes = sign_head(key, honest);
            flip(&mut bytes.0);
            bytes
        }
        Lie::HeadByAnotherKey => {
            let other = SigningKey::generate(&mut random::system());
            sign_head(&other, honest)
        }
        Lie::HeadOfAnotherChain => {
            // The true head of a stranger's chain.
            let stranger = liar.stranger().await?.puppet.id;
            let entries = liar.entries(stranger).await?;
            liar.head(liar.tenant, stranger, super::liar::position_of(&entries))
        }
        Lie::HeadOfAnotherTenant => {
            let foreign = liar.foreign().await?;
            let tenant_id = foreign.id;
            sign_head(
                &foreign.directory,
                Head {
                    tenant_id,
                    ..honest
                },
            )
        }
        Lie::HeadAheadOfEntries => sign_head(
            key,
            Head {
                seq: honest.seq + 1,
                hash: EntryHash([7; 32]),
                ..honest
            },
        ),
        Lie::HeadBehindEntries => {
            let before = before(liar, &honest).await?;
            sign_head(key, before)
        }
        Lie::HeadsInConflict => sign_head(
            key,
            Head {
                hash: EntryHash([7; 32]),
                ..honest
            },
        ),
        Lie::HeadFromTheFuture => sign_head(
            key,
            Head {
                time_ms: honest.time_ms + DAY_MS,
                ..honest
            },
        ),
        _ => sign_head(
            key,
            Head {
                time_ms: honest.time_ms.saturating_sub(DAY_MS),
                ..honest
            },
        ),
    })
}

/// The head of one entry before; of a chain of one entry, a made-up one.
async fn before(liar: &Liar<'_>, honest: &Head) -> Result<Head> {
    let chain: ChainId = honest.chain_id;
    let mut entries = liar.entries(chain).await?;
    entries.retain(|entry| entry.entry.seq < honest.seq);
    let position = super::liar::position_of(&entries);
    Ok(Head {
        seq: position.seq,
        hash: position.hash,
        ..honest.clone()
    })
}
