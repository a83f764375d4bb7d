//! Many sessions in one call against one call for each, with requests and bytes
//! on the wire.

use crate::members::Counting;
use plico::testing::TestDirectory;
use plico::{Account, AccountOptions, Grant, Recipient, RevokeOptions, SessionId, SessionOptions};
use plico_benches::Effort;
use plico_benches::measure::{Outcome, Show, compare, head, line};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

struct Desk {
    counting: Arc<Counting>,
    account: Account,
    ids: Vec<SessionId>,
    traffic: Vec<String>,
    directory: TestDirectory,
}

fn guest() -> Recipient {
    Recipient::user("guest")
}

impl Desk {
    async fn new(count: usize) -> Outcome<Self> {
        let directory = TestDirectory::start().await?;
        let owner = directory.person("owner").await?;
        directory.person("guest").await?;
        let counting = Counting::new(directory.connection());
        let plico = directory.builder().transport(counting.clone());
        let store = AccountOptions::with_store(owner.store().clone());
        let account = plico.open().await?.account(store).await?;
        let options = (0..count).map(|_| SessionOptions::new()).collect();
        let made = account.create_sessions(options).await?;
        let ids = made.into_iter().map(|it| it.map(|it| it.id()));
        let ids = ids.collect::<plico::Result<_>>()?;
        Ok(Self {
            counting,
            account,
            ids,
            traffic: Vec::new(),
            directory,
        })
    }

    async fn timed<T>(
        &mut self,
        what: &str,
        work: impl AsyncFnOnce(&Self) -> plico::Result<T>,
    ) -> Outcome<Duration> {
        self.counting.take();
        let start = Instant::now();
        work(self).await?;
        let took = start.elapsed();
        let (requests, sent, received) = self.counting.take();
        let begin = format!("- {what}:");
        self.traffic.retain(|it| !it.starts_with(&begin));
        self.traffic.push(format!(
            "{begin} {requests} requests, {sent} bytes sent, {received} received"
        ));
        Ok(took)
    }

    async fn grant_all(&self) -> plico::Result<()> {
        let to = [(guest(), Grant::read())];
        let results = self.account.grant_many(&self.ids, &to).await?;
        results.into_iter().flatten().collect()
    }

    async fn revoke_all(&self) -> plico::Result<()> {
        let (whom, options) = ([guest()], RevokeOptions::default());
        let results = self.account.revoke_many(&self.ids, &whom, options);
        results.await?.into_iter().flatten().collect()
    }

    async fn grant_each(&self) -> plico::Result<()> {
        for id in &self.ids {
            let session = self.account.session(*id);
            session.grant(guest(), Grant::read()).await?;
        }
        Ok(())
    }

    async fn revoke_each(&self) -> plico::Result<()> {
        for id in &self.ids {
            self.account.session(*id).revoke(guest()).await?;
        }
        Ok(())
    }
}

pub fn run(effort: Effort) -> Outcome<()> {
    let runtime = Runtime::new()?;
    let count = if effort.quick { 10 } else { 100 };
    head(
        &format!("{count} sessions in one call"),
        "one call for each session, one after the other",
    );
    let desk = std::cell::RefCell::new(runtime.block_on(Desk::new(count))?);
    let rounds = effort.rounds(11);
    macro_rules! row {
        ($what:literal, $all:ident, $each:ident, before $before:ident, after $after:ident) => {
            let side = |what: &str, all: bool| -> Outcome<Duration> {
                let desk = &mut *desk.borrow_mut();
                runtime.block_on(async {
                    desk.$before().await?;
                    let took = if all {
                        desk.timed(what, Desk::$all).await?
                    } else {
                        desk.timed(what, Desk::$each).await?
                    };
                    desk.$after().await?;
                    Ok(took)
                })
            };
            let (one, each) = (
                format!("{}, one call", $what),
                format!("{}, a call for each", $what),
            );
            let compared = compare(rounds, || side(&one, true), || side(&each, false))?;
            line($what, Show::Time, &compared);
        };
    }
    row!("granting", grant_all, grant_each, before revoke_all, after revoke_all);
    row!("revoking", revoke_all, revoke_each, before grant_all, after revoke_all);
    println!("\n{}\n", desk.borrow().traffic.join("\n"));
    runtime.block_on(listing(effort))
}

/// What a list of ten thousand sessions costs on the wire; `groups` has its time.
async fn listing(effort: Effort) -> Outcome<()> {
    let count = if effort.quick { 100 } else { 10_000 };
    let desk = Desk::new(0).await?;
    let owner = desk.directory.person("lister").await?;
    desk.directory.seed_sessions(&owner, count).await?;
    let counting = Counting::new(desk.directory.connection());
    let plico = desk.directory.builder().transport(counting.clone());
    let store = AccountOptions::with_store(owner.store().clone());
    let account = plico.open().await?.account(store).await?;
    counting.take();
    let (mut after, mut found) = (None, 0);
    loop {
        let page = account.sessions(after).await?;
        found += page.items.len();
        after = page.items.last().copied().or(after);
        if !page.more {
            break;
        }
    }
    assert_eq!(found, count);
    let (requests, sent, received) = counting.take();
    println!(
        "- listing {count} sessions: {requests} requests, {sent} bytes sent, {received} received\n"
    );
    Ok(())
}
