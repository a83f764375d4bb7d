import Foundation
import Plico

// Verbs on an account that concern its identity: recovery, backups, pairing,
// fingerprints, leaving.

extension Given {
    private func recoveryKey(_ name: String) throws -> RecoveryKey {
        try RecoveryKey(words: try text(name))
    }

    func identity(_ verb: String, on account: Account) async throws -> Outcome {
        switch verb {
        case "name_device":
            try await account.nameDevice(try text("id"), as: try text("name"), cancel: cancel)
            return .nothing
        case "device_names":
            return .texts(try await account.devices(cancel: cancel).map { $0.name ?? "" })
        case "has_recovery_key":
            return .flag(try await account.recoveryKeySetAt(cancel: cancel) != nil)
        case "set_recovery_key":
            let old = args["old"] == nil ? nil : try recoveryKey("old")
            try await account.setRecoveryKey(
                try recoveryKey("words"), old: old, cancel: cancel)
            return .nothing
        case "recover":
            return .text(
                try await account.recover(
                    with: try recoveryKey("words"), keepingDevices: flag("keep_devices"),
                    cancel: cancel))
        case "store_backup":
            try await account.storeBackup(key: try world.fileKey(args["key"]), cancel: cancel)
            return .nothing
        case "backups":
            let backups = try await account.backups(cancel: cancel)
            return .texts(backups.map { $0.passphrase ? "passphrase" : "host_secret" })
        case "restore_backup":
            return .text(
                try await account.restoreBackup(
                    of: try text("user_id"), key: try world.fileKey(args["key"]),
                    cancel: cancel))
        case "delete_backups":
            try await account.deleteBackups(cancel: cancel)
            return .nothing
        case "pairing_code":
            return .text(try await account.pairingCode(cancel: cancel))
        case "join_by_pairing":
            return .text(try await account.joinByPairing(cancel: cancel))
        case "approve_pairing":
            return .text(try await account.approvePairing(code: try text("code"), cancel: cancel))
        case "fingerprint":
            let fingerprint = try await account.fingerprint(of: try text("user_id"), cancel: cancel)
            return .text(fingerprint.digits)
        case "fingerprint_to_scan":
            let fingerprint = try await account.fingerprint(of: try text("user_id"), cancel: cancel)
            return .text(fingerprint.toScan)
        case "verify_fingerprint":
            try await account.verifyFingerprint(
                of: try text("user_id"), shown: try text("shown"), cancel: cancel)
            return .nothing
        case "is_verified":
            return .flag(try await account.isVerified(try text("user_id"), cancel: cancel))
        case "offline_file":
            return .bytes(try await account.offlineFile(try bytes("envelope"), cancel: cancel))
        case "delete_identity":
            try await account.deleteIdentity(cancel: cancel)
            return .nothing
        default:
            throw Misuse("there is no verb `\(verb)` on an account")
        }
    }
}
