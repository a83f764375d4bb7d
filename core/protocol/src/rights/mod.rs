//! The rules of sessions and groups: who may open, grant, take away, rotate, hand over
//! and end; and when a new epoch is due.
//!
//! Replay is pure and reads no clock. What it needs from other chains it asks
//! for all at once: see [`replay::replay_session`].

pub mod draft;
pub mod due;
pub mod groups;
pub mod known;
mod lineage;
pub mod replay;
mod rotation;
mod rules;
pub mod state;
mod terms;

pub use due::{DueReason, Withdrawn, due};
pub use groups::{GroupKey, MAX_HEIGHT};
pub use known::{Chains, Known, newest_key, public_key};
pub use replay::{Need, Outcome, needs, replay_session};
pub use state::{Epoch, Member, RemovalCause, RemovedMember, RightsError, SessionState};
