import Foundation

/// The place that an envelope belongs to: named fields such as table, row and
/// column, or bytes. It is stored nowhere; the same context must be given to open
/// the envelope, so an envelope that was moved to another row does not open there.
///
/// ```swift
/// let sealed = try await session.encrypt(note, context: ["table": "notes", "row": 42])
/// ```
///
/// With variables: `["table": .text(table), "row": .integer(row)]`.
public struct Context: Sendable, Hashable {
    enum Form: Sendable, Hashable {
        case fields([Field])
        case raw(Data)
    }

    struct Field: Sendable, Hashable {
        let name: String
        let value: Value
    }

    let form: Form

    /// Named fields, in any order: at most 64, with different names of 1 to 64 bytes
    /// of UTF-8; all together at most 64 KiB. Whatever breaks these rules makes the
    /// call that it is given to throw ``PlicoError/Code/invalidArgument``.
    public init(fields: some Sequence<(String, Value)>) {
        form = .fields(fields.map { Field(name: $0, value: $1) })
    }

    /// Bytes that the app makes by itself, at most 64 KiB with 3 bytes of overhead.
    public init(raw bytes: Data) {
        form = .raw(bytes)
    }
}

extension Context: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral fields: (String, Value)...) {
        self.init(fields: fields)
    }
}

extension Context {
    /// A field's value. Values of different kinds are different, even if they look
    /// alike: `42` is not `"42"`.
    public enum Value: Sendable, Hashable {
        /// Compared byte by byte, in UTF-8 and without normalisation.
        case text(String)
        /// 64 bits, signed.
        case integer(Int64)
        /// As they are.
        case bytes(Data)
        /// Yes or no.
        case boolean(Bool)
    }
}

extension Context.Value: ExpressibleByStringInterpolation {
    public init(stringLiteral text: String) {
        self = .text(text)
    }
}

extension Context.Value: ExpressibleByIntegerLiteral {
    public init(integerLiteral number: Int64) {
        self = .integer(number)
    }
}

extension Context.Value: ExpressibleByBooleanLiteral {
    public init(booleanLiteral flag: Bool) {
        self = .boolean(flag)
    }
}
