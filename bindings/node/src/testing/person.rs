//! Somebody with an account.

use super::connection::ConnectionHandle;
use crate::account::AccountHandle;
use crate::runtime::{Cancel, promise};
use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;
use plico::testing::TestPerson;

/// A person on one device.
#[napi]
pub struct PersonHandle {
    pub(super) person: TestPerson,
}

#[napi]
impl PersonHandle {
    /// The account.
    #[napi]
    pub fn account(&self) -> AccountHandle {
        AccountHandle::new(self.person.account().clone())
    }

    /// This person's own connection.
    #[napi]
    pub fn connection(&self) -> ConnectionHandle {
        ConnectionHandle {
            connection: self.person.connection().clone(),
        }
    }

    /// Registers a visitor; gives the identity's id.
    #[napi]
    pub fn register<'env>(
        &self,
        env: &'env Env,
        number: f64,
        cancel: Option<&Cancel>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let person = self.person.clone();
        promise(env, cancel, async move {
            // Checked before: an integer, not negative.
            Ok(person.register(number as u64).await?.to_string())
        })
    }

    /// The same person's program, started again on the same store.
    #[napi]
    pub fn restart<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, PersonHandle>> {
        let person = self.person.clone();
        promise(env, None, async move {
            let person = person.restart().await?;
            Ok(PersonHandle { person })
        })
    }
}
