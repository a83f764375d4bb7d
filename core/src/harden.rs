//! Making it harder to find keys in the memory of this process.

/// What [`harden_process`] could do here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hardened {
    /// A crash writes no core dump (`RLIMIT_CORE` is 0, and can't be raised again).
    pub no_core_dumps: bool,
    /// Other processes of the same user can't read this one's memory, nor
    /// attach a debugger (Linux: not *dumpable*).
    pub not_dumpable: bool,
    /// Memory is never written to swap (`mlockall`). Only if the system allows
    /// unlimited locking: otherwise a later allocation could fail for it.
    pub memory_locked: bool,
}

/// Asks the operating system to keep this process's memory to itself: for the
/// whole process, from now on. Call it once, at the start. Never fails: the
/// answer says what worked. On systems other than unix nothing is available.
///
/// What it does not do: it is no protection against an administrator, the
/// kernel, another thread or library of this process, hibernation (which writes
/// all memory to the disk), or a snapshot of a virtual machine. A debugger and
/// a crash reporter that the app itself wants will not work, either: don't call
/// it in development.
#[must_use]
pub fn harden_process() -> Hardened {
    Hardened {
        no_core_dumps: no_core_dumps(),
        not_dumpable: not_dumpable(),
        memory_locked: lock_memory(),
    }
}

#[cfg(unix)]
fn no_core_dumps() -> bool {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).is_ok()
}

#[cfg(not(unix))]
fn no_core_dumps() -> bool {
    false
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn not_dumpable() -> bool {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok()
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn not_dumpable() -> bool {
    false
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn lock_memory() -> bool {
    use rustix::mm::{MlockAllFlags, mlockall};
    use rustix::process::{Resource, getrlimit};
    let unlimited = getrlimit(Resource::Memlock).current.is_none();
    // Each page when it is first used: not gigabytes of what is only reserved.
    let all = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    unlimited && mlockall(all).is_ok()
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn lock_memory() -> bool {
    false
}
