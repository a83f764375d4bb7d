//! Registering: a new identity, vouched for by the app's backend.

use super::account::{Account, AccountInner};
use super::ids::IdentityId;
use super::journal::outcome_is_unknown;
use super::options::{EnrolmentRequest, RegisterOptions};
use super::record::{self, Record};
use super::saves::{Saved, Saves};
use super::stored::{self, StoredUpload};
use super::{decode_entries, lock, os_rng};
use crate::error::{Error, ErrorCode, Result};
use plico_protocol::chain::replay;
use plico_protocol::format::encode;
use plico_protocol::identity::attestation::check_user_id;
use plico_protocol::identity::draft::{DeviceSecret, NewIdentity, bind_user_id};
use plico_protocol::identity::{Attestation, IdentityState};
use plico_protocol::wire::b64::{self, B64};
use plico_protocol::wire::rest::{Enrol, IdentityAnswer};
use plico_protocol::wire::upload::entry_to_rest;
use std::sync::Arc;

/// An account that is tried as if it were registered. If it is not in the end,
/// or if nobody waits for the end, it is what it was before.
struct Trial<'a> {
    inner: &'a AccountInner,
    before: Option<Arc<Record>>,
}

impl Drop for Trial<'_> {
    fn drop(&mut self) {
        if let Some(before) = self.before.take() {
            self.inner.hold_secret(&self.inner.record, Some(before));
        }
    }
}

impl Account {
    /// Makes this account's identity, if it has none: keys are made here, the
    /// app's backend vouches for the user id, the directory publishes both.
    ///
    /// Safe to call again: after a lost reply it goes on with the same
    /// identity, and once done it does nothing.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a user id that is empty or too long;
    /// `ALREADY_REGISTERED` under another one; `ENROLMENT_INVALID`,
    /// `ENROLMENT_EXPIRED`, `USER_ID_TAKEN`; `NETWORK`; whatever the app's own
    /// `enrolment` returns: `ENROLMENT_FAILED`, for want of a better one.
    pub async fn register(&self, options: RegisterOptions) -> Result<IdentityId> {
        self.inner.while_open(self.register_now(options)).await
    }

    async fn register_now(&self, options: RegisterOptions) -> Result<IdentityId> {
        let inner = &self.inner;
        check_user_id(&options.user_id).map_err(|error| {
            Error::new(ErrorCode::InvalidArgument).with_detail(error.to_string())
        })?;
        let _one_at_a_time = inner.registering.lock().await;
        let current = lock(&inner.record).clone();
        let record = match current {
            Some(record) => Some(record),
            // What was given up may have been written down.
            None => self.written_down().await?,
        };
        let record = match record {
            Some(record) if record.user_id != options.user_id => {
                return Err(ErrorCode::AlreadyRegistered.into());
            }
            Some(record) => record,
            None => self.begin(&options.user_id).await?,
        };
        if record.pending.is_none() {
            return Ok(IdentityId(record.identity));
        }
        if !self.is_there(&record).await? {
            match self.enrol(&record, &options).await {
                // What was sent before has arrived only now.
                Err(error)
                    if error.code() == ErrorCode::Conflict && self.is_there(&record).await? => {}
                done => done?,
            }
        }
        let done = Record {
            pending: None,
            ..(*record).clone()
        };
        // Written down only when the directory has really shown the new chain:
        // an account that believes a false success could never register again.
        let mut trial = Trial {
            inner,
            before: Some(record.clone()),
        };
        inner.hold_secret(&inner.record, Some(Arc::new(done.clone())));
        inner.myself().await?;
        self.save(done, Saves::default()).await?;
        trial.before = None;
        Ok(IdentityId(record.identity))
    }

    async fn written_down(&self) -> Result<Option<Arc<Record>>> {
        let inner = &self.inner;
        let record = inner.kept_record().await?;
        inner.hold_secret(&inner.record, record.clone());
        Ok(record)
    }

    /// Makes the keys and writes them down before anybody hears of them.
    async fn begin(&self, user_id: &str) -> Result<Arc<Record>> {
        let plico = &self.inner.plico.inner;
        let device = DeviceSecret::generate(&mut os_rng());
        let new = NewIdentity::create(
            plico.wire.tenant_id,
            &device,
            plico.wire.directory_now_ms(),
            &mut os_rng(),
        )
        .map_err(|error| Error::new(ErrorCode::InvalidArgument).with_detail(error.to_string()))?;
        let record = Record {
            identity: new.entry.entry.chain_id,
            device,
            user_id: user_id.to_owned(),
            pending: Some(entry_to_rest(&new.entry, &new.wraps)),
        };
        // Two processes that register at once must not make two identities.
        let mut saves = Saves::default();
        saves.expect(record::KEY.into(), None);
        self.save(record, saves).await
    }

    async fn save(&self, record: Record, mut saves: Saves) -> Result<Arc<Record>> {
        saves.put(record::KEY.into(), record.encode()?);
        if self.inner.save(saves).await? == Saved::Conflict {
            return Err(Error::new(ErrorCode::Store)
                .with_detail("another process is registering with this store; open it again"));
        }
        let record = Arc::new(record);
        let inner = &self.inner;
        inner.hold_secret(&inner.record, Some(record.clone()));
        Ok(record)
    }

    /// Whether an earlier attempt reached the directory though its reply was lost.
    async fn is_there(&self, record: &Record) -> Result<bool> {
        let path = format!("/identities/{}?from=0", b64::encode(&record.identity.0));
        let plico = &self.inner.plico.inner;
        match plico
            .wire
            .get::<IdentityAnswer>(record.signer(), &path)
            .await
        {
            Ok(_) => Ok(true),
            // An identity that is not there yet can't sign, either.
            Err(error)
                if matches!(
                    error.code(),
                    ErrorCode::IdentityNotFound | ErrorCode::SignatureInvalid
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    async fn enrol(&self, record: &Record, options: &RegisterOptions) -> Result<()> {
        // What was sent before may still be on its way: the same bytes go out
        // again, so that there is one enrolment, as long as its token is good.
        if let Some(body) = self.inner.read_sent(record.identity, 0).await? {
            let mut sent = self.post_enrolment(record, body.clone()).await;
            if matches!(&sent, Err(error) if error.code() == ErrorCode::Conflict) {
                // The first copy has arrived only now, and won against this one:
                // then the same bytes are welcome once more.
                sent = self.post_enrolment(record, body).await;
            }
            match sent {
                Err(error) if !outcome_is_unknown(error.code()) => {}
                done => return done,
            }
        }
        let body = self.draft_enrolment(record, options).await?;
        self.post_enrolment(record, body).await
    }

    async fn post_enrolment(&self, record: &Record, body: Vec<u8>) -> Result<()> {
        let wire = &self.inner.plico.inner.wire;
        let answer = wire.post_bytes(record.signer(), "/identities", body);
        let _: IdentityAnswer = answer.await?;
        Ok(())
    }

    /// Asks the app's backend for its word, and writes down what will be sent.
    async fn draft_enrolment(&self, record: &Record, options: &RegisterOptions) -> Result<Vec<u8>> {
        let plico = &self.inner.plico.inner;
        let request = EnrolmentRequest {
            identity_id: IdentityId(record.identity),
        };
        let token = (options.enrolment)(request).await?;
        let tenant = plico.refresh_tenant().await?;
        let attestation = Attestation::verify(&token, &tenant).map_err(|error| {
            Error::new(ErrorCode::EnrolmentInvalid).with_detail(error.to_string())
        })?;
        if attestation.identity != record.identity || attestation.user_id != record.user_id {
            return Err(Error::new(ErrorCode::EnrolmentInvalid)
                .with_detail("the token is for another identity or user id"));
        }
        let first = record.pending.clone().ok_or(ErrorCode::StoreDamaged)?;
        let entries = decode_entries(std::slice::from_ref(&first.entry))?;
        let state: IdentityState =
            replay(None, &entries, &()).map_err(|_| Error::new(ErrorCode::StoreDamaged))?;
        let (bind, opening) = bind_user_id(
            &state,
            &record.user_id,
            attestation.number,
            &token,
            // The binding's time must lie in the token's life, by the directory's clock.
            plico
                .wire
                .directory_now_ms()
                .clamp(attestation.issued_ms, attestation.expires_ms),
            &record.device.signing,
            &mut os_rng(),
        );
        let enrol = Enrol {
            entries: vec![first, entry_to_rest(&bind, &[])],
            opening: B64(encode(&opening)),
        };
        // Kept for good: a directory that was restored from a backup may lose it.
        let body = serde_json::to_vec(&enrol).map_err(|_| ErrorCode::InvalidArgument)?;
        let mut saves = Saves::default();
        let name = stored::sent_name(record.identity, 0);
        saves.put(name, stored::write(&StoredUpload::new(&body)));
        self.inner.save(saves).await?;
        Ok(body)
    }
}
