//! Whether a step gave what it was to give.

use crate::value::words_of;
use crate::world::{Outcome, World};
use plico::{Decrypted, RecipientInfo, WrittenBy};
use serde_json::{Map, Value, json};
use std::time::{Duration, SystemTime};

const HOUR: Duration = Duration::from_secs(3600);
const AHEAD: Duration = Duration::from_secs(5);

/// Whether a time lies in the last hour, or not long ahead.
pub fn recent(time: SystemTime) -> bool {
    let now = SystemTime::now();
    now - HOUR < time && time < now + AHEAD
}

/// Times that no step names lie where they must.
pub fn sane(outcome: &Outcome) -> Result<(), String> {
    let fine = match outcome {
        Outcome::Opened(opened) => recent(opened.known_at()),
        Outcome::Signed(opened, by) => {
            let signed = match by {
                WrittenBy::Signed(writer) => recent(writer.at),
                _ => true,
            };
            signed && recent(opened.known_at())
        }
        Outcome::Recipients(list) => list.iter().all(|it| recent(it.granted_at)),
        _ => true,
    };
    fine.then_some(())
        .ok_or_else(|| "a time is far from now".into())
}

/// Compares an outcome with a step's `gives`.
pub fn matches(world: &World, expected: &Value, got: &Outcome) -> Result<(), String> {
    let differs = || Err(format!("another value than expected: {}", shown(got)));
    let same = match (expected, got) {
        (Value::Null, Outcome::Nothing) => true,
        (Value::Bool(expected), Outcome::Flag(got)) => expected == got,
        (Value::Number(expected), Outcome::Number(got)) => expected.as_u64() == Some(*got),
        (expected, Outcome::Bytes(got)) => world.bytes(expected)? == *got,
        (expected, Outcome::Text(got)) => world.text(expected)? == *got,
        (expected, Outcome::Texts(got)) => world.texts(expected)? == *got,
        (expected, Outcome::Set(got)) => {
            let (mut expected, mut got) = (world.texts(expected)?, got.clone());
            expected.sort();
            got.sort();
            expected == got
        }
        (Value::Object(expected), Outcome::Opened(got)) => opened(world, expected, got, None)?,
        (Value::Object(expected), Outcome::Signed(got, by)) => {
            opened(world, expected, got, Some(by))?
        }
        (Value::Array(expected), Outcome::Recipients(got)) => recipients(expected, got)?,
        _ => return differs(),
    };
    if same { Ok(()) } else { differs() }
}

/// What was got, short; never what was in an envelope.
fn shown(got: &Outcome) -> String {
    match got {
        Outcome::Flag(flag) => flag.to_string(),
        Outcome::Number(number) => number.to_string(),
        Outcome::Bytes(bytes) => format!("{} bytes", bytes.len()),
        Outcome::Text(text) => format!("a text of {} bytes", text.len()),
        Outcome::Texts(texts) | Outcome::Set(texts) => texts.join(", "),
        Outcome::Opened(opened) | Outcome::Signed(opened, _) => {
            let (length, offline) = (opened.bytes().len(), opened.written_offline());
            format!("{length} bytes, written offline: {offline}")
        }
        Outcome::Recipients(list) => Value::from_iter(list.iter().map(member)).to_string(),
        other => other.kind().to_owned(),
    }
}

fn opened(
    world: &World,
    expected: &Map<String, Value>,
    got: &Decrypted,
    by: Option<&WrittenBy>,
) -> Result<bool, String> {
    for (name, expected) in expected {
        let same = match name.as_str() {
            "data" => world.bytes(expected)? == got.bytes(),
            "session" => world.text(expected)? == got.session().to_string(),
            "written_offline" => expected.as_bool() == Some(got.written_offline()),
            "written_by" => match by {
                Some(WrittenBy::Signed(writer)) => expected.as_str() == writer.user_id.as_deref(),
                Some(_) => expected.is_null(),
                None => return Err("only `decrypt_signed` says who wrote it".into()),
            },
            _ => return Err(format!("`decrypt` gives no `{name}`")),
        };
        if !same {
            return Ok(false);
        }
    }
    Ok(true)
}

fn member(of: &RecipientInfo) -> Value {
    json!({
        "user_id": of.user_id,
        "rights": words_of(of.rights),
        "expires": of.expires_at.is_some(),
    })
}

fn recipients(expected: &[Value], got: &[RecipientInfo]) -> Result<bool, String> {
    let mut got: Vec<Value> = got.iter().map(member).collect();
    let mut expected = expected.to_vec();
    let by_name = |it: &Value| it["user_id"].as_str().map(str::to_owned);
    got.sort_by_key(by_name);
    expected.sort_by_key(by_name);
    if got.len() != expected.len() {
        return Ok(false);
    }
    for (expected, got) in expected.iter().zip(&got) {
        let members = expected.as_object().ok_or("a recipient was expected")?;
        if members
            .iter()
            .any(|(name, value)| got.get(name) != Some(value))
        {
            return Ok(false);
        }
    }
    Ok(true)
}
