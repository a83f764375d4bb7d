//! Suites that a host runs against its own implementation of a port.

use super::{Batch, Change, Expected, Store, StoreFailure};
use futures_util::FutureExt as _;
use std::collections::BTreeMap;

fn put(key: &str, value: impl Into<Vec<u8>>) -> Change {
    Change::Put(key.into(), value.into())
}

fn delete(key: &str) -> Change {
    Change::Delete(key.into())
}

/// A store under test, and what should be in it.
struct Trial<'a> {
    store: &'a dyn Store,
    model: BTreeMap<String, Vec<u8>>,
}

impl Trial<'_> {
    async fn commit(&mut self, batch: Batch, expected: Expected) -> Result<(), String> {
        for change in &batch {
            match change {
                Change::Put(key, value) => self.model.insert(key.clone(), value.clone()),
                Change::Delete(key) => self.model.remove(key),
            };
        }
        let done = self.store.commit(batch, expected).await;
        done.map_err(|error| fail(&format!("a commit that should happen fails: {error}")))
    }

    async fn refused(&self, batch: Batch, expected: Expected) -> Result<(), String> {
        match self.store.commit(batch, expected).await {
            Err(error) if error.failure == StoreFailure::Conflict => Ok(()),
            _ => Err(fail("an expectation that does not hold is a conflict")),
        }
    }

    /// Everything is as the model says, by `get` and by `scan`.
    async fn check(&self, what: &str) -> Result<(), String> {
        let read = |error: super::StoreError| fail(&format!("{what}: {error}"));
        for (key, value) in &self.model {
            if self.store.get(key).await.map_err(read)?.as_ref() != Some(value) {
                return Err(fail(what));
            }
        }
        self.scan("", what).await
    }

    async fn scan(&self, prefix: &str, what: &str) -> Result<(), String> {
        let found = self.store.scan(prefix).await;
        let found = found.map_err(|error| fail(&format!("{what}: {error}")))?;
        let expected = self.model.iter().filter(|(key, _)| key.starts_with(prefix));
        let same = found.iter().map(|(key, value)| (key, value)).eq(expected);
        if same { Ok(()) } else { Err(fail(what)) }
    }
}

fn fail(what: &str) -> String {
    format!("store conformance: {what}")
}

/// Tries everything that [`Store`] promises short of a power cut. The store
/// must be empty; afterwards it is not.
///
/// # Errors
/// The first promise that is not kept, in a sentence.
pub async fn store(store: &dyn Store) -> Result<(), String> {
    let model = BTreeMap::new();
    let mut trial = Trial { store, model };
    match store.get("a/1").await {
        Ok(None) => {}
        Ok(Some(_)) => return Err(fail("an empty store has nothing")),
        Err(error) => return Err(fail(&error.to_string())),
    }
    trial.check("an empty store has nothing").await?;
    basics(&mut trial).await?;
    batches(&mut trial).await?;
    names(&mut trial).await?;
    given_up(&mut trial).await?;
    sizes(&mut trial).await
}

async fn basics(trial: &mut Trial<'_>) -> Result<(), String> {
    let batch = vec![put("a/1", "one"), put("a/2", "two"), put("b/1", "")];
    trial.commit(batch, Vec::new()).await?;
    trial
        .check("what was put can be got; an empty value is a value")
        .await?;
    trial
        .scan("a/", "a scan gives the prefix's pairs in order")
        .await?;
    let changes = vec![put("a/1", "changed"), delete("a/2"), put("new", "x")];
    let not_there = vec![("a/1".into(), Some(b"one".to_vec())), ("a/2".into(), None)];
    trial.refused(changes.clone(), not_there).await?;
    let other_value = vec![("a/1".into(), Some(b"One".to_vec()))];
    trial.refused(changes.clone(), other_value).await?;
    trial
        .refused(changes.clone(), vec![("b/1".into(), None)])
        .await?;
    let empty_is_not_absent = vec![("c".into(), Some(Vec::new()))];
    trial.refused(Vec::new(), empty_is_not_absent).await?;
    trial.check("a refused batch changes nothing").await?;
    let expected = vec![
        ("a/1".into(), Some(b"one".to_vec())),
        ("b/1".into(), Some(Vec::new())),
        ("c".into(), None),
    ];
    trial.commit(changes, expected).await?;
    trial
        .check("a batch whose expectations hold happens")
        .await?;
    trial.commit(Vec::new(), Vec::new()).await?;
    trial.check("an empty batch changes nothing").await
}

async fn batches(trial: &mut Trial<'_>) -> Result<(), String> {
    let twice = vec![
        put("twice", "first"),
        put("twice", "second"),
        put("gone", "x"),
        delete("gone"),
        delete("back"),
        put("back", "here"),
        delete("never was"),
    ];
    trial.commit(twice, Vec::new()).await?;
    trial
        .check("changes of one batch happen in their order")
        .await?;
    let expected = vec![("twice".into(), Some(b"second".to_vec()))];
    // What is expected is what was there before the batch.
    trial
        .commit(vec![put("twice", "third")], expected.clone())
        .await?;
    trial
        .refused(vec![put("twice", "second")], expected)
        .await?;
    trial
        .check("expectations are of what was there before")
        .await
}

async fn names(trial: &mut Trial<'_>) -> Result<(), String> {
    let names = [
        "",
        "/",
        "//",
        " ",
        "a",
        "a/",
        "a/10",
        "a/9",
        "a0",
        "A",
        "ä/ö",
        "日本/語",
        "\u{0}",
        "\u{0}\u{1}",
        "a\nb",
        "\u{10ffff}",
        "%2e%2e/../..",
        "'; drop table",
        "\u{7f}\u{80}",
    ];
    let long = "n".repeat(2000);
    let mut batch: Batch = names.iter().map(|name| put(name, *name)).collect();
    batch.push(put(&long, "long"));
    trial.commit(batch, Vec::new()).await?;
    trial.check("a name may hold any character").await?;
    for prefix in [
        "a",
        "a/",
        "a/1",
        "ä",
        "日",
        "\u{0}",
        "/",
        "nn",
        "zz",
        "\u{10ffff}",
    ] {
        let what = "a scan gives what begins with the prefix, in the order of the bytes";
        trial.scan(prefix, what).await?;
    }
    let batch = names.iter().map(|name| delete(name)).collect();
    trial.commit(batch, Vec::new()).await?;
    trial.check("what was deleted is gone").await
}

async fn given_up(trial: &mut Trial<'_>) -> Result<(), String> {
    let what = "what was given up does not take place after what came later";
    for round in 0..8 {
        let name = format!("given up/{round}");
        let begun = trial
            .store
            .commit(vec![put(&name, "begun")], Vec::new())
            .now_or_never();
        if let Some(Err(error)) = begun {
            return Err(fail(&format!("{what}: {error}")));
        }
        trial.commit(vec![put(&name, "later")], Vec::new()).await?;
        trial.check(what).await?;
    }
    trial.check(what).await
}

async fn sizes(trial: &mut Trial<'_>) -> Result<(), String> {
    for size in [1, 4095, 4096, 4097, 65_536, 1_000_000] {
        let value: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
        let name = format!("size/{size}");
        trial.commit(vec![put(&name, value)], Vec::new()).await?;
    }
    trial.check("values may be large").await?;
    let many = |value: &str| -> Batch {
        let name = |i: u32| format!("many/{i:04}");
        (0..500)
            .map(|i| put(&name(i), format!("{value} {i}")))
            .collect()
    };
    trial.commit(many("first"), Vec::new()).await?;
    trial.commit(many("second"), Vec::new()).await?;
    trial.scan("many/01", "many names").await?;
    let most = (0..490).map(|i| delete(&format!("many/{i:04}"))).collect();
    trial.commit(most, Vec::new()).await?;
    let large = vec![delete("size/1000000"), put("size/4096", "small now")];
    trial.commit(large, Vec::new()).await?;
    trial.check("what was large or many can shrink").await
}
