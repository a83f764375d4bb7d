//! Suites that a host runs against its own implementation of a port.

use super::{Change, Store, StoreFailure};

/// Tries everything that [`Store`] promises short of a power cut.
///
/// # Errors
/// The first promise that is not kept, in a sentence.
pub async fn store(store: &dyn Store) -> Result<(), String> {
    let put = |key: &str, value: &[u8]| Change::Put(key.into(), value.into());
    let fail = |what: &str| format!("store conformance: {what}");
    let say = |error: super::StoreError| error.to_string();

    if store.get("a/1").await.map_err(say)?.is_some() {
        return Err(fail("an empty store has nothing"));
    }
    store
        .commit(
            vec![put("a/1", b"one"), put("a/2", b"two"), put("b/1", b"")],
            Vec::new(),
        )
        .await
        .map_err(say)?;
    if store.get("a/1").await.map_err(say)?.as_deref() != Some(b"one") {
        return Err(fail("what was put can be got"));
    }
    if store.get("b/1").await.map_err(say)?.as_deref() != Some(b"") {
        return Err(fail("an empty value is a value"));
    }
    let scanned = store.scan("a/").await.map_err(say)?;
    if scanned
        != [
            ("a/1".to_owned(), b"one".to_vec()),
            ("a/2".to_owned(), b"two".to_vec()),
        ]
    {
        return Err(fail("a scan gives the prefix's pairs in order"));
    }
    let refused = store
        .commit(
            vec![put("a/1", b"changed"), Change::Delete("a/2".into())],
            vec![("a/1".into(), Some(b"one".to_vec())), ("a/2".into(), None)],
        )
        .await;
    match refused {
        Err(error) if error.failure == StoreFailure::Conflict => {}
        _ => return Err(fail("an expectation that does not hold is a conflict")),
    }
    if store.get("a/1").await.map_err(say)?.as_deref() != Some(b"one") {
        return Err(fail("a refused batch changes nothing"));
    }
    store
        .commit(
            vec![
                put("a/1", b"changed"),
                Change::Delete("a/2".into()),
                Change::Delete("x".into()),
            ],
            vec![("a/1".into(), Some(b"one".to_vec())), ("c".into(), None)],
        )
        .await
        .map_err(say)?;
    if store.get("a/1").await.map_err(say)?.as_deref() != Some(b"changed")
        || store.get("a/2").await.map_err(say)?.is_some()
    {
        return Err(fail("a batch whose expectations hold happens"));
    }
    Ok(())
}
