//! The testing kit, for the package's second addon.

mod connection;
mod directory;
mod person;

use crate::failure::invalid;
use napi_derive::napi;
use plico::Result;
use plico::testing::Lie;

/// The lie with this name.
fn lie(name: &str) -> Result<Lie> {
    let mut all = Lie::ALL.iter().copied();
    all.find(|lie| lie.name() == name)
        .ok_or_else(|| invalid("there is no lie of this name"))
}

fn count(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A lie, as the list has it.
#[napi(object, object_from_js = false)]
pub struct LieOutput {
    /// Its name.
    pub name: String,
    /// What the directory does.
    pub what: String,
    /// The codes by which a client sees it.
    pub caught_as: Vec<String>,
}

/// All lies.
#[napi]
pub fn lies() -> Vec<LieOutput> {
    let output = |lie: &Lie| LieOutput {
        name: lie.name().to_owned(),
        what: lie.what().to_owned(),
        caught_as: lie
            .caught_as()
            .iter()
            .map(|code| code.as_str().to_owned())
            .collect(),
    };
    Lie::ALL.iter().map(output).collect()
}
