//! Bytes, texts, contexts, recipients and grants as the file writes them.

use crate::world::{Outcome, World};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plico::{Context, ContextValue, Grant, GroupRole, Recipient, Rights};
use serde_json::{Map, Value};
use std::time::{Duration, SystemTime};

use crate::verbs::Failed;

type Members = Map<String, Value>;

/// The one member of an object that has one, as `(name, value)`.
fn form(value: &Value) -> Option<(&str, &Value)> {
    let members = value.as_object().filter(|it| it.len() == 1)?;
    members
        .iter()
        .next()
        .map(|(name, value)| (name.as_str(), value))
}

/// The two things in a list of two.
fn pair(value: &Value) -> Result<(&Value, &Value), String> {
    match value.as_array().map(Vec::as_slice) {
        Some([first, second]) => Ok((first, second)),
        _ => Err("a list of two was expected".into()),
    }
}

/// `at` as a place in `length` bytes: negative numbers count from the end.
fn place(at: &Value, length: usize) -> Result<usize, String> {
    let at = at.as_i64().ok_or("a whole number was expected")?;
    let size = i64::try_from(length).map_err(|_| "too long")?;
    let at = if at < 0 { size + at } else { at };
    usize::try_from(at)
        .ok()
        .filter(|at| *at <= length)
        .ok_or_else(|| format!("there is no byte {at} in {length}"))
}

impl World {
    pub fn bytes(&self, value: &Value) -> Result<Vec<u8>, String> {
        if let Some(name) = value.as_str().and_then(|text| text.strip_prefix('$')) {
            return match self.named(name)? {
                Outcome::Bytes(bytes) => Ok(bytes.clone()),
                Outcome::Text(text) => Ok(text.clone().into_bytes()),
                other => Err(format!("`{name}` is {}", other.kind())),
            };
        }
        match form(value) {
            Some(("utf8", Value::String(text))) => Ok(text.clone().into_bytes()),
            Some(("base64", Value::String(text))) => {
                STANDARD.decode(text).map_err(|error| error.to_string())
            }
            Some(("repeat", what)) => {
                let (text, count) = pair(what)?;
                let text = text.as_str().ok_or("a text was expected")?;
                let count = count.as_u64().ok_or("a count was expected")?;
                let count = usize::try_from(count).map_err(|_| "too long")?;
                Ok(text.repeat(count).into_bytes())
            }
            Some(("load", Value::String(path))) => self.read(path),
            Some(("flip", what)) => {
                let (bytes, at) = pair(what)?;
                let mut bytes = self.bytes(bytes)?;
                let at = place(at, bytes.len())?;
                *bytes.get_mut(at).ok_or("there is no such byte")? ^= 1;
                Ok(bytes)
            }
            Some(("cut", what)) => {
                let (bytes, length) = pair(what)?;
                let mut bytes = self.bytes(bytes)?;
                bytes.truncate(place(length, bytes.len())?);
                Ok(bytes)
            }
            _ => Err("these are no bytes".into()),
        }
    }

    pub fn text(&self, value: &Value) -> Result<String, String> {
        match value {
            Value::String(text) if !text.starts_with('$') => Ok(text.clone()),
            other => String::from_utf8(self.bytes(other)?).map_err(|_| "not UTF-8".into()),
        }
    }

    pub fn texts(&self, value: &Value) -> Result<Vec<String>, String> {
        let items = value.as_array().ok_or("a list was expected")?;
        items.iter().map(|item| self.text(item)).collect()
    }

    pub fn context(&self, args: &Members) -> Result<Option<Context>, Failed> {
        let Some(context) = args.get("context") else {
            return Ok(None);
        };
        let context = match form(context) {
            Some(("raw", bytes)) => Context::raw(&self.bytes(bytes)?),
            Some(("fields", Value::Object(fields))) => {
                let fields = fields
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), self.context_value(value)?)))
                    .collect::<Result<Vec<_>, String>>()?;
                Context::fields(fields)
            }
            _ => return Err(Failed::Step("this is no context".into())),
        };
        Ok(Some(context.map_err(plico::Error::from)?))
    }

    fn context_value(&self, value: &Value) -> Result<ContextValue, String> {
        if let Some(("integer", Value::String(digits))) = form(value) {
            let number: i64 = digits.parse().map_err(|_| "not a 64-bit integer")?;
            return Ok(number.into());
        }
        match value {
            Value::String(_) => Ok(self.text(value)?.into()),
            Value::Bool(flag) => Ok((*flag).into()),
            Value::Number(number) => {
                let number = number.as_i64().ok_or("not a 64-bit integer")?;
                Ok(number.into())
            }
            bytes => Ok(self.bytes(bytes)?.into()),
        }
    }

    /// The recipient that `of` names by `user`, `identity` or `group`.
    pub fn recipient(&self, of: &Value) -> Result<Recipient, Failed> {
        match (of.get("user"), of.get("identity"), of.get("group")) {
            (Some(user), None, None) => Ok(Recipient::user(self.text(user)?)),
            (None, Some(identity), None) => Ok(Recipient::identity(self.text(identity)?.parse()?)),
            (None, None, Some(group)) => Ok(Recipient::group(self.text(group)?.parse()?)),
            _ => Err("a recipient has `user`, `identity` or `group`".into()),
        }
    }
}

/// `rights` and `expires_in_ms`.
pub fn grant(rights_of: Option<&Value>, expires_in_ms: Option<&Value>) -> Result<Grant, String> {
    let mut rights = Rights::read();
    let words = rights_of.and_then(Value::as_array);
    for word in words.into_iter().flatten() {
        rights = match word.as_str() {
            Some("read") => rights,
            Some("forward") => rights.and_forward(),
            Some("revoke") => rights.and_revoke(),
            Some("owner") => Rights::owner(),
            _ => return Err("an unknown right".into()),
        };
    }
    let grant = Grant::new(rights);
    let Some(expires_in_ms) = expires_in_ms else {
        return Ok(grant);
    };
    let ms = expires_in_ms.as_i64().ok_or("a number was expected")?;
    let away = Duration::from_millis(ms.unsigned_abs());
    let now = SystemTime::now();
    let end = if ms < 0 {
        now.checked_sub(away)
    } else {
        now.checked_add(away)
    };
    Ok(grant.until(end.ok_or("beyond the calendar")?))
}

/// A role, as the file writes it.
pub fn role(word: Option<&Value>) -> Result<GroupRole, String> {
    match word.map(Value::as_str) {
        None | Some(Some("member")) => Ok(GroupRole::Member),
        Some(Some("manager")) => Ok(GroupRole::Manager),
        Some(Some("owner")) => Ok(GroupRole::Owner),
        _ => Err("an unknown role".into()),
    }
}

/// As the file writes them.
pub fn words_of(rights: Rights) -> Vec<&'static str> {
    if rights.is_owner() {
        return vec!["owner"];
    }
    let mut words = vec!["read"];
    words.extend(rights.may_forward().then_some("forward"));
    words.extend(rights.may_revoke().then_some("revoke"));
    words
}
