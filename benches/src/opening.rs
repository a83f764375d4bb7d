//! Opening an envelope of 1 KiB: with nothing known, with the store only, and
//! with everything in memory.

use chacha20poly1305::aead::AeadInOut as _;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _};
use plico::ports::{Change, Store};
use plico::store::MemoryStore;
use plico::testing::{TestConnection, TestDirectory, TestPerson};
use plico::{Account, AccountOptions, Plico, Recipient};
use plico_benches::Effort;
use plico_benches::measure::{Outcome, Show, compare, each, head, line};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

const LENGTH: usize = 1024;

/// What a program does that is started for one envelope.
async fn open_account(
    directory: &TestDirectory,
    connection: Arc<TestConnection>,
    store: Arc<dyn Store>,
    offline: bool,
) -> Outcome<Account> {
    let mut builder = Plico::builder(directory.url(), &directory.tenant().to_string())
        .clock(Arc::new(directory.clock().clone()))
        .transport(connection);
    if offline {
        builder = builder.start_offline();
    }
    let plico = builder.open().await?;
    let account = plico.account(AccountOptions::with_store(store)).await?;
    Ok(if offline { account.offline() } else { account })
}

/// A store that holds the account's own keys and nothing else.
async fn bare_store(person: &TestPerson) -> Outcome<Arc<dyn Store>> {
    let record = person.store().get("account").await?;
    let record = record.ok_or("the account is not in the store")?;
    let store = MemoryStore::new();
    let put = vec![Change::Put("account".into(), record)];
    store.commit(put, Vec::new()).await?;
    Ok(Arc::new(store))
}

pub fn run(effort: Effort) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    head(
        "Opening 1 KiB",
        "ChaCha20-Poly1305 alone, key set up, over 1 KiB",
    );
    let directory = runtime.block_on(TestDirectory::start())?;
    let (reader, sealed) = runtime.block_on(async {
        let owner = directory.person("owner").await?;
        let reader = directory.person("reader").await?;
        directory.person("former").await?;
        let both = [Recipient::user("reader"), Recipient::user("former")];
        let session = owner.account().create_session(both).await?;
        session.revoke(Recipient::user("former")).await?;
        let sealed = session.encrypt([7; LENGTH], None).await?;
        Outcome::Ok((reader, sealed))
    })?;

    let cipher = ChaCha20Poly1305::new(&[1; 32].into());
    let mut buffer = vec![7; LENGTH];
    let tag = cipher
        .encrypt_inout_detached(&[0; 12].into(), b"", buffer.as_mut_slice().into())
        .map_err(|_| "sealing failed")?;
    let raw = |count: u32| {
        each(count, || {
            let mut opened = buffer.clone();
            cipher
                .decrypt_inout_detached(&[0; 12].into(), b"", opened.as_mut_slice().into(), &tag)
                .map_err(|_| "opening failed")?;
            Ok(opened)
        })
    };
    let rounds = effort.rounds(101);

    // Everything is in memory after the first time, which does not count.
    let account = reader.account();
    let opened = compare(
        rounds,
        || {
            each(
                100,
                || Ok(runtime.block_on(account.decrypt(&sealed, None))?),
            )
        },
        || raw(100),
    )?;
    line("known in memory", Show::Time, &opened);

    let kept = reader.store().clone();
    let opened = compare(
        rounds,
        || -> Outcome<Duration> {
            let connection = directory.connection();
            connection.down(true);
            let start = Instant::now();
            let (directory, kept) = (&directory, kept.clone());
            runtime.block_on(async {
                let account = open_account(directory, connection.clone(), kept, true).await?;
                black_box(account.decrypt(&sealed, None).await?);
                Outcome::Ok(())
            })?;
            let took = start.elapsed();
            if connection.requests() > 0 {
                return Err("an offline opening asked the directory".into());
            }
            Ok(took)
        },
        || raw(100),
    )?;
    line(
        "a program started offline, from its store",
        Show::Time,
        &opened,
    );

    let mut requests = 0;
    let opened = compare(
        effort.rounds(51),
        || -> Outcome<Duration> {
            let connection = directory.connection();
            let store = runtime.block_on(bare_store(&reader))?;
            let start = Instant::now();
            runtime.block_on(async {
                let account = open_account(&directory, connection.clone(), store, false).await?;
                black_box(account.decrypt(&sealed, None).await?);
                Outcome::Ok(())
            })?;
            let took = start.elapsed();
            requests = connection.requests();
            Ok(took)
        },
        || raw(100),
    )?;
    let what = format!("a program started with its keys only, {requests} requests");
    line(&what, Show::Time, &opened);
    println!();
    Ok(())
}
