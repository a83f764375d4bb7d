//! User ids, and the app backend's word for them.

use super::{Finding, Grade};
use crate::cache::Cache;
use crate::storage::audit::{Audit, OpeningRecord};
use crate::storage::{ChainRef, StorageError};
use plico_protocol::format::bodies::UserIdOpening;
use plico_protocol::format::decode;
use plico_protocol::identity::attestation::verify_binding;

/// One user id. That its identity is there, the storage's own checks say.
pub(super) async fn check(
    storage: &dyn Audit,
    cache: &Cache,
    record: &OpeningRecord,
) -> Result<Option<Finding>, StorageError> {
    let at = ChainRef {
        tenant: record.tenant,
        chain: record.identity,
    };
    let tenant = cache.tenant(storage, record.tenant).await;
    let identity = cache.identity(storage, at).await;
    let (Ok(Some(tenant)), Ok(Some(identity))) = (tenant, identity) else {
        return Ok(None);
    };
    let found = |what: String| {
        Ok(Some(Finding {
            grade: Grade::Problem,
            at: Some(at),
            what,
        }))
    };
    let Some(binding) = identity.binding() else {
        return found("it has a user id that its chain does not bind".into());
    };
    let opening: UserIdOpening = match decode("opening", &record.opening) {
        Ok(opening) => opening,
        Err(error) => return found(format!("the opening of its user id: {error}")),
    };
    let word = verify_binding(
        &tenant.state,
        identity.id(),
        &binding.body,
        binding.claimed_ms,
        &opening,
    );
    match word {
        Err(error) => found(format!("its user id: {error}")),
        Ok(word) if word.user_id.as_bytes() != record.user_id => {
            found("it is stored under another user id than its own".into())
        }
        Ok(word) if word.number != record.number => {
            found("the number of its user id is not the binding's".into())
        }
        Ok(_) => Ok(None),
    }
}
