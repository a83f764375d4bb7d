//! The way of one program to the directory, with its switches.

use super::{count, lie};
use crate::failure::thrown;
use crate::values::duration;
use napi::Env;
use napi_derive::napi;
use plico::testing::TestConnection;
use std::sync::Arc;

/// A program's connection.
#[napi]
pub struct ConnectionHandle {
    pub(super) connection: Arc<TestConnection>,
}

#[napi]
impl ConnectionHandle {
    /// The next requests are carried out, but their replies are lost.
    #[napi]
    pub fn lose_replies(&self, number: u32) {
        self.connection.lose_replies(count(number));
    }

    /// The next requests are lost.
    #[napi]
    pub fn lose_requests(&self, number: u32) {
        self.connection.lose_requests(count(number));
    }

    /// The next requests are refused with status 503.
    #[napi]
    pub fn unavailable(&self, number: u32) {
        self.connection.unavailable(count(number));
    }

    /// Each answer takes so much longer.
    #[napi]
    pub fn slow(&self, env: &Env, ms: f64) -> napi::Result<()> {
        let delay = duration(ms).map_err(|error| thrown(env, &error))?;
        self.connection.slow(delay);
        Ok(())
    }

    /// Whether this program is offline.
    #[napi]
    pub fn down(&self, down: bool) {
        self.connection.down(down);
    }

    /// From now on this program is told this lie.
    #[napi]
    pub fn tell(&self, env: &Env, name: String) -> napi::Result<()> {
        let lie = lie(&name).map_err(|error| thrown(env, &error))?;
        self.connection.tell(lie);
        Ok(())
    }

    /// No more lies to this program.
    #[napi]
    pub fn honest(&self) {
        self.connection.honest();
    }

    /// In how many answers the current lie was told.
    #[napi]
    pub fn told(&self) -> u32 {
        u32::try_from(self.connection.told()).unwrap_or(u32::MAX)
    }

    /// Method and URL of each request that was sent.
    #[napi]
    pub fn urls(&self) -> Vec<String> {
        self.connection.urls()
    }
}
