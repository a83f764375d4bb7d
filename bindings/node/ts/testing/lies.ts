/**
 * A lie that a directory can tell, by name; see {@link TestDirectory.tell}.
 *
 * | lie | the directory … |
 * | --- | --- |
 * | `UserIdWithoutWord` | puts another identity under a user id, without the backend's word |
 * | `UserIdWithOthersWord` | puts an identity under a user id with the backend's word for another user id |
 * | `UserIdWithForgedWord` | puts another identity under a user id, with a word that it has signed itself |
 * | `UserIdWithStolenWord` | puts another identity under a user id, with the backend's word for the true one |
 * | `UserIdWithAnotherTenantsWord` | puts another identity under a user id, with the same backend's word for another tenant |
 * | `UserIdWithExpiredWord` | puts another identity under a user id, with a true word that had expired before it was used |
 * | `UserIdWordAltered` | alters one bit of the backend's word |
 * | `UserIdWordOfAnotherBinding` | gives the word of another identity's binding with the true identity |
 * | `UserIdMoved` | puts another identity under a user id, with a true new word of the backend |
 * | `UserIdMovedWithSameNumber` | puts another identity under a user id, with a true word that has the number of the one before |
 * | `UserIdMovedBack` | puts another identity under a user id, with a true word older than the one that the client has seen |
 * | `UserIdsSwapped` | exchanges the identities of two user ids in one answer |
 * | `UserIdOfAnotherTenant` | answers with an identity of another tenant that has the same user id there |
 * | `UserIdDuplicated` | gives two identities for one user id, the second without the backend's word |
 * | `UserIdRenamed` | answers under another user id than the one asked for |
 * | `UserIdMissing` | says that nobody has the user id |
 * | `UserIdsExtra` | adds a user id that nobody asked for |
 * | `IdentitySwapped` | shows another valid chain under an identity's id |
 * | `IdentityRelabelled` | answers with another identity than the one asked for |
 * | `IdentityShortened` | shows an identity's chain without its last entry |
 * | `IdentityCut` | leaves the last entry out and keeps the head |
 * | `IdentityReordered` | exchanges two entries of an identity's chain |
 * | `IdentityAltered` | alters one bit of an identity's entry |
 * | `IdentityBeginningMissing` | shows an identity's chain without its first entry |
 * | `IdentityDeviceForged` | adds a device of its own to an identity, with a forged signature |
 * | `IdentityUserKeyForged` | adds a user key of its own to an identity, with a forged signature |
 * | `IdentityFutureEntry` | adds an entry of a protocol version that does not exist yet |
 * | `IdentityFromWrong` | gives entries from another place on than asked for |
 * | `IdentityEndless` | says without end that there are more entries |
 * | `IdentityMissing` | says that it does not know an identity |
 * | `OwnIdentitySwapped` | shows another valid chain under the client's own identity |
 * | `OwnIdentityShortened` | shows the client's own chain without its last entry |
 * | `IdentitiesExtra` | adds an identity that nobody asked for |
 * | `IdentityForked` | shows another last entry, signed by the identity's own colluding device |
 * | `IdentityRewritten` | shows another last entry and one more after it, signed by the identity's own colluding device |
 * | `IdentityKeyWeak` | shows a new device whose signing key is of small order, registered by a colluding device |
 * | `IdentityKeyNotCanonical` | shows a new device whose signing key is not canonical, registered by a colluding device |
 * | `IdentityUnknownEntry` | shows an entry of a type that does not exist yet, signed by a colluding device |
 * | `DeviceRevocationWithheld` | shows an identity's chain as it was before a device of it was revoked |
 * | `DeviceRevived` | shows a revoked device that is added again |
 * | `DeviceRevokedSigns` | shows an entry by which the thief of a revoked device revokes the owner's |
 * | `RecoveryKeyReplaced` | shows another recovery key, set by the thief of a device without the word of the one that was set |
 * | `RecoveryForged` | gives an identity a device by a use of its recovery key that it has forged |
 * | `RecoveryReplayed` | shows a true use of a recovery key a second time |
 * | `RecoveryMisdirected` | answers with another identity than the one whose recovery key is asked for |
 * | `BackupOfAnother` | hands out another person's backup |
 * | `BackupWeaker` | hands out a backup that names a cost at which guessing is cheap |
 * | `BackupAltered` | alters one bit of a backup |
 * | `PairingOfferReplaced` | offers an identity of its own to a device that is being paired |
 * | `PairingAnswerReplaced` | answers an offer with a device of its own |
 * | `PairingEndReplaced` | replaces the last message of a pairing, with the pins in it |
 * | `PairingRoundMoved` | shows a message of a pairing as one of another round |
 * | `HeadMissing` | gives no signed head |
 * | `HeadAltered` | alters one bit of a head's signature |
 * | `HeadByAnotherKey` | signs a head with a key that is not in the tenant's chain |
 * | `HeadOfAnotherChain` | gives the true head of another chain |
 * | `HeadOfAnotherTenant` | gives a head that is signed for another tenant, with that tenant's key |
 * | `HeadAheadOfEntries` | signs a head that is one entry ahead of those that it shows |
 * | `HeadBehindEntries` | signs a head that is one entry behind those that it shows |
 * | `HeadsInConflict` | signs two heads for one place |
 * | `HeadFromTheFuture` | signs a head of tomorrow |
 * | `HeadFromThePast` | signs a head of yesterday |
 * | `SessionSwapped` | shows another session's log under the session's id |
 * | `SessionMixedUp` | answers with another session than the one asked for |
 * | `SessionOfAnotherTenant` | shows the log of another tenant's session |
 * | `SessionSuiteChanged` | changes the cipher suite in a session's first entry |
 * | `SessionAltered` | alters one bit of a session's entry |
 * | `SessionReordered` | exchanges the last two entries of a log |
 * | `SessionEntryDropped` | leaves an entry out of the middle of a log |
 * | `SessionShortened` | shows a log without its last entry, to a client that has seen it |
 * | `SessionWithheld` | shows a log as it was before the newest epoch |
 * | `SessionFromWrong` | gives entries from another place on than asked for |
 * | `SessionEndless` | says without end that there are more entries |
 * | `SessionFutureEntry` | adds an entry of a protocol version that does not exist yet |
 * | `SessionUnknownEntry` | adds an entry of a type that does not exist yet |
 * | `SessionEndForged` | ends a session in its owner's name, with a forged signature |
 * | `SessionRecipientByOutsider` | adds a recipient by an entry of somebody who is none |
 * | `SessionRevocationByOutsider` | takes a recipient away by an entry of somebody who is none |
 * | `SessionRotationByOutsider` | begins an epoch by an entry of somebody who is no recipient |
 * | `SessionAuthorAhead` | adds an entry whose author names a place that its own chain has not reached |
 * | `SessionAuthorElsewhere` | adds an entry whose author names a place of another history of its own chain |
 * | `SessionRecipientAdded` | adds a recipient by an entry of a recipient without the right to forward |
 * | `SessionGrantWidened` | adds a grant that is wider than its grantor's |
 * | `SessionGrantProlonged` | adds a grant that ends later than its grantor's |
 * | `SessionRevocationForged` | takes a recipient away by an entry of a recipient without the right to revoke |
 * | `SessionEnded` | ends a session by an entry of a recipient who is no owner |
 * | `SessionRecipientLeftOut` | begins an epoch for all but one recipient, by an entry of a colluding one |
 * | `SessionBackDated` | adds an entry of a colluding recipient that goes back in its own chain |
 * | `SessionForked` | shows another last entry, signed by a colluding recipient |
 * | `SessionRewritten` | shows another last entry and one more after it, signed by a colluding recipient |
 * | `SessionMetadataAltered` | alters one bit of a session's metadata |
 * | `SessionMetadataOlder` | gives the metadata that a session had before |
 * | `SessionMetadataInvented` | gives metadata that the log knows nothing of |
 * | `SessionMetadataWithheld` | gives no metadata though the log names some |
 * | `SessionExpiryMoved` | shows another end of the session, by an entry of a colluding recipient who may not set one |
 * | `SessionRotationLetsIn` | begins an epoch with a recipient whom nobody has granted anything, by an entry of a colluding one |
 * | `SessionTagAltered` | alters one bit of a session's tag |
 * | `SessionTagWithheld` | gives no tag although the log names one |
 * | `WithdrawalInvented` | says that the operator has withdrawn a recipient, who was not |
 * | `WithdrawalUndone` | says that nobody is withdrawn, and lets them in again |
 * | `GroupRemovalHidden` | shows a group's log as it was before somebody was removed |
 * | `GroupSwapped` | shows another group's log under a group's id |
 * | `GroupKeyForged` | begins a generation of a group's key in an owner's name, with a forged signature |
 * | `GroupCircle` | shows a group as a member of itself, by an entry of a colluding manager |
 * | `GroupMemberLeftOut` | begins a generation of a group's key for all but one member, by an entry of a colluding one |
 * | `GroupMemberLetIn` | adds somebody to a group by an entry of a plain member |
 * | `GroupKeyRevived` | begins an epoch that is wrapped to the key that a group had before, by an entry of a colluding member |
 * | `GroupPathForged` | begins an epoch by an entry of somebody who says to be in a group, and is not |
 * | `WrapsOfAnotherRecipient` | gives another recipient's wraps |
 * | `WrapSealedForAnother` | gives the wrap that is sealed for another recipient under this one's name |
 * | `WrapOfAnotherSession` | gives a wrap of another session |
 * | `WrapsOfEpochsSwapped` | exchanges the wraps of two epochs |
 * | `WrapRelabelled` | gives a wrap under another epoch's number |
 * | `WrapAltered` | alters one bit of a wrap |
 * | `WrapProofAltered` | alters one bit of the proof that the log commits to a wrap |
 * | `WrapsWithheld` | gives no wraps |
 * | `UserKeyWrapAltered` | alters one bit of the wrap of the client's own user key |
 * | `UserKeyWrapWithheld` | gives no wrap of the client's own user key |
 * | `BackLinkAltered` | alters one bit of a back-link |
 * | `BackLinkOfAnother` | gives a back-link that the log does not name |
 * | `BackLinksWithheld` | gives no back-links |
 * | `WrapFalse` | lets a colluding recipient begin an epoch with wraps that do not open |
 * | `BackLinkFalse` | lets a colluding recipient begin an epoch with a back-link that does not open |
 * | `TenantSwapped` | shows another tenant's chain |
 * | `TenantAltered` | alters one bit of the tenant's entry |
 * | `TenantKeyForged` | adds an enrolment key of its own, with a forged signature |
 * | `TenantEndless` | says without end that there are more entries of the tenant's chain |
 * | `TenantProtocolUnknown` | speaks only protocol versions that do not exist yet |
 * | `TenantShortened` | shows the tenant's chain without its last entry |
 * | `TenantForked` | shows another last entry of the tenant's chain, signed with the backend's enrolment key |
 * | `AnswerReplayed` | gives its first answer to the same question again |
 * | `AnswerToAnotherQuestion` | gives the answer that another session's question had |
 * | `AnswersCrossed` | exchanges the answers of two concurrent requests |
 * | `ResultsSwapped` | exchanges the results of two sessions in one answer |
 * | `ResultsMissing` | leaves a session's result out of an answer about several |
 * | `ResultsContradictory` | gives a session's result and a problem with it at once |
 * | `BodyEmpty` | answers with an empty body |
 * | `BodyNotJson` | answers with a page for people |
 * | `BodyNested` | answers with a million brackets |
 * | `BodyEndless` | answers with more than any transport reads |
 * | `StatusWrong` | answers with a status that no answer has |
 * | `ProblemAccessRevoked` | says that the client's access was revoked |
 * | `ProblemAccessExpired` | says that the client's access has expired |
 * | `ProblemAccessWithdrawn` | says that the operator has withdrawn the client's access |
 * | `ProblemSessionEnded` | says that the session was ended |
 * | `ProblemSessionNotFound` | says that there is no such session |
 * | `ProblemIdentityDisabled` | says that the client's identity was disabled |
 * | `ProblemClockSkewed` | says that the client's clock is wrong, with a false time |
 * | `ProblemConflict` | says each time that somebody else wrote first |
 * | `ProblemRequestReplayed` | says that it has seen a write before |
 * | `ProblemOfClient` | answers with a code that only a client may give |
 * | `ProblemVerbose` | refuses with a megabyte of text, lines of its own for the app's log among it |
 * | `ProblemUnknown` | answers with a code that does not exist |
 * | `WriteClaimed` | claims a write that it has not carried out, with the head before it |
 * | `WriteForgotten` | claims a write that it has not carried out, with a signed head after it |
 * | `WriteDenied` | carries a write out and says that it was not allowed |
 * | `WriteCalledConflict` | carries a write out and says that somebody else wrote first |
 * | `CreationClaimed` | claims to have made a session that it has not made |
 * | `EnrolmentClaimed` | claims an enrolment that it has not carried out |
 * | `BatchCutShort` | carries out the first of several writes in a request, and claims all of them with signed heads |
 * | `BatchResultsMissing` | carries several writes out and leaves the result of one out |
 * | `BatchResultsSwapped` | carries several writes out and exchanges the results of two |
 */
export type Lie =
  | "UserIdWithoutWord"
  | "UserIdWithOthersWord"
  | "UserIdWithForgedWord"
  | "UserIdWithStolenWord"
  | "UserIdWithAnotherTenantsWord"
  | "UserIdWithExpiredWord"
  | "UserIdWordAltered"
  | "UserIdWordOfAnotherBinding"
  | "UserIdMoved"
  | "UserIdMovedWithSameNumber"
  | "UserIdMovedBack"
  | "UserIdsSwapped"
  | "UserIdOfAnotherTenant"
  | "UserIdDuplicated"
  | "UserIdRenamed"
  | "UserIdMissing"
  | "UserIdsExtra"
  | "IdentitySwapped"
  | "IdentityRelabelled"
  | "IdentityShortened"
  | "IdentityCut"
  | "IdentityReordered"
  | "IdentityAltered"
  | "IdentityBeginningMissing"
  | "IdentityDeviceForged"
  | "IdentityUserKeyForged"
  | "IdentityFutureEntry"
  | "IdentityFromWrong"
  | "IdentityEndless"
  | "IdentityMissing"
  | "OwnIdentitySwapped"
  | "OwnIdentityShortened"
  | "IdentitiesExtra"
  | "IdentityForked"
  | "IdentityRewritten"
  | "IdentityKeyWeak"
  | "IdentityKeyNotCanonical"
  | "IdentityUnknownEntry"
  | "DeviceRevocationWithheld"
  | "DeviceRevived"
  | "DeviceRevokedSigns"
  | "RecoveryKeyReplaced"
  | "RecoveryForged"
  | "RecoveryReplayed"
  | "RecoveryMisdirected"
  | "BackupOfAnother"
  | "BackupWeaker"
  | "BackupAltered"
  | "PairingOfferReplaced"
  | "PairingAnswerReplaced"
  | "PairingEndReplaced"
  | "PairingRoundMoved"
  | "HeadMissing"
  | "HeadAltered"
  | "HeadByAnotherKey"
  | "HeadOfAnotherChain"
  | "HeadOfAnotherTenant"
  | "HeadAheadOfEntries"
  | "HeadBehindEntries"
  | "HeadsInConflict"
  | "HeadFromTheFuture"
  | "HeadFromThePast"
  | "SessionSwapped"
  | "SessionMixedUp"
  | "SessionOfAnotherTenant"
  | "SessionSuiteChanged"
  | "SessionAltered"
  | "SessionReordered"
  | "SessionEntryDropped"
  | "SessionShortened"
  | "SessionWithheld"
  | "SessionFromWrong"
  | "SessionEndless"
  | "SessionFutureEntry"
  | "SessionUnknownEntry"
  | "SessionEndForged"
  | "SessionRecipientByOutsider"
  | "SessionRevocationByOutsider"
  | "SessionRotationByOutsider"
  | "SessionAuthorAhead"
  | "SessionAuthorElsewhere"
  | "SessionRecipientAdded"
  | "SessionGrantWidened"
  | "SessionGrantProlonged"
  | "SessionRevocationForged"
  | "SessionEnded"
  | "SessionRecipientLeftOut"
  | "SessionBackDated"
  | "SessionForked"
  | "SessionRewritten"
  | "SessionMetadataAltered"
  | "SessionMetadataOlder"
  | "SessionMetadataInvented"
  | "SessionMetadataWithheld"
  | "SessionExpiryMoved"
  | "SessionRotationLetsIn"
  | "SessionTagAltered"
  | "SessionTagWithheld"
  | "WithdrawalInvented"
  | "WithdrawalUndone"
  | "GroupRemovalHidden"
  | "GroupSwapped"
  | "GroupKeyForged"
  | "GroupCircle"
  | "GroupMemberLeftOut"
  | "GroupMemberLetIn"
  | "GroupKeyRevived"
  | "GroupPathForged"
  | "WrapsOfAnotherRecipient"
  | "WrapSealedForAnother"
  | "WrapOfAnotherSession"
  | "WrapsOfEpochsSwapped"
  | "WrapRelabelled"
  | "WrapAltered"
  | "WrapProofAltered"
  | "WrapsWithheld"
  | "UserKeyWrapAltered"
  | "UserKeyWrapWithheld"
  | "BackLinkAltered"
  | "BackLinkOfAnother"
  | "BackLinksWithheld"
  | "WrapFalse"
  | "BackLinkFalse"
  | "TenantSwapped"
  | "TenantAltered"
  | "TenantKeyForged"
  | "TenantEndless"
  | "TenantProtocolUnknown"
  | "TenantShortened"
  | "TenantForked"
  | "AnswerReplayed"
  | "AnswerToAnotherQuestion"
  | "AnswersCrossed"
  | "ResultsSwapped"
  | "ResultsMissing"
  | "ResultsContradictory"
  | "BodyEmpty"
  | "BodyNotJson"
  | "BodyNested"
  | "BodyEndless"
  | "StatusWrong"
  | "ProblemAccessRevoked"
  | "ProblemAccessExpired"
  | "ProblemAccessWithdrawn"
  | "ProblemSessionEnded"
  | "ProblemSessionNotFound"
  | "ProblemIdentityDisabled"
  | "ProblemClockSkewed"
  | "ProblemConflict"
  | "ProblemRequestReplayed"
  | "ProblemOfClient"
  | "ProblemVerbose"
  | "ProblemUnknown"
  | "WriteClaimed"
  | "WriteForgotten"
  | "WriteDenied"
  | "WriteCalledConflict"
  | "CreationClaimed"
  | "EnrolmentClaimed"
  | "BatchCutShort"
  | "BatchResultsMissing"
  | "BatchResultsSwapped";
