//! Many grants, or many revocations, in one write. What a rule forbids for one
//! recipient does not hold up the others.

use super::account::AccountInner;
use super::commit::{Drafting, Intent, draft_error};
use super::create_session::to_protocol;
use super::options::{Grant, Recipient, RevokeOptions};
use super::{lock, os_rng};
use crate::error::{Error, ErrorCode, Result};
use crate::ports::BoxFuture;
use plico_protocol::format::bodies::{MAX_RECIPIENTS_PER_ENTRY, SessionBody, SessionRevoke};
use plico_protocol::format::ids;
use plico_protocol::keyring::EpochSecret;
use plico_protocol::rights::draft::{Draft, grant};
use plico_protocol::rights::{SessionState, newest_key};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether it is one recipient that a rule forbids, so that others may go ahead.
fn is_refusal(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::NotAllowed
            | ErrorCode::EntryInvalid
            | ErrorCode::HistoryInvalid
            | ErrorCode::InvalidArgument
            | ErrorCode::IdentityNotFound
            | ErrorCode::GroupNotFound
    )
}

/// Who could not be served, by their place in what was asked for.
pub(crate) type Refused = BTreeMap<usize, Error>;

/// A recipient, with its place in what was asked for.
pub(crate) type ToGrant = (usize, ids::Recipient, Grant);

/// Several grants, in as few entries as the rules allow.
pub(crate) struct GrantAll {
    pub grants: Vec<ToGrant>,
    refused: Mutex<Refused>,
}

impl GrantAll {
    pub fn new(grants: Vec<ToGrant>) -> Self {
        Self {
            grants,
            refused: Mutex::default(),
        }
    }

    pub fn refused(&self) -> Refused {
        lock(&self.refused).clone()
    }
}

impl Intent for GrantAll {
    fn draft<'a>(&'a self, drafting: &'a mut Drafting<'_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let refused = drafting.grant_many(&self.grants).await?;
            // With nobody left, nothing is written.
            let first = refused.values().next().cloned();
            let none_left = refused.len() == self.grants.len();
            *lock(&self.refused) = refused;
            match first.filter(|_| none_left) {
                Some(error) => Err(error),
                None => Ok(()),
            }
        })
    }
}

impl Drafting<'_> {
    /// Grants to all; gives those who could not be granted to.
    pub(crate) async fn grant_many(&mut self, grants: &[ToGrant]) -> Result<Refused> {
        let mut refused = Refused::new();
        let is_new = |it: &&ToGrant| self.state.member(&it.1).is_none();
        // Whoever comes into a group "from now on" begins a segment with what is new.
        let (new, known): (Vec<&ToGrant>, Vec<&ToGrant>) = match self.state.opens_history() {
            true => (Vec::new(), grants.iter().collect()),
            false => grants.iter().partition(is_new),
        };
        if !new.is_empty() {
            self.begin_segment().await?;
            let secret = self.secret_of(self.state.current_epoch())?;
            self.grant_some(&new, &[secret], &mut refused).await?;
        }
        if !known.is_empty() {
            // A new recipient gets the newest epoch: first lock out who has left.
            self.rotate_if_due().await?;
            let secrets = self.segment_secrets()?;
            self.grant_some(&known, &secrets, &mut refused).await?;
        }
        Ok(refused)
    }

    async fn grant_some(
        &mut self,
        grants: &[&ToGrant],
        secrets: &[EpochSecret],
        refused: &mut Refused,
    ) -> Result<()> {
        let mut fine = Vec::with_capacity(grants.len());
        let known = self.account.known();
        for it in grants {
            match newest_key(&it.1, known.as_ref()) {
                Some(_) => fine.push(*it),
                None => drop(refused.insert(it.0, ErrorCode::IdentityNotFound.into())),
            }
        }
        if fine.is_empty() {
            return Ok(());
        }
        let whole = match self.grant_draft(&fine, secrets) {
            Ok(draft) => self.push(draft).await,
            Err(error) => Err(error),
        };
        let error = match whole {
            Ok(()) => return Ok(()),
            Err(error) if is_refusal(error.code()) => error,
            Err(error) => return Err(error),
        };
        if let [only] = fine.as_slice() {
            refused.insert(only.0, error);
            return Ok(());
        }
        let mut allowed = Vec::with_capacity(fine.len());
        for it in fine {
            let one = match self.grant_draft(&[it], secrets) {
                Ok(draft) => self.check(draft).await,
                Err(error) => Err(error),
            };
            match one {
                Ok(()) => allowed.push(it),
                Err(error) if is_refusal(error.code()) => drop(refused.insert(it.0, error)),
                Err(error) => return Err(error),
            }
        }
        if allowed.is_empty() {
            return Ok(());
        }
        let draft = self.grant_draft(&allowed, secrets)?;
        self.push(draft).await
    }

    fn grant_draft(&self, grants: &[&ToGrant], secrets: &[EpochSecret]) -> Result<Draft> {
        let known = self.account.known();
        let known = known.as_ref();
        let key = |it: &&ToGrant| {
            let key = newest_key(&it.1, known).ok_or(ErrorCode::IdentityNotFound)?;
            Ok(to_protocol(key, it.2))
        };
        let grants = grants.iter().map(key).collect::<Result<Vec<_>>>()?;
        let secrets: Vec<&EpochSecret> = secrets.iter().collect();
        let (writer, state) = (&self.writer, &self.state);
        grant(writer, state, grants, &secrets, known, &mut os_rng()).map_err(draft_error)
    }
}

/// Somebody whose rights are meant, whatever the app calls them by now.
#[derive(Clone, Debug)]
pub(crate) struct Whom {
    pub recipient: Recipient,
    /// Whom it means to the directory now.
    pub resolved: Option<ids::Recipient>,
}

impl Whom {
    /// All identities and groups that are meant. A user id means whoever was
    /// seen under it, even if the app has since given it to another identity.
    pub fn all(&self, account: &AccountInner) -> Vec<ids::Recipient> {
        let mut all: Vec<ids::Recipient> = self.resolved.iter().copied().collect();
        match &self.recipient {
            Recipient::User(user_id) => {
                let names = lock(&account.names);
                let named = names.iter().filter(|(_, name)| *name == user_id);
                all.extend(named.map(|(id, _)| ids::Recipient::identity(*id)));
            }
            Recipient::Identity(id) => all.push(ids::Recipient::identity(id.0)),
            Recipient::Group(id) => all.push(ids::Recipient::group(id.0)),
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Those of them who are members.
    pub fn members(&self, account: &AccountInner, state: &SessionState) -> Vec<ids::Recipient> {
        let mut all = self.all(account);
        all.retain(|it| state.member(it).is_some());
        all
    }
}

/// Several revocations and one new epoch. Whoever is not a member counts as done.
pub(crate) struct RevokeAll {
    pub whom: Vec<Whom>,
    pub options: RevokeOptions,
    refused: Mutex<Refused>,
    changed: AtomicBool,
}

impl RevokeAll {
    pub fn new(whom: Vec<Whom>, options: RevokeOptions) -> Self {
        Self {
            whom,
            options,
            refused: Mutex::default(),
            changed: AtomicBool::new(false),
        }
    }

    pub fn refused(&self) -> Refused {
        lock(&self.refused).clone()
    }

    /// Whether anybody was to be revoked.
    pub fn changed(&self) -> bool {
        self.changed.load(Ordering::Relaxed)
    }

    async fn draft_all(&self, drafting: &mut Drafting<'_>) -> Result<()> {
        let mut refused = Refused::new();
        // By recipient: an entry names them in this order, and each once.
        let mut wanted: BTreeMap<ids::Recipient, usize> = BTreeMap::new();
        for (index, whom) in self.whom.iter().enumerate() {
            for member in whom.members(drafting.account, &drafting.state) {
                wanted.entry(member).or_insert(index);
            }
        }
        let me = ids::Recipient::identity(drafting.record.identity);
        if let Some(index) = wanted.remove(&me) {
            let error = Error::new(ErrorCode::InvalidArgument);
            refused.insert(
                index,
                error.with_detail("this account itself: leave instead"),
            );
        }
        // Taking away the group through which this account acts comes last.
        let own_group = wanted.remove_entry(&drafting.acting.recipient);
        let mut revoked = 0;
        let all: Vec<(ids::Recipient, usize)> = wanted.into_iter().collect();
        for some in all.chunks(MAX_RECIPIENTS_PER_ENTRY) {
            revoked += self.revoke_some(drafting, some, &mut refused).await?;
        }
        if revoked > 0 {
            drafting.rotate().await?;
        }
        if let Some(own) = own_group {
            revoked += self.revoke_some(drafting, &[own], &mut refused).await?;
        }
        self.changed.store(revoked > 0, Ordering::Relaxed);
        *lock(&self.refused) = refused;
        Ok(())
    }

    async fn revoke_some(
        &self,
        drafting: &mut Drafting<'_>,
        some: &[(ids::Recipient, usize)],
        refused: &mut Refused,
    ) -> Result<usize> {
        // A cascade may have taken some along.
        let state = &drafting.state;
        let there = some.iter().filter(|it| state.member(&it.0).is_some());
        let there: Vec<(ids::Recipient, usize)> = there.copied().collect();
        if there.is_empty() {
            return Ok(0);
        }
        let error = match drafting.push_plain(&self.body(&there)).await {
            Ok(()) => return Ok(there.len()),
            Err(error) if is_refusal(error.code()) => error,
            Err(error) => return Err(error),
        };
        if let [only] = there.as_slice() {
            refused.insert(only.1, error);
            return Ok(0);
        }
        let mut allowed = Vec::with_capacity(there.len());
        for it in there {
            let body = self.body(&[it]);
            let draft = drafting.writer.plain(&drafting.state, &body);
            match drafting.check(draft).await {
                Ok(()) => allowed.push(it),
                Err(error) if is_refusal(error.code()) => drop(refused.insert(it.1, error)),
                Err(error) => return Err(error),
            }
        }
        if allowed.is_empty() {
            return Ok(0);
        }
        drafting.push_plain(&self.body(&allowed)).await?;
        Ok(allowed.len())
    }

    fn body(&self, some: &[(ids::Recipient, usize)]) -> SessionBody {
        SessionBody::Revoke(SessionRevoke {
            recipients: some.iter().map(|it| it.0).collect(),
            cascade: u8::from(self.options.cascade),
        })
    }
}

impl Intent for RevokeAll {
    fn draft<'a>(&'a self, drafting: &'a mut Drafting<'_>) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.draft_all(drafting))
    }
}
