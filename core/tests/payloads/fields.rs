use crate::{Desk, code};
use plico::{Context, ErrorCode, SessionOptions};

#[tokio::test]
async fn fields_go_through_in_one_call() {
    let desk = Desk::new().await;
    let row = |n: i64| Context::fields([("table", "notes".into()), ("row", n.into())]).unwrap();
    let rows: Vec<Context> = (0..500).map(row).collect();
    let values: Vec<String> = (0..500).map(|n| format!("{n:020}")).collect();
    let items: Vec<(&[u8], Option<&Context>)> = values
        .iter()
        .zip(&rows)
        .map(|(value, row)| (value.as_bytes(), Some(row)))
        .collect();
    let mut sealed = desk.session.encrypt_many(&items).await.unwrap();
    // 26 for the header, 56 for salt and commitment, 32 padded, 16 for the tag.
    assert!(sealed.iter().all(|it| it.len() == 130));
    let salts: std::collections::HashSet<&[u8]> = sealed.iter().map(|it| &it[26..50]).collect();
    assert_eq!(salts.len(), 500);
    let other = desk
        .account
        .create_session(SessionOptions::new())
        .await
        .unwrap();
    sealed[7] = other
        .encrypt(b"another session's", Some(&rows[7]))
        .await
        .unwrap();
    sealed[8][100] ^= 1;
    sealed[9].truncate(60);
    sealed[10] = b"nothing at all".to_vec();
    sealed[11][6] ^= 1;
    sealed.swap(12, 13);
    let pairs: Vec<(&[u8], Option<&Context>)> = sealed
        .iter()
        .zip(&rows)
        .map(|(sealed, row)| (sealed.as_slice(), Some(row)))
        .collect();
    let opened = desk.account.decrypt_many(&pairs).await.unwrap();
    assert_eq!(opened.len(), 500);
    for (n, opened) in opened.into_iter().enumerate() {
        match n {
            7 => {
                let opened = opened.unwrap();
                assert_eq!(opened.bytes(), b"another session's");
                assert_eq!(opened.session(), other.id());
            }
            8 => assert_eq!(code(opened), ErrorCode::EnvelopeDamaged),
            9 => assert_eq!(code(opened), ErrorCode::EnvelopeTruncated),
            10 => assert_eq!(code(opened), ErrorCode::NotAnEnvelope),
            11 => assert_eq!(code(opened), ErrorCode::SessionNotFound),
            12 | 13 => assert_eq!(code(opened), ErrorCode::ContextMismatch),
            n => assert_eq!(opened.unwrap().bytes(), values[n].as_bytes()),
        }
    }
    assert!(desk.account.decrypt_many(&[]).await.unwrap().is_empty());
    desk.account.close();
    assert_eq!(
        code(desk.session.encrypt_many(&items).await),
        ErrorCode::Closed
    );
    assert_eq!(
        code(desk.account.decrypt_many(&pairs).await),
        ErrorCode::Closed
    );
}

#[tokio::test]
async fn too_many_sessions_for_one_call() {
    let desk = Desk::new().await;
    let mut envelope = desk.session.encrypt(b"x", None).await.unwrap();
    let mut many = Vec::new();
    for number in 0..5_000u32 {
        envelope[22..26].copy_from_slice(&(number + 1).to_be_bytes());
        envelope[6..10].copy_from_slice(b"none");
        many.push(envelope.clone());
    }
    let pairs: Vec<(&[u8], Option<&Context>)> =
        many.iter().map(|it| (it.as_slice(), None)).collect();
    let offline = desk.account.offline();
    assert_eq!(
        code(offline.decrypt_many(&pairs).await),
        ErrorCode::TooLarge
    );
}
