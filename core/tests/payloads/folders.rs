use crate::{Desk, code, data, names};
use plico::{CancelToken, ErrorCode, FileOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use tar::{EntryType, Header};

pub fn make_tree(root: &Path) {
    let long = "a folder whose name is rather long/".repeat(5);
    for folder in ["empty", "series/1", &long] {
        std::fs::create_dir_all(root.join(folder)).unwrap();
    }
    std::fs::write(root.join("notes.txt"), b"blood pressure").unwrap();
    std::fs::write(root.join("nothing"), b"").unwrap();
    std::fs::write(root.join("series/1/scan.dcm"), data(700_000)).unwrap();
    std::fs::write(root.join("series/1/ä ö.dcm"), data(16_384)).unwrap();
    std::fs::write(root.join(&long).join("deep.bin"), data(33)).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(root.join("run.sh"), b"#!/bin/sh\n").unwrap();
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(root.join("run.sh"), mode).unwrap();
    }
}

/// Every path with its content.
fn tree(root: &Path) -> Vec<(String, Option<Vec<u8>>)> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            if path.is_dir() {
                open.push(path);
                found.push((name, None));
            } else {
                found.push((name, Some(std::fs::read(path).unwrap())));
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_folder_goes_through_and_members_are_found_by_seeking() {
    let desk = Desk::new().await;
    make_tree(&desk.at("in"));
    for threads in [1, 3] {
        let options = || FileOptions::new().threads(threads);
        let sealed = desk.at("sealed");
        let sealing = desk
            .session
            .encrypt_folder(desk.at("in"), &sealed, options());
        sealing.await.unwrap();
        let opening = desk
            .account
            .decrypt_folder(&sealed, desk.at("out"), options());
        opening.await.unwrap();
        assert_eq!(tree(&desk.at("in")), tree(&desk.at("out")));
        let times = ["in", "out"].map(|it| {
            let metadata = desk.at(it).join("notes.txt").metadata().unwrap();
            let modified = metadata.modified().unwrap();
            modified
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap()
                .as_secs()
        });
        assert_eq!(times[0], times[1]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |name: &str| desk.at(name).metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode("out"), 0o700);
            assert_eq!(mode("out/run.sh"), 0o700);
            assert_eq!(mode("out/notes.txt"), 0o600);
        }

        let folder = desk.account.open_folder(&sealed, options()).await.unwrap();
        let files: Vec<_> = folder.members().iter().map(|it| it.path.clone()).collect();
        let expected: Vec<_> = tree(&desk.at("in")).into_iter().map(|it| it.0).collect();
        assert_eq!(files.len(), expected.len());
        assert!(expected.iter().all(|it| files.contains(it)), "{files:?}");
        let scan = data(700_000);
        let mut reader = folder.reader("series/1/scan.dcm").unwrap();
        let mut other = folder.reader("notes.txt").unwrap();
        reader.seek(SeekFrom::Start(500_000)).unwrap();
        let mut part = vec![0; 1_000];
        reader.read_exact(&mut part).unwrap();
        let mut notes = String::new();
        other.read_to_string(&mut notes).unwrap();
        assert_eq!(notes, "blood pressure");
        assert!(part == scan[500_000..501_000]);
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        assert!(rest == scan[501_000..], "not a byte of the next member");
        let extracted = folder.extract("series/1/scan.dcm", desk.at("scan"), options());
        extracted.await.unwrap();
        assert!(std::fs::read(desk.at("scan")).unwrap() == scan);
        for none in ["series", "series/1/", "../in/notes.txt", ""] {
            let missing = folder.reader(none).map(drop);
            assert_eq!(code(missing), ErrorCode::InvalidArgument, "{none}");
        }
        // Never into something that is there.
        let again = desk
            .account
            .decrypt_folder(&sealed, desk.at("out"), options());
        assert_eq!(code(again.await), ErrorCode::Io);
        std::fs::remove_dir_all(desk.at("out")).unwrap();
    }
    assert_eq!(desk.names(), ["in", "scan", "sealed"]);
    // Any tar reads what is inside.
    let opening =
        desk.account
            .decrypt_file(desk.at("sealed"), desk.at("x.tar"), FileOptions::new());
    opening.await.unwrap();
    let listed = std::process::Command::new("tar")
        .arg("tf")
        .arg(desk.at("x.tar"))
        .output();
    if let Ok(listed) = listed {
        assert!(String::from_utf8_lossy(&listed.stdout).contains("series/1/scan.dcm"));
    }
}

#[tokio::test]
async fn an_envelope_that_is_made_in_its_own_folder_is_not_a_member() {
    let desk = Desk::new().await;
    std::fs::write(desk.at("notes.txt"), b"blood pressure").unwrap();
    let target = desk.at("sealed");
    let sealing = desk
        .session
        .encrypt_folder(desk.folder.path(), &target, FileOptions::new());
    sealing.await.unwrap();
    let opened = desk
        .account
        .open_folder(&target, FileOptions::new())
        .await
        .unwrap();
    assert_eq!(opened.members().len(), 1);
    assert_eq!(desk.names(), ["notes.txt", "sealed"]);
}

#[cfg(unix)]
#[tokio::test]
async fn links_in_a_folder_are_said_not_followed() {
    let desk = Desk::new().await;
    make_tree(&desk.at("in"));
    std::fs::write(desk.at("secret"), b"outside").unwrap();
    std::os::unix::fs::symlink(desk.at("secret"), desk.at("in/link")).unwrap();
    std::os::unix::fs::symlink(desk.at("in"), desk.at("in/loop")).unwrap();
    let sealing = desk
        .session
        .encrypt_folder(desk.at("in"), desk.at("sealed"), FileOptions::new());
    assert_eq!(code(sealing.await), ErrorCode::InvalidArgument);
    assert_eq!(desk.names(), ["in", "secret"]);
    let options = FileOptions::new().skip_links();
    let sealing = desk
        .session
        .encrypt_folder(desk.at("in"), desk.at("sealed"), options);
    sealing.await.unwrap();
    let opened = desk
        .account
        .open_folder(desk.at("sealed"), FileOptions::new());
    let paths: Vec<_> = opened
        .await
        .unwrap()
        .members()
        .iter()
        .map(|it| it.path.clone())
        .collect();
    assert!(
        !paths
            .iter()
            .any(|it| it.contains("link") || it.contains("loop"))
    );
}

/// One member as somebody would write it who means harm.
fn member(name: &[u8], kind: EntryType, content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(content.len() as u64);
    if kind.is_symlink() || kind.is_hard_link() {
        header.set_link_name("/etc/passwd").unwrap();
    }
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn pax(key: &str, value: &str) -> Vec<u8> {
    let len = key.len() + value.len() + 3;
    let digits = (len + 2).to_string().len();
    let record = format!("{} {key}={value}\n", len + digits);
    member(b"pax", EntryType::XHeader, record.as_bytes())
}

async fn seal(desk: &Desk, archive: &[u8]) {
    let writer = desk
        .session
        .encrypt_writer(Vec::new(), FileOptions::new())
        .await;
    let mut writer = writer.unwrap();
    writer.write_all(archive).unwrap();
    std::fs::write(desk.at("sealed"), writer.finish().unwrap()).unwrap();
}

#[tokio::test]
async fn hostile_archives_are_refused_whole() {
    use EntryType as T;
    let desk = Desk::new().await;
    let file = |name: &str| member(name.as_bytes(), T::Regular, b"content");
    let end = vec![0; 1_024];
    let mut wrong_sum = file("a");
    wrong_sum[0] = b'b';
    let mut huge = member(b"big", T::Regular, b"");
    {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..3].copy_from_slice(b"big");
        header.set_size(u64::MAX / 4);
        header.set_mode(0o644);
        header.set_cksum();
        huge[..512].copy_from_slice(header.as_bytes());
    }
    let mut long_header = Header::new_gnu();
    long_header.set_entry_type(T::GNULongName);
    long_header.set_size(1 << 40);
    long_header.set_cksum();
    let deep = "d/".repeat(140);
    let elsewhere = desk.at("elsewhere");
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("up", file("../out2")),
        ("up inside", file("a/../../out2")),
        ("absolute", file(elsewhere.to_str().unwrap())),
        ("no name", member(b"", T::Regular, b"x")),
        ("empty part", file("a//b")),
        ("symbolic link", member(b"l", T::Symlink, b"")),
        ("hard link", member(b"l", T::Link, b"")),
        ("device", member(b"d", T::Block, b"")),
        ("fifo", member(b"f", T::Fifo, b"")),
        ("sparse", member(b"s", T::GNUSparse, b"")),
        (
            "global header",
            member(b"g", T::XGlobalHeader, b"11 path=ab\n"),
        ),
        ("long link", member(b"k", T::GNULongLink, b"/etc/passwd\0")),
        (
            "long name up",
            [member(b"n", T::GNULongName, b"../../x\0"), file("x")].concat(),
        ),
        ("pax path up", [pax("path", "../../x"), file("x")].concat()),
        ("pax size", [pax("size", "99"), file("x")].concat()),
        (
            "pax sparse",
            [pax("GNU.sparse.major", "1"), file("x")].concat(),
        ),
        (
            "pax link",
            [pax("linkpath", "/etc/passwd"), file("x")].concat(),
        ),
        ("long name at the end", member(b"n", T::GNULongName, b"x\0")),
        ("long name too long", long_header.as_bytes().to_vec()),
        ("twice", [file("a"), file("a")].concat()),
        ("file in a file", [file("a"), file("a/b")].concat()),
        ("file over a folder", [file("a/b"), file("a")].concat()),
        (
            "file over an empty folder",
            [member(b"a/", T::Directory, b""), file("a")].concat(),
        ),
        (
            "far apart",
            [file("a/b"), file("a-"), file("a!"), file("a")].concat(),
        ),
        ("folder with content", member(b"f/", T::Directory, b"x")),
        (
            "too deep",
            [member(b"n", T::GNULongName, deep.as_bytes()), file("x")].concat(),
        ),
        ("checksum", wrong_sum),
        ("longer than the archive", huge),
        ("no archive", b"hello, this is a text".repeat(90)),
        ("not text", member(b"\xff\xfe", T::Regular, b"x")),
    ];
    for (what, bad) in cases {
        // Something good before it, so that it is not the first member only.
        for before in [
            vec![],
            file("good"),
            member(b"first", T::Regular, &data(40_000)),
        ] {
            seal(&desk, &[before, bad.clone(), end.clone()].concat()).await;
            let options = FileOptions::new();
            let opening = desk
                .account
                .decrypt_folder(desk.at("sealed"), desk.at("out"), options);
            let code = code(opening.await);
            let wanted = match what {
                "longer than the archive" => ErrorCode::EnvelopeTruncated,
                _ => ErrorCode::ArchiveInvalid,
            };
            assert_eq!(code, wanted, "{what}");
            assert_eq!(desk.names(), ["sealed"], "{what}");
            let listing = desk
                .account
                .open_folder(desk.at("sealed"), FileOptions::new());
            // What a list has not read it can't know to be missing.
            assert!(
                listing.await.is_err() || what == "longer than the archive",
                "{what}"
            );
        }
    }
    assert!(!elsewhere.exists());
    // Something after the end.
    seal(&desk, &[file("good"), end.clone(), file("hidden")].concat()).await;
    let opening =
        desk.account
            .decrypt_folder(desk.at("sealed"), desk.at("out"), FileOptions::new());
    assert_eq!(code(opening.await), ErrorCode::ArchiveInvalid);
    assert_eq!(desk.names(), ["sealed"]);
    // What other programs write and means no harm.
    let good = [
        member(b"./", T::Directory, b""),
        member(b"./sub/", T::Directory, b""),
        pax("path", "./sub/with a long name"),
        file("x"),
        pax("mtime", "1.5"),
        file("./plain"),
        end,
    ];
    seal(&desk, &good.concat()).await;
    let opening =
        desk.account
            .decrypt_folder(desk.at("sealed"), desk.at("out"), FileOptions::new());
    opening.await.unwrap();
    assert_eq!(names(&desk.at("out")), ["plain", "sub"]);
    assert_eq!(names(&desk.at("out/sub")), ["with a long name"]);
}

#[tokio::test]
async fn every_kind_of_damage_to_a_folder_leaves_nothing() {
    let desk = Desk::new().await;
    std::fs::create_dir(desk.at("in")).unwrap();
    std::fs::write(desk.at("in/a"), data(100)).unwrap();
    std::fs::write(desk.at("in/b"), data(40_000)).unwrap();
    let sealing = desk
        .session
        .encrypt_folder(desk.at("in"), desk.at("sealed"), FileOptions::new());
    sealing.await.unwrap();
    std::fs::remove_dir_all(desk.at("in")).unwrap();
    let envelope = std::fs::read(desk.at("sealed")).unwrap();
    let refuse = async |bytes: &[u8], what: &str| {
        std::fs::write(desk.at("sealed"), bytes).unwrap();
        let options = FileOptions::new().threads(2);
        let opening = desk
            .account
            .decrypt_folder(desk.at("sealed"), desk.at("out"), options);
        assert!(opening.await.is_err(), "{what}");
        assert_eq!(desk.names(), ["sealed"], "{what}");
    };
    let places = (0..82).chain((82..envelope.len()).step_by(211));
    for at in places.chain([envelope.len() - 1]) {
        let mut altered = envelope.clone();
        altered[at] ^= 1 << (at % 8);
        refuse(&altered, &format!("byte {at}")).await;
    }
    let frames = (0..4).map(|it| 82 + it * 16_400);
    for len in frames.chain((0..envelope.len()).step_by(701)) {
        if len < envelope.len() {
            refuse(&envelope[..len], &format!("{len} bytes")).await;
        }
    }
    let (start, frames) = envelope.split_at(82);
    let frames: Vec<&[u8]> = frames.chunks(16_400).collect();
    for (one, other) in [(0, 1), (1, 2)] {
        let mut moved = frames.clone();
        moved.swap(one, other);
        refuse(&[start, &moved.concat()].concat(), "moved").await;
    }
}

#[tokio::test]
async fn a_folder_that_is_cancelled_leaves_nothing() {
    let desk = Desk::new().await;
    make_tree(&desk.at("in"));
    let sealing = desk
        .session
        .encrypt_folder(desk.at("in"), desk.at("sealed"), FileOptions::new());
    sealing.await.unwrap();
    for stop_at in [0, 1_000, 100_000, 600_000] {
        let options = || {
            let token = CancelToken::new();
            let stop = token.clone();
            FileOptions::new()
                .cancel(token)
                .on_progress(move |progress| {
                    assert!(progress.total >= 700_000);
                    if progress.done > stop_at {
                        stop.cancel();
                    }
                })
        };
        let sealing = desk
            .session
            .encrypt_folder(desk.at("in"), desk.at("never"), options());
        assert_eq!(code(sealing.await), ErrorCode::Cancelled);
        let opening = desk
            .account
            .decrypt_folder(desk.at("sealed"), desk.at("never"), options());
        assert_eq!(code(opening.await), ErrorCode::Cancelled);
        assert_eq!(desk.names(), ["in", "sealed"]);
    }
}
