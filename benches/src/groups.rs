//! Groups: granting to them, taking members out, opening through them, and lists.

use crate::wraps::RawSealer;
use plico::testing::{TestDirectory, TestPerson};
use plico::{EncryptionSession, Grant, Group, GroupOptions, GroupRole, Recipient};
use plico_benches::Effort;
use plico_benches::measure::{Outcome, Show, compare, head, line};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// A directory with a group of some size.
struct Ward {
    directory: TestDirectory,
    owner: TestPerson,
    group: Group,
    /// Comes and goes.
    guest: Recipient,
    session: EncryptionSession,
    /// Requests and bytes of the last thing that was done.
    wire: (usize, usize),
}

impl Ward {
    async fn new(size: usize) -> Outcome<Self> {
        let directory = TestDirectory::start().await?;
        let owner = directory.person("owner").await?;
        directory.person("guest").await?;
        let mut options = GroupOptions::new();
        for number in 1..size {
            let name = format!("member.{number}");
            directory.person(&name).await?;
            options = options.member(Recipient::user(name), GroupRole::Member);
        }
        let group = owner.account().create_group(options).await?;
        let session = owner.account().create_session([]).await?;
        Ok(Self {
            directory,
            owner,
            group,
            guest: Recipient::user("guest"),
            session,
            wire: (0, 0),
        })
    }

    async fn timed(&mut self, work: impl Future<Output = plico::Result<()>>) -> Outcome<Duration> {
        let count = |it: &TestPerson| {
            let exchanges = it.connection().exchanges();
            let bytes: usize = exchanges.iter().map(|(it, _)| it.body.len()).sum();
            (exchanges.len(), bytes)
        };
        let before = count(&self.owner);
        let start = Instant::now();
        work.await?;
        let took = start.elapsed();
        let after = count(&self.owner);
        self.wire = (after.0 - before.0, after.1 - before.1);
        Ok(took)
    }

    /// A session is granted to the group, and taken from it again, untimed.
    async fn grant(&mut self) -> Outcome<Duration> {
        let (session, group) = (self.session.clone(), Recipient::group(self.group.id()));
        let took = self
            .timed(session.grant(group.clone(), Grant::read()))
            .await?;
        session.revoke(group).await?;
        Ok(took)
    }

    async fn add(&mut self) -> Outcome<Duration> {
        let (group, guest) = (self.group.clone(), self.guest.clone());
        let took = self
            .timed(group.add(guest.clone(), GroupRole::Member))
            .await?;
        group.remove(guest).await?;
        Ok(took)
    }

    async fn remove(&mut self) -> Outcome<Duration> {
        let (group, guest) = (self.group.clone(), self.guest.clone());
        group.add(guest.clone(), GroupRole::Member).await?;
        self.timed(group.remove(guest)).await
    }
}

pub fn run(effort: Effort) -> Outcome<()> {
    let runtime = Runtime::new()?;
    let sizes = effort.sizes(&[1, 100, 1_000]);
    head(
        "Groups",
        "one HPKE seal for a grant; for a removal one for each member who stays",
    );
    let mut notes = Vec::new();
    for size in sizes {
        let mut ward = runtime.block_on(Ward::new(size))?;
        let raw = RawSealer::new(size)?;
        let rounds = effort.rounds(if size >= 1_000 { 7 } else { 21 });
        macro_rules! row {
            ($what:literal, $verb:ident, $seals:expr) => {
                let peer = || {
                    let start = Instant::now();
                    raw.seal($seals)?;
                    Ok(start.elapsed())
                };
                let compared = compare(rounds, || runtime.block_on(ward.$verb()), peer)?;
                let what = format!("{}, {size} in the group", $what);
                line(&what, Show::Time, &compared);
                let (requests, bytes) = ward.wire;
                notes.push(format!("- {what}: {requests} requests, {bytes} bytes sent"));
            };
        }
        row!("granting a session", grant, 1);
        row!("adding a member", add, 1);
        row!("removing one", remove, size);
    }
    println!("\n{}\n", notes.join("\n"));
    runtime.block_on(opening(effort))?;
    runtime.block_on(listing(effort))
}

/// Through three groups, one in the other, against a grant of one's own.
async fn opening(effort: Effort) -> Outcome<()> {
    head(
        "Opening through three groups",
        "the same by a grant of one's own",
    );
    let ward = Ward::new(2).await?;
    let account = ward.owner.account();
    let mut inner = ward.group.id();
    for _ in 0..2 {
        let options = GroupOptions::new().member(Recipient::group(inner), GroupRole::Member);
        inner = account.create_group(options).await?.id();
    }
    let through = account.create_session([Recipient::group(inner)]).await?;
    let through = through.encrypt("x", None).await?;
    // Whoever reads starts with an identity file, and knows nothing more.
    let key = plico::FileKey::host_secret(&[5; 32])?;
    let first = ward.directory.person("reader").await?;
    ward.group
        .add(Recipient::user("reader"), GroupRole::Member)
        .await?;
    let session = account.create_session([Recipient::user("reader")]).await?;
    let own = session.encrypt("x", None).await?;
    let file = first.account().export_identity(&key).await?;
    let handle = tokio::runtime::Handle::current();
    let mut traffic = Vec::new();
    let mut cold = |what: &str, sealed: &[u8]| -> Outcome<Duration> {
        tokio::task::block_in_place(|| {
            handle.block_on(async {
                let new = ward.directory.visitor("reader").await?;
                new.account().import_identity(&file, &key).await?;
                let before = new.connection().exchanges().len();
                let start = Instant::now();
                new.account().decrypt(sealed, None).await?;
                let took = start.elapsed();
                let exchanges = new.connection().exchanges().split_off(before);
                let bytes = exchanges.iter().map(|(request, response)| {
                    let received = response.as_ref().map_or(0, |it| it.body.len());
                    (request.body.len(), received)
                });
                let (sent, received) = bytes.fold((0, 0), |all, it| (all.0 + it.0, all.1 + it.1));
                let requests = exchanges.len();
                let note = format!(
                    "- cold, {what}: {requests} requests, {sent} bytes sent, {received} received"
                );
                traffic.retain(|it: &String| !it.starts_with(&format!("- cold, {what}:")));
                traffic.push(note);
                let id = new.account().device_id().ok_or("no device")?;
                first.account().revoke_device(id).await?;
                Ok(took)
            })
        })
    };
    let cold = std::cell::RefCell::new(&mut cold);
    let compared = compare(
        effort.rounds(11),
        || cold.borrow_mut()("through three groups", &through),
        || cold.borrow_mut()("by a grant", &own),
    )?;
    line("cold", Show::Time, &compared);
    let warm = |sealed: &[u8]| -> Outcome<Duration> {
        tokio::task::block_in_place(|| {
            handle.block_on(async {
                let start = Instant::now();
                first.account().decrypt(sealed, None).await?;
                Ok(start.elapsed())
            })
        })
    };
    let compared = compare(effort.rounds(101), || warm(&through), || warm(&own))?;
    line("cached", Show::Time, &compared);
    println!("\n{}\n- cached: no request\n", traffic.join("\n"));
    Ok(())
}

/// All of ten thousand sessions, against as many requests that read one session.
async fn listing(effort: Effort) -> Outcome<()> {
    let count = if effort.quick { 100 } else { 10_000 };
    head(
        &format!("Listing {count} sessions"),
        "as many requests, each of which reads one session",
    );
    let directory = TestDirectory::start().await?;
    let person = directory.person("person").await?;
    let account = person.account();
    let session = account.create_session([]).await?;
    directory.seed_sessions(&person, count - 1).await?;
    let pages = count.div_ceil(1_024) + usize::from(count.is_multiple_of(1_024));
    let handle = tokio::runtime::Handle::current();
    let list = || -> Outcome<Duration> {
        tokio::task::block_in_place(|| {
            handle.block_on(async {
                let (start, mut after, mut found) = (Instant::now(), None, 0);
                loop {
                    let page = account.sessions(after).await?;
                    found += page.items.len();
                    after = page.items.last().copied().or(after);
                    if !page.more {
                        break;
                    }
                }
                assert_eq!(found, count);
                Ok(start.elapsed())
            })
        })
    };
    let read = || -> Outcome<Duration> {
        tokio::task::block_in_place(|| {
            handle.block_on(async {
                let start = Instant::now();
                for _ in 0..pages {
                    session.refresh().await?;
                }
                Ok(start.elapsed())
            })
        })
    };
    let compared = compare(effort.rounds(21), list, read)?;
    line(&format!("{pages} pages"), Show::Time, &compared);
    println!();
    Ok(())
}
