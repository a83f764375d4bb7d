//! Lies about a session's log.

use super::answer::Answer;
use super::liar::{Decoy, Known, Liar, bytes_of, flip, position_of};
use super::list::Lie;
use super::{entries, outsiders};
use crate::error::Result;
use crate::testing::accomplice::Puppet;
use crate::testing::{kit_error, lock};
use plico_protocol::format::bodies::{Grant, RecipientKey, RightsBits, SessionBody};
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::ChainId;
use plico_protocol::format::opaque::Opaque;
use plico_protocol::format::suite::Suite;
use plico_protocol::rights::SessionState;
use plico_protocol::rights::draft::{Draft, Writer, create};
use plico_protocol::wire::b64::{self, B64, B64x32};
use plico_protocol::wire::rest::{Append, RecipientName, SessionAnswer};
use plico_protocol::wire::upload::draft_to_rest;

/// Reading, without end.
pub(super) fn reading(key: RecipientKey) -> Grant {
    Grant {
        key,
        rights: RightsBits(RightsBits::READ),
        expires_ms: 0,
    }
}

/// A session as it is stored.
pub(super) struct Log {
    pub entries: Vec<SignedEntry>,
    pub state: SessionState,
    pub known: Known,
}

impl Log {
    pub async fn read(liar: &Liar<'_>, id: ChainId) -> Result<Self> {
        Self::of(liar, liar.entries(id).await?).await
    }

    pub async fn of(liar: &Liar<'_>, entries: Vec<SignedEntry>) -> Result<Self> {
        let (state, known) = liar.session(&entries).await?;
        Ok(Self {
            entries,
            state,
            known,
        })
    }

    /// The same log without its last entry; `None` if nothing would be left.
    pub async fn without_last(&self, liar: &Liar<'_>) -> Result<Option<Self>> {
        match self.entries.split_last() {
            Some((_, before)) if !before.is_empty() => {
                Self::of(liar, before.to_vec()).await.map(Some)
            }
            _ => Ok(None),
        }
    }
}

pub(super) async fn tell(lie: Lie, liar: &Liar<'_>, answer: &mut Answer) -> Result<bool> {
    if lie == Lie::SessionOfAnotherTenant
        && let Answer::Identities(answer) = answer
    {
        // The made-up author of the other tenant's session is asked for.
        let foreign = liar.foreign().await?;
        let puppet = lock(&liar.memory.foreigner).clone();
        let asked = |it: &B64x32| puppet.as_ref().is_some_and(|puppet| puppet.id.0 == it.0);
        let Some(puppet) = puppet.as_ref().filter(|_| answer.missing.iter().any(asked)) else {
            return Ok(false);
        };
        answer.found.push(liar.show(foreign, puppet, 0));
        return Ok(true);
    }
    let mut lied = false;
    for session in answer.sessions() {
        lied |= about(lie, liar, session).await?;
    }
    Ok(lied)
}

async fn about(lie: Lie, liar: &Liar<'_>, answer: &mut SessionAnswer) -> Result<bool> {
    let id = ChainId(answer.session_id.0);
    match lie {
        Lie::SessionSwapped | Lie::SessionMixedUp => {
            show_decoy(liar, answer, &liar.decoy().await?);
            if lie == Lie::SessionSwapped {
                answer.session_id = B64x32(id.0);
            }
        }
        Lie::SessionOfAnotherTenant => {
            let entries = vec![elsewhere(liar).await?];
            answer.entries = bytes_of(&entries, answer.from);
            let foreign = liar.foreign().await?;
            answer.head = liar.head(foreign, entries[0].entry.chain_id, position_of(&entries));
            return Ok(!answer.entries.is_empty());
        }
        Lie::SessionAltered => {
            return Ok(answer.entries.last_mut().is_some_and(|it| flip(&mut it.0)));
        }
        Lie::SessionReordered => {
            let [.., first, second] = answer.entries.as_mut_slice() else {
                return Ok(false);
            };
            std::mem::swap(first, second);
        }
        Lie::SessionEntryDropped => {
            if answer.entries.len() < 2 {
                return Ok(false);
            }
            let middle = answer.entries.len() - 2;
            answer.entries.remove(middle);
        }
        Lie::SessionFromWrong => answer.from += 1,
        Lie::SessionEndless => {
            answer.entries.clear();
            answer.more = true;
        }
        Lie::SessionMetadataAltered => {
            return Ok(answer.metadata.as_mut().is_some_and(|it| flip(&mut it.0)));
        }
        Lie::SessionMetadataInvented => answer.metadata = Some(B64(vec![7; 64])),
        Lie::SessionMetadataWithheld => return Ok(answer.metadata.take().is_some()),
        Lie::SessionTagAltered => {
            return Ok(answer.tag.as_mut().is_some_and(|it| flip(&mut it.0)));
        }
        Lie::SessionTagWithheld => return Ok(answer.tag.take().is_some()),
        Lie::WithdrawalUndone => {
            let said = std::mem::take(&mut answer.withdrawn);
            return Ok(!said.is_empty());
        }
        Lie::WithdrawalInvented => {
            let log = Log::read(liar, id).await?;
            let victim = log.state.members().find(|(_, it)| !it.is_owner());
            let Some((victim, _)) = victim else {
                return Ok(false);
            };
            answer.withdrawn = vec![RecipientName {
                kind: victim.kind.to_u8(),
                id: B64x32(victim.id),
            }];
        }
        Lie::SessionMetadataOlder => return Ok(older_metadata(liar, answer)),
        _ => return another_log(lie, liar, answer, id).await,
    }
    Ok(true)
}

fn older_metadata(liar: &Liar<'_>, answer: &mut SessionAnswer) -> bool {
    let older = liar
        .memory
        .answers()
        .iter()
        .filter_map(
            |(request, response)| match Answer::parse(request, response) {
                Answer::Session(old) if old.session_id == answer.session_id => old.metadata,
                _ => None,
            },
        )
        .find(|blob| Some(blob) != answer.metadata.as_ref());
    let found = older.is_some();
    if found {
        answer.metadata = older;
    }
    found
}

pub(super) fn show_decoy(liar: &Liar<'_>, answer: &mut SessionAnswer, decoy: &Decoy) {
    answer.session_id = B64x32(decoy.id.0);
    liar.show_log(answer, decoy.id, std::slice::from_ref(&decoy.draft.entry));
    answer.wraps = liar.show_wraps(&decoy.draft.wraps, 0);
    answer.back_links.clear();
    answer.metadata = None;
}

/// A session in the tenant next door.
async fn elsewhere(liar: &Liar<'_>) -> Result<SignedEntry> {
    let foreign = liar.foreign().await?;
    let there = lock(&liar.memory.foreigner).clone();
    let puppet = match there {
        Some(puppet) => puppet,
        None => {
            let puppet = Puppet::new(foreign.id, liar.now_ms)?;
            *lock(&liar.memory.foreigner) = Some(puppet.clone());
            puppet
        }
    };
    let known = Known::from([(puppet.id, puppet.state()?)]);
    let writer = Writer {
        author: puppet.state()?.author(puppet.device.id()),
        key: &puppet.device.signing,
        now_ms: liar.now_ms,
    };
    let rng = &mut plico_directory::random::system();
    let draft = create(&writer, foreign.id, 1, Vec::new(), &known, rng)
        .map_err(|error| kit_error("a session", error))?;
    Ok(draft.entry)
}

/// Lies that show another log: shorter, longer, or forked.
async fn another_log(
    lie: Lie,
    liar: &Liar<'_>,
    answer: &mut SessionAnswer,
    id: ChainId,
) -> Result<bool> {
    let log = Log::read(liar, id).await?;
    let mut shown = log.entries.clone();
    match lie {
        Lie::SessionShortened => {
            if shown.len() < 2 {
                return Ok(false);
            }
            shown.pop();
        }
        Lie::SessionWithheld => {
            let newest = log.state.epochs().last().map_or(0, |epoch| epoch.seq);
            if newest == 0 {
                return Ok(false);
            }
            shown.retain(|entry| entry.entry.seq < newest);
        }
        Lie::SessionSuiteChanged => {
            if answer.from != 0 || !change_suite(&mut shown) {
                return Ok(false);
            }
        }
        Lie::SessionFutureEntry | Lie::SessionUnknownEntry | Lie::SessionEndForged => {
            let Some(entry) = entries::forged(lie, liar, &log) else {
                return Ok(false);
            };
            shown.push(entry);
        }
        Lie::SessionForked | Lie::SessionRewritten => {
            let Some(other) = entries::fork(lie, liar, &log).await? else {
                return Ok(false);
            };
            shown = other;
        }
        _ => {
            let Some(draft) = one_more(lie, liar, &log).await? else {
                return Ok(false);
            };
            shown.push(draft.entry);
        }
    }
    // Nothing that comes with entries that are not shown.
    let pairs = shown.iter().zip(&log.entries);
    let common = pairs.take_while(|(one, two)| one == two).count();
    if common < log.entries.len() {
        answer.wraps.retain(|wrap| wrap.seq < common as u64);
        answer.back_links.clear();
        answer.metadata = None;
        answer.tag = None;
    }
    liar.show_log(answer, id, &shown);
    Ok(true)
}

/// The entry that a lie adds, if it adds one that a registered key has signed.
async fn one_more(lie: Lie, liar: &Liar<'_>, log: &Log) -> Result<Option<Draft>> {
    match lie {
        Lie::SessionRecipientByOutsider
        | Lie::SessionRevocationByOutsider
        | Lie::SessionRotationByOutsider
        | Lie::SessionAuthorAhead
        | Lie::SessionAuthorElsewhere => outsiders::draft(lie, liar, log).await.map(Some),
        Lie::SessionRecipientAdded
        | Lie::SessionGrantWidened
        | Lie::SessionGrantProlonged
        | Lie::SessionRevocationForged
        | Lie::SessionEnded
        | Lie::SessionRecipientLeftOut
        | Lie::SessionExpiryMoved
        | Lie::SessionRotationLetsIn
        | Lie::SessionBackDated => entries::by_accomplice(lie, liar, log).await,
        _ => Ok(None),
    }
}

/// Sends the entry that a lie adds to the directory itself, which is honest.
pub(in crate::testing) async fn smuggle(lie: Lie, liar: &Liar<'_>, id: ChainId) -> Result<()> {
    let log = Log::read(liar, id).await?;
    let draft = one_more(lie, liar, &log).await?;
    let draft = draft.ok_or_else(|| kit_error("this lie", "adds no signed entry here"))?;
    let author = draft.entry.entry.author.identity;
    let who = liar.accomplice(&author.0);
    let who = who.ok_or_else(|| kit_error("an accomplice", "is missing"))?;
    let append = Append {
        entries: vec![draft_to_rest(&draft)],
    };
    let body = serde_json::to_vec(&append).map_err(|error| kit_error("a request", error))?;
    let path = format!("/sessions/{}/entries", b64::encode(&id.0));
    who.post(liar.core, liar.tenant, &path, body).await
}

fn change_suite(entries: &mut [SignedEntry]) -> bool {
    let Some(first) = entries.first_mut() else {
        return false;
    };
    let entry = &mut first.entry;
    let body = SessionBody::decode(entry.entry_type, entry.body.as_slice());
    let Ok(SessionBody::Create(mut create)) = body else {
        return false;
    };
    let (chacha, aes) = (
        Suite::ChaCha20Poly1305Sha512.to_byte(),
        Suite::Aes256GcmSha512.to_byte(),
    );
    create.core.suite = if create.core.suite == chacha {
        aes
    } else {
        chacha
    };
    entry.body = Opaque::new(SessionBody::Create(create).encode().1);
    true
}
