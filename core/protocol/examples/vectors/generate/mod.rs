//! The cases, each an object with `kind`, `name`, `expect` and fields in hex,
//! in the shape that `tools/verify/verify.py` reads.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod backups;
mod case;
mod entries;
mod envelopes;
mod epochs;
mod groups;
mod identities;
mod logs;
mod offline;
mod pairing;
mod recovery;
mod sealed;
mod served;
mod story;
mod terms;

use case::fold;
use serde_json::Value;
use std::path::{Path, PathBuf};
use story::Story;

/// Where the vectors are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// Whether the file at `path` holds exactly `cases`.
pub fn is_same(path: &Path, cases: &[Value]) -> bool {
    let Ok(bytes) = std::fs::read(path) else {
        return false;
    };
    serde_json::from_slice::<Vec<Value>>(&bytes).is_ok_and(|file| file == cases)
}

/// All files.
pub fn files() -> Vec<(&'static str, Vec<Value>)> {
    let story = Story::new();
    vec![
        ("keys.json", entries::keys(&story)),
        ("entries.json", entries::entries(&story)),
        ("logs.json", logs::logs(&story)),
        ("derivations.json", epochs::derivations(&story)),
        ("wraps.json", epochs::wraps(&story)),
        ("attestations.json", identities::attestations(&story)),
        ("heads.json", served::heads(&story)),
        ("requests.json", served::requests(&story)),
        ("session_envelopes.json", envelopes::envelopes(&story)),
        ("identity_files.json", identities::identity_files(&story)),
        ("groups.json", groups::cases()),
        ("terms.json", terms::cases()),
        ("recovery.json", recovery::cases()),
        ("sealed.json", sealed::cases()),
        ("offline_files.json", offline::cases()),
        (
            "pairing.json",
            pairing::cases(&story.world, &story.owner, &story.reader),
        ),
        ("backups.json", backups::cases(&story.world, &story.owner)),
    ]
    .into_iter()
    .map(|(name, cases)| (name, fold(cases)))
    .collect()
}
