//! Identity files: only whole, unaltered, and under what protects them.

#![allow(clippy::unwrap_used, clippy::panic)]

use plico_protocol::format::codec::FormatError;
use plico_protocol::format::ids::{ChainId, EntryHash, Position};
use plico_protocol::identity::draft::DeviceSecret;
use plico_protocol::identity::file::{COST, FileError, IdentityFile, MAX_COST, Protection};
use plico_protocol::primitives::secret::Secret32;

fn rng() -> rand_core::UnwrapErr<getrandom::SysRng> {
    rand_core::UnwrapErr(getrandom::SysRng)
}

fn some_file() -> IdentityFile {
    IdentityFile {
        tenant_id: ChainId([1; 32]),
        identity: ChainId([2; 32]),
        device: DeviceSecret::generate(&mut rng()),
        position: Position {
            seq: 7,
            hash: EntryHash([3; 32]),
        },
        user_id: "dr.ä".into(),
    }
}

fn secret(byte: u8) -> Secret32 {
    Secret32::from_slice(&[byte; 32]).unwrap()
}

fn open(bytes: &[u8], protection: Protection<'_>) -> Result<IdentityFile, FileError> {
    IdentityFile::open(bytes, protection)
}

#[test]
fn it_comes_back_under_what_protects_it() {
    let (file, right, wrong) = (some_file(), secret(4), secret(5));
    let passphrase = Protection::Passphrase("correct horse battery");
    for protection in [passphrase, Protection::Host(&right)] {
        let bytes = file.seal(protection, &mut rng()).unwrap();
        let back = open(&bytes, protection).unwrap();
        assert_eq!(back.device.id(), file.device.id());
        assert_eq!(back.device.keys(), file.device.keys());
        assert_eq!(back.tenant_id, file.tenant_id);
        assert_eq!(back.identity, file.identity);
        assert_eq!(back.position, file.position);
        assert_eq!(back.user_id, file.user_id);
        let again = file.seal(protection, &mut rng()).unwrap();
        assert_ne!(bytes, again, "a salt of its own");
    }
    let bytes = file.seal(passphrase, &mut rng()).unwrap();
    let other = open(&bytes, Protection::Passphrase("correct horse batterz"));
    assert_eq!(other.unwrap_err(), FileError::Wrong);
    let other = open(&bytes, Protection::Host(&right));
    assert_eq!(other.unwrap_err(), FileError::Protection);
    let bytes = file.seal(Protection::Host(&right), &mut rng()).unwrap();
    let other = open(&bytes, Protection::Host(&wrong));
    assert_eq!(other.unwrap_err(), FileError::Wrong);
    let other = open(&bytes, passphrase);
    assert_eq!(other.unwrap_err(), FileError::Protection);
    let text = format!("{:?} {:?}", Protection::Host(&right), passphrase);
    assert_eq!(text, "Host Passphrase");
}

#[test]
fn nothing_that_was_altered_opens() {
    let secret = secret(4);
    let bytes = some_file()
        .seal(Protection::Host(&secret), &mut rng())
        .unwrap();
    for at in 0..bytes.len() {
        for bit in [1, 0x80] {
            let mut altered = bytes.clone();
            altered[at] ^= bit;
            assert!(open(&altered, Protection::Host(&secret)).is_err(), "{at}");
        }
        assert!(open(&bytes[..at], Protection::Host(&secret)).is_err());
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert!(open(&longer, Protection::Host(&secret)).is_err());
    let mut newer = bytes;
    newer[5] = 2;
    assert_eq!(
        open(&newer, Protection::Host(&secret)).unwrap_err(),
        FileError::Format(FormatError::NeedsNewerClient("identity file"))
    );
}

/// Before anything is computed: the memory alone would be a terabyte.
#[test]
fn nobody_lowers_or_raises_the_cost() {
    let protection = Protection::Passphrase("correct horse battery");
    let bytes = some_file().seal(protection, &mut rng()).unwrap();
    let with = |at: usize, value: u32| {
        let mut altered = bytes.clone();
        altered[at..at + 4].copy_from_slice(&value.to_be_bytes());
        open(&altered, protection).unwrap_err()
    };
    for (at, least, most) in [
        (6, COST.memory_kib, MAX_COST.memory_kib),
        (10, COST.passes, MAX_COST.passes),
        (14, COST.lanes, MAX_COST.lanes),
    ] {
        for value in [0, 1, least - 1, most + 1, u32::MAX] {
            assert_eq!(with(at, value), FileError::Cost, "{at}: {value}");
        }
        // Allowed, and another key.
        assert_eq!(with(at, least + 1), FileError::Wrong);
    }
}
