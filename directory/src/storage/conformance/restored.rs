//! What a directory that was restored from a backup takes back.

use super::{TENANT, at, entries, entry, epochs, link, page, position, read, wrap, write};
use crate::storage::{Binding, Storage, Write, WriteError};
use plico_protocol::format::ids::Kind;
use plico_protocol::wire::accept::{Effects, FilledEntry};

pub(super) async fn run(storage: &dyn Storage) {
    bare_entries(storage).await;
    superseded_names(storage).await;
    several_authors(storage).await;
}

/// Entries without leaves are filled in later, without touching what is newer.
async fn bare_entries(storage: &dyn Storage) {
    let mut effects = Effects {
        entries: vec![entry(0, 0), entry(1, 2)],
        wraps: vec![wrap(50, 0, 1)],
        back_links: vec![link(1, 0)],
        metadata: Some(vec![1]),
        ..Effects::default()
    };
    effects.entries[1].bytes = vec![1; 50];
    storage.apply(&write(70, None, effects)).await.unwrap();
    let stored = storage.stored(at(70), page(0, 10, 10_000)).await.unwrap();
    let leaves: Vec<_> = stored.iter().map(|it| it.leaves.len()).collect();
    assert_eq!(leaves, [0, 2]);
    assert_eq!(stored[1].bytes, vec![1; 50]);
    // Leaves count among a page's bytes: 100 in the first, 50 + 64 in the second.
    for (bytes, entries) in [(213, 1), (214, 2), (1, 1)] {
        let stored = storage.stored(at(70), page(0, 10, bytes)).await.unwrap();
        assert_eq!(stored.len(), entries);
    }
    let stored = storage.stored(at(71), page(0, 10, 10_000)).await.unwrap();
    assert!(stored.is_empty());

    let fill = Effects {
        filled: vec![FilledEntry {
            seq: 0,
            leaves: vec![[7; 32], [8; 32]],
        }],
        wraps: vec![wrap(50, 0, 0), wrap(51, 0, 0)],
        back_links: vec![link(1, 0), link(2, 1)],
        metadata_stale: true,
        ..Effects::default()
    };
    storage.apply(&write(70, Some(1), fill)).await.unwrap();
    let stored = storage.stored(at(70), page(0, 1, 10_000)).await.unwrap();
    assert_eq!(stored[0].leaves, [[7; 32], [8; 32]]);
    assert_eq!(
        storage.head(at(70)).await.unwrap().unwrap().position,
        position(1)
    );
    let newer = read(storage, 70, 50, &[(0, 9)]).await;
    assert_eq!((newer.wraps[0].wrap.seq, epochs(&newer)), (1, vec![0]));
    assert_eq!(newer.back_links.len(), 2);
    assert_eq!(newer.metadata, None);
    let filled = read(storage, 70, 51, &[(0, 9)]).await;
    assert_eq!(filled.wraps[0].leaves, [[7; 32], [8; 32]]);
    // Deletion of the old blob comes before the new one.
    let again = Effects {
        metadata: Some(vec![2]),
        metadata_stale: true,
        ..Effects::default()
    };
    storage.apply(&write(70, Some(1), again)).await.unwrap();
    assert_eq!(read(storage, 70, 0, &[]).await.metadata, Some(vec![2]));
}

/// An identity may come back without the user id that another one has by now.
async fn superseded_names(storage: &dyn Storage) {
    let restore = async |chain: u8, number: u64, may_be_superseded: bool| {
        let mut write = Write::new(at(chain), Kind::Identity, None, entries(0..1));
        write.binding = Some(Binding {
            user_id: "moved".into(),
            number,
            opening: vec![chain],
            may_be_superseded,
        });
        storage.apply(&write).await
    };
    restore(75, 2, true).await.unwrap();
    for (number, may_be_superseded) in [(1, false), (2, true)] {
        let refused = restore(76, number, may_be_superseded).await;
        assert!(matches!(refused, Err(WriteError::UserIdTaken)));
    }
    restore(76, 1, true).await.unwrap();
    let there = storage.user(TENANT, "moved").await.unwrap();
    assert_eq!(there, Some(at(75).chain));
    assert_eq!(read(storage, 76, 0, &[]).await.opening, None);
}

async fn several_authors(storage: &dyn Storage) {
    for (second, fine) in [(1, false), (0, true)] {
        let mut write = write(77, None, entries(0..1));
        write.authors = vec![
            (at(75).chain, position(0)),
            (at(76).chain, position(second)),
        ];
        match storage.apply(&write).await {
            Ok(()) => assert!(fine),
            Err(error) => assert!(!fine && matches!(error, WriteError::AuthorBehind)),
        }
    }
}
