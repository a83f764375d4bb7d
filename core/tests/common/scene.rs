//! A small clinic in the testing kit, for lies to be told to.

use plico::testing::{Lie, TestDirectory, TestPerson};
use plico::{
    EncryptionSession, FileKey, Grant, GroupOptions, GroupRole, Recipient, RecoverOptions,
    RecoveryKey, Result, Rights, SessionOptions,
};
use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;

pub const MINUTE: Duration = Duration::from_secs(60);
pub const DAY: Duration = Duration::from_secs(86_400);

/// The doctor owns a session and knows all of it; the patient has opened the
/// first envelope; the insurer was granted the newest epoch and has never
/// asked; the crook is a recipient who colludes with the directory.
pub struct Scene {
    pub lie: Lie,
    pub directory: TestDirectory,
    pub doctor: TestPerson,
    pub patient: TestPerson,
    pub insurer: TestPerson,
    pub session: EncryptionSession,
    /// Of epoch 0, with the crook in it.
    pub first: Vec<u8>,
    /// Of epoch 1.
    pub second: Vec<u8>,
}

impl Scene {
    /// The scene that `lie` needs.
    pub async fn for_lie(lie: Lie) -> Self {
        let directory = TestDirectory::start().await.unwrap();
        let end = directory.clock().now() + 30 * DAY;
        // What the crook may do is less than what the lie claims.
        let crooks = match lie {
            Lie::SessionGrantWidened => Grant::new(Rights::read().and_forward()),
            Lie::SessionGrantProlonged => Grant::new(Rights::read().and_forward()).until(end),
            _ => Grant::read(),
        };
        if matches!(lie, Lie::TenantShortened | Lie::TenantForked) {
            directory.add_enrolment_key().await.unwrap();
        }
        Self::with(lie, directory, crooks).await
    }

    async fn with(lie: Lie, directory: TestDirectory, crooks: Grant) -> Self {
        let doctor = directory.person("dr.a").await.unwrap();
        let patient = directory.person("patient.7").await.unwrap();
        let insurer = directory.person("insurer.3").await.unwrap();
        directory.accomplice("crook").await.unwrap();
        let options = SessionOptions::new()
            .recipient(Recipient::user("patient.7"), Grant::read())
            .recipient(Recipient::user("crook"), crooks);
        let session = doctor.account().create_session(options).await.unwrap();
        let first = session.encrypt("first", None).await.unwrap();
        patient.account().decrypt(&first, None).await.unwrap();
        session.set_metadata(b"an older title").await.unwrap();
        session.refresh().await.unwrap();
        session.rotate().await.unwrap();
        session.set_metadata(b"a title").await.unwrap();
        session.set_tag(Some("ward 3")).await.unwrap();
        let second = session.encrypt("second", None).await.unwrap();
        let reading = Grant::read();
        let insured = Recipient::user("insurer.3");
        session.grant(insured, reading).await.unwrap();
        Self {
            lie,
            directory,
            doctor,
            patient,
            insurer,
            session,
            first,
            second,
        }
    }

    /// A session of the doctor's with the patient.
    pub async fn look_up(&self) -> Result<()> {
        let recipients = [Recipient::user("patient.7")];
        self.doctor.account().create_session(recipients).await?;
        Ok(())
    }

    /// A session of the doctor's with two at once.
    pub async fn look_up_two(&self) -> Result<()> {
        let recipients = [Recipient::user("patient.7"), Recipient::user("insurer.3")];
        self.doctor.account().create_session(recipients).await?;
        Ok(())
    }

    /// The doctor, who knows all, asks what is new.
    pub async fn refresh(&self) -> Result<()> {
        self.session.refresh().await
    }

    /// The patient takes a device away, which the doctor sees; then the doctor
    /// looks the patient up again.
    pub async fn look_up_after_a_revocation(&self) -> Result<()> {
        self.directory.honest();
        let tablet = self.directory.visitor("patient.7").await?;
        self.pair_persons(&self.patient, &tablet).await.0?;
        let tablet = tablet.account().device_id();
        let tablet = tablet.unwrap();
        self.patient.account().revoke_device(tablet).await?;
        self.look_up().await?;
        self.directory.tell(self.lie);
        self.look_up().await
    }

    /// The patient comes back with 24 words; then the doctor looks them up.
    pub async fn look_up_after_a_recovery(&self) -> Result<()> {
        self.directory.honest();
        let key = RecoveryKey::generate();
        self.patient.account().set_recovery_key(&key, None).await?;
        let phone = self.directory.visitor("patient.7").await?;
        let kept = RecoverOptions::new().keep_devices();
        phone.account().recover_with(&key, kept).await?;
        self.directory.tell(self.lie);
        self.look_up().await
    }

    /// The doctor has a group, from which the insurer was removed, and a session
    /// for it; and asks what is new there.
    pub async fn refresh_for_a_group(&self) -> Result<()> {
        self.directory.honest();
        let crook = match self.lie {
            Lie::GroupCircle => GroupRole::Manager,
            _ => GroupRole::Member,
        };
        let options = GroupOptions::new()
            .member(Recipient::user("patient.7"), GroupRole::Member)
            .member(Recipient::user("insurer.3"), GroupRole::Member)
            .member(Recipient::user("crook"), crook);
        let doctor = self.doctor.account();
        let group = doctor.create_group(options).await?;
        let to_group = [Recipient::group(group.id())];
        let session = doctor.create_session(to_group).await?;
        let sealed = session.encrypt("for the group", None).await?;
        group.remove(Recipient::user("insurer.3")).await?;
        session.refresh().await?;
        if self.lie == Lie::GroupKeyRevived {
            session.rotate().await?;
        }
        self.directory.tell(self.lie);
        let told = session.refresh().await;
        self.directory.honest();
        // The honest log opens for its members, and for nobody else.
        session.refresh().await?;
        let later = session.encrypt("later", None).await?;
        self.opens(&self.patient, &sealed, "for the group").await?;
        self.opens(&self.patient, &later, "later").await?;
        assert!(self.opens(&self.insurer, &later, "later").await.is_err());
        told
    }

    /// Somebody who has never seen a group shares something with it.
    pub async fn meet_a_group(&self) -> Result<()> {
        self.directory.honest();
        let options = GroupOptions::new().member(Recipient::user("crook"), GroupRole::Member);
        let group = self.doctor.account().create_group(options).await?;
        self.directory.tell(self.lie);
        let to_group = [Recipient::group(group.id())];
        self.insurer.account().create_session(to_group).await?;
        Ok(())
    }

    /// The doctor comes back with 24 words, on a device that knows nothing yet.
    pub async fn recover(&self) -> Result<()> {
        self.directory.honest();
        let key = RecoveryKey::generate();
        self.doctor.account().set_recovery_key(&key, None).await?;
        let phone = self.directory.visitor("dr.a").await?;
        self.directory.tell(self.lie);
        let recovered = phone.account().recover(&key).await;
        self.directory.honest();
        if recovered.is_err() {
            assert_eq!(phone.account().identity_id(), None);
            let kept = RecoverOptions::new().keep_devices();
            phone.account().recover_with(&key, kept).await?;
            self.opens(&phone, &self.second, "second").await?;
        }
        recovered.map(drop)
    }

    /// The doctor comes back from a backup.
    pub async fn restore(&self) -> Result<()> {
        self.directory.honest();
        let key = FileKey::host_secret(&[5; 32])?;
        self.doctor.account().store_backup(&key).await?;
        let phone = self.directory.visitor("dr.a").await?;
        self.directory.tell(self.lie);
        let restored = phone.account().restore_backup("dr.a", &key).await;
        self.directory.honest();
        if restored.is_err() {
            assert_eq!(phone.account().identity_id(), None);
            phone.account().restore_backup("dr.a", &key).await?;
            self.opens(&phone, &self.second, "second").await?;
        }
        restored.map(drop)
    }

    /// The doctor pairs another device; the first error of either side.
    pub async fn pair(&self) -> Result<()> {
        let before = self.doctor.account().device_id();
        let paired = self.paired().await.map(drop);
        self.directory.honest();
        if paired.is_err() {
            // Nobody else's device got in.
            let devices = self.doctor.account().devices().await?;
            let mut others = devices.iter().filter(|it| Some(it.id) != before);
            assert!(others.all(|it| !it.revoked) && devices.len() <= 2);
            self.paired().await?;
        }
        paired
    }

    pub async fn paired(&self) -> Result<TestPerson> {
        let laptop = self.directory.visitor("dr.a").await?;
        let shown = laptop.account().pairing_code().await?;
        let old = self.doctor.account();
        tokio::try_join!(
            old.approve_pairing(&shown),
            laptop.account().join_by_pairing()
        )?;
        Ok(laptop)
    }

    /// Both ends of a pairing of the doctor's with `new`.
    pub async fn pair_with(&self, new: &TestPerson) -> (Result<()>, Result<()>) {
        self.pair_persons(&self.doctor, new).await
    }

    async fn pair_persons(&self, old: &TestPerson, new: &TestPerson) -> (Result<()>, Result<()>) {
        let shown = new.account().pairing_code().await.unwrap();
        let approved = old.account().approve_pairing(&shown);
        let (approved, joined) = tokio::join!(approved, new.account().join_by_pairing());
        (approved.map(drop), joined.map(drop))
    }

    /// The same after others have written two entries that the doctor has not seen.
    pub async fn refresh_behind(&self) -> Result<()> {
        self.directory.honest();
        let theirs = self.patient.account().session(self.session.id());
        theirs.rotate().await?;
        theirs.rotate().await?;
        self.directory.tell(self.lie);
        self.refresh().await
    }

    /// The doctor asks for so many sessions at once that some questions travel
    /// together. The first error, if any; sessions that the lie is not about
    /// must be fine.
    pub async fn refresh_many(&self) -> Result<()> {
        let mut tasks = Vec::new();
        for _ in 0..12 {
            let session = self.doctor.account().create_session([]).await?;
            tasks.push(async move { session.refresh().await });
        }
        let results = join_all(tasks).await;
        assert!(results.iter().any(Result::is_ok));
        results.into_iter().collect()
    }

    /// The doctor's program starts again and reads everything anew; it has
    /// only its pins.
    pub async fn restart(&self) -> Result<()> {
        let again = self.doctor.restart().await?;
        again.account().session(self.session.id()).refresh().await
    }

    /// Somebody who has never asked for the session opens its newest envelope.
    pub async fn newcomer(&self) -> Result<()> {
        self.opens(&self.insurer, &self.second, "second").await
    }

    /// The same, for an envelope of the epoch before.
    pub async fn newcomer_looks_back(&self) -> Result<()> {
        self.opens(&self.insurer, &self.first, "first").await
    }

    /// The same by a program that knows nothing but its keys.
    pub async fn newcomer_restarts(&self) -> Result<()> {
        let again = self.insurer.restart().await?;
        self.opens(&again, &self.second, "second").await
    }

    pub async fn newcomer_reads_metadata(&self) -> Result<()> {
        let session = self.insurer.account().session(self.session.id());
        assert_eq!(session.metadata().await?.unwrap(), b"a title");
        Ok(())
    }

    pub async fn newcomer_reads_the_tag(&self) -> Result<()> {
        let session = self.insurer.account().session(self.session.id());
        assert_eq!(session.tag().await?.as_deref(), Some("ward 3"));
        Ok(())
    }

    pub async fn opens(&self, who: &TestPerson, sealed: &[u8], text: &str) -> Result<()> {
        let opened = who.account().decrypt(sealed, None).await?;
        assert_eq!(opened.bytes(), text.as_bytes());
        Ok(())
    }

    pub async fn write(&self) -> Result<()> {
        self.session.rotate().await
    }

    /// The doctor makes three sessions at once.
    pub async fn write_many(&self) -> Result<()> {
        let options = || SessionOptions::from([Recipient::user("patient.7")]);
        let sessions = vec![options(), options(), options()];
        let made = self.doctor.account().create_sessions(sessions).await?;
        made.into_iter().try_for_each(|it| it.map(drop))
    }

    /// Somebody who has never asked for the session writes.
    pub async fn newcomer_writes(&self) -> Result<()> {
        let session = self.insurer.account().session(self.session.id());
        session.encrypt("x", None).await.map(drop)
    }

    pub async fn metadata(&self) -> Result<()> {
        let again = self.doctor.restart().await?;
        let session = again.account().session(self.session.id());
        assert_eq!(session.metadata().await?.unwrap(), b"a title");
        Ok(())
    }

    /// Nothing wrong has stayed behind: now that the directory is honest,
    /// everybody can do everything, whether they have just been lied to or not.
    pub async fn works(&self) {
        self.refresh().await.unwrap();
        let sealed = self.session.encrypt("third", None).await.unwrap();
        let opened = self.session.decrypt(&self.first, None).await.unwrap();
        assert_eq!(opened.bytes(), b"first");
        self.opens(&self.patient, &sealed, "third").await.unwrap();
        self.newcomer().await.unwrap();
        self.newcomer_looks_back().await.unwrap();
        self.look_up_two().await.unwrap();
        self.write().await.unwrap();
        self.metadata().await.unwrap();
        let stores = [&self.doctor, &self.patient, &self.insurer];
        for person in stores {
            let again = person.restart().await.unwrap();
            self.opens(&again, &sealed, "third").await.unwrap();
        }
    }
}

/// Drives all of them at the same time.
async fn join_all<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.into_iter().map(Box::pin).collect();
    let mut results: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (future, result) in futures.iter_mut().zip(&mut results) {
            if result.is_none()
                && let Poll::Ready(value) = future.as_mut().poll(context)
            {
                *result = Some(value);
            }
        }
        let done = results.iter().all(Option::is_some);
        if done { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    results.into_iter().flatten().collect()
}
