//! A real directory over loopback HTTP, against a handler that does nothing
//! but one statement on the same kind of database.
//!
//! Both servers and the client share the process. The client signs every
//! request, whoever it is for, so that its own cost is the same on both sides.

mod bare;
mod client;
mod tenant;

use client::{Client, Shot};
use plico_benches::Effort;
use plico_benches::measure::{Compared, Outcome, Show, compare, head, line};
use plico_directory::{Config, Server};
use std::path::Path;
use std::time::Duration;
use tenant::Tenant;
use tokio::runtime::Runtime;

/// Connections at a time; each has a person and a session of its own.
const CONNECTIONS: [usize; 3] = [1, 8, 32];

struct Bench {
    runtime: Runtime,
    tenant: Tenant,
    clients: Vec<Client>,
    plico: String,
    bare: String,
    /// How long the answer to a read is, in bytes.
    answer: usize,
}

impl Bench {
    /// `people`, each with a session of two recipients.
    fn start(folder: &Path, people: usize) -> Outcome<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        let (tenant, clients, urls, length) = runtime.block_on(async {
            let listen = ([127, 0, 0, 1], 0).into();
            let server = Server::bind(Config::new(listen, &folder.join("plico.sqlite"))).await?;
            let mut tenant = Tenant::create(&server).await?;
            let plico = server.public_url().to_owned();
            tokio::spawn(server.run_until(std::future::pending()));
            let mut clients = Vec::new();
            for _ in 0..people {
                let (client, enrol) = tenant.enrol(&plico)?;
                client.send(&enrol).await?;
                clients.push(client);
            }
            let mut sessions = Vec::new();
            for (number, client) in clients.iter().enumerate() {
                client.send(&tenant.create_session(&plico, number)?).await?;
                sessions.push(tenant.session_name(number)?);
            }
            let answer = clients[0].send(&tenant.read(&plico, 0, 0)?).await?;
            let length = answer.len();
            let bare = bare::serve(&folder.join("bare.sqlite"), &sessions, answer).await?;
            Outcome::Ok((tenant, clients, (plico, bare), length))
        })?;
        let (plico, bare) = urls;
        Ok(Self {
            runtime,
            tenant,
            clients,
            plico,
            bare,
            answer: length,
        })
    }

    /// Sends each connection's `shots` one after another, all connections at a
    /// time; gives the time for one shot.
    fn fire(&self, shots: Vec<Vec<Shot>>) -> Outcome<Duration> {
        let count = u32::try_from(shots.iter().map(Vec::len).sum::<usize>())?;
        let lines = shots.into_iter().zip(&self.clients).map(|(shots, client)| {
            let client = client.clone();
            async move {
                for shot in &shots {
                    client.send(shot).await?;
                }
                Outcome::Ok(())
            }
        });
        let lines: Vec<_> = lines.collect();
        self.runtime.block_on(async {
            let start = std::time::Instant::now();
            let running: Vec<_> = lines.into_iter().map(tokio::spawn).collect();
            for line in running {
                line.await??;
            }
            Ok(start.elapsed() / count)
        })
    }

    /// `each` GETs of every connection's session at `url`.
    fn reads(&self, url: &str, connections: usize, each: usize) -> Outcome<Vec<Vec<Shot>>> {
        let lines = (0..connections).map(|number| {
            let shot = self.tenant.read(url, number, 0)?;
            Ok(vec![shot; each])
        });
        lines.collect()
    }
}

fn reads(bench: &Bench, effort: Effort, connections: &[usize]) -> Outcome<()> {
    for &connections in connections {
        let each = if effort.quick { 5 } else { 400 / connections };
        let compared = compare(
            effort.rounds(31),
            || bench.fire(bench.reads(&bench.plico, connections, each)?),
            || bench.fire(bench.reads(&bench.bare, connections, each)?),
        )?;
        let what = format!("read a session, {}", in_words(connections));
        line(&what, Show::Rate, &compared);
    }
    for &connections in connections {
        let each = if effort.quick { 5 } else { 400 / connections };
        let empty = format!("{}/empty", bench.bare);
        let compared = compare(
            effort.rounds(31),
            || bench.fire(bench.reads(&bench.bare, connections, each)?),
            || bench.fire(bench.reads(&empty, connections, each)?),
        )?;
        let what = format!(
            "(the bare handler, against one without a database, {})",
            in_words(connections)
        );
        line(&what, Show::Rate, &compared);
    }
    Ok(())
}

/// Appends to the sessions of so many connections, `each` entries a round, one
/// a request. Both sides are sent the same bodies.
fn compare_appends(
    bench: &mut Bench,
    rounds: usize,
    connections: usize,
    each: usize,
) -> Outcome<Compared> {
    let (mut plico, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..=rounds {
        let mut lines = Vec::new();
        for number in 0..connections {
            let shots = (0..each).map(|_| bench.tenant.append(&bench.plico, number));
            lines.push(shots.collect::<Outcome<Vec<_>>>()?);
        }
        let elsewhere = |shot: &Shot| shot.at(&bench.plico, &bench.bare);
        let copies = lines
            .iter()
            .map(|line| line.iter().map(elsewhere).collect());
        bare.push(copies.collect());
        plico.push(lines);
    }
    let (mut plico, mut bare) = (plico.into_iter(), bare.into_iter());
    compare(
        rounds,
        || bench.fire(plico.next().ok_or("no more rounds")?),
        || bench.fire(bare.next().ok_or("no more rounds")?),
    )
}

fn appends(bench: &mut Bench, effort: Effort, connections: &[usize]) -> Outcome<()> {
    for &connections in connections {
        let each = if effort.quick { 3 } else { 64 / connections };
        let compared = compare_appends(bench, effort.rounds(41), connections, each)?;
        let what = format!("append to a session, {}", in_words(connections));
        line(&what, Show::Rate, &compared);
    }
    Ok(())
}

/// What a log's length costs when one entry is added to it, and when nothing
/// new is read of it. Half of the entries are rotations.
fn long_logs(effort: Effort) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let bench = &mut Bench::start(folder.path(), 2)?;
    let rounds = effort.rounds(31);
    for length in effort.sizes(&[100, 1_000, 10_000]) {
        while bench.tenant.length(0) < length {
            let missing = (length - bench.tenant.length(0)).min(64);
            let shot = bench.tenant.grow(&bench.plico, 0, missing)?;
            bench.runtime.block_on(bench.clients[0].send(&shot))?;
        }
        let compared = compare_appends(bench, rounds, 1, 4)?;
        let what = format!("append to a log of {length} entries, {}", in_words(1));
        line(&what, Show::Rate, &compared);

        let from = bench.tenant.length(0);
        let shot = bench.tenant.read(&bench.plico, 0, from)?;
        let answer = bench.runtime.block_on(bench.clients[0].send(&shot))?.len();
        let round = |url: &str| Outcome::Ok(vec![vec![bench.tenant.read(url, 0, from)?; 40]]);
        let compared = compare(
            rounds,
            || bench.fire(round(&bench.plico)?),
            || bench.fire(round(&bench.bare)?),
        )?;
        let what = format!(
            "read nothing new of a log of {length} entries ({answer} bytes), {}",
            in_words(1)
        );
        line(&what, Show::Rate, &compared);
    }
    Ok(())
}

fn in_words(connections: usize) -> String {
    let s = if connections == 1 { "" } else { "s" };
    format!("{connections} connection{s}")
}

pub fn run(effort: Effort) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let people = if effort.quick { 8 } else { 32 };
    let connections: Vec<usize> = CONNECTIONS.into_iter().filter(|it| *it <= people).collect();
    head(
        "Directory",
        "axum with one SELECT, or one INSERT in a transaction, on SQLite with the same pragmas",
    );
    let mut bench = Bench::start(folder.path(), people)?;
    reads(&bench, effort, &connections)?;
    appends(&mut bench, effort, &connections)?;
    long_logs(effort)?;
    println!("\nThe answer to a read is {} bytes long.\n", bench.answer);
    Ok(())
}
