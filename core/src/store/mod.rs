//! Stores that come with Plico. They hold opaque bytes and know no rule of the protocol.

mod memory;

pub use memory::MemoryStore;
