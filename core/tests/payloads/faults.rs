//! Disks that fill up, inputs that fail, cancelling at any moment, and a process
//! that is killed.

use crate::{Desk, code, data, names};
use plico::{CancelToken, ErrorCode, FileOptions, remove_leftovers};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

#[tokio::test]
async fn cancelled_at_any_moment_there_is_all_or_nothing() {
    let desk = Desk::new().await;
    let plain = data(4_000_000);
    std::fs::write(desk.at("plain"), &plain).unwrap();
    let sealing =
        desk.session
            .encrypt_file(desk.at("plain"), desk.at("sealed"), FileOptions::new());
    sealing.await.unwrap();
    let mut random = 7u64;
    let (mut whole, mut none) = (0, 0);
    for round in 0..120u64 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let token = CancelToken::new();
        let stop = token.clone();
        let delay = Duration::from_micros((random >> 40) % 12_000);
        let canceller = std::thread::spawn(move || {
            std::thread::sleep(delay);
            stop.cancel();
        });
        let options = FileOptions::new()
            .cancel(token)
            .threads(1 + round as usize % 3);
        let result = match round % 2 {
            0 => {
                desk.session
                    .encrypt_file(desk.at("plain"), desk.at("out"), options)
                    .await
            }
            _ => {
                desk.account
                    .decrypt_file(desk.at("sealed"), desk.at("out"), options)
                    .await
            }
        };
        canceller.join().unwrap();
        match result {
            Ok(()) => {
                whole += 1;
                let out = std::fs::read(desk.at("out")).unwrap();
                let out = match round % 2 {
                    0 => desk.account.decrypt(&out, None).await.unwrap().into_bytes(),
                    _ => out,
                };
                assert!(out == plain);
                std::fs::remove_file(desk.at("out")).unwrap();
            }
            Err(error) => {
                none += 1;
                assert_eq!(error.code(), ErrorCode::Cancelled);
            }
        }
        assert_eq!(desk.names(), ["plain", "sealed"]);
    }
    assert!(none > 0, "{whole} whole, {none} none");
}

#[tokio::test]
async fn an_input_that_fails_leaves_what_was_there() {
    let desk = Desk::new().await;
    std::fs::write(desk.at("out"), b"of yesterday").unwrap();
    // A folder can be opened, but not read.
    std::fs::create_dir(desk.at("folder")).unwrap();
    let options = FileOptions::new;
    let sealing = desk
        .session
        .encrypt_file(desk.at("folder"), desk.at("out"), options());
    assert_eq!(code(sealing.await), ErrorCode::Io);
    let opening = desk
        .account
        .decrypt_file(desk.at("folder"), desk.at("out"), options());
    assert_eq!(code(opening.await), ErrorCode::Io);
    // Altered behind the first megabyte: that much was decrypted already.
    std::fs::write(desk.at("in"), data(2_000_000)).unwrap();
    let sealing = desk
        .session
        .encrypt_file(desk.at("in"), desk.at("sealed"), options());
    sealing.await.unwrap();
    let mut envelope = std::fs::read(desk.at("sealed")).unwrap();
    envelope[1_500_000] ^= 1;
    std::fs::write(desk.at("sealed"), &envelope).unwrap();
    for threads in [1, 2, 4] {
        let options = options().threads(threads);
        let opening = desk
            .account
            .decrypt_file(desk.at("sealed"), desk.at("out"), options);
        assert_eq!(code(opening.await), ErrorCode::EnvelopeDamaged);
        assert_eq!(std::fs::read(desk.at("out")).unwrap(), b"of yesterday");
    }
    assert_eq!(desk.names(), ["folder", "in", "out", "sealed"]);
}

/// What the tests below run in a process of its own: this program again.
const CHILD: &str = "PLICO_TEST_CHILD";

fn child(what: &str, folder: &Path, shell: Option<&str>) -> Command {
    let me = std::env::current_exe().unwrap();
    let mut command = match shell {
        None => Command::new(me),
        Some(script) => {
            let mut command = Command::new("sh");
            command.arg("-c").arg(script).arg(me);
            command
        }
    };
    command
        .args(["--exact", "faults::in_a_process_of_its_own", "--nocapture"])
        .env(CHILD, format!("{what}:{}", folder.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// Does nothing when it is run as a test.
#[tokio::test]
async fn in_a_process_of_its_own() {
    let Ok(wanted) = std::env::var(CHILD) else {
        return;
    };
    let (what, folder) = wanted.split_once(':').unwrap();
    let folder = PathBuf::from(folder);
    let desk = Desk::new().await;
    std::fs::create_dir_all(desk.at("in")).unwrap();
    std::fs::write(desk.at("in/plain"), data(3_000_000)).unwrap();
    let (plain, sealed) = (desk.at("in/plain"), desk.at("sealed"));
    let out = folder.join("out");
    let sealing = desk
        .session
        .encrypt_file(&plain, &sealed, FileOptions::new());
    sealing.await.unwrap();
    let stuck = FileOptions::new().threads(2).on_progress(|progress| {
        if progress.done > 1_000_000 {
            println!("\nhalf-way");
            std::thread::sleep(Duration::from_secs(60));
        }
    });
    match what {
        "full" => {
            let options = FileOptions::new;
            let all = [
                desk.session.encrypt_file(&plain, &out, options()).await,
                desk.account.decrypt_file(&sealed, &out, options()).await,
                #[cfg(feature = "folders")]
                desk.session
                    .encrypt_folder(desk.at("in"), &out, options())
                    .await,
                #[cfg(feature = "folders")]
                {
                    let archive = desk.at("archive");
                    let sealing = desk
                        .session
                        .encrypt_folder(desk.at("in"), &archive, options());
                    sealing.await.unwrap();
                    desk.account.decrypt_folder(&archive, &out, options()).await
                },
            ];
            for result in all {
                println!("\nresult {}", result.unwrap_err().code());
                println!("\nnames {:?}", names(&folder));
            }
        }
        "encrypt" => desk
            .session
            .encrypt_file(&plain, &out, stuck)
            .await
            .unwrap(),
        "decrypt" => desk
            .account
            .decrypt_file(&sealed, &out, stuck)
            .await
            .unwrap(),
        #[cfg(feature = "folders")]
        "folder" => {
            let sealing = desk
                .session
                .encrypt_folder(desk.at("in"), &sealed, FileOptions::new());
            sealing.await.unwrap();
            desk.account
                .decrypt_folder(&sealed, &out, stuck)
                .await
                .unwrap();
        }
        _ => panic!("{what}?"),
    }
}

fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap)
}

/// A real disk of 1 MiB, where this may be mounted.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mount = folder.path().display();
    let script = format!("mount -t tmpfs -o size=1m none '{mount}' && exec \"$0\" \"$@\"");
    let mut command = Command::new("unshare");
    let inner = child("full", folder.path(), Some(&script));
    command
        .args(["-m", "sh", "-c"])
        .args(inner.get_args().skip(1));
    for (name, value) in inner.get_envs() {
        command.env(name, value.unwrap());
    }
    let output = command.stderr(Stdio::null()).output();
    let output = output.map(|it| String::from_utf8(it.stdout).unwrap());
    let output = output.unwrap_or_default();
    let results: Vec<&str> = output
        .lines()
        .filter_map(|it| it.strip_prefix("result "))
        .collect();
    if results.is_empty() {
        println!("no disk of its own may be mounted here: NOT TESTED");
        return;
    }
    assert!(
        results.len() >= 2 && results.iter().all(|it| *it == "IO"),
        "{output}"
    );
    let mut left = output.lines().filter_map(|it| it.strip_prefix("names "));
    assert!(left.all(|it| it == "[]"), "{output}");
}

#[cfg(unix)]
#[test]
fn a_process_that_is_killed_leaves_nothing_under_the_final_name() {
    let mut kinds = vec!["encrypt", "decrypt"];
    if cfg!(feature = "folders") {
        kinds.push("folder");
    }
    for what in kinds {
        let folder = tempfile::tempdir().unwrap();
        let mut running = child(what, folder.path(), None).spawn().unwrap();
        assert!(lines(&mut running).any(|line| line == "half-way"), "{what}");
        let while_running = names(folder.path());
        assert!(!while_running.is_empty() && !while_running.contains(&"out".into()));
        assert!(while_running.iter().all(|it| it.starts_with(".plico-")));
        // What is being written is nobody else's to delete.
        assert_eq!(remove_leftovers(folder.path()).unwrap(), 0);
        assert_eq!(names(folder.path()), while_running);
        running.kill().unwrap(); // SIGKILL
        running.wait().unwrap();
        assert_eq!(names(folder.path()), while_running, "it could not tidy up");
        tidied_by_the_next(folder.path());
    }
}

/// The next program that writes there tidies up by itself.
#[cfg(unix)]
fn tidied_by_the_next(folder: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let desk = Desk::new().await;
        std::fs::write(desk.at("in"), b"x").unwrap();
        let sealing =
            desk.session
                .encrypt_file(desk.at("in"), folder.join("next"), FileOptions::new());
        sealing.await.unwrap();
    });
    assert_eq!(names(folder), ["next"]);
    assert_eq!(remove_leftovers(folder).unwrap(), 0);
}
