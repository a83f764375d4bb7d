//! A lying directory, lie by lie, with the testing kit: each must be caught with
//! its own code, and must leave nothing behind. `docs/threat-model.md` lists
//! them; the last tests here compare the lists.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "common/scene.rs"]
mod scene;

use plico::testing::{Lie, TestDirectory};
use plico::{ErrorCode, Grant, Recipient, Result, SessionId, SessionOptions};
use scene::{MINUTE, Scene};

fn code<T>(result: Result<T>) -> ErrorCode {
    match result {
        Ok(_) => panic!("it went through"),
        Err(error) => error.code(),
    }
}

/// One test for each row: the lie, what is done while it is told, and the code
/// that this must end with.
macro_rules! lies {
    ($($name:ident: $lie:ident, $probe:ident => $code:ident;)*) => {
        $(#[tokio::test]
        async fn $name() {
            let scene = Scene::for_lie(Lie::$lie).await;
            scene.directory.tell(Lie::$lie);
            let found = code(scene.$probe().await);
            assert!(scene.directory.told() > 0, "the lie was not told");
            assert_eq!(found, ErrorCode::$code);
            scene.directory.honest();
            if Lie::$lie.limit().is_some() {
                // What is missing is asked for when the knowledge is no longer fresh.
                scene.directory.clock().advance(6 * MINUTE);
            }
            scene.works().await;
        })*

        /// The rows above.
        const ROWS: &[(&str, Lie, ErrorCode)] =
            &[$((stringify!($name), Lie::$lie, ErrorCode::$code)),*];
    };
}

lies! {
    user_id_without_word: UserIdWithoutWord, look_up => AttestationInvalid;
    user_id_with_others_word: UserIdWithOthersWord, look_up => AttestationInvalid;
    user_id_with_forged_word: UserIdWithForgedWord, look_up => AttestationInvalid;
    user_id_with_stolen_word: UserIdWithStolenWord, look_up => AttestationInvalid;
    user_id_with_another_tenants_word: UserIdWithAnotherTenantsWord, look_up => AttestationInvalid;
    user_id_with_expired_word: UserIdWithExpiredWord, look_up => AttestationInvalid;
    user_id_word_altered: UserIdWordAltered, look_up => AttestationInvalid;
    user_id_word_of_another_binding: UserIdWordOfAnotherBinding, look_up => AttestationInvalid;
    user_id_moved: UserIdMoved, look_up => IdentityChanged;
    user_id_moved_with_same_number: UserIdMovedWithSameNumber, look_up => IdentityChanged;
    user_id_moved_back: UserIdMovedBack, look_up => HistoryShortened;
    user_ids_swapped: UserIdsSwapped, look_up_two => AttestationInvalid;
    user_id_of_another_tenant: UserIdOfAnotherTenant, look_up => WrongTenant;
    user_id_duplicated: UserIdDuplicated, look_up => AttestationInvalid;
    user_id_renamed: UserIdRenamed, look_up => RecipientsNotFound;
    user_id_missing: UserIdMissing, look_up => RecipientsNotFound;

    identity_swapped: IdentitySwapped, refresh => AnswerMismatch;
    identity_swapped_for_a_program_that_starts: IdentitySwapped, restart => AnswerMismatch;
    identity_relabelled: IdentityRelabelled, refresh => HistoryShortened;
    identity_shortened: IdentityShortened, refresh => HistoryShortened;
    identity_shortened_in_a_look_up: IdentityShortened, look_up => HistoryShortened;
    identity_cut: IdentityCut, look_up => HeadInvalid;
    identity_reordered: IdentityReordered, look_up => HistoryInvalid;
    identity_altered: IdentityAltered, look_up => HistoryInvalid;
    identity_beginning_missing: IdentityBeginningMissing, look_up => HistoryInvalid;
    identity_device_forged: IdentityDeviceForged, refresh => HistoryInvalid;
    identity_user_key_forged: IdentityUserKeyForged, refresh => HistoryInvalid;
    identity_future_entry: IdentityFutureEntry, refresh => NeedsNewerClient;
    identity_from_wrong: IdentityFromWrong, refresh => AnswerMismatch;
    identity_endless: IdentityEndless, refresh => ProtocolError;
    identity_missing: IdentityMissing, refresh => HistoryShortened;
    own_identity_swapped: OwnIdentitySwapped, restart => AnswerMismatch;
    own_identity_shortened: OwnIdentityShortened, restart => HistoryShortened;
    identity_forked: IdentityForked, refresh => HistoryForked;
    identity_rewritten: IdentityRewritten, refresh => HistoryForked;
    identity_rewritten_for_a_program_that_starts: IdentityRewritten, restart => HistoryForked;
    identity_key_weak: IdentityKeyWeak, refresh => HistoryInvalid;
    identity_key_not_canonical: IdentityKeyNotCanonical, refresh => HistoryInvalid;
    identity_unknown_entry: IdentityUnknownEntry, refresh => NeedsNewerClient;

    device_revocation_withheld: DeviceRevocationWithheld, look_up_after_a_revocation => HistoryShortened;
    device_revived: DeviceRevived, refresh => HistoryInvalid;
    device_revoked_signs: DeviceRevokedSigns, refresh => HistoryInvalid;
    recovery_key_replaced: RecoveryKeyReplaced, refresh => HistoryInvalid;
    recovery_forged: RecoveryForged, look_up_after_a_recovery => HistoryInvalid;
    recovery_replayed: RecoveryReplayed, look_up_after_a_recovery => HistoryInvalid;
    recovery_misdirected: RecoveryMisdirected, recover => AnswerMismatch;
    backup_of_another: BackupOfAnother, restore => BackupInvalid;
    backup_weaker: BackupWeaker, restore => BackupInvalid;
    backup_altered: BackupAltered, restore => BackupInvalid;
    pairing_offer_replaced: PairingOfferReplaced, pair => PairingInvalid;
    pairing_answer_replaced: PairingAnswerReplaced, pair => PairingInvalid;
    pairing_end_replaced: PairingEndReplaced, pair => PairingInvalid;
    pairing_round_moved: PairingRoundMoved, pair => PairingInvalid;

    head_missing: HeadMissing, refresh => HeadInvalid;
    head_missing_after_a_write: HeadMissing, write => HeadInvalid;
    head_altered: HeadAltered, refresh => HeadInvalid;
    head_by_another_key: HeadByAnotherKey, refresh => HeadInvalid;
    head_of_another_chain: HeadOfAnotherChain, refresh => AnswerMismatch;
    head_of_another_tenant: HeadOfAnotherTenant, refresh => HeadInvalid;
    head_ahead_of_entries: HeadAheadOfEntries, refresh => HeadInvalid;
    head_ahead_of_entries_for_a_newcomer: HeadAheadOfEntries, newcomer => HeadInvalid;
    head_behind_entries: HeadBehindEntries, refresh => HistoryShortened;
    head_behind_entries_for_a_newcomer: HeadBehindEntries, newcomer => HeadInvalid;
    heads_in_conflict: HeadsInConflict, refresh => HistoryForked;
    heads_in_conflict_for_a_newcomer: HeadsInConflict, newcomer => HeadInvalid;
    head_from_the_future: HeadFromTheFuture, refresh => AnswerReplayed;
    head_from_the_past: HeadFromThePast, refresh => AnswerReplayed;
    head_from_the_past_for_a_newcomer: HeadFromThePast, newcomer => AnswerReplayed;

    session_swapped: SessionSwapped, refresh => AnswerMismatch;
    session_swapped_for_a_newcomer: SessionSwapped, newcomer => AnswerMismatch;
    session_mixed_up: SessionMixedUp, refresh => AnswerMismatch;
    session_mixed_up_for_a_handle: SessionMixedUp, newcomer => AnswerMismatch;
    session_of_another_tenant: SessionOfAnotherTenant, newcomer => WrongTenant;
    session_suite_changed: SessionSuiteChanged, newcomer => AnswerMismatch;
    session_altered: SessionAltered, newcomer => HistoryInvalid;
    session_reordered: SessionReordered, newcomer => HistoryInvalid;
    session_reordered_for_one_who_knows: SessionReordered, refresh_behind => HistoryForked;
    session_entry_dropped: SessionEntryDropped, newcomer => HistoryInvalid;
    session_entry_dropped_for_one_who_knows: SessionEntryDropped, refresh_behind => HistoryForked;
    session_shortened: SessionShortened, refresh => HistoryShortened;
    session_shortened_for_a_program_that_starts: SessionShortened, restart => HistoryShortened;
    session_withheld: SessionWithheld, newcomer => SessionBehindEnvelope;
    session_withheld_from_one_who_knows: SessionWithheld, refresh => HistoryShortened;
    session_from_wrong: SessionFromWrong, refresh => AnswerMismatch;
    session_endless: SessionEndless, refresh => ProtocolError;
    session_future_entry: SessionFutureEntry, refresh => NeedsNewerClient;
    session_unknown_entry: SessionUnknownEntry, refresh => NeedsNewerClient;
    session_end_forged: SessionEndForged, refresh => HistoryInvalid;
    session_recipient_by_outsider: SessionRecipientByOutsider, refresh => RightsViolation;
    session_revocation_by_outsider: SessionRevocationByOutsider, refresh => RightsViolation;
    session_rotation_by_outsider: SessionRotationByOutsider, refresh => RightsViolation;
    session_author_ahead: SessionAuthorAhead, refresh => HistoryShortened;
    session_author_elsewhere: SessionAuthorElsewhere, refresh => HistoryForked;
    session_recipient_added: SessionRecipientAdded, refresh => RightsViolation;
    session_recipient_added_for_a_newcomer: SessionRecipientAdded, newcomer => RightsViolation;
    session_grant_widened: SessionGrantWidened, refresh => GrantExceedsGrantor;
    session_grant_prolonged: SessionGrantProlonged, refresh => GrantExceedsGrantor;
    session_revocation_forged: SessionRevocationForged, refresh => RightsViolation;
    session_ended: SessionEnded, refresh => RightsViolation;
    session_recipient_left_out: SessionRecipientLeftOut, refresh => HistoryInvalid;
    session_back_dated: SessionBackDated, refresh => HistoryInvalid;
    session_forked: SessionForked, refresh => HistoryForked;
    session_forked_for_a_program_that_starts: SessionForked, restart => HistoryForked;
    session_rewritten: SessionRewritten, refresh => HistoryForked;
    session_rewritten_for_a_program_that_starts: SessionRewritten, restart => HistoryForked;
    session_metadata_altered: SessionMetadataAltered, refresh => AnswerMismatch;
    session_metadata_older: SessionMetadataOlder, refresh => AnswerMismatch;
    session_metadata_withheld: SessionMetadataWithheld, newcomer_reads_metadata => AnswerMismatch;
    session_expiry_moved: SessionExpiryMoved, refresh => RightsViolation;
    session_rotation_lets_in: SessionRotationLetsIn, refresh => HistoryInvalid;
    session_tag_altered: SessionTagAltered, refresh => AnswerMismatch;
    session_tag_withheld: SessionTagWithheld, newcomer_reads_the_tag => AnswerMismatch;

    group_removal_hidden: GroupRemovalHidden, refresh_for_a_group => HistoryShortened;
    group_swapped: GroupSwapped, meet_a_group => AnswerMismatch;
    group_swapped_for_one_who_knows: GroupSwapped, refresh_for_a_group => HistoryShortened;
    group_key_forged: GroupKeyForged, refresh_for_a_group => HistoryInvalid;
    group_circle: GroupCircle, refresh_for_a_group => HistoryInvalid;
    group_member_left_out: GroupMemberLeftOut, refresh_for_a_group => HistoryInvalid;
    group_member_let_in: GroupMemberLetIn, refresh_for_a_group => RightsViolation;
    group_key_revived: GroupKeyRevived, refresh_for_a_group => HistoryInvalid;
    group_path_forged: GroupPathForged, refresh_for_a_group => RightsViolation;

    wraps_of_another_recipient: WrapsOfAnotherRecipient, newcomer => WrapInvalid;
    wraps_of_another_recipient_for_one_who_knows: WrapsOfAnotherRecipient, refresh => WrapInvalid;
    wrap_sealed_for_another: WrapSealedForAnother, newcomer => WrapInvalid;
    wrap_of_another_session: WrapOfAnotherSession, newcomer => WrapInvalid;
    wraps_of_epochs_swapped: WrapsOfEpochsSwapped, refresh => WrapInvalid;
    wrap_relabelled: WrapRelabelled, newcomer => WrapInvalid;
    wrap_altered: WrapAltered, newcomer => WrapInvalid;
    wrap_proof_altered: WrapProofAltered, newcomer => WrapInvalid;
    wraps_withheld: WrapsWithheld, newcomer => EpochUnavailable;
    wraps_withheld_from_a_writer: WrapsWithheld, newcomer_writes => EpochUnavailable;
    user_key_wrap_altered: UserKeyWrapAltered, newcomer_restarts => WrapInvalid;
    user_key_wrap_withheld: UserKeyWrapWithheld, newcomer_restarts => WrapInvalid;
    back_link_altered: BackLinkAltered, newcomer_looks_back => BackLinkInvalid;
    back_link_of_another: BackLinkOfAnother, refresh => BackLinkInvalid;
    back_links_withheld: BackLinksWithheld, newcomer_looks_back => EpochUnavailable;

    tenant_swapped: TenantSwapped, restart => WrongTenant;
    tenant_altered: TenantAltered, restart => HistoryInvalid;
    tenant_key_forged: TenantKeyForged, restart => HistoryInvalid;
    tenant_endless: TenantEndless, restart => ProtocolError;
    tenant_protocol_unknown: TenantProtocolUnknown, restart => ProtocolError;
    tenant_shortened: TenantShortened, restart => HistoryShortened;
    tenant_forked: TenantForked, restart => HistoryForked;

    results_swapped: ResultsSwapped, refresh_many => AnswerMismatch;
    results_missing: ResultsMissing, refresh_many => AnswerMismatch;
    results_contradictory: ResultsContradictory, refresh_many => ProtocolError;
    body_empty: BodyEmpty, refresh => ProtocolError;
    body_not_json: BodyNotJson, refresh => ProtocolError;
    body_nested: BodyNested, refresh => ProtocolError;
    body_endless: BodyEndless, refresh => Network;
    status_wrong: StatusWrong, refresh => ProtocolError;

    problem_access_revoked: ProblemAccessRevoked, refresh => AccessRevoked;
    problem_access_expired: ProblemAccessExpired, refresh => AccessExpired;
    problem_access_withdrawn: ProblemAccessWithdrawn, refresh => AccessWithdrawn;
    problem_session_ended: ProblemSessionEnded, refresh => SessionEnded;
    problem_session_not_found: ProblemSessionNotFound, refresh => SessionNotFound;
    problem_identity_disabled: ProblemIdentityDisabled, refresh => IdentityDisabled;
    problem_clock_skewed: ProblemClockSkewed, refresh => ClockSkewed;
    problem_conflict: ProblemConflict, write => Conflict;
    problem_request_replayed: ProblemRequestReplayed, write => RequestReplayed;
    problem_of_client: ProblemOfClient, refresh => ProtocolError;
    problem_unknown: ProblemUnknown, refresh => ProtocolError;

    write_claimed: WriteClaimed, write => HeadInvalid;
    write_denied: WriteDenied, write => NotAllowed;
    batch_results_missing: BatchResultsMissing, write_many => ProtocolError;
    batch_results_swapped: BatchResultsSwapped, write_many => AnswerMismatch;
}

// ---- lies that need more than one step ----

/// Lies with a test of their own below.
const MORE: &[(&str, Lie, &[ErrorCode])] = &[
    ("what_nobody_asked_for", Lie::UserIdsExtra, &[]),
    ("what_nobody_asked_for", Lie::IdentitiesExtra, &[]),
    ("a_withdrawal_invented", Lie::WithdrawalInvented, &[]),
    ("a_withdrawal_undone", Lie::WithdrawalUndone, &[]),
    ("a_write_called_a_conflict", Lie::WriteCalledConflict, &[]),
    (
        "a_refusal_with_a_megabyte_of_text",
        Lie::ProblemVerbose,
        &[ErrorCode::NotAllowed],
    ),
    (
        "metadata_invented",
        Lie::SessionMetadataInvented,
        &[ErrorCode::AnswerMismatch],
    ),
    (
        "an_old_answer_played_again",
        Lie::AnswerReplayed,
        &[ErrorCode::AnswerReplayed],
    ),
    (
        "an_answer_to_another_question",
        Lie::AnswerToAnotherQuestion,
        &[ErrorCode::AnswerMismatch],
    ),
    (
        "the_answers_of_two_requests_crossed",
        Lie::AnswersCrossed,
        &[ErrorCode::AnswerMismatch],
    ),
    (
        "a_false_wrap_from_a_malicious_member",
        Lie::WrapFalse,
        &[ErrorCode::WrapFalse],
    ),
    (
        "a_false_back_link_from_a_malicious_member",
        Lie::BackLinkFalse,
        &[ErrorCode::BackLinkFalse],
    ),
    (
        "a_write_forgotten",
        Lie::WriteForgotten,
        &[ErrorCode::HistoryShortened],
    ),
    (
        "a_creation_claimed",
        Lie::CreationClaimed,
        &[ErrorCode::SessionNotFound],
    ),
    (
        "a_batch_cut_short",
        Lie::BatchCutShort,
        &[ErrorCode::HistoryShortened, ErrorCode::SessionNotFound],
    ),
    (
        "an_enrolment_claimed",
        Lie::EnrolmentClaimed,
        &[ErrorCode::SignatureInvalid],
    ),
];

#[tokio::test]
async fn what_nobody_asked_for() {
    let scene = Scene::for_lie(Lie::UserIdsExtra).await;
    scene.directory.tell(Lie::UserIdsExtra);
    scene.look_up().await.unwrap();
    assert!(scene.directory.told() > 0);
    let extra = scene
        .doctor
        .account()
        .create_session([Recipient::user("nobody asked for me")]);
    scene.directory.honest();
    assert_eq!(code(extra.await), ErrorCode::RecipientsNotFound);

    scene.directory.tell(Lie::IdentitiesExtra);
    scene.refresh().await.unwrap();
    assert!(scene.directory.told() > 0);
    scene.directory.honest();
    scene.works().await;
}

/// A new device holds the directory to what its owner's other device has seen.
#[tokio::test]
async fn an_old_chain_after_a_new_one_for_a_device_that_was_paired() {
    let scene = Scene::for_lie(Lie::IdentityShortened).await;
    let laptop = scene.paired().await.unwrap();
    laptop.connection().tell(Lie::IdentityShortened);
    let found = code(laptop.account().fingerprint("patient.7").await);
    assert_eq!(found, ErrorCode::HistoryShortened);
    assert!(laptop.connection().told() > 0);
    laptop.connection().honest();
    // And to its own chain, from the first look on.
    let tablet = scene.directory.visitor("dr.a").await.unwrap();
    tablet.connection().tell(Lie::OwnIdentityShortened);
    let (approved, joined) = scene.pair_with(&tablet).await;
    approved.unwrap();
    // The wrap of its user key belongs to the entry that is missing.
    assert_eq!(code(joined), ErrorCode::WrapInvalid);
    assert!(tablet.connection().told() > 0);
    assert_eq!(tablet.account().identity_id(), None);
    tablet.connection().honest();
    tablet.account().join_by_pairing().await.unwrap();
    scene.opens(&tablet, &scene.second, "second").await.unwrap();
    scene.works().await;
}

#[tokio::test]
async fn a_write_called_a_conflict() {
    let scene = Scene::for_lie(Lie::WriteCalledConflict).await;
    scene.doctor.connection().tell(Lie::WriteCalledConflict);
    scene.write().await.unwrap();
    // Written once, and not once more for the refusal.
    assert_eq!(scene.doctor.connection().told(), 1);
    scene.doctor.connection().honest();
    scene.works().await;
}

#[tokio::test]
async fn a_refusal_with_a_megabyte_of_text() {
    let scene = Scene::for_lie(Lie::ProblemVerbose).await;
    scene.directory.tell(Lie::ProblemVerbose);
    let error = scene.refresh().await.unwrap_err();
    assert!(scene.directory.told() > 0);
    assert_eq!(error.code(), ErrorCode::NotAllowed);
    // One short line for the app's log.
    let text = error.to_string();
    assert!(text.chars().count() < 400, "{} characters", text.len());
    assert!(!text.contains(char::is_control), "{text:?}");
    scene.directory.honest();
    scene.works().await;
}

/// The limit of whoever sees a log for the first time.
#[tokio::test]
async fn a_newcomer_believes_a_fork_until_it_is_shown_the_other() {
    let scene = Scene::for_lie(Lie::SessionForked).await;
    scene.session.rotate().await.unwrap();
    scene.insurer.connection().tell(Lie::SessionForked);
    scene.newcomer().await.unwrap();
    assert!(scene.insurer.connection().told() > 0);
    scene.insurer.connection().honest();
    let theirs = scene.insurer.account().session(scene.session.id());
    assert_eq!(code(theirs.refresh().await), ErrorCode::HistoryForked);
    // All others are as before.
    scene.refresh().await.unwrap();
    let second = &scene.second;
    scene.opens(&scene.patient, second, "second").await.unwrap();
}

#[tokio::test]
async fn metadata_invented() {
    let scene = Scene::for_lie(Lie::SessionMetadataInvented).await;
    let bare = scene.doctor.account().create_session([]).await.unwrap();
    scene.directory.tell(Lie::SessionMetadataInvented);
    assert_eq!(code(bare.refresh().await), ErrorCode::AnswerMismatch);
    assert!(scene.directory.told() > 0);
    scene.directory.honest();
    assert_eq!(bare.metadata().await.unwrap(), None);
    scene.works().await;
}

#[tokio::test]
async fn a_withdrawal_invented() {
    let scene = Scene::for_lie(Lie::WithdrawalInvented).await;
    scene.directory.tell(Lie::WithdrawalInvented);
    scene.refresh().await.unwrap();
    assert!(scene.directory.told() > 0);
    // It is shown, and whose word it is.
    let list = scene.session.who_may_read().await.unwrap();
    let out: Vec<_> = list.may_read.iter().filter(|it| it.withdrawn).collect();
    assert_eq!(out.len(), 1);
    let (who, name) = (out[0].who, out[0].user_id.clone().unwrap());
    assert!(list.to_string().contains("says the directory"));
    // An honest directory takes no epoch without them, and the log has them as before.
    let left_out = scene.session.encrypt("left out", None).await;
    assert_eq!(code(left_out), ErrorCode::Conflict);
    scene.directory.honest();
    let list = scene.session.who_may_read().await.unwrap();
    let there = list.may_read.iter().find(|it| it.who == who).unwrap();
    assert!(!there.withdrawn && there.user_id == Some(name));
    scene.works().await;
}

#[tokio::test]
async fn a_withdrawal_undone() {
    let scene = Scene::for_lie(Lie::WithdrawalUndone).await;
    let patient = scene.patient.account();
    let who = plico::MemberId::Identity(patient.identity_id().unwrap());
    scene
        .directory
        .withdraw(scene.session.id(), who)
        .await
        .unwrap();
    scene.refresh().await.unwrap();
    scene.session.encrypt("without", None).await.unwrap();
    scene.directory.tell(Lie::WithdrawalUndone);
    scene.refresh().await.unwrap();
    assert!(scene.directory.told() > 0);
    // They are in the log with what they were granted, and nothing else.
    let list = scene.session.who_may_read().await.unwrap();
    let back = list.may_read.iter().find(|it| it.who == who).unwrap();
    assert_eq!(back.rights, plico::Rights::read());
    scene.directory.honest();
    scene.refresh().await.unwrap();
    let list = scene.session.who_may_read().await.unwrap();
    assert!(list.may_read.iter().any(|it| it.who == who && it.withdrawn));
    scene.directory.clock().advance(6 * MINUTE);
    scene.directory.lift(scene.session.id(), who).await.unwrap();
    scene.refresh().await.unwrap();
    scene.works().await;
}

#[tokio::test]
async fn an_old_answer_played_again() {
    let scene = Scene::for_lie(Lie::AnswerReplayed).await;
    scene.refresh().await.unwrap();
    scene.directory.clock().advance(6 * MINUTE);
    scene.doctor.connection().tell(Lie::AnswerReplayed);
    assert_eq!(code(scene.refresh().await), ErrorCode::AnswerReplayed);
    assert!(scene.doctor.connection().told() > 0);
    scene.doctor.connection().honest();
    scene.works().await;
}

#[tokio::test]
async fn an_answer_to_another_question() {
    let scene = Scene::for_lie(Lie::AnswerToAnotherQuestion).await;
    let other = scene.doctor.account().create_session([]).await.unwrap();
    other.refresh().await.unwrap();
    scene.doctor.connection().tell(Lie::AnswerToAnotherQuestion);
    assert_eq!(code(scene.refresh().await), ErrorCode::AnswerMismatch);
    assert!(scene.doctor.connection().told() > 0);
    scene.doctor.connection().honest();
    scene.works().await;
}

#[tokio::test]
async fn the_answers_of_two_requests_crossed() {
    let scene = Scene::for_lie(Lie::AnswersCrossed).await;
    let other = scene.doctor.account().create_session([]).await.unwrap();
    scene.doctor.connection().tell(Lie::AnswersCrossed);
    let (one, two) = tokio::join!(scene.session.refresh(), other.refresh());
    assert_eq!(code(one), ErrorCode::AnswerMismatch);
    assert_eq!(code(two), ErrorCode::AnswerMismatch);
    assert_eq!(scene.doctor.connection().told(), 2);
    scene.doctor.connection().honest();
    other.refresh().await.unwrap();
    scene.works().await;
}

#[tokio::test]
async fn a_false_wrap_from_a_malicious_member() {
    let scene = Scene::for_lie(Lie::WrapFalse).await;
    scene.directory.tell(Lie::WrapFalse);
    // The directory can't see it: everything fits what the entry commits to.
    scene.refresh().await.unwrap();
    assert!(scene.directory.told() > 0);
    scene.directory.honest();
    // Earlier epochs still open.
    let opened = scene.session.decrypt(&scene.second, None).await.unwrap();
    assert_eq!(opened.bytes(), b"second");
    // An envelope that says that it is of the false epoch.
    let mut later = scene.second.clone();
    later[25] += 1;
    assert_eq!(
        code(scene.session.decrypt(&later, None).await),
        ErrorCode::WrapFalse
    );
    // Whoever writes next steps over the false epoch.
    scene.session.rotate().await.unwrap();
    scene.works().await;
}

#[tokio::test]
async fn a_false_back_link_from_a_malicious_member() {
    let scene = Scene::for_lie(Lie::BackLinkFalse).await;
    scene.directory.tell(Lie::BackLinkFalse);
    scene.refresh().await.unwrap();
    assert!(scene.directory.told() > 0);
    scene.directory.honest();
    // Whoever comes later has only the new epoch's wrap, and the false link.
    let late = scene.directory.person("late").await.unwrap();
    let to = Recipient::user("late");
    scene.session.grant(to, plico::Grant::read()).await.unwrap();
    let found = code(late.account().decrypt(&scene.first, None).await);
    assert_eq!(found, ErrorCode::BackLinkFalse);
    // All others have their own wraps of the epochs before.
    scene.works().await;
}

#[tokio::test]
async fn a_write_forgotten() {
    let scene = Scene::for_lie(Lie::WriteForgotten).await;
    scene.directory.tell(Lie::WriteForgotten);
    // It can't be told from a success ...
    scene.write().await.unwrap();
    assert!(scene.directory.told() > 0);
    // ... until the log is shown without it: there is a signed head that says otherwise.
    assert_eq!(code(scene.refresh().await), ErrorCode::HistoryShortened);
    assert_eq!(code(scene.restart().await), ErrorCode::HistoryShortened);
    // An honest directory gets it handed back, and it stands for everybody.
    scene.directory.honest();
    scene.refresh().await.unwrap();
    let sent = scene.doctor.connection().urls();
    assert!(sent.iter().any(|url| url.ends_with("/restore")));
    scene.works().await;
}

#[tokio::test]
async fn a_creation_claimed() {
    let scene = Scene::for_lie(Lie::CreationClaimed).await;
    scene.directory.tell(Lie::CreationClaimed);
    let account = scene.doctor.account();
    let session = account
        .create_session([Recipient::user("patient.7")])
        .await
        .unwrap();
    assert!(scene.directory.told() > 0);
    let sealed = session.encrypt("x", None).await.unwrap();
    let lost = scene.patient.account().decrypt(&sealed, None).await;
    assert_eq!(code(lost), ErrorCode::SessionNotFound);
    // The creator asks, and is shown nothing; an honest directory gets it handed back.
    assert_eq!(code(session.refresh().await), ErrorCode::SessionNotFound);
    scene.directory.honest();
    session.refresh().await.unwrap();
    scene.opens(&scene.patient, &sealed, "x").await.unwrap();
    scene.works().await;
}

#[tokio::test]
async fn a_batch_cut_short() {
    let scene = Scene::for_lie(Lie::BatchCutShort).await;
    let account = scene.doctor.account();
    let options = || SessionOptions::from([Recipient::user("patient.7")]);
    let there = account.create_sessions(vec![options(), options()]).await;
    let there: Vec<SessionId> = there.unwrap().iter().map(id).collect();
    scene.directory.tell(Lie::BatchCutShort);
    let made = account.create_sessions(vec![options(), options()]).await;
    let made: Vec<SessionId> = made.unwrap().iter().map(id).collect();
    let whom = [(Recipient::user("insurer.3"), Grant::read())];
    for granted in account.grant_many(&there, &whom).await.unwrap() {
        assert_eq!(granted, [Ok(())]);
    }
    assert_eq!(scene.directory.told(), 2);
    // The first of each request is there; the others are missed at the next look.
    let all = [made[0], there[0], made[1], there[1]];
    let seen = account.prefetch(&all).await.unwrap();
    assert_eq!(&seen[..2], [Ok(()), Ok(())]);
    assert_eq!(code(seen[2].clone()), ErrorCode::SessionNotFound);
    assert_eq!(code(seen[3].clone()), ErrorCode::HistoryShortened);
    // An honest directory gets them handed back, and they stand for everybody.
    scene.directory.honest();
    for id in made.iter().chain(&there) {
        account.session(*id).refresh().await.unwrap();
        let patients = scene.patient.account().session(*id);
        patients.refresh().await.unwrap();
    }
    for id in there {
        let insurers = scene.insurer.account().session(id);
        insurers.refresh().await.unwrap();
    }
    scene.works().await;
}

fn id(made: &Result<plico::EncryptionSession>) -> SessionId {
    made.as_ref().unwrap().id()
}

#[tokio::test]
async fn an_enrolment_claimed() {
    let directory = TestDirectory::start().await.unwrap();
    let person = directory.visitor("dr.a").await.unwrap();
    directory.tell(Lie::EnrolmentClaimed);
    assert_eq!(code(person.register(1).await), ErrorCode::SignatureInvalid);
    assert!(directory.told() > 0);
    assert_eq!(person.account().identity_id(), None);
    directory.honest();
    let again = person.restart().await.unwrap();
    let id = again.register(1).await.unwrap();
    assert_eq!(again.account().identity_id(), Some(id));
    again.account().create_session([]).await.unwrap();
}

// ---- what the app and the honest directory do about it ----

#[tokio::test]
async fn a_changed_identity_can_be_accepted_and_stays() {
    let scene = Scene::for_lie(Lie::UserIdMoved).await;
    let fresh = scene.directory.visitor("patient.7").await.unwrap();
    fresh.register(2).await.unwrap();
    assert_eq!(code(scene.look_up().await), ErrorCode::IdentityChanged);
    // Until the app accepts it, explicitly.
    let doctor = scene.doctor.account();
    let accepted = doctor.accept_identity_change("patient.7").await.unwrap();
    assert_eq!(Some(accepted), fresh.account().identity_id());
    scene.look_up().await.unwrap();
    // From then on the older binding is a lie.
    scene.directory.tell(Lie::UserIdMovedBack);
    assert_eq!(code(scene.look_up().await), ErrorCode::HistoryShortened);
    scene.directory.honest();
    scene.look_up().await.unwrap();
}

#[tokio::test]
async fn an_honest_directory_refuses_what_clients_catch() {
    for (lie, refusal) in [
        (Lie::SessionRecipientByOutsider, ErrorCode::SessionNotFound),
        (Lie::SessionRevocationByOutsider, ErrorCode::SessionNotFound),
        (Lie::SessionRotationByOutsider, ErrorCode::SessionNotFound),
        (Lie::SessionAuthorAhead, ErrorCode::SessionNotFound),
        (Lie::SessionAuthorElsewhere, ErrorCode::SessionNotFound),
        (Lie::SessionRecipientAdded, ErrorCode::NotAllowed),
        (Lie::SessionGrantWidened, ErrorCode::NotAllowed),
        (Lie::SessionGrantProlonged, ErrorCode::NotAllowed),
        (Lie::SessionRevocationForged, ErrorCode::NotAllowed),
        (Lie::SessionEnded, ErrorCode::NotAllowed),
        (Lie::SessionRecipientLeftOut, ErrorCode::EntryInvalid),
        (Lie::SessionExpiryMoved, ErrorCode::NotAllowed),
        (Lie::SessionRotationLetsIn, ErrorCode::EntryInvalid),
        (Lie::SessionBackDated, ErrorCode::AuthorBehind),
    ] {
        let scene = Scene::for_lie(lie).await;
        let session = scene.session.id();
        let tried = scene.directory.smuggle(lie, session).await;
        assert_eq!((lie, code(tried)), (lie, refusal));
        scene.refresh().await.unwrap();
    }
}

// ---- the lists agree ----

#[test]
fn every_lie_has_a_test_and_every_code_is_one_of_its_own() {
    let rows = ROWS.iter().map(|(_, lie, code)| (*lie, Some(*code)));
    let more = MORE
        .iter()
        .flat_map(|(_, lie, codes)| codes.iter().map(|code| (*lie, Some(*code))));
    let none = MORE
        .iter()
        .filter(|(_, _, codes)| codes.is_empty())
        .map(|(_, lie, _)| (*lie, None));
    let tested: Vec<_> = rows.chain(more).chain(none).collect();
    for (lie, code) in &tested {
        let expected = lie.caught_as();
        let fits = code.map_or(expected.is_empty(), |code| expected.contains(&code));
        assert!(fits, "{lie:?} is not caught as {code:?}");
    }
    for lie in Lie::ALL {
        let of = |code| tested.contains(&(*lie, code));
        assert!(of(None) || !lie.caught_as().is_empty(), "{lie:?}");
        for code in lie.caught_as() {
            assert!(of(Some(*code)), "{lie:?} is never seen as {code}");
        }
    }
}

#[test]
fn the_threat_model_lists_every_lie() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/threat-model.md");
    let text = std::fs::read_to_string(path).unwrap();
    let listed: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains("| `"))
        .filter(|line| line[2..].starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    let table = table();
    for (there, row) in listed.iter().zip(&table) {
        assert_eq!(there, row);
    }
    // `PLICO_LIES=1 cargo test -p plico --test lies -- --nocapture print_the_table`
    assert_eq!(listed.len(), table.len());
}

/// The table as it should be.
fn table() -> Vec<String> {
    Lie::ALL
        .iter()
        .enumerate()
        .map(|(index, lie)| {
            let codes: Vec<String> = lie
                .caught_as()
                .iter()
                .map(|code| format!("`{code}`"))
                .collect();
            let caught = match (codes.is_empty(), lie.limit()) {
                (true, Some(limit)) => format!("limit: {limit}"),
                (false, Some(limit)) => format!("{}; limit: {limit}", codes.join(", ")),
                (_, None) => codes.join(", "),
            };
            let rows = ROWS.iter().map(|(name, lie, _)| (*name, *lie));
            let more = MORE.iter().map(|(name, lie, _)| (*name, *lie));
            let test = rows.chain(more).find(|(_, it)| it == lie).unwrap().0;
            let (number, name, what) = (index + 1, lie.name(), lie.what());
            format!("| {number} | `{name}` | {what} | {caught} | `{test}` |")
        })
        .collect()
}

#[test]
fn print_the_table() {
    if std::env::var_os("PLICO_LIES").is_some() {
        println!("{}", table().join("\n"));
    }
}
