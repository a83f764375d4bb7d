//! A real directory over loopback HTTP, against a handler that does nothing
//! but one statement on the same kind of database.
//!
//! Both servers and the client share the process. The client signs every
//! request, whoever it is for, so that its own cost is the same on both sides.

mod bare;
mod client;
mod tenant;

use crate::Effort;
use crate::measure::{Outcome, Show, compare, head, line};
use client::{Client, Shot};
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
        let what = format!("read a session, {connections} connections");
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
            "(the bare handler, against one without a database, {connections} connections)"
        );
        line(&what, Show::Rate, &compared);
    }
    Ok(())
}

fn appends(bench: &mut Bench, effort: Effort, connections: &[usize]) -> Outcome<()> {
    for &connections in connections {
        let each = if effort.quick { 3 } else { 64 / connections };
        let rounds = effort.rounds(21);
        // Both sides are sent the same bodies.
        let mut plico = Vec::new();
        let mut bare = Vec::new();
        for _ in 0..=rounds {
            let mut lines = Vec::new();
            for number in 0..connections {
                let url = &bench.plico;
                let shots = (0..each).map(|_| bench.tenant.append(url, number, 1));
                lines.push(shots.collect::<Outcome<Vec<_>>>()?);
            }
            let copied = lines.iter().map(|line| {
                let line = line.iter().map(|shot| shot.at(&bench.plico, &bench.bare));
                line.collect()
            });
            bare.push(copied.collect());
            plico.push(lines);
        }
        let (mut plico, mut bare) = (plico.into_iter(), bare.into_iter());
        let compared = compare(
            rounds,
            || bench.fire(plico.next().ok_or("no more rounds")?),
            || bench.fire(bare.next().ok_or("no more rounds")?),
        )?;
        let what = format!("append to a session, {connections} connections");
        line(&what, Show::Rate, &compared);
    }
    Ok(())
}

/// What a session's length costs when one entry is added to it, and when
/// nothing new is read of it.
fn long_logs(bench: &mut Bench, effort: Effort) -> Outcome<()> {
    let bench_rounds = effort.rounds(21);
    for length in effort.sizes(&[100, 1_000, 10_000]) {
        while bench.tenant.length(0) < length {
            let missing = (length - bench.tenant.length(0)).min(64);
            let shot = bench.tenant.append(&bench.plico, 0, missing)?;
            bench.runtime.block_on(bench.clients[0].send(&shot))?;
        }
        let mut shots = Vec::new();
        for _ in 0..=bench_rounds {
            let shots_of_round = (0..4).map(|_| bench.tenant.append(&bench.plico, 0, 1));
            shots.push(shots_of_round.collect::<Outcome<Vec<_>>>()?);
        }
        let copies: Vec<Vec<Shot>> = shots
            .iter()
            .map(|round| {
                let round = round.iter().map(|shot| shot.at(&bench.plico, &bench.bare));
                round.collect()
            })
            .collect();
        let (mut shots, mut copies) = (shots.into_iter(), copies.into_iter());
        let compared = compare(
            bench_rounds,
            || bench.fire(vec![shots.next().ok_or("no more rounds")?]),
            || bench.fire(vec![copies.next().ok_or("no more rounds")?]),
        )?;
        let what = format!("append to a log of {length} entries, 1 connection");
        line(&what, Show::Rate, &compared);

        let from = bench.tenant.length(0);
        let round = |url: &str| Outcome::Ok(vec![vec![bench.tenant.read(url, 0, from)?; 40]]);
        let compared = compare(
            bench_rounds,
            || bench.fire(round(&bench.plico)?),
            || bench.fire(round(&bench.bare)?),
        )?;
        let what = format!("nothing new in a log of {length} entries, 1 connection");
        line(&what, Show::Rate, &compared);
    }
    Ok(())
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
    long_logs(&mut bench, effort)?;
    println!("\nThe answer to a read is {} bytes long.\n", bench.answer);
    Ok(())
}
