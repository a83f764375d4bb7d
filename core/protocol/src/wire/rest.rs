//! The JSON bodies of the REST interface. Signed things travel as the bytes
//! that are signed, in base64url; JSON itself is never signed or hashed.

use super::b64::{B64, B64x32};
use serde::{Deserialize, Serialize};

macro_rules! body {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }
    };
}

/// An answer may gain fields in a later release; a request may not.
macro_rules! answer {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct $name { $($(#[$field_doc])* pub $field: $type,)* }
    };
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn is_zero(count: &u16) -> bool {
    *count == 0
}

body! {
    /// A wrap that an entry commits to.
    WrapUpload {
        /// The recipient's kind (2 identity, 6 device, 7 recovery key).
        kind: u8,
        /// The recipient's id.
        id: B64x32,
        /// The epoch whose secret it is.
        epoch: u32,
        /// The generation of the recipient's key.
        generation: u32,
        /// The id of that key.
        key_id: B64x32,
        /// The wrap, 1,168 bytes.
        sealed: B64,
    }
}
body! {
    /// An entry with everything that it commits to.
    EntryUpload {
        /// SignedEntry.
        entry: B64,
        /// Its wraps, ascending by recipient and epoch.
        #[serde(default)]
        wraps: Vec<WrapUpload>,
        /// How many parts its wraps were staged in; then `wraps` is empty. Not in
        /// entries that are handed back, nor in those of identities.
        #[serde(default, skip_serializing_if = "is_zero")]
        staged_parts: u16,
        /// Its back-links.
        #[serde(default)]
        back_links: Vec<B64>,
        /// Its metadata blob.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<B64>,
        /// TagOpening of its tag.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tag: Option<B64>,
    }
}
body! {
    /// Entries that are appended together or not at all.
    Append {
        /// 1 to 64 entries.
        entries: Vec<EntryUpload>,
    }
}
body! {
    /// Entries for several sessions or groups.
    WriteBatch {
        /// 1 to 64, each for another session or group: all entries of one or none
        /// of them, whatever becomes of the others.
        writes: Vec<Append>,
    }
}
answer! {
    /// What came of one of several writes: a head, or the problem with it.
    WriteResult {
        /// SignedHead after it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        head: Option<B64>,
        /// The problem; then nothing of this write was stored.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        problem: Option<super::Problem>,
    }
}
answer! {
    /// Each write's own result, in the order of the writes.
    WritesDone {
        /// One for each.
        results: Vec<WriteResult>,
    }
}
body! {
    /// A part of the wraps of an entry that is still to come.
    StagedWraps {
        /// The entry's hash.
        entry_hash: B64x32,
        /// Which part: from 0 to 15.
        part: u16,
        /// 1 to 2,048 of its wraps, in their order.
        wraps: Vec<WrapUpload>,
    }
}
answer! {
    /// A part is there.
    Staged {
        /// When it is deleted if the entry has not come, in milliseconds since
        /// 1970-01-01 UTC.
        expires_ms: u64,
    }
}
body! {
    /// A new identity.
    Enrol {
        /// Entry 0 and the binding of the user id.
        entries: Vec<EntryUpload>,
        /// UserIdOpening of the binding.
        opening: B64,
    }
}
body! {
    /// Entries that a directory restored from a backup has lost.
    HandBack {
        /// 1 to 1,024 entries in a row. Wraps, back-links and metadata of each
        /// are all there, or none although the entry commits to some.
        entries: Vec<EntryUpload>,
        /// UserIdOpening of an identity's binding, if the identity may be lost as a whole.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opening: Option<B64>,
    }
}
answer! {
    /// What an append leaves behind.
    Appended {
        /// SignedHead after it.
        head: B64,
    }
}
answer! {
    /// A tenant.
    TenantAnswer {
        /// Its id.
        tenant_id: B64x32,
        /// The oldest REST protocol that the directory speaks.
        protocol_min: u32,
        /// The newest one.
        protocol_max: u32,
        /// The number of the first entry given.
        from: u64,
        /// SignedEntry, in order.
        entries: Vec<B64>,
        /// SignedHead of the whole chain.
        head: B64,
        /// Whether there are more entries than given.
        more: bool,
    }
}
answer! {
    /// A wrap with the proof that an entry commits to it.
    WrapAnswer {
        /// The recipient's kind.
        kind: u8,
        /// The recipient's id.
        id: B64x32,
        /// The epoch whose secret it is.
        epoch: u32,
        /// The generation of the recipient's key.
        generation: u32,
        /// The id of that key.
        key_id: B64x32,
        /// The wrap.
        sealed: B64,
        /// The entry that commits to it.
        seq: u64,
        /// Its place among the leaves.
        index: u32,
        /// The audit path, from the leaf upwards.
        proof: Vec<B64x32>,
    }
}
answer! {
    /// An identity's chain, or the end of it.
    IdentityAnswer {
        /// The identity.
        identity_id: B64x32,
        /// The number of the first entry given.
        from: u64,
        /// SignedEntry, in order.
        entries: Vec<B64>,
        /// SignedHead of the whole chain.
        head: B64,
        /// UserIdOpening of the current binding, unless it was deleted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opening: Option<B64>,
        /// The asking device's own wraps; empty for anybody else.
        #[serde(default)]
        wraps: Vec<WrapAnswer>,
        /// Back-links of the user key; only for the identity's own devices.
        #[serde(default)]
        back_links: Vec<B64>,
        /// Whether there are more entries than given.
        more: bool,
    }
}
answer! {
    /// Whose recovery key it is.
    RecoveryFound {
        /// The identity.
        identity_id: B64x32,
    }
}
body! {
    /// A device's name, which the directory can't read.
    DeviceLabel {
        /// uint32 generation of the user key, then the metadata blob of
        /// `opaque device[32]` and the name; empty to have none. At most 512 bytes.
        label: B64,
    }
}
answer! {
    /// What the directory knows of a device besides the chain.
    DeviceNote {
        /// The device.
        device: B64x32,
        /// The time of its last request, in milliseconds since 1970-01-01 UTC,
        /// to the hour; 0 if there was none.
        seen_ms: u64,
        /// As in DeviceLabel, if it has a name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        label: Option<B64>,
    }
}
answer! {
    /// Notes of an identity's devices.
    DeviceNotes {
        /// In no order; not of all devices.
        devices: Vec<DeviceNote>,
    }
}
body! {
    /// A backup that takes the place of one of the same kind.
    BackupUpload {
        /// 1 under a passphrase, 2 under a secret of the host.
        kind: u8,
        /// RefHash("backup-access", access secret).
        access_hash: B64x32,
        /// The device that was made for it.
        device: B64x32,
        /// The generation of the user key that has made the mark.
        generation: u32,
        /// The owner's mark of the device.
        mark: B64x32,
        /// The backup, at most 8 KiB.
        backup: B64,
    }
}
body! {
    /// A change of an identity's backups, all at once.
    BackupChange {
        /// One to put.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        put: Option<BackupUpload>,
        /// The kinds to delete.
        #[serde(default)]
        delete: Vec<u8>,
    }
}
answer! {
    /// What there is of a backup, without itself.
    BackupInfo {
        /// 1 under a passphrase, 2 under a secret of the host.
        kind: u8,
        /// The device that was made for it.
        device: B64x32,
        /// The generation of the user key that has made the mark.
        generation: u32,
        /// The owner's mark of the device.
        mark: B64x32,
        /// When it was stored, in milliseconds since 1970-01-01 UTC.
        stored_ms: u64,
    }
}
answer! {
    /// An identity's backups.
    Backups {
        /// At most one of each kind.
        backups: Vec<BackupInfo>,
    }
}
body! {
    /// From the device that reads the code.
    PairingPut {
        /// Which attempt: from 0, one more for each offer.
        round: u8,
        /// The offer of this round, sealed; at most 1 KiB.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        offer: Option<B64>,
        /// The last message, sealed; at most 64 KiB.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        done: Option<B64>,
    }
}
body! {
    /// From the device that shows the code.
    PairingReply {
        /// The round of the offer.
        round: u8,
        /// The answer, sealed; at most 4 KiB.
        answer: B64,
    }
}
answer! {
    /// What two devices have said to each other so far.
    Pairing {
        /// The round of the offer.
        round: u8,
        /// The offer.
        offer: B64,
        /// The answer to it, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<B64>,
        /// The last message, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        done: Option<B64>,
    }
}
body! {
    /// What an app's backend says of an identity.
    StandingChange {
        /// The backend's EdDSA JWT of type `plico-standing+jwt`.
        token: String,
    }
}
answer! {
    /// What an identity is now.
    StandingAnswer {
        /// `active`, `disabled` or `deleted`.
        standing: String,
    }
}
body! {
    /// Who asks for a backup, and with what right.
    BackupFetch {
        /// The app's name for the identity.
        user_id: String,
        /// 1 under a passphrase, 2 under a secret of the host.
        kind: u8,
        /// The access secret.
        access: B64x32,
    }
}
answer! {
    /// A backup.
    BackupFound {
        /// As it was stored.
        backup: B64,
    }
}
body! {
    /// One chain, from an entry on.
    ChainFrom {
        /// The chain.
        id: B64x32,
        /// The first entry wanted.
        #[serde(default)]
        from: u64,
    }
}
body! {
    /// Several identities at once.
    IdentitiesLookup {
        /// At most 256.
        identities: Vec<ChainFrom>,
    }
}
answer! {
    /// The identities that there are.
    IdentitiesFound {
        /// In the order asked for.
        found: Vec<IdentityAnswer>,
        /// Those that the directory does not know.
        missing: Vec<B64x32>,
    }
}
body! {
    /// One or several user ids.
    UsersLookup {
        /// At most 256.
        user_ids: Vec<String>,
    }
}
answer! {
    /// A user id with its identity.
    UserFound {
        /// As asked for.
        user_id: String,
        /// The whole chain of its identity.
        identity: IdentityAnswer,
    }
}
answer! {
    /// The user ids that there are.
    UsersFound {
        /// In the order asked for.
        found: Vec<UserFound>,
        /// Those that nobody has.
        missing: Vec<String>,
    }
}
answer! {
    /// A session's log, or the end of it, with what the asking identity may open.
    SessionAnswer {
        /// The session.
        session_id: B64x32,
        /// The number of the first entry given.
        from: u64,
        /// SignedEntry, in order.
        entries: Vec<B64>,
        /// SignedHead of the whole log.
        head: B64,
        /// The asking identity's wraps: the newest of each of its segments.
        wraps: Vec<WrapAnswer>,
        /// Back-links of its segments.
        back_links: Vec<B64>,
        /// The current metadata blob.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<B64>,
        /// TagOpening of the current tag.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tag: Option<B64>,
        /// Whom the operator has withdrawn. Nobody has signed this.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        withdrawn: Vec<RecipientName>,
        /// Whether there are more entries than given.
        more: bool,
    }
}
body! {
    /// A recipient.
    RecipientName {
        /// 2: an identity; 3: a group.
        kind: u8,
        /// Its id.
        id: B64x32,
    }
}
body! {
    /// One session by its id (32 bytes) or by the handle in an envelope (16 bytes).
    SessionFrom {
        /// Id or handle.
        session: B64,
        /// The first entry wanted.
        #[serde(default)]
        from: u64,
    }
}
body! {
    /// Several sessions at once.
    SessionsLookup {
        /// At most 64.
        sessions: Vec<SessionFrom>,
    }
}
answer! {
    /// One session's result: an answer, or the problem with it.
    SessionResult {
        /// The answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<SessionAnswer>,
        /// The problem.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        problem: Option<super::Problem>,
    }
}
answer! {
    /// Each session's own result, in the order asked for.
    SessionsFound {
        /// One for each.
        results: Vec<SessionResult>,
    }
}
body! {
    /// Where the asking identity, or a group that it is in, is a recipient.
    MembershipsLookup {
        /// 3: groups; 4: sessions.
        kind: u8,
        /// A group, instead of the identity itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<B64x32>,
        /// Only those with this tag.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tag: Option<String>,
        /// Only those after this id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<B64x32>,
    }
}
body! {
    /// What the tenant's operator wants of a session or group.
    OperatorRequest {
        /// A token for just this.
        token: String,
    }
}
answer! {
    /// What the operator has said of it by now.
    OperatorAnswer {
        /// Those who are withdrawn.
        withdrawn: Vec<RecipientName>,
        /// Whether it was destroyed.
        destroyed: bool,
    }
}
body! {
    /// The app's backend looks for sessions by their tag.
    SessionsFind {
        /// A token of the operator, to find.
        token: String,
        /// The tag.
        tag: String,
        /// Only those after this id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<B64x32>,
    }
}
answer! {
    /// Where somebody is a recipient.
    Memberships {
        /// Ids of sessions or groups, ascending, at most 1,024.
        chains: Vec<B64x32>,
        /// Whether there are more after the last one.
        more: bool,
    }
}
body! {
    /// What the development server's enrolment endpoint is asked.
    DevEnrolment {
        /// The app's own name for the identity.
        user_id: String,
        /// The identity.
        identity_id: B64x32,
        /// The binding's number; 1 if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<u64>,
    }
}
answer! {
    /// The enrolment token.
    DevToken {
        /// An EdDSA JWT, valid for five minutes.
        token: String,
    }
}
