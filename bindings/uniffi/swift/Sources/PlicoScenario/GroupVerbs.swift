import Foundation
import Plico

// Verbs on a group, and those on an account that concern groups and signatures.

extension Given {
    func signature() throws -> Data? { try args["signature"].map(world.bytes) }

    func groups(_ verb: String, on account: Account) async throws -> Outcome {
        switch verb {
        case "create_group":
            let members = try (args["members"]?.list ?? []).map(world.newMember)
            return .group(
                try await account.createGroup(
                    name: try args["name"].map(world.text), members: members,
                    fromNowOn: flag("from_now_on"), cancel: cancel))
        case "group":
            return .group(try account.group(try text("id")))
        case "groups":
            return .set(try await account.groups(cancel: cancel).items)
        case "sessions_of_group":
            let page = try await account.sessions(ofGroup: try text("group"), cancel: cancel)
            return .set(page.items)
        case "decrypt_signed":
            return .signed(
                try await account.decryptSigned(
                    try bytes("envelope"), signature: try signature(), context: try context(),
                    cancel: cancel))
        default:
            throw Misuse("there is no verb `\(verb)` on an account")
        }
    }

    func perform(_ verb: String, on group: Group) async throws -> Outcome {
        switch verb {
        case "group_id":
            return .text(group.id)
        case "group_name":
            return try await group.name(cancel: cancel).map(Outcome.text) ?? .nothing
        case "members":
            return .set(try await group.members(cancel: cancel).map(line))
        case "rename":
            try await group.rename(try text("name"), cancel: cancel)
        case "add":
            let who = try world.recipient(args["who"])
            try await group.add(who, role: try world.role(args), cancel: cancel)
        case "remove":
            try await group.remove(try world.recipient(args["who"]), cancel: cancel)
        case "leave": try await group.leave(cancel: cancel)
        case "rotate": try await group.rotate(cancel: cancel)
        case "refresh": try await group.refresh(cancel: cancel)
        case "delete_group": try await group.delete(cancel: cancel)
        default: throw Misuse("there is no verb `\(verb)` on a group")
        }
        return .nothing
    }
}

private func line(_ member: GroupMember) -> String {
    switch (member.userID, member.who) {
    case (let userID?, _): "\(userID) \(member.role)"
    case (nil, .group(let id)): "\(id) \(member.role)"
    case (nil, .identity): "? \(member.role)"
    }
}
