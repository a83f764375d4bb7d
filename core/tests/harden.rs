//! A process that was hardened is.
#![cfg(all(feature = "harden", target_os = "linux"))]
#![allow(clippy::unwrap_used)]

use rustix::process::{DumpableBehavior, dumpable_behavior};
use std::fs::read_to_string;

#[test]
fn the_system_says_that_the_process_is_hardened() {
    let done = plico::harden_process();
    assert!(done.no_core_dumps && done.not_dumpable, "{done:?}");

    let limits = read_to_string("/proc/self/limits").unwrap();
    let core = limits
        .lines()
        .find(|it| it.starts_with("Max core file size"))
        .unwrap();
    let limits: Vec<&str> = core.split_whitespace().skip(4).take(2).collect();
    assert_eq!(limits, ["0", "0"]);
    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);

    let used = vec![1u8; 1 << 20];
    let status = read_to_string("/proc/self/status").unwrap();
    let locked = status.lines().find(|it| it.starts_with("VmLck")).unwrap();
    let kilobytes: u64 = locked.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert_eq!(done.memory_locked, kilobytes > 0, "{locked}");
    assert_eq!(used.len(), 1 << 20);
    assert_eq!(plico::harden_process(), done, "once more does no harm");
}
