//! What only the inside shows, tried with the testing kit.
#![allow(clippy::unwrap_used, clippy::panic)]

mod close;
