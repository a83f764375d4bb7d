//! Which paths may become a file.

/// The most bytes of a member's path.
const MAX_PATH: usize = 4_096;
/// The most parts of a member's path.
const MAX_DEPTH: usize = 128;

/// The path of a member, if it leads nowhere but into the folder: its parts.
/// Otherwise why it does not.
pub(super) fn safe_path(path: &[u8]) -> Result<Vec<&str>, &'static str> {
    let path = core::str::from_utf8(path).map_err(|_| "a member's name is no text")?;
    if path.len() > MAX_PATH || path.contains('\0') {
        return Err("a member's path is too long or no path");
    }
    if path.starts_with('/') {
        return Err("a member's path leads out of the folder");
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "." => {}
            "" | ".." => return Err("a member's path leads out of the folder"),
            part if cfg!(windows) && !fits_windows(part) => {
                return Err("a member's name is not one for this system");
            }
            part => parts.push(part),
        }
    }
    if parts.len() > MAX_DEPTH {
        return Err("a member is in too many folders");
    }
    Ok(parts)
}

/// Names that are devices, streams or paths on Windows, or that it changes.
fn fits_windows(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let stem = stem.to_ascii_uppercase();
    let numbered = |it: &str| {
        let number = stem.strip_prefix(it);
        number.is_some_and(|it| it.chars().count() == 1)
    };
    let device = ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str());
    let bad = |it: char| it < ' ' || r#"<>:"|?*\"#.contains(it);
    !device
        && !numbered("COM")
        && !numbered("LPT")
        && !name.contains(bad)
        && !name.ends_with(['.', ' '])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn paths_stay_in_the_folder() {
        for good in [
            "a",
            "a/b/c.txt",
            "a/",
            "./a",
            "a/./b",
            "..a",
            "a..",
            "ä/日本",
        ] {
            assert!(safe_path(good.as_bytes()).is_ok(), "{good}");
        }
        let deep = "a/".repeat(129);
        let long = "a".repeat(4_097);
        for bad in [
            "/a", "..", "a/../b", "../a", "a//b", "", "//", "a\0b", &deep, &long,
        ] {
            assert!(safe_path(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(safe_path(b"\xff").is_err());
    }

    #[test]
    fn names_for_windows() {
        for good in ["a", "a.txt", "console", "com10", "nulls.txt", "a b"] {
            assert!(fits_windows(good), "{good}");
        }
        let bad = [
            "nul", "NUL.txt", "con", "com1", "LPT9.log", "a:b", r"a\b", "a.", "a ", "a?", "aux .c",
        ];
        for bad in bad {
            assert!(!fits_windows(bad), "{bad}");
        }
    }
}
