//! What every [`Storage`] must do. Run it on an empty database; it panics at
//! the first promise that is not kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // it is a test

mod many;
mod restored;

use super::{
    Binding, ChainRef, Nonce, Page, Read, Rows, Storage, StoredWrap, TenantRow, Write, WriteError,
};
use plico_protocol::format::bodies::TagOpening;
use plico_protocol::format::ids::{ChainId, EntryHash, KeyId, Kind, Position, Recipient};
use plico_protocol::primitives::secret::Secret32;
use plico_protocol::wire::accept::{AcceptedBackLink, AcceptedEntry, AcceptedWrap, Effects};

const TENANT: ChainId = ChainId([1; 32]);
const NOW: u64 = 1_000_000;

fn at(chain: u8) -> ChainRef {
    ChainRef {
        tenant: TENANT,
        chain: ChainId([chain; 32]),
    }
}

fn position(seq: u64) -> Position {
    Position {
        seq,
        hash: EntryHash([seq as u8 + 100; 32]),
    }
}

fn entry(seq: u64, leaves: usize) -> AcceptedEntry {
    AcceptedEntry {
        seq,
        hash: position(seq).hash,
        bytes: vec![seq as u8; 100],
        leaves: (0..leaves).map(|leaf| [leaf as u8; 32]).collect(),
    }
}

fn wrap(recipient: u8, epoch: u32, seq: u64) -> AcceptedWrap {
    AcceptedWrap {
        seq,
        index: 1,
        recipient: Recipient::identity(ChainId([recipient; 32])),
        epoch,
        generation: 3,
        key_id: KeyId([4; 32]),
        sealed: vec![recipient ^ seq as u8; 1_168],
    }
}

fn link(epoch: u32, target: u32) -> AcceptedBackLink {
    AcceptedBackLink {
        epoch,
        target,
        bytes: vec![epoch as u8, target as u8],
    }
}

fn write(chain: u8, expected: Option<u64>, effects: Effects) -> Write {
    Write::new(at(chain), Kind::Session, expected.map(position), effects)
}

fn entries(range: core::ops::Range<u64>) -> Effects {
    Effects {
        entries: range.map(|seq| entry(seq, 2)).collect(),
        ..Effects::default()
    }
}

fn page(from: u64, entries: usize, bytes: usize) -> Page {
    Page {
        from,
        entries,
        bytes,
    }
}

async fn read(storage: &dyn Storage, chain: u8, recipient: u8, ranges: &[(u32, u32)]) -> Rows {
    let read = Read {
        page: page(0, 10, 10_000),
        readers: vec![(
            Recipient::identity(ChainId([recipient; 32])),
            ranges.to_vec(),
        )],
        wraps_per_range: 2,
        now_ms: NOW,
    };
    storage.read(at(chain), read).await.unwrap().unwrap()
}

fn epochs(rows: &Rows) -> Vec<u32> {
    rows.wraps.iter().map(|it| it.wrap.epoch).collect()
}

/// Runs the suite.
///
/// # Panics
/// At the first promise that is not kept.
pub async fn run(storage: &dyn Storage) {
    storage.ping().await.unwrap();
    tenants(storage).await;
    chains(storage).await;
    wraps(storage).await;
    conditions(storage).await;
    names(storage).await;
    races(storage).await;
    many::run(storage).await;
    restored::run(storage).await;
}

async fn tenants(storage: &dyn Storage) {
    assert!(storage.tenants().await.unwrap().is_empty());
    let mut first = Write::new(at(1), Kind::Tenant, None, entries(0..1));
    first.tenant = Some(TenantRow {
        id: TENANT,
        name: "a".into(),
        directory_seed: Secret32::filled_by(|seed| seed.fill(7)),
        created_ms: NOW,
    });
    storage.apply(&first).await.unwrap();
    let row = storage.tenant(TENANT).await.unwrap().unwrap();
    assert_eq!((row.id, &*row.name, row.created_ms), (TENANT, "a", NOW));
    assert_eq!(row.directory_seed.expose(), &[7; 32]);
    assert_eq!(storage.tenants().await.unwrap().len(), 1);
    assert!(storage.tenant(ChainId([2; 32])).await.unwrap().is_none());
    let head = storage.head(at(1)).await.unwrap().unwrap();
    assert_eq!((head.kind, head.position), (Kind::Tenant, position(0)));
}

async fn chains(storage: &dyn Storage) {
    assert!(storage.head(at(10)).await.unwrap().is_none());
    let all = page(0, 10, 10_000);
    assert!(storage.entries(at(10), all).await.unwrap().is_empty());
    storage
        .apply(&write(10, None, entries(0..1)))
        .await
        .unwrap();
    storage
        .apply(&write(10, Some(0), entries(1..4)))
        .await
        .unwrap();
    let head = storage.head(at(10)).await.unwrap().unwrap();
    assert_eq!((head.kind, head.position), (Kind::Session, position(3)));

    // Compare-and-set: on the number, on the hash, on there being a chain.
    let elsewhere = Position {
        seq: 3,
        hash: EntryHash([9; 32]),
    };
    let mut forked = write(10, None, entries(4..5));
    forked.expected = Some(elsewhere);
    for refused in [
        write(10, Some(2), entries(3..4)),
        write(10, None, entries(0..1)),
        write(11, Some(0), entries(1..2)),
        forked,
    ] {
        let error = storage.apply(&refused).await.unwrap_err();
        assert!(matches!(error, WriteError::Conflict), "{error}");
    }
    assert!(storage.head(at(11)).await.unwrap().is_none());

    // Pages: by number, by bytes, but at least one.
    let read = async |page| storage.entries(at(10), page).await.unwrap();
    assert_eq!(read(all).await.len(), 4);
    assert_eq!(read(page(1, 2, 10_000)).await, [[1; 100], [2; 100]]);
    assert_eq!(read(page(0, 10, 250)).await.len(), 2);
    assert_eq!(read(page(2, 10, 0)).await, [[2; 100]]);
    assert!(read(page(4, 10, 10_000)).await.is_empty());
    assert!(read(page(u64::MAX, 10, 10_000)).await.is_empty());
    let whole = async |page| {
        let read = Read {
            page,
            readers: Vec::new(),
            wraps_per_range: 9,
            now_ms: NOW,
        };
        storage.read(at(10), read).await.unwrap().unwrap()
    };
    assert!(whole(page(0, 3, 10_000)).await.more);
    assert!(!whole(page(1, 3, 10_000)).await.more);
    assert!(!whole(page(9, 3, 10_000)).await.more);

    // Handles lead to sessions only; tenants are apart.
    let find = async |tenant, handle| storage.session_by_handle(tenant, handle).await.unwrap();
    assert_eq!(find(TENANT, [10; 16]).await, Some(at(10).chain));
    assert_eq!(find(TENANT, [1; 16]).await, None);
    assert_eq!(find(ChainId([2; 32]), [10; 16]).await, None);
    let foreign = ChainRef {
        tenant: ChainId([2; 32]),
        chain: at(10).chain,
    };
    assert!(storage.head(foreign).await.unwrap().is_none());
}

async fn wraps(storage: &dyn Storage) {
    let mut effects = entries(0..1);
    effects.wraps = (0..5)
        .flat_map(|it| [wrap(50, it, 0), wrap(51, it, 0)])
        .collect();
    effects.back_links = vec![link(1, 0), link(2, 1), link(4, 3), link(3, 1)];
    effects.metadata = Some(vec![1, 2]);
    let mut first = write(20, None, effects);
    let (ending, lasting) = (wrap(50, 0, 0).recipient, wrap(51, 0, 0).recipient);
    first.expiries = [(ending, NOW + 1), (lasting, 0)].into();
    storage.apply(&first).await.unwrap();

    // The newest of each range, ascending; links within each range.
    let rows = read(storage, 20, 51, &[(0, 2), (3, 9)]).await;
    assert_eq!(epochs(&rows), [1, 2, 3, 4]);
    let links: Vec<_> = rows
        .back_links
        .iter()
        .map(|it| (it.epoch, it.target))
        .collect();
    assert_eq!(links, [(1, 0), (2, 1), (4, 3)]);
    let StoredWrap {
        wrap: first,
        leaves,
    } = &rows.wraps[0];
    assert_eq!((first.seq, first.index, first.generation), (0, 1, 3));
    assert_eq!((first.sealed.len(), leaves.len()), (1_168, 2));
    assert_eq!(rows.metadata, Some(vec![1, 2]));
    assert!(epochs(&read(storage, 20, 52, &[(0, 9)]).await).is_empty());

    // Ended: not read, and later deleted; the others stay.
    assert_eq!(epochs(&read(storage, 20, 50, &[(0, 9)]).await), [3, 4]);
    storage.purge(NOW).await.unwrap();
    assert_eq!(epochs(&read(storage, 20, 50, &[(0, 9)]).await), [3, 4]);
    let mut sooner = write(20, Some(0), entries(1..2));
    sooner.expiries = [(ending, NOW)].into();
    storage.apply(&sooner).await.unwrap();
    assert!(epochs(&read(storage, 20, 50, &[(0, 9)]).await).is_empty());
    storage.purge(NOW).await.unwrap();
    let mut later = write(20, Some(1), entries(2..3));
    later.expiries = [(ending, 0)].into();
    storage.apply(&later).await.unwrap();
    assert!(epochs(&read(storage, 20, 50, &[(0, 9)]).await).is_empty());
    assert_eq!(epochs(&read(storage, 20, 51, &[(0, 9)]).await), [3, 4]);

    // Dropped before what is added; a newer wrap replaces an older one.
    let mut effects = entries(3..4);
    effects.dropped = vec![lasting];
    effects.wraps = vec![wrap(51, 4, 3), wrap(50, 4, 3)];
    storage.apply(&write(20, Some(2), effects)).await.unwrap();
    let mut effects = entries(4..5);
    effects.wraps = vec![wrap(51, 4, 4)];
    storage.apply(&write(20, Some(3), effects)).await.unwrap();
    let rows = read(storage, 20, 51, &[(0, 9)]).await;
    assert_eq!((epochs(&rows), rows.wraps[0].wrap.seq), (vec![4], 4));

    // A tag finds, and goes with everything else when the time is over.
    let tagged = async |tag: &str, after| {
        let tenant = at(20).tenant;
        let all = storage
            .chains_tagged(tenant, Kind::Session, tag, after)
            .await
            .unwrap();
        let by = storage
            .chains_of(tenant, lasting, Kind::Session, Some(tag), after)
            .await;
        (all, by.unwrap())
    };
    let mut effects = entries(5..6);
    let opening = TagOpening::new("ward 3", [1; 32]).unwrap();
    effects.tag = Some(Some(opening.clone()));
    effects.metadata = Some(vec![3]);
    effects.back_links = vec![link(4, 2)];
    let mut ending = write(20, Some(4), effects);
    ending.ends_ms = NOW;
    storage.apply(&ending).await.unwrap();
    let rows = read(storage, 20, 51, &[(0, 9)]).await;
    assert_eq!(rows.tag, Some(opening.to_bytes()));
    let here = vec![at(20).chain];
    assert_eq!(tagged("ward 3", None).await, (here.clone(), here.clone()));
    assert_eq!(tagged("ward 4", None).await, (vec![], vec![]));
    assert_eq!(tagged("ward 3", Some(here[0])).await, (vec![], vec![]));
    storage.purge(NOW - 1).await.unwrap();
    assert_eq!(epochs(&read(storage, 20, 51, &[(0, 9)]).await), [4]);
    storage.purge(NOW).await.unwrap();
    let rows = read(storage, 20, 51, &[(0, 9)]).await;
    assert!(rows.wraps.is_empty() && rows.back_links.is_empty() && rows.metadata.is_none());
    assert!(rows.tag.is_none() && tagged("ward 3", None).await.0.is_empty());

    // The end: only the log stays.
    let mut effects = entries(6..7);
    effects.ended = true;
    storage.apply(&write(20, Some(5), effects)).await.unwrap();
    let rows = read(storage, 20, 51, &[(0, 9)]).await;
    assert!(rows.wraps.is_empty() && rows.back_links.is_empty() && rows.metadata.is_none());
    assert_eq!(rows.entries.len(), 7);
}

async fn conditions(storage: &dyn Storage) {
    let nonce = Nonce {
        key: KeyId([1; 32]),
        nonce: [2; 16],
        expires_ms: NOW,
    };
    let with = |mut write: Write| {
        write.nonce = Some(nonce);
        write
    };
    // A write that is refused uses no nonce up, and one that is used refuses all of it.
    let refused = storage
        .apply(&with(write(30, Some(5), entries(6..7))))
        .await;
    assert!(matches!(refused, Err(WriteError::Conflict)));
    assert!(!storage.nonce_used(TENANT, &nonce).await.unwrap());
    storage
        .apply(&with(write(30, None, entries(0..1))))
        .await
        .unwrap();
    assert!(storage.nonce_used(TENANT, &nonce).await.unwrap());
    let refused = storage
        .apply(&with(write(30, Some(0), entries(1..2))))
        .await;
    assert!(matches!(refused, Err(WriteError::Replayed)));
    let refused = storage.use_nonce(TENANT, &nonce).await;
    assert!(matches!(refused, Err(WriteError::Replayed)));
    let head = storage.head(at(30)).await.unwrap().unwrap();
    assert_eq!(head.position, position(0));
    for other in [
        Nonce {
            key: KeyId([9; 32]),
            ..nonce
        },
        Nonce {
            nonce: [9; 16],
            ..nonce
        },
    ] {
        assert!(!storage.nonce_used(TENANT, &other).await.unwrap());
    }
    storage.purge(NOW - 1).await.unwrap();
    assert!(storage.nonce_used(TENANT, &nonce).await.unwrap());
    storage.purge(NOW).await.unwrap();
    storage.use_nonce(TENANT, &nonce).await.unwrap();

    // The author must stand where the write was checked.
    for (author, position, fine) in [
        (at(30).chain, position(0), true),
        (at(30).chain, position(1), false),
        (at(31).chain, position(0), false),
    ] {
        let last = storage
            .head(at(32))
            .await
            .unwrap()
            .map(|it| it.position.seq);
        let next = last.map_or(0, |seq| seq + 1);
        let mut write = write(32, last, entries(next..next + 1));
        write.authors = vec![(author, position)];
        match storage.apply(&write).await {
            Ok(()) => assert!(fine),
            Err(error) => assert!(!fine && matches!(error, WriteError::AuthorBehind)),
        }
    }
}

async fn names(storage: &dyn Storage) {
    let enrol = async |chain: u8, user_id: &str, number: u64| {
        let expected = storage.head(at(chain)).await.unwrap();
        let next = expected.map_or(0, |head| head.position.seq + 1);
        let mut write = Write::new(
            at(chain),
            Kind::Identity,
            expected.map(|head| head.position),
            entries(next..next + 1),
        );
        write.binding = Some(Binding {
            user_id: user_id.into(),
            number,
            opening: vec![chain, number as u8],
            may_be_superseded: false,
        });
        storage.apply(&write).await
    };
    let opening = async |chain: u8| read(storage, chain, 0, &[]).await.opening;
    let user = async |user_id: &str| storage.user(TENANT, user_id).await.unwrap();
    enrol(40, "a", 1).await.unwrap();
    assert_eq!(user("a").await, Some(at(40).chain));
    assert_eq!(user("A").await, None);
    assert_eq!(opening(40).await, Some(vec![40, 1]));
    let refused = enrol(41, "a", 1).await;
    assert!(matches!(refused, Err(WriteError::UserIdTaken)));
    assert!(storage.head(at(41)).await.unwrap().is_none());
    enrol(41, "a", u64::MAX).await.unwrap();
    assert_eq!(user("a").await, Some(at(41).chain));
    assert_eq!(
        (opening(40).await, opening(41).await),
        (None, Some(vec![41, 255]))
    );
    let refused = enrol(42, "a", u64::MAX).await;
    assert!(matches!(refused, Err(WriteError::UserIdTaken)));
    // Any UTF-8 is a name, and no two are the same.
    for (chain, name) in [(43, "é"), (44, "e\u{301}"), (45, "a\0b"), (46, "a%")] {
        enrol(chain, name, 1).await.unwrap();
        assert_eq!(user(name).await, Some(at(chain).chain));
    }
    assert_eq!(user("a\0c").await, None);
    let elsewhere = storage.user(ChainId([2; 32]), "a").await.unwrap();
    assert_eq!(elsewhere, None);
}

/// Two writes for one place: one is stored, whole.
async fn races(storage: &dyn Storage) {
    storage
        .apply(&write(60, None, entries(0..1)))
        .await
        .unwrap();
    for seq in 1..20 {
        let (one, two) = (
            write(60, Some(seq - 1), entries(seq..seq + 1)),
            write(60, Some(seq - 1), entries(seq..seq + 1)),
        );
        let (one, two) = tokio::join!(storage.apply(&one), storage.apply(&two));
        assert!(one.is_ok() != two.is_ok());
        let lost = one.err().or(two.err());
        assert!(matches!(lost, Some(WriteError::Conflict)));
    }
    assert_eq!(
        storage.head(at(60)).await.unwrap().unwrap().position,
        position(19)
    );
}
