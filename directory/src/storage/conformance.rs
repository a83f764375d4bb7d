//! What every [`Storage`] must do.

use super::Storage;

/// Runs the suite.
pub async fn run(_storage: &dyn Storage) {}
