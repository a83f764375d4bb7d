//! Verbs on a group.

use super::{Done, Given, unknown};
use crate::value;
use crate::world::Outcome;
use plico::{Group, GroupMember, GroupRole, MemberId};

pub async fn perform(verb: &str, group: &Group, given: &Given<'_>) -> Done {
    match verb {
        "group_id" => return Ok(Outcome::Text(group.id().to_string())),
        "group_name" => {
            let name = group.name().await?;
            return Ok(name.map_or(Outcome::Nothing, Outcome::Text));
        }
        "members" => {
            let members = group.members().await?;
            return Ok(Outcome::Set(members.iter().map(line).collect()));
        }
        "rename" => group.rename(&given.text("name")?).await?,
        "add" => {
            let role = value::role(given.args.get("role"))?;
            let who = given.world.recipient(given.arg("who")?)?;
            group.add(who, role).await?;
        }
        "remove" => {
            let who = given.world.recipient(given.arg("who")?)?;
            group.remove(who).await?;
        }
        "leave" => group.leave().await?,
        "rotate" => group.rotate().await?,
        "refresh" => group.refresh().await?,
        "delete_group" => group.delete().await?,
        _ => return unknown(verb, "a group"),
    }
    Ok(Outcome::Nothing)
}

fn line(member: &GroupMember) -> String {
    let role = match member.role {
        GroupRole::Owner => "owner",
        GroupRole::Manager => "manager",
        _ => "member",
    };
    match (&member.user_id, member.who) {
        (Some(user_id), _) => format!("{user_id} {role}"),
        (None, MemberId::Group(id)) => format!("{id} {role}"),
        _ => format!("? {role}"),
    }
}
