use super::*;

#[test]
fn the_encoding_is_fixed_and_ignores_the_order() {
    let one = AppContext::fields([("table", "notes".into()), ("row", 42.into())]).unwrap();
    let two = AppContext::fields([("row", 42i64.into()), ("table", "notes".into())]).unwrap();
    assert_eq!(one, two);
    let mut expected = b"\x01\x1b\x03row\x02\x08\0\0\0\0\0\0\0\x2a".to_vec();
    expected.extend_from_slice(b"\x05table\x01\x05notes");
    assert_eq!(expected.len() - 2, 0x1a + 1);
    assert_eq!(one.encode(), expected);
    assert_eq!(AppContext::decode(&expected), Ok(one.clone()));
    assert_eq!(one.hash(), sha256(&[&expected]));
}

#[test]
fn values_of_different_types_differ() {
    let values: [ContextValue; 6] = [
        "1".into(),
        1.into(),
        (-1).into(),
        vec![1u8].into(),
        true.into(),
        false.into(),
    ];
    let mut hashes: Vec<_> = values
        .into_iter()
        .map(|value| AppContext::fields([("a", value)]).unwrap().hash())
        .collect();
    hashes.push(AppContext::hash_of(None));
    hashes.push(AppContext::raw(b"").unwrap().hash());
    hashes.push(AppContext::fields::<String>([]).unwrap().hash());
    let count = hashes.len();
    hashes.sort_unstable();
    hashes.dedup();
    assert_eq!(hashes.len(), count);
    assert_eq!(
        hex::encode(AppContext::hash_of(None)),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}

#[test]
fn bounds() {
    let many = |n: usize| AppContext::fields((0..n).map(|i| (format!("{i}"), true.into())));
    assert!(many(64).is_ok());
    assert_eq!(many(65), Err(ContextError::TooManyFields));
    let named = |n: usize| AppContext::fields([("x".repeat(n), true.into())]);
    assert_eq!(named(0), Err(ContextError::NameLength));
    assert!(named(64).is_ok());
    assert_eq!(named(65), Err(ContextError::NameLength));
    assert_eq!(
        AppContext::fields([("a", 1.into()), ("a", 2.into())]),
        Err(ContextError::DuplicateName)
    );
    assert!(AppContext::raw(&vec![7; 65_535]).is_ok());
    assert_eq!(
        AppContext::raw(&vec![7; 65_536]),
        Err(ContextError::TooLong)
    );
    // 1 form, 4 vector length, 2 name, 1 type, 4 value length.
    let valued = |n: usize| AppContext::fields([("a", vec![0u8; n].into())]);
    assert_eq!(valued(65_536 - 12).unwrap().encode().len(), 65_536);
    assert_eq!(valued(65_536 - 11), Err(ContextError::TooLong));
    let longest = valued(65_536 - 12).unwrap();
    assert_eq!(AppContext::decode(&longest.encode()), Ok(longest));
}

#[test]
fn only_the_canonical_encoding_is_read() {
    use ContextError::{DuplicateName, NameLength, NeedsNewerClient, NotCanonical};
    let refused: [(&[u8], ContextError); 14] = [
        (b"", NotCanonical),
        (b"\x02", NeedsNewerClient),
        (b"\x01", NotCanonical),
        (b"\x01\x00\x00", NotCanonical),
        (b"\x01\x05\x01a\x04\x01", NotCanonical),
        (b"\x01\x40\x05\x01a\x04\x01\x01", NotCanonical),
        (b"\x01\x05\x01a\x04\x01\x02", NotCanonical),
        (b"\x01\x05\x01a\x05\x01\x01", NeedsNewerClient),
        (b"\x01\x05\x01a\x02\x01\x01", NotCanonical),
        (b"\x01\x05\x01a\x01\x01\xff", NotCanonical),
        (b"\x01\x05\x01\xff\x04\x01\x01", NotCanonical),
        (b"\x01\x04\x00\x04\x01\x01", NameLength),
        (b"\x01\x0a\x01a\x04\x01\x01\x01a\x04\x01\x01", DuplicateName),
        (b"\x01\x0a\x01b\x04\x01\x01\x01a\x04\x01\x01", NotCanonical),
    ];
    for (bytes, error) in refused {
        assert_eq!(AppContext::decode(bytes), Err(error), "{bytes:02x?}");
    }
    assert!(AppContext::decode(b"\x01\x05\x01a\x04\x01\x01").is_ok());
    assert!(AppContext::decode(b"\x01\x00").is_ok());
    assert!(AppContext::decode(b"\x00").is_ok());
}

#[test]
fn debug_shows_nothing() {
    let context = AppContext::fields([("patient", "Erika Mustermann".into())]).unwrap();
    assert_eq!(format!("{context:?}"), "AppContext(redacted, 28 bytes)");
    assert!(!format!("{:?}", ContextValue::from("Erika")).contains("Erika"));
}
