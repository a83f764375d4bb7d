//! Sessions with many members, flat or as groups in a group: granting, shutting
//! somebody out, with requests and bytes on the wire.

use crate::wraps::RawSealer;
use plico::ports::{BoxFuture, Request, Response, Transport, TransportError};
use plico::testing::{TestConnection, TestDirectory};
use plico::{
    Account, AccountOptions, EncryptionSession, Grant, Group, GroupOptions, GroupRole, Recipient,
};
use plico_benches::Effort;
use plico_benches::measure::{Outcome, Show, compare, head, line};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Counts what goes over it.
pub struct Counting {
    connection: Arc<TestConnection>,
    requests: AtomicUsize,
    sent: AtomicUsize,
    received: AtomicUsize,
}

/// Requests, bytes sent and bytes received.
pub type Traffic = (usize, usize, usize);

impl Counting {
    pub fn new(connection: Arc<TestConnection>) -> Arc<Self> {
        Arc::new(Self {
            connection,
            requests: AtomicUsize::new(0),
            sent: AtomicUsize::new(0),
            received: AtomicUsize::new(0),
        })
    }

    /// What has gone over it since the last call.
    pub fn take(&self) -> Traffic {
        let take = |it: &AtomicUsize| it.swap(0, Ordering::SeqCst);
        (take(&self.requests), take(&self.sent), take(&self.received))
    }
}

impl Transport for Counting {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            self.requests.fetch_add(1, Ordering::SeqCst);
            self.sent.fetch_add(request.body.len(), Ordering::SeqCst);
            let response = self.connection.send(request).await?;
            self.received
                .fetch_add(response.body.len(), Ordering::SeqCst);
            Ok(response)
        })
    }
}

/// Whom the session was granted to.
enum Shape {
    /// Each member themselves.
    Flat,
    /// A group of groups of up to a hundred; the guest comes into the first.
    Nested(Group),
}

struct Ward {
    counting: Arc<Counting>,
    session: EncryptionSession,
    guest: Recipient,
    shape: Shape,
    traffic: Traffic,
    _directory: TestDirectory,
}

/// How many are in one group.
const GROUP: usize = 100;

impl Ward {
    async fn new(size: usize, nested: bool) -> Outcome<Self> {
        let directory = TestDirectory::start().await?;
        let owner = directory.person("owner").await?;
        directory.person("guest").await?;
        // The owner and the guest count, too.
        let ids = directory
            .seed_people("member", size.saturating_sub(2))
            .await?;
        let people: Vec<Recipient> = ids.into_iter().map(Recipient::identity).collect();
        let counting = Counting::new(directory.connection());
        let plico = directory.builder().transport(counting.clone());
        let store = AccountOptions::with_store(owner.store().clone());
        let account = plico.open().await?.account(store).await?;
        let session = account.create_session([]).await?;
        let shape = if nested {
            Shape::Nested(nest(&account, &session, &people).await?)
        } else {
            let grants: Vec<_> = people.into_iter().map(|it| (it, Grant::read())).collect();
            for result in session.grant_all(&grants).await? {
                result?;
            }
            Shape::Flat
        };
        Ok(Self {
            counting,
            session,
            guest: Recipient::user("guest"),
            shape,
            traffic: (0, 0, 0),
            _directory: directory,
        })
    }

    async fn let_in(&self) -> plico::Result<()> {
        let guest = self.guest.clone();
        match &self.shape {
            Shape::Flat => self.session.grant(guest, Grant::read()).await,
            Shape::Nested(group) => group.add(guest, GroupRole::Member).await,
        }
    }

    /// Until something is written that the guest can't open.
    async fn shut_out(&self) -> plico::Result<()> {
        let guest = self.guest.clone();
        match &self.shape {
            Shape::Flat => self.session.revoke(guest).await?,
            Shape::Nested(group) => group.remove(guest).await?,
        }
        let session = self.session.max_staleness(Duration::ZERO);
        session.encrypt("x", None).await.map(drop)
    }

    async fn timed(
        &mut self,
        work: impl AsyncFnOnce(&Self) -> plico::Result<()>,
    ) -> Outcome<Duration> {
        self.counting.take();
        let start = Instant::now();
        work(self).await?;
        let took = start.elapsed();
        self.traffic = self.counting.take();
        Ok(took)
    }

    async fn grant(&mut self) -> Outcome<Duration> {
        let took = self.timed(Self::let_in).await?;
        self.shut_out().await?;
        Ok(took)
    }

    async fn revoke(&mut self) -> Outcome<Duration> {
        self.let_in().await?;
        self.timed(Self::shut_out).await
    }
}

async fn nest(
    account: &Account,
    session: &EncryptionSession,
    people: &[Recipient],
) -> Outcome<Group> {
    let mut groups = Vec::new();
    for members in people.chunks(GROUP) {
        let group = account.create_group(GroupOptions::new()).await?;
        let members: Vec<_> = members
            .iter()
            .map(|it| (it.clone(), GroupRole::Member))
            .collect();
        for result in group.add_members(&members).await? {
            result?;
        }
        groups.push(group);
    }
    let outer = account.create_group(GroupOptions::new()).await?;
    let inner: Vec<_> = groups
        .iter()
        .map(|it| (Recipient::group(it.id()), GroupRole::Member))
        .collect();
    for result in outer.add_members(&inner).await? {
        result?;
    }
    session
        .grant(Recipient::group(outer.id()), Grant::read())
        .await?;
    Ok(groups.into_iter().next().ok_or("no group")?)
}

pub fn run(effort: Effort) -> Outcome<()> {
    let runtime = Runtime::new()?;
    head(
        "Many members",
        "one HPKE seal for a grant; for a revocation one for each wrap of the flat session",
    );
    let mut notes = Vec::new();
    for size in effort.sizes(&[1, 100, 10_000]) {
        let raw = RawSealer::new(size)?;
        for nested in [false, true] {
            let least = if effort.quick { GROUP } else { 1_000 };
            if nested && size < least {
                continue;
            }
            let shape = if nested {
                "groups of 100 in a group"
            } else {
                "flat"
            };
            let mut ward = runtime.block_on(Ward::new(size, nested))?;
            let rounds = effort.rounds(if size >= 1_000 { 5 } else { 21 });
            macro_rules! row {
                ($what:literal, $verb:ident, $seals:expr) => {
                    let peer = || {
                        let start = Instant::now();
                        raw.seal($seals)?;
                        Ok(start.elapsed())
                    };
                    let compared = compare(rounds, || runtime.block_on(ward.$verb()), peer)?;
                    let what = format!("{}, {size} members, {shape}", $what);
                    line(&what, Show::Time, &compared);
                    let (requests, sent, received) = ward.traffic;
                    notes.push(format!(
                        "- {what}: {requests} requests, {sent} bytes sent, {received} received"
                    ));
                };
            }
            row!("granting", grant, 1);
            row!("revoking and writing", revoke, size);
        }
    }
    println!("\n{}\n", notes.join("\n"));
    Ok(())
}
