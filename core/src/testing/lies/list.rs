//! The list of lies, one row each: the name, what the directory does, the
//! codes by which a client sees it, and what it comes to if it can't be told
//! from the truth. `docs/threat-model.md` has the same list; a test compares them.

use crate::error::ErrorCode;

/// What a lie is about: which module tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Users,
    Identities,
    Devices,
    Heads,
    Sessions,
    Groups,
    Wraps,
    Tenant,
    Bodies,
    Problems,
    Writes,
}

macro_rules! limit {
    () => {
        None
    };
    ($limit:literal) => {
        Some($limit)
    };
}

macro_rules! lies {
    ($($group:ident { $($(#[$doc:meta])* $lie:ident: $what:literal => [$($code:ident),*] $(limit $limit:literal)?;)* })*) => {
        /// The lies that a directory can tell, by name.
        ///
        /// Each is what a directory (or whoever has broken into it) could really
        /// do: it has its own signing key and all that it stores, it can make up
        /// identities and collude with registered ones, but it has no honest
        /// person's key. Where a lie needs the app's backend to be in league
        /// with it, the description says so.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Lie {
            $($(#[doc = concat!("The directory ", $what, ".")] $(#[$doc])* $lie,)*)*
        }

        impl Lie {
            /// All lies.
            pub const ALL: &'static [Self] = &[$($(Self::$lie,)*)*];

            /// The variant's name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $($(Self::$lie => stringify!($lie),)*)* }
            }

            /// What the directory does.
            #[must_use]
            pub fn what(self) -> &'static str {
                match self { $($(Self::$lie => $what,)*)* }
            }

            /// The codes by which a client must see it; which of several depends
            /// on what the client knew before. Empty for lies that change nothing.
            #[must_use]
            pub fn caught_as(self) -> &'static [ErrorCode] {
                match self { $($(Self::$lie => &[$(ErrorCode::$code),*],)*)* }
            }

            /// For a lie that can't be told from the truth: what it comes to.
            /// `None` for all others.
            #[must_use]
            pub fn limit(self) -> Option<&'static str> {
                match self { $($(Self::$lie => limit!($($limit)?),)*)* }
            }

            pub(super) fn group(self) -> Group {
                match self { $($(Self::$lie => Group::$group,)*)* }
            }
        }
    };
}

lies! {
    Users {
        UserIdWithoutWord: "puts another identity under a user id, without the backend's word" => [AttestationInvalid];
        UserIdWithOthersWord: "puts an identity under a user id with the backend's word for another user id" => [AttestationInvalid];
        UserIdWithForgedWord: "puts another identity under a user id, with a word that it has signed itself" => [AttestationInvalid];
        UserIdWithStolenWord: "puts another identity under a user id, with the backend's word for the true one" => [AttestationInvalid];
        UserIdWithAnotherTenantsWord: "puts another identity under a user id, with the same backend's word for another tenant" => [AttestationInvalid];
        UserIdWithExpiredWord: "puts another identity under a user id, with a true word that had expired before it was used" => [AttestationInvalid];
        UserIdWordAltered: "alters one bit of the backend's word" => [AttestationInvalid];
        UserIdWordOfAnotherBinding: "gives the word of another identity's binding with the true identity" => [AttestationInvalid];
        UserIdMoved: "puts another identity under a user id, with a true new word of the backend" => [IdentityChanged];
        UserIdMovedWithSameNumber: "puts another identity under a user id, with a true word that has the number of the one before" => [IdentityChanged];
        UserIdMovedBack: "puts another identity under a user id, with a true word older than the one that the client has seen" => [HistoryShortened];
        /// Needs a look-up of two user ids at once.
        UserIdsSwapped: "exchanges the identities of two user ids in one answer" => [AttestationInvalid];
        UserIdOfAnotherTenant: "answers with an identity of another tenant that has the same user id there" => [WrongTenant];
        UserIdDuplicated: "gives two identities for one user id, the second without the backend's word" => [AttestationInvalid];
        UserIdRenamed: "answers under another user id than the one asked for" => [RecipientsNotFound];
        UserIdMissing: "says that nobody has the user id" => [RecipientsNotFound]
            limit "whether somebody has registered is the directory's word; nothing is encrypted for anybody else";
        UserIdsExtra: "adds a user id that nobody asked for" => []
            limit "what was not asked for is not read";
    }
    Identities {
        IdentitySwapped: "shows another valid chain under an identity's id" => [AnswerMismatch];
        IdentityRelabelled: "answers with another identity than the one asked for" => [HistoryShortened];
        IdentityShortened: "shows an identity's chain without its last entry" => [HistoryShortened];
        IdentityCut: "leaves the last entry out and keeps the head" => [HeadInvalid];
        IdentityReordered: "exchanges two entries of an identity's chain" => [HistoryInvalid];
        IdentityAltered: "alters one bit of an identity's entry" => [HistoryInvalid];
        IdentityBeginningMissing: "shows an identity's chain without its first entry" => [HistoryInvalid];
        IdentityDeviceForged: "adds a device of its own to an identity, with a forged signature" => [HistoryInvalid];
        IdentityUserKeyForged: "adds a user key of its own to an identity, with a forged signature" => [HistoryInvalid];
        IdentityFutureEntry: "adds an entry of a protocol version that does not exist yet" => [NeedsNewerClient];
        IdentityFromWrong: "gives entries from another place on than asked for" => [AnswerMismatch];
        IdentityEndless: "says without end that there are more entries" => [ProtocolError];
        IdentityMissing: "says that it does not know an identity" => [HistoryShortened]
            limit "an answer can be withheld; nothing is written without it";
        OwnIdentitySwapped: "shows another valid chain under the client's own identity" => [AnswerMismatch];
        OwnIdentityShortened: "shows the client's own chain without its last entry" => [HistoryShortened];
        IdentitiesExtra: "adds an identity that nobody asked for" => []
            limit "what was not asked for is not read";
        /// Needs an [`Accomplice`](crate::testing::Accomplice) among the identities asked for.
        IdentityForked: "shows another last entry, signed by the identity's own colluding device" => [HistoryForked]
            limit "a client that has seen neither believes the one that it is shown, until it is shown the other";
        /// Needs an [`Accomplice`](crate::testing::Accomplice) among the identities asked for.
        IdentityRewritten: "shows another last entry and one more after it, signed by the identity's own colluding device" => [HistoryForked];
        /// Needs an [`Accomplice`](crate::testing::Accomplice) among the identities asked for.
        IdentityKeyWeak: "shows a new device whose signing key is of small order, registered by a colluding device" => [HistoryInvalid];
        /// Needs an [`Accomplice`](crate::testing::Accomplice) among the identities asked for.
        IdentityKeyNotCanonical: "shows a new device whose signing key is not canonical, registered by a colluding device" => [HistoryInvalid];
        /// Needs an [`Accomplice`](crate::testing::Accomplice) among the identities asked for.
        IdentityUnknownEntry: "shows an entry of a type that does not exist yet, signed by a colluding device" => [NeedsNewerClient];
    }
    Devices {
        /// Needs an identity with a revoked device.
        DeviceRevocationWithheld: "shows an identity's chain as it was before a device of it was revoked" => [HistoryShortened]
            limit "a client that has not seen the revocation does not miss it until it meets an entry that builds on it";
        /// Needs an [`Accomplice`](crate::testing::Accomplice) among the identities asked for.
        DeviceRevived: "shows a revoked device that is added again" => [HistoryInvalid];
        /// Needs an [`Accomplice`](crate::testing::Accomplice) among the identities asked for.
        DeviceRevokedSigns: "shows an entry by which the thief of a revoked device revokes the owner's" => [HistoryInvalid];
        /// Needs an [`Accomplice`](crate::testing::Accomplice) among the identities asked for.
        RecoveryKeyReplaced: "shows another recovery key, set by the thief of a device without the word of the one that was set" => [HistoryInvalid];
        /// Needs an identity with a recovery key.
        RecoveryForged: "gives an identity a device by a use of its recovery key that it has forged" => [HistoryInvalid];
        /// Needs an identity that was recovered.
        RecoveryReplayed: "shows a true use of a recovery key a second time" => [HistoryInvalid];
        RecoveryMisdirected: "answers with another identity than the one whose recovery key is asked for" => [AnswerMismatch];
        BackupOfAnother: "hands out another person's backup" => [BackupInvalid];
        BackupWeaker: "hands out a backup that names a cost at which guessing is cheap" => [BackupInvalid];
        BackupAltered: "alters one bit of a backup" => [BackupInvalid];
        PairingOfferReplaced: "offers an identity of its own to a device that is being paired" => [PairingInvalid];
        PairingAnswerReplaced: "answers an offer with a device of its own" => [PairingInvalid];
        PairingEndReplaced: "replaces the last message of a pairing, with the pins in it" => [PairingInvalid];
        PairingRoundMoved: "shows a message of a pairing as one of another round" => [PairingInvalid];
    }
    Heads {
        HeadMissing: "gives no signed head" => [HeadInvalid];
        HeadAltered: "alters one bit of a head's signature" => [HeadInvalid];
        HeadByAnotherKey: "signs a head with a key that is not in the tenant's chain" => [HeadInvalid];
        HeadOfAnotherChain: "gives the true head of another chain" => [AnswerMismatch];
        HeadOfAnotherTenant: "gives a head that is signed for another tenant, with that tenant's key" => [HeadInvalid];
        HeadAheadOfEntries: "signs a head that is one entry ahead of those that it shows" => [HeadInvalid];
        HeadBehindEntries: "signs a head that is one entry behind those that it shows" => [HistoryShortened, HeadInvalid];
        HeadsInConflict: "signs two heads for one place" => [HistoryForked, HeadInvalid];
        HeadFromTheFuture: "signs a head of tomorrow" => [AnswerReplayed];
        HeadFromThePast: "signs a head of yesterday" => [AnswerReplayed];
    }
    Sessions {
        SessionSwapped: "shows another session's log under the session's id" => [AnswerMismatch];
        SessionMixedUp: "answers with another session than the one asked for" => [AnswerMismatch];
        SessionOfAnotherTenant: "shows the log of another tenant's session" => [WrongTenant];
        SessionSuiteChanged: "changes the cipher suite in a session's first entry" => [AnswerMismatch];
        SessionAltered: "alters one bit of a session's entry" => [HistoryInvalid];
        SessionReordered: "exchanges the last two entries of a log" => [HistoryInvalid, HistoryForked];
        SessionEntryDropped: "leaves an entry out of the middle of a log" => [HistoryInvalid, HistoryForked];
        SessionShortened: "shows a log without its last entry, to a client that has seen it" => [HistoryShortened];
        SessionWithheld: "shows a log as it was before the newest epoch" => [SessionBehindEnvelope, HistoryShortened]
            limit "a client that has not seen the newer entries does not miss them until it meets a newer envelope";
        SessionFromWrong: "gives entries from another place on than asked for" => [AnswerMismatch];
        SessionEndless: "says without end that there are more entries" => [ProtocolError];
        SessionFutureEntry: "adds an entry of a protocol version that does not exist yet" => [NeedsNewerClient];
        SessionUnknownEntry: "adds an entry of a type that does not exist yet" => [NeedsNewerClient];
        SessionEndForged: "ends a session in its owner's name, with a forged signature" => [HistoryInvalid];
        SessionRecipientByOutsider: "adds a recipient by an entry of somebody who is none" => [RightsViolation];
        SessionRevocationByOutsider: "takes a recipient away by an entry of somebody who is none" => [RightsViolation];
        SessionRotationByOutsider: "begins an epoch by an entry of somebody who is no recipient" => [RightsViolation];
        SessionAuthorAhead: "adds an entry whose author names a place that its own chain has not reached" => [HistoryShortened];
        SessionAuthorElsewhere: "adds an entry whose author names a place of another history of its own chain" => [HistoryForked];
        /// Needs an [`Accomplice`](crate::testing::Accomplice) who may read, but not forward.
        SessionRecipientAdded: "adds a recipient by an entry of a recipient without the right to forward" => [RightsViolation];
        /// Needs an [`Accomplice`](crate::testing::Accomplice) who may forward, but not revoke.
        SessionGrantWidened: "adds a grant that is wider than its grantor's" => [GrantExceedsGrantor];
        /// Needs an [`Accomplice`](crate::testing::Accomplice) who may forward until some end.
        SessionGrantProlonged: "adds a grant that ends later than its grantor's" => [GrantExceedsGrantor];
        /// Needs an [`Accomplice`](crate::testing::Accomplice) who may not revoke.
        SessionRevocationForged: "takes a recipient away by an entry of a recipient without the right to revoke" => [RightsViolation];
        /// Needs an [`Accomplice`](crate::testing::Accomplice) who is no owner.
        SessionEnded: "ends a session by an entry of a recipient who is no owner" => [RightsViolation];
        /// Needs an [`Accomplice`](crate::testing::Accomplice) among the recipients.
        SessionRecipientLeftOut: "begins an epoch for all but one recipient, by an entry of a colluding one" => [HistoryInvalid];
        /// Needs an [`Accomplice`](crate::testing::Accomplice) among the recipients.
        SessionBackDated: "adds an entry of a colluding recipient that goes back in its own chain" => [HistoryInvalid];
        /// Needs an [`Accomplice`](crate::testing::Accomplice) among the recipients.
        SessionForked: "shows another last entry, signed by a colluding recipient" => [HistoryForked]
            limit "a client that has seen neither believes the one that it is shown, until it is shown the other";
        /// Needs an [`Accomplice`](crate::testing::Accomplice) among the recipients.
        SessionRewritten: "shows another last entry and one more after it, signed by a colluding recipient" => [HistoryForked];
        SessionMetadataAltered: "alters one bit of a session's metadata" => [AnswerMismatch];
        SessionMetadataOlder: "gives the metadata that a session had before" => [AnswerMismatch];
        SessionMetadataInvented: "gives metadata that the log knows nothing of" => [AnswerMismatch];
        SessionMetadataWithheld: "gives no metadata though the log names some" => [AnswerMismatch];
        /// Needs an [`Accomplice`](crate::testing::Accomplice) among the recipients, who is no owner.
        SessionExpiryMoved: "shows another end of the session, by an entry of a colluding recipient who may not set one" => [RightsViolation];
        /// Needs an [`Accomplice`](crate::testing::Accomplice) among the recipients.
        SessionRotationLetsIn: "begins an epoch with a recipient whom nobody has granted anything, by an entry of a colluding one" => [HistoryInvalid];
        SessionTagAltered: "alters one bit of a session's tag" => [AnswerMismatch];
        SessionTagWithheld: "gives no tag although the log names one" => [AnswerMismatch];
        WithdrawalInvented: "says that the operator has withdrawn a recipient, who was not" => []
            limit "it is shown as the directory's word; the next writer leaves them out, and whoever asks an honest directory takes them in again";
        WithdrawalUndone: "says that nobody is withdrawn, and lets them in again" => []
            limit "whoever comes back has what the owners granted, and no more; only the operator is deceived";
    }
    Groups {
        /// Needs a group that somebody was removed from.
        GroupRemovalHidden: "shows a group's log as it was before somebody was removed" => [HistoryShortened]
            limit "a client that has not seen the removal does not miss it until it meets an entry that builds on it";
        /// Needs a group.
        GroupSwapped: "shows another group's log under a group's id" => [AnswerMismatch, HistoryShortened];
        /// Needs a group.
        GroupKeyForged: "begins a generation of a group's key in an owner's name, with a forged signature" => [HistoryInvalid];
        /// Needs an [`Accomplice`](crate::testing::Accomplice) who manages a group.
        GroupCircle: "shows a group as a member of itself, by an entry of a colluding manager" => [HistoryInvalid];
        /// Needs an [`Accomplice`](crate::testing::Accomplice) among a group's members.
        GroupMemberLeftOut: "begins a generation of a group's key for all but one member, by an entry of a colluding one" => [HistoryInvalid];
        /// Needs an [`Accomplice`](crate::testing::Accomplice) who is a plain member of a group.
        GroupMemberLetIn: "adds somebody to a group by an entry of a plain member" => [RightsViolation];
        /// Needs a session for a group that has begun a generation of its key since, and
        /// an [`Accomplice`](crate::testing::Accomplice) among the group's members.
        GroupKeyRevived: "begins an epoch that is wrapped to the key that a group had before, by an entry of a colluding member" => [HistoryInvalid];
        /// Needs a session that was made for a group.
        GroupPathForged: "begins an epoch by an entry of somebody who says to be in a group, and is not" => [RightsViolation];
    }
    Wraps {
        WrapsOfAnotherRecipient: "gives another recipient's wraps" => [WrapInvalid];
        WrapSealedForAnother: "gives the wrap that is sealed for another recipient under this one's name" => [WrapInvalid];
        WrapOfAnotherSession: "gives a wrap of another session" => [WrapInvalid];
        /// Needs two epochs.
        WrapsOfEpochsSwapped: "exchanges the wraps of two epochs" => [WrapInvalid];
        WrapRelabelled: "gives a wrap under another epoch's number" => [WrapInvalid];
        WrapAltered: "alters one bit of a wrap" => [WrapInvalid];
        WrapProofAltered: "alters one bit of the proof that the log commits to a wrap" => [WrapInvalid];
        WrapsWithheld: "gives no wraps" => [EpochUnavailable]
            limit "an answer can be withheld; what is encrypted stays closed";
        UserKeyWrapAltered: "alters one bit of the wrap of the client's own user key" => [WrapInvalid];
        UserKeyWrapWithheld: "gives no wrap of the client's own user key" => [WrapInvalid]
            limit "an answer can be withheld; what is encrypted stays closed";
        /// Needs two epochs.
        BackLinkAltered: "alters one bit of a back-link" => [BackLinkInvalid];
        BackLinkOfAnother: "gives a back-link that the log does not name" => [BackLinkInvalid];
        /// Needs two epochs, of which the client was granted the newest only.
        BackLinksWithheld: "gives no back-links" => [EpochUnavailable]
            limit "an answer can be withheld; what is encrypted stays closed";
        /// Needs an [`Accomplice`](crate::testing::Accomplice) among the recipients, who
        /// really writes the entry: it stays when the directory is honest again.
        WrapFalse: "lets a colluding recipient begin an epoch with wraps that do not open" => [WrapFalse];
        /// Needs an [`Accomplice`](crate::testing::Accomplice) among the recipients, who
        /// really writes the entry: it stays when the directory is honest again.
        BackLinkFalse: "lets a colluding recipient begin an epoch with a back-link that does not open" => [BackLinkFalse];
    }
    Tenant {
        TenantSwapped: "shows another tenant's chain" => [WrongTenant];
        TenantAltered: "alters one bit of the tenant's entry" => [HistoryInvalid];
        TenantKeyForged: "adds an enrolment key of its own, with a forged signature" => [HistoryInvalid];
        TenantEndless: "says without end that there are more entries of the tenant's chain" => [ProtocolError];
        TenantProtocolUnknown: "speaks only protocol versions that do not exist yet" => [ProtocolError];
        /// Needs [`TestDirectory::add_enrolment_key`](crate::testing::TestDirectory::add_enrolment_key) before.
        TenantShortened: "shows the tenant's chain without its last entry" => [HistoryShortened];
        /// Needs [`TestDirectory::add_enrolment_key`](crate::testing::TestDirectory::add_enrolment_key) before.
        /// The backend is in league with the directory.
        TenantForked: "shows another last entry of the tenant's chain, signed with the backend's enrolment key" => [HistoryForked];
    }
    Bodies {
        /// Needs the same question asked before.
        AnswerReplayed: "gives its first answer to the same question again" => [AnswerReplayed]
            limit "an answer that is younger than the freshness bound passes for a new one";
        /// Needs another session asked for before.
        AnswerToAnotherQuestion: "gives the answer that another session's question had" => [AnswerMismatch];
        /// Needs two questions about sessions at the same time.
        AnswersCrossed: "exchanges the answers of two concurrent requests" => [AnswerMismatch];
        /// Needs several sessions asked for at the same time: such questions travel together.
        ResultsSwapped: "exchanges the results of two sessions in one answer" => [AnswerMismatch];
        /// Needs several sessions asked for at the same time: such questions travel together.
        ResultsMissing: "leaves a session's result out of an answer about several" => [AnswerMismatch];
        /// Needs several sessions asked for at the same time: such questions travel together.
        ResultsContradictory: "gives a session's result and a problem with it at once" => [ProtocolError];
        BodyEmpty: "answers with an empty body" => [ProtocolError];
        BodyNotJson: "answers with a page for people" => [ProtocolError];
        BodyNested: "answers with a million brackets" => [ProtocolError];
        BodyEndless: "answers with more than any transport reads" => [Network];
        StatusWrong: "answers with a status that no answer has" => [ProtocolError];
    }
    Problems {
        ProblemAccessRevoked: "says that the client's access was revoked" => [AccessRevoked]
            limit "an answer can be withheld under any pretext; what the client knew comes back with the next true answer";
        ProblemAccessExpired: "says that the client's access has expired" => [AccessExpired]
            limit "an answer can be withheld under any pretext; what the client knew comes back with the next true answer";
        ProblemAccessWithdrawn: "says that the operator has withdrawn the client's access" => [AccessWithdrawn]
            limit "an answer can be withheld under any pretext; what the client knew comes back with the next true answer";
        ProblemSessionEnded: "says that the session was ended" => [SessionEnded]
            limit "an answer can be withheld under any pretext; what the client knew comes back with the next true answer";
        ProblemSessionNotFound: "says that there is no such session" => [SessionNotFound]
            limit "an answer can be withheld under any pretext; what the client knew comes back with the next true answer";
        ProblemIdentityDisabled: "says that the client's identity was disabled" => [IdentityDisabled]
            limit "an answer can be withheld under any pretext; what the client knew comes back with the next true answer";
        ProblemClockSkewed: "says that the client's clock is wrong, with a false time" => [ClockSkewed]
            limit "requests fail until a true answer comes; expiry is never judged by that time";
        ProblemConflict: "says each time that somebody else wrote first" => [Conflict]
            limit "writes can be refused under any pretext";
        ProblemRequestReplayed: "says that it has seen a write before" => [RequestReplayed]
            limit "whether the write was carried out stays open; the same bytes go out again before the next one";
        ProblemOfClient: "answers with a code that only a client may give" => [ProtocolError];
        ProblemVerbose: "refuses with a megabyte of text, lines of its own for the app's log among it" => [NotAllowed];
        ProblemUnknown: "answers with a code that does not exist" => [ProtocolError];
    }
    Writes {
        WriteClaimed: "claims a write that it has not carried out, with the head before it" => [HeadInvalid];
        WriteForgotten: "claims a write that it has not carried out, with a signed head after it" => [HistoryShortened]
            limit "the write seems done; it is missed as soon as the log is shown without it, and the signed head proves it";
        /// The write is carried out.
        WriteDenied: "carries a write out and says that it was not allowed" => [NotAllowed]
            limit "what the directory says of a write is its word; what is in the log shows with the next true answer";
        /// The write is carried out.
        WriteCalledConflict: "carries a write out and says that somebody else wrote first" => []
            limit "the client finds its own entry in the log and is content";
        CreationClaimed: "claims to have made a session that it has not made" => [SessionNotFound];
        EnrolmentClaimed: "claims an enrolment that it has not carried out" => [SignatureInvalid];
        BatchCutShort: "carries out the first of several writes in a request, and claims all of them with signed heads" => [HistoryShortened, SessionNotFound]
            limit "the writes seem done; each is missed as soon as its log is shown without it, and the signed head proves it";
        /// All are carried out.
        BatchResultsMissing: "carries several writes out and leaves the result of one out" => [ProtocolError]
            limit "whether the writes were carried out stays open; the same bytes go out again before the next one";
        /// All are carried out.
        BatchResultsSwapped: "carries several writes out and exchanges the results of two" => [AnswerMismatch];
    }
}
