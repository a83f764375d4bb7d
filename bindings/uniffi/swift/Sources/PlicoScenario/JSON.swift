import Foundation

/// Any JSON.
enum JSON: Codable {
    case null
    case boolean(Bool)
    case integer(Int64)
    case text(String)
    case list([JSON])
    case object([String: JSON])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let flag = try? value.decode(Bool.self) {
            self = .boolean(flag)
        } else if let number = try? value.decode(Int64.self) {
            self = .integer(number)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let list = try? value.decode([JSON].self) {
            self = .list(list)
        } else {
            self = .object(try value.decode([String: JSON].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .boolean(let flag): try value.encode(flag)
        case .integer(let number): try value.encode(number)
        case .text(let text): try value.encode(text)
        case .list(let list): try value.encode(list)
        case .object(let members): try value.encode(members)
        }
    }

    var boolean: Bool? { if case .boolean(let flag) = self { flag } else { nil } }
    var integer: Int64? { if case .integer(let number) = self { number } else { nil } }
    var text: String? { if case .text(let text) = self { text } else { nil } }
    var list: [JSON]? { if case .list(let list) = self { list } else { nil } }
    var object: [String: JSON]? { if case .object(let members) = self { members } else { nil } }

    /// The one member of an object that has one.
    var form: (name: String, value: JSON)? {
        guard let members = object, members.count == 1, let (name, value) = members.first else {
            return nil
        }
        return (name, value)
    }

    /// The two things in a list of two.
    func pair() throws -> (JSON, JSON) {
        guard let list, list.count == 2 else { throw Misuse("a list of two was expected") }
        return (list[0], list[1])
    }
}
