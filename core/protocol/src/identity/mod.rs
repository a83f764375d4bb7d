//! The rules of a tenant's chain and of an identity's: which keys speak for
//! whom, and which app backend vouches for which user id.

pub mod attestation;
pub mod backup;
pub mod devices;
pub mod draft;
pub mod file;
pub mod fingerprint;
pub mod operator;
pub mod pairing;
pub mod recovery;
pub mod service;
pub mod standing;
pub mod state;
pub mod tenant;
mod token;

pub use attestation::{Attestation, AttestationError};
pub use recovery::{Recovery, RecoverySecret};
pub use state::{Identities, IdentityError, IdentityState};
pub use tenant::{TenantError, TenantState};
