//! The system's generator.

use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;

/// Randomness for new keys; a system without any stops the program.
#[must_use]
pub fn system() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}
