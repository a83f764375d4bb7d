//! Stores that come with Plico. They hold opaque bytes and know no rule of the protocol.

#[cfg(all(feature = "disk-store", not(target_arch = "wasm32")))]
mod disk;
mod memory;

#[cfg(all(feature = "disk-store", not(target_arch = "wasm32")))]
pub use disk::{DiskStore, DiskStoreOptions, StoreKey};
pub use memory::MemoryStore;
