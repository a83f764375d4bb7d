import Foundation

/// Where an account keeps its state: opaque values under names.
///
/// Values hold private keys. An implementation that writes to a disk encrypts names
/// and values. Several processes may use one store, and calls come at the same time.
public protocol Store: Sendable {
    /// The value of `key`, if any.
    func get(_ key: String) async throws -> Data?

    /// All pairs whose key begins with `prefix`, in the order of the keys' UTF-8 bytes.
    func scan(prefix: String) async throws -> [(key: String, value: Data)]

    /// All of `changes`, if everything `expecting` holds; otherwise it throws
    /// ``StoreError/conflict`` and makes none of them. An entry without a value
    /// removes its key, or expects that there is none. Once this has returned, the
    /// changes survive a crash; a crash during it leaves all of them or none.
    func commit(_ changes: [StoreEntry], expecting: [StoreEntry]) async throws
}

/// A key with its value, or with none.
public struct StoreEntry: Sendable, Hashable {
    /// The key.
    public let key: String
    /// The value.
    public let value: Data?

    public init(key: String, value: Data?) {
        self.key = key
        self.value = value
    }
}

/// Why a ``Store`` failed. Any other error counts as ``unreadable``.
public enum StoreError: Error, Sendable, Hashable {
    /// It could not be read or written.
    case unreadable
    /// It holds something that was not written by it.
    case damaged
    /// What was expected was not there: somebody else has written in between.
    case conflict
    /// There is no room left. What was there still is.
    case full
    /// It can be read but not written. What was there still is.
    case readOnly
    /// Somebody else holds it for longer than this one waits.
    case busy
}

/// Where an account is kept.
public struct AccountStore: Sendable {
    enum Place: Sendable {
        case memory
        case file(URL, Data)
        case custom(any Store)
    }

    let place: Place

    /// One encrypted file; it is made if it is not there. Several processes may use it.
    ///
    /// - Parameters:
    ///   - file: a file URL.
    ///   - key: 32 bytes of a cryptographic random generator, kept in the keychain.
    public static func file(_ file: URL, key: Data) -> AccountStore {
        AccountStore(place: .file(file, key))
    }

    /// Nowhere: it is gone with the process.
    public static let memory = AccountStore(place: .memory)

    /// A store of the app's own.
    public static func custom(_ store: any Store) -> AccountStore {
        AccountStore(place: .custom(store))
    }
}
