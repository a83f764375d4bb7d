import Foundation
import Plico
import PlicoTesting
import XCTest

/// A doctor with a session that a patient is in, and things that were encrypted there.
struct Ward: Sendable {
    let directory: TestDirectory
    let doctor: TestPerson
    let patient: TestPerson
    let session: EncryptionSession
    let sealed: Data
    let text: String
    let signed: SignedEnvelope
    let groupID: String
    let folder: URL

    static let place: Context = ["table": "notes", "row": 42]
    static let fileKey = FileKey.hostSecret(Data(repeating: 7, count: 32))
    static let recoveryKey = RecoveryKey.generate()
    static let note = Data("blood pressure 120/80".utf8)

    var account: Account { doctor.account }
    var plain: URL { folder.appendingPathComponent("plain") }
    var sealedFile: URL { folder.appendingPathComponent("plain.plico") }
    var target: URL { folder.appendingPathComponent("target") }

    static func open() async throws -> Ward {
        let directory = try await TestDirectory.start()
        return try await open(in: directory, try await directory.person("dr.a"))
    }

    static func open(in directory: TestDirectory, _ doctor: TestPerson) async throws -> Ward {
        let name = "patient.\(UUID().uuidString)"
        let patient = try await directory.person(name)
        let session = try await doctor.account.createSession(recipients: [.user(name)])
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("plico-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let ward = Ward(
            directory: directory, doctor: doctor, patient: patient, session: session,
            sealed: try await session.encrypt(note, context: place),
            text: try await session.encryptText("a note", context: place),
            signed: try await session.encryptSigned(note, context: place),
            groupID: try await doctor.account.createGroup(members: [.user(name)]).id,
            folder: folder)
        try Data(repeating: 7, count: 300_000).write(to: ward.plain)
        try await session.encryptFile(at: ward.plain, to: ward.sealedFile)
        return ward
    }

    /// A new device of nobody yet.
    func device() async throws -> Account {
        try await directory.plico().account(store: .memory)
    }

    /// A device of `account`'s identity, and what it is told.
    func listener(_ account: Account) async throws -> (Account, Seen<Plico.Event>) {
        let told = Seen<Plico.Event>()
        let plico = try await directory.plico(onEvent: { told.add($0) })
        let device = try await plico.account(store: .memory)
        let file = try await account.exportIdentity(key: Ward.fileKey)
        try await device.importIdentity(file, key: Ward.fileKey)
        return (device, told)
    }

    func remove() {
        try? FileManager.default.removeItem(at: folder)
    }

    /// Everything still works, on the same account.
    func assertWorks(file: StaticString = #filePath, line: UInt = #line) async throws {
        try await account.settle()
        let session = try await account.createSession(recipients: [.user(patient.userID)])
        let sealed = try await session.encrypt(Ward.note)
        let opened = try await patient.account.decrypt(sealed).data
        XCTAssertEqual(opened, Ward.note, file: file, line: line)
    }
}

/// One call of the public API, with a token to cancel it.
struct Call: Sendable {
    let name: String
    /// Whether it needs the directory when nothing that is known may be used.
    var asks = true
    let make: @Sendable (Ward, Account, EncryptionSession, CancelToken?) async throws -> Void

    /// Every waiting call of ``Account`` and ``EncryptionSession``.
    static let all: [Call] = [
        Call(name: "register", asks: false) { ward, account, _, cancel in
            try await account.register(userID: ward.doctor.userID, cancel: cancel) { _ in "" }
        },
        Call(name: "createSession") { ward, account, _, cancel in
            let recipients = [NewRecipient.user(ward.patient.userID)]
            _ = try await account.createSession(recipients: recipients, cancel: cancel)
        },
        Call(name: "session(of:)", asks: false) { ward, account, _, cancel in
            _ = try await account.session(of: ward.sealed, cancel: cancel)
        },
        Call(name: "account.decrypt") { ward, account, _, cancel in
            _ = try await account.decrypt(ward.sealed, context: Ward.place, cancel: cancel)
        },
        Call(name: "account.decryptText") { ward, account, _, cancel in
            _ = try await account.decryptText(ward.text, context: Ward.place, cancel: cancel)
        },
        Call(name: "account.decryptFile") { ward, account, _, cancel in
            try await account.decryptFile(at: ward.sealedFile, to: ward.target, cancel: cancel)
        },
        Call(name: "account.decryptSigned") { ward, account, _, cancel in
            let signed = ward.signed
            _ = try await account.decryptSigned(
                signed.envelope, signature: signed.signature, context: Ward.place, cancel: cancel)
        },
        Call(name: "createGroup") { ward, account, _, cancel in
            let members = [NewMember.user(ward.patient.userID)]
            _ = try await account.createGroup(name: "x", members: members, cancel: cancel)
        },
        Call(name: "sessions") { _, account, _, cancel in
            _ = try await account.sessions(cancel: cancel)
        },
        Call(name: "sessions(ofGroup:)") { ward, account, _, cancel in
            _ = try await account.sessions(ofGroup: ward.groupID, cancel: cancel)
        },
        Call(name: "groups") { _, account, _, cancel in
            _ = try await account.groups(cancel: cancel)
        },
        Call(name: "group.refresh") { ward, account, _, cancel in
            try await account.group(ward.groupID).refresh(cancel: cancel)
        },
        Call(name: "group.name") { ward, account, _, cancel in
            _ = try await account.group(ward.groupID).name(cancel: cancel)
        },
        Call(name: "group.rename") { ward, account, _, cancel in
            try await account.group(ward.groupID).rename("x", cancel: cancel)
        },
        Call(name: "group.members") { ward, account, _, cancel in
            _ = try await account.group(ward.groupID).members(cancel: cancel)
        },
        Call(name: "group.add") { ward, account, _, cancel in
            let patient = Recipient.user(ward.patient.userID)
            try await account.group(ward.groupID).add(patient, role: .manager, cancel: cancel)
        },
        Call(name: "group.remove") { ward, account, _, cancel in
            let patient = Recipient.user(ward.patient.userID)
            try await account.group(ward.groupID).remove(patient, cancel: cancel)
        },
        Call(name: "group.transfer") { ward, account, _, cancel in
            let patient = Recipient.user(ward.patient.userID)
            try await account.group(ward.groupID).transfer(
                to: patient, keeping: .owner, cancel: cancel)
        },
        Call(name: "group.rotate") { ward, account, _, cancel in
            try await account.group(ward.groupID).rotate(cancel: cancel)
        },
        Call(name: "group.leave") { ward, account, _, cancel in
            try await account.group(ward.groupID).leave(cancel: cancel)
        },
        Call(name: "group.delete") { ward, account, _, cancel in
            try await account.group(ward.groupID).delete(cancel: cancel)
        },
        Call(name: "group.addMembers") { ward, account, _, cancel in
            let members = [NewMember.user(ward.patient.userID)]
            try await account.group(ward.groupID).addMembers(members, cancel: cancel)
        },
        Call(name: "group.removeMembers") { ward, account, _, cancel in
            let members = [Recipient.user(ward.patient.userID)]
            try await account.group(ward.groupID).removeMembers(members, cancel: cancel)
        },
        Call(name: "sessions(tagged:)") { _, account, _, cancel in
            _ = try await account.sessions(tagged: "x", cancel: cancel)
        },
        Call(name: "createSessions") { ward, account, _, cancel in
            let sessions = [SessionOptions(recipients: [.user(ward.patient.userID)])]
            _ = try await account.createSessions(sessions, cancel: cancel)
        },
        Call(name: "createSession(options)") { ward, account, _, cancel in
            let options = SessionOptions(recipients: [.user(ward.patient.userID)], tag: "x")
            _ = try await account.createSession(options, cancel: cancel)
        },
        Call(name: "grant(in:)") { ward, account, session, cancel in
            let recipients = [NewRecipient.user(ward.patient.userID)]
            try await account.grant(recipients, in: [session.id], cancel: cancel)
        },
        Call(name: "revoke(in:)") { ward, account, session, cancel in
            let recipients = [Recipient.user(ward.patient.userID)]
            try await account.revoke(recipients, in: [session.id], cancel: cancel)
        },
        Call(name: "revokeEverywhere") { ward, account, _, cancel in
            let patient = Recipient.user(ward.patient.userID)
            _ = try await account.revokeEverywhere(patient, cancel: cancel)
        },
        Call(name: "giveAll") { ward, account, _, cancel in
            let patient = Recipient.user(ward.patient.userID)
            _ = try await account.giveAll(of: patient, to: patient, cancel: cancel)
        },
        Call(name: "openSealed", asks: false) { ward, account, _, cancel in
            _ = try await account.openSealed(ward.sealed, cancel: cancel)
        },
        Call(name: "grantAll") { ward, _, session, cancel in
            try await session.grantAll([.user(ward.patient.userID)], cancel: cancel)
        },
        Call(name: "revokeAll") { ward, _, session, cancel in
            try await session.revokeAll([.user(ward.patient.userID)], cancel: cancel)
        },
        Call(name: "setExpiry") { _, _, session, cancel in
            try await session.setExpiry(.never, cancel: cancel)
        },
        Call(name: "expiry") { _, _, session, cancel in
            _ = try await session.expiry(cancel: cancel)
        },
        Call(name: "endsAt") { _, _, session, cancel in
            _ = try await session.endsAt(cancel: cancel)
        },
        Call(name: "setTag") { _, _, session, cancel in
            try await session.setTag("x", cancel: cancel)
        },
        Call(name: "tag") { _, _, session, cancel in _ = try await session.tag(cancel: cancel) },
        Call(name: "encryptSigned") { _, _, session, cancel in
            _ = try await session.encryptSigned(Ward.note, cancel: cancel)
        },
        Call(name: "sign", asks: false) { ward, _, session, cancel in
            _ = try await session.sign(ward.sealed, context: Ward.place, cancel: cancel)
        },
        Call(name: "decryptSigned") { ward, _, session, cancel in
            let signed = ward.signed
            _ = try await session.decryptSigned(
                signed.envelope, signature: signed.signature, context: Ward.place, cancel: cancel)
        },
        Call(name: "whoMayRead") { _, _, session, cancel in
            _ = try await session.whoMayRead(cancel: cancel)
        },
        Call(name: "prefetch") { _, account, session, cancel in
            try await account.prefetch([session.id], cancel: cancel)
        },
        Call(name: "settle", asks: false) { _, account, _, cancel in
            try await account.settle(cancel: cancel)
        },
        Call(name: "acceptIdentityChange") { ward, account, _, cancel in
            try await account.acceptIdentityChange(of: ward.patient.userID, cancel: cancel)
        },
        Call(name: "devices") { _, account, _, cancel in
            _ = try await account.devices(cancel: cancel)
        },
        Call(name: "revokeDevice") { _, account, _, cancel in
            // Asks before it finds that there is none.
            try await account.revokeDevice(String(repeating: "A", count: 43), cancel: cancel)
        },
        Call(name: "rotateUserKey") { _, account, _, cancel in
            try await account.rotateUserKey(cancel: cancel)
        },
        Call(name: "exportIdentity") { _, account, _, cancel in
            _ = try await account.exportIdentity(key: Ward.fileKey, cancel: cancel)
        },
        Call(name: "importIdentity", asks: false) { ward, account, _, cancel in
            try await account.importIdentity(ward.sealed, key: Ward.fileKey, cancel: cancel)
        },
        Call(name: "nameDevice") { _, account, _, cancel in
            // Asks, too, before it finds that there is none.
            let id = String(repeating: "A", count: 43)
            try await account.nameDevice(id, as: "phone", cancel: cancel)
        },
        Call(name: "recoveryKeySetAt") { _, account, _, cancel in
            _ = try await account.recoveryKeySetAt(cancel: cancel)
        },
        Call(name: "setRecoveryKey") { _, account, _, cancel in
            try await account.setRecoveryKey(Ward.recoveryKey, cancel: cancel)
        },
        Call(name: "recover", asks: false) { _, account, _, cancel in
            try await account.recover(with: Ward.recoveryKey, cancel: cancel)
        },
        Call(name: "storeBackup") { _, account, _, cancel in
            try await account.storeBackup(key: Ward.fileKey, cancel: cancel)
        },
        Call(name: "backups") { _, account, _, cancel in
            _ = try await account.backups(cancel: cancel)
        },
        Call(name: "deleteBackups") { _, account, _, cancel in
            try await account.deleteBackups(cancel: cancel)
        },
        Call(name: "restoreBackup") { ward, account, _, cancel in
            try await account.restoreBackup(
                of: ward.doctor.userID, key: Ward.fileKey, cancel: cancel)
        },
        Call(name: "pairingCode", asks: false) { _, account, _, cancel in
            _ = try await account.pairingCode(cancel: cancel)
        },
        Call(name: "joinByPairing", asks: false) { _, account, _, cancel in
            try await account.joinByPairing(cancel: cancel)
        },
        Call(name: "approvePairing", asks: false) { _, account, _, cancel in
            try await account.approvePairing(code: "no code", cancel: cancel)
        },
        Call(name: "fingerprint") { ward, account, _, cancel in
            _ = try await account.fingerprint(of: ward.patient.userID, cancel: cancel)
        },
        Call(name: "verifyFingerprint") { ward, account, _, cancel in
            try await account.verifyFingerprint(
                of: ward.patient.userID, shown: "1", cancel: cancel)
        },
        Call(name: "isVerified") { ward, account, _, cancel in
            _ = try await account.isVerified(ward.patient.userID, cancel: cancel)
        },
        Call(name: "offlineFile") { ward, account, _, cancel in
            _ = try await account.offlineFile(ward.sealed, cancel: cancel)
        },
        Call(name: "deleteIdentity", asks: false) { _, account, _, cancel in
            try await account.deleteIdentity(cancel: cancel)
        },
        Call(name: "encrypt") { _, _, session, cancel in
            _ = try await session.encrypt(Ward.note, cancel: cancel)
        },
        Call(name: "encryptText") { _, _, session, cancel in
            _ = try await session.encryptText("x", cancel: cancel)
        },
        Call(name: "encryptFile") { ward, _, session, cancel in
            try await session.encryptFile(at: ward.plain, to: ward.target, cancel: cancel)
        },
        Call(name: "decrypt") { ward, _, session, cancel in
            _ = try await session.decrypt(ward.sealed, context: Ward.place, cancel: cancel)
        },
        Call(name: "decryptText") { ward, _, session, cancel in
            _ = try await session.decryptText(ward.text, context: Ward.place, cancel: cancel)
        },
        Call(name: "decryptFile") { ward, _, session, cancel in
            try await session.decryptFile(at: ward.sealedFile, to: ward.target, cancel: cancel)
        },
        Call(name: "grant") { ward, _, session, cancel in
            let rights: Rights = [.read, .forward]
            try await session.grant(.user(ward.patient.userID), rights: rights, cancel: cancel)
        },
        Call(name: "revoke") { ward, _, session, cancel in
            try await session.revoke(.user(ward.patient.userID), cancel: cancel)
        },
        Call(name: "recipients") { _, _, session, cancel in
            _ = try await session.recipients(cancel: cancel)
        },
        Call(name: "setMetadata") { _, _, session, cancel in
            try await session.setMetadata(Data("title".utf8), cancel: cancel)
        },
        Call(name: "metadata") { _, _, session, cancel in
            _ = try await session.metadata(cancel: cancel)
        },
        Call(name: "rotate") { _, _, session, cancel in try await session.rotate(cancel: cancel) },
        Call(name: "refresh") { _, _, session, cancel in try await session.refresh(cancel: cancel) },
        Call(name: "transfer") { ward, _, session, cancel in
            try await session.transfer(
                to: .user(ward.patient.userID), keeping: .owner, cancel: cancel)
        },
        Call(name: "leave", asks: true) { _, _, session, cancel in
            try await session.leave(cancel: cancel)
        },
        Call(name: "forget", asks: false) { _, _, session, cancel in
            try await session.forget(cancel: cancel)
        },
        Call(name: "end") { _, _, session, cancel in try await session.end(cancel: cancel) },
    ]
}
