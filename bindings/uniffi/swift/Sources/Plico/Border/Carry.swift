import Foundation
internal import PlicoFFI

// Values on their way over the border. The generated code ends the process for
// values that it can't carry: they are refused here.

/// The most that is carried at once, in bytes; what is larger is a file.
let largestPayload = 1 << 30

extension Data {
    func carried() throws -> Data {
        guard count <= largestPayload else {
            throw PlicoError.invalid("more than 1 GiB at once: use a file")
        }
        return self
    }
}

extension String {
    func carried() throws -> String {
        guard utf8.count <= largestPayload else {
            throw PlicoError.invalid("more than 1 GiB at once: use a file")
        }
        return self
    }
}

extension Duration {
    /// In seconds; at most some thousand years, which nothing here outlives.
    func carried() throws -> TimeInterval {
        guard self >= .zero else {
            throw PlicoError.invalid("a duration is not negative")
        }
        let (seconds, attoseconds) = components
        return min(Double(seconds) + Double(attoseconds) * 1e-18, 1e11)
    }
}

extension Date {
    private static let calendar = Date.distantPast.timeIntervalSince1970...253_402_300_799

    func carried() throws -> Date {
        guard Self.calendar.contains(timeIntervalSince1970) else {
            throw PlicoError.invalid("a date lies in the years 1 to 9999")
        }
        return self
    }
}

extension URL {
    func filePath() throws -> String {
        guard isFileURL else {
            throw PlicoError.invalid("a file is named by a file URL")
        }
        return path
    }
}

extension Int {
    func carried() throws -> UInt32 {
        guard let number = UInt32(exactly: self) else {
            throw PlicoError.invalid("a number is negative or too large")
        }
        return number
    }
}

extension Context {
    func carried() throws -> PlicoFFI.PlicoContext {
        switch form {
        case .raw(let bytes):
            return .raw(bytes: try bytes.carried())
        case .fields(let fields):
            return .fields(
                fields: try fields.map {
                    ContextField(name: try $0.name.carried(), value: try $0.value.carried())
                })
        }
    }
}

extension Context.Value {
    func carried() throws -> ContextValue {
        switch self {
        case .text(let text): .text(text: try text.carried())
        case .integer(let number): .integer(number: number)
        case .bytes(let bytes): .bytes(bytes: try bytes.carried())
        case .boolean(let flag): .boolean(flag: flag)
        }
    }
}

extension Recipient {
    func carried() throws -> PlicoFFI.PlicoRecipient {
        switch name {
        case .user(let id): .user(userId: try id.carried())
        case .identity(let id): .identity(identityId: try id.carried())
        case .group(let id): .group(groupId: try id.carried())
        }
    }
}

extension Rights {
    func carried() throws -> PlicoFFI.PlicoRights {
        guard !isEmpty, isSubset(of: .all) else {
            throw PlicoError.invalid("rights are some of read, forward, revoke and owner")
        }
        return PlicoFFI.PlicoRights(
            forward: contains(.forward), revoke: contains(.revoke), owner: contains(.owner))
    }

    init(_ rights: PlicoFFI.PlicoRights) {
        self = .read
        if rights.forward { insert(.forward) }
        if rights.revoke { insert(.revoke) }
        if rights.owner { insert(.owner) }
    }
}

extension MemberID {
    init(_ who: PlicoFFI.PlicoMemberId) {
        self = who.groupId.map(MemberID.group) ?? .identity(who.identityId ?? "")
    }
}

extension GroupRole {
    func carried() -> PlicoFFI.PlicoGroupRole {
        switch self {
        case .member: .member
        case .manager: .manager
        case .owner: .owner
        }
    }

    init(_ role: PlicoFFI.PlicoGroupRole) {
        switch role {
        case .member: self = .member
        case .manager: self = .manager
        case .owner: self = .owner
        }
    }
}

extension GroupMember {
    init(_ it: PlicoFFI.PlicoGroupMember) {
        self.init(
            who: MemberID(it.who), userID: it.userId, role: GroupRole(it.role),
            addedBy: it.addedBy, addedAt: it.addedAt, expiresAt: it.expiresAt)
    }
}

func grantOf(_ rights: Rights, _ expiresAt: Date?) throws -> PlicoGrant {
    PlicoGrant(rights: try rights.carried(), expiresAt: try expiresAt?.carried())
}

extension RecipientInfo {
    init(_ info: PlicoRecipientInfo) {
        self.init(
            identityID: info.identityId, userID: info.userId, rights: Rights(info.rights),
            grantedBy: info.grantedBy, grantedAt: info.grantedAt, expiresAt: info.expiresAt)
    }
}

extension DeviceInfo {
    init(_ info: PlicoFFI.PlicoDeviceInfo) {
        self.init(
            id: info.id, isThis: info.isThis, added: info.added, revoked: info.revoked,
            byRecovery: info.byRecovery, name: info.name, lastSeen: info.lastSeen)
    }
}

extension BackupStatus {
    init(_ status: PlicoFFI.PlicoBackupStatus) {
        self.init(passphrase: status.passphrase, stored: status.stored)
    }
}

extension Fingerprint {
    init(_ fingerprint: PlicoFFI.PlicoFingerprint) {
        self.init(digits: fingerprint.digits, toScan: fingerprint.toScan)
    }
}

extension OfflineOpened {
    init(_ opened: PlicoFFI.PlicoOfflineOpened) {
        self.init(content: Decrypted(opened.content), asOf: opened.asOf)
    }
}

extension FileKey {
    func carried() throws -> PlicoFFI.PlicoFileKey {
        switch self {
        case .passphrase(let text): .passphrase(text: try text.carried())
        case .hostSecret(let bytes): .hostSecret(bytes: try bytes.carried())
        }
    }
}

extension Decrypted {
    init(_ opened: Opened) {
        self.init(
            data: opened.data, sessionID: opened.sessionId,
            writtenOffline: opened.writtenOffline, knownAt: opened.knownAt)
    }
}
