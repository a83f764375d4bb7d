//! The program as people run it, against a development directory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use plico_directory::{Config, Server};
use plico_protocol::primitives::sign::SigningKey;
use std::path::PathBuf;
use std::process::{Command, Output};

struct Desk {
    folder: tempfile::TempDir,
    directory: String,
    tenant: String,
    _runtime: tokio::runtime::Runtime,
}

impl Desk {
    fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (directory, tenant) = runtime.block_on(async {
            let mut rng = rand_core::UnwrapErr(getrandom::SysRng);
            let config = Config::in_memory().with_dev(SigningKey::generate(&mut rng));
            let server = Server::bind(config).await.unwrap();
            let url = server.public_url().to_owned();
            let tenant = server.dev_tenant().unwrap();
            tokio::spawn(server.run_until(std::future::pending()));
            (url, plico_protocol::wire::b64::encode(tenant.as_bytes()))
        });
        Self {
            folder: tempfile::tempdir().unwrap(),
            directory,
            tenant,
            _runtime: runtime,
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, who: &str, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_plico-file"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("PLICO_FILE_HOME", self.at(who))
            .env("PLICO_DIRECTORY", &self.directory)
            .env("PLICO_TENANT", &self.tenant)
            .env_remove("PLICO_FILE_PASSPHRASE")
            .output()
            .unwrap()
    }

    #[track_caller]
    fn ok(&self, who: &str, arguments: &[&str]) -> String {
        let output = self.run(who, arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    #[track_caller]
    fn fails(&self, who: &str, arguments: &[&str], why: &str) {
        let output = self.run(who, arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert!(errors.contains(why), "{errors}");
    }
}

#[test]
fn files_and_folders_between_two_people() {
    let desk = Desk::new();
    desk.fails("doctor", &["info"], "no identity here");
    desk.ok("doctor", &["init", "--user-id", "dr.a"]);
    desk.ok("patient", &["init", "--user-id", "patient.7"]);
    desk.ok("stranger", &["init", "--user-id", "stranger"]);
    assert!(desk.ok("doctor", &["info"]).contains("ciphers by "));

    let scan: Vec<u8> = (0..2_000_000u32).map(|it| (it / 3) as u8).collect();
    std::fs::create_dir_all(desk.at("study/series")).unwrap();
    std::fs::write(desk.at("study/series/scan.dcm"), &scan).unwrap();
    std::fs::write(desk.at("study/notes.txt"), b"blood pressure").unwrap();
    let seal = [
        "seal",
        "study/series/scan.dcm",
        "scan.plico",
        "--for",
        "patient.7",
    ];
    desk.ok("doctor", &seal);
    desk.ok("patient", &["open", "scan.plico", "back.dcm"]);
    assert!(std::fs::read(desk.at("back.dcm")).unwrap() == scan);
    desk.fails(
        "stranger",
        &["open", "scan.plico", "no.dcm"],
        "SESSION_NOT_FOUND",
    );
    assert!(!desk.at("no.dcm").exists());

    let read = [
        "read",
        "scan.plico",
        "--offset",
        "1000001",
        "--length",
        "5000",
        "--count",
    ];
    let output = desk.run("patient", &read);
    assert!(output.stdout == scan[1_000_001..1_005_001]);
    let counted = String::from_utf8(output.stderr).unwrap();
    let counted: u64 = counted.split(' ').next().unwrap().parse().unwrap();
    assert!(counted < 60_000, "{counted}");

    desk.ok(
        "doctor",
        &[
            "seal",
            "study",
            "study.tar.plico",
            "--for",
            "patient.7",
            "--cipher",
            "chacha20",
        ],
    );
    let listed = desk.ok("patient", &["list", "study.tar.plico"]);
    assert!(listed.contains("2000000  series/scan.dcm") && listed.contains("series/\n"));
    let extract = ["extract", "study.tar.plico", "notes.txt", "notes.txt"];
    desk.ok("patient", &extract);
    assert_eq!(
        std::fs::read(desk.at("notes.txt")).unwrap(),
        b"blood pressure"
    );
    desk.ok("patient", &["open", "--folder", "study.tar.plico", "again"]);
    assert!(std::fs::read(desk.at("again/series/scan.dcm")).unwrap() == scan);

    // Without the directory, in a session that is known.
    let session = desk.ok("doctor", &["new-session", "--for", "patient.7"]);
    let seal = [
        "--offline",
        "--threads",
        "1",
        "seal",
        "notes.txt",
        "n.plico",
        "--session",
        &session,
    ];
    desk.ok("doctor", &seal);
    desk.ok("doctor", &["--offline", "open", "n.plico", "n.txt"]);
    assert_eq!(std::fs::read(desk.at("n.txt")).unwrap(), b"blood pressure");

    // In a file, for a place without a network.
    let passphrase = desk.ok("patient", &["export", "identity"]);
    let passphrase = passphrase.strip_prefix("passphrase ").unwrap();
    desk.ok("patient", &["pack", "n.plico", "n.offline"]);
    let unpack = [
        "unpack",
        "n.offline",
        "identity",
        "u.txt",
        "--passphrase",
        passphrase,
    ];
    desk.ok("nobody", &unpack);
    assert_eq!(std::fs::read(desk.at("u.txt")).unwrap(), b"blood pressure");

    let mut damaged = std::fs::read(desk.at("scan.plico")).unwrap();
    damaged[1_500_000] ^= 1;
    std::fs::write(desk.at("scan.plico"), damaged).unwrap();
    desk.fails(
        "patient",
        &["open", "scan.plico", "no.dcm"],
        "ENVELOPE_DAMAGED",
    );
    let names = std::fs::read_dir(desk.folder.path()).unwrap();
    let names = names.map(|it| it.unwrap().file_name().into_string().unwrap());
    assert!(
        names
            .into_iter()
            .all(|it| it != "no.dcm" && !it.ends_with(".tmp"))
    );
}
