//! The command line, as an operator uses it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn run(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_plico-directory"))
        .args(args)
        .current_dir(folder)
        .env_remove("RUST_LOG")
        .output()
        .unwrap()
}

fn ok(folder: &Path, args: &[&str]) -> String {
    let output = run(folder, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

fn fails(folder: &Path, args: &[&str], part: &str) {
    let output = run(folder, args);
    assert!(!output.status.success(), "{args:?}");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains(part), "{args:?}: {stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn tenants_are_made_and_changed() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let db = "--database=db.sqlite";
    let first = ok(
        dir,
        &[
            "tenant",
            "create",
            db,
            "--enrolment-key=a.pem",
            "--name=clinic",
        ],
    );
    let tenant = first.trim_end();
    assert_eq!(tenant.len(), 43);
    assert_eq!(
        ok(dir, &["tenant", "list", db]),
        format!("{tenant}  clinic\n")
    );
    let pem = std::fs::read_to_string(dir.join("a.pem")).unwrap();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(dir.join("a.pem")).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }

    let of = format!("--tenant={tenant}");
    let added = ok(
        dir,
        &[
            "tenant",
            "add-key",
            db,
            &of,
            "--sign-with=a.pem",
            "--enrolment-key=b.pem",
        ],
    );
    let shown = ok(dir, &["tenant", "show", db, tenant]);
    assert!(shown.contains(added.trim_end()) && shown.matches("enrolment key").count() == 2);
    let key = format!("--key-id={}", added.trim_end());
    ok(
        dir,
        &["tenant", "revoke-key", db, &of, "--sign-with=a.pem", &key],
    );
    let shown = ok(dir, &["tenant", "show", db, tenant]);
    assert!(shown.contains("revoked at"));
    // A revoked key signs no more, and is not revoked twice.
    let again = ["tenant", "revoke-key", db, &of, "--sign-with=b.pem", &key];
    fails(dir, &again, "refused");
    let again = ["tenant", "revoke-key", db, &of, "--sign-with=a.pem", &key];
    fails(dir, &again, "refused");
    // A token for looking keys up, which needs no database.
    let token = ok(dir, &["tenant", "service-token", &of, "--sign-with=a.pem"]);
    assert_eq!(token.trim_end().split('.').count(), 3);
    fails(
        dir,
        &["tenant", "service-token", &of, "--sign-with=none.pem"],
        "none.pem",
    );
    // The key is nowhere but in its file.
    let key = plico_directory::key_file::read(&dir.join("a.pem")).unwrap();
    let seed = key.dangerous_seed();
    let database = std::fs::read(dir.join("db.sqlite")).unwrap();
    assert!(!database.windows(32).any(|it| it == seed.expose()));
}

#[test]
fn mistakes_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let url = "--public-url=https://keys.example.org";
    fails(dir, &[], "Usage");
    fails(dir, &["serve"], "--public-url");
    fails(
        dir,
        &["serve", url, "--database=none.sqlite"],
        "tenant create",
    );
    fails(
        dir,
        &["serve", url, "--database=x", "--listen=nowhere"],
        "--listen",
    );
    fails(
        dir,
        &["serve", url, "--database=x", "--restored-from=yesterday"],
        "2027-03-01T02:00:00Z",
    );
    fails(dir, &["fsck", "--database=none.sqlite"], "none.sqlite");
    fails(
        dir,
        &["tenant", "list", "--database=none.sqlite"],
        "none.sqlite",
    );
    fails(
        dir,
        &["tenant", "show", "--database=x", "abc"],
        "43 characters",
    );
    let create = [
        "tenant",
        "create",
        "--database=no/db.sqlite",
        "--enrolment-key=a.pem",
    ];
    fails(dir, &create, "no/db.sqlite");
    std::fs::write(dir.join("bad.pem"), "hello").unwrap();
    let create = [
        "tenant",
        "create",
        "--database=db.sqlite",
        "--enrolment-key=bad.pem",
    ];
    fails(dir, &create, "PKCS#8");
    fails(dir, &["dev", "--public-url=keys.example.org"], "http://");
    fails(
        dir,
        &["--log=a=b=c", "tenant", "list", "--database=db.sqlite"],
        "--log",
    );
    let missing = ["tenant", "show", "--database=db.sqlite", &"A".repeat(43)];
    fails(dir, &missing, "no tenant");
}

#[test]
fn version_and_openapi() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(ok(dir, &["--version"]).contains(env!("CARGO_PKG_VERSION")));
    let committed = std::fs::read_to_string(dir.join("../docs/openapi.json")).unwrap();
    assert!(
        ok(dir, &["openapi"]) == committed,
        "docs/openapi.json is out of date: write `plico-directory openapi` into it"
    );
}

#[cfg(unix)]
#[test]
fn dev_starts_with_one_command_and_stops_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let mut child = Command::new(env!("CARGO_BIN_EXE_plico-directory"))
            .args(["dev", "--listen=127.0.0.1:0"])
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut tenant = None;
        for line in lines {
            let line = line.unwrap();
            tenant = tenant.or(line.strip_prefix("  tenant     ").map(str::to_owned));
            if line.contains("user_id") {
                break;
            }
        }
        (child, tenant.unwrap())
    };
    let (mut child, tenant) = start();
    let told = Command::new("kill").arg(child.id().to_string()).status();
    assert!(told.unwrap().success());
    assert!(child.wait().unwrap().success(), "SIGTERM is a shutdown");
    let (mut child, again) = start();
    assert_eq!(tenant, again, "the tenant is kept");
    child.kill().unwrap();
    child.wait().unwrap();
}
