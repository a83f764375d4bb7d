//! The scenario's file: its steps, with placeholders filled in.

use crate::Failure;
use crate::args::Args;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The format that this runner knows.
const FORMAT: u32 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    format: u32,
    #[serde(default, rename = "files")]
    _files: Vec<Value>,
    phases: Vec<Phase>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Phase {
    name: String,
    #[serde(rename = "directory")]
    _directory: String,
    #[serde(default, rename = "languages")]
    _languages: Vec<String>,
    steps: Vec<Value>,
}

/// One step, ready to be done.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub id: String,
    pub verb: String,
    #[serde(default)]
    pub on: Option<String>,
    #[serde(default)]
    pub args: Map<String, Value>,
    #[serde(default, rename = "as")]
    pub name: Option<String>,
    #[serde(default)]
    pub save: Option<String>,
    #[serde(default)]
    pub cancel: Option<String>,
    /// Told apart from `null`, which is something to be given.
    #[serde(default, deserialize_with = "present")]
    pub gives: Option<Value>,
    #[serde(default)]
    pub error: Option<String>,
    #[serde(default)]
    pub recipients: Option<Vec<String>>,
}

fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(from).map(Some)
}

/// The steps of the phase that `args` names, `each` of them unfolded.
pub fn steps(args: &Args) -> Result<Vec<Step>, Failure> {
    let scenario: Scenario = serde_json::from_slice(&std::fs::read(&args.scenario)?)?;
    if scenario.format != FORMAT {
        return Err(format!("the scenario has format {}", scenario.format).into());
    }
    let phase = scenario
        .phases
        .into_iter()
        .find(|phase| phase.name == args.phase)
        .ok_or_else(|| format!("the scenario has no phase {}", args.phase))?;
    let mut steps = Vec::new();
    for mut step in phase.steps {
        let each = step.as_object_mut().and_then(|step| step.remove("each"));
        let mut known = vec![
            ("{lang}", args.language.as_str()),
            ("{next}", next(args)),
            ("{directory}", args.directory.as_str()),
            ("{tenant}", args.tenant.as_str()),
        ];
        match each.as_ref().and_then(Value::as_str) {
            None if each.is_none() => {
                steps.push(serde_json::from_value(fill(&step, &known, args))?);
            }
            Some("other") => {
                for other in &args.languages {
                    known.push(("{other}", other));
                    let mut unfolded: Step = serde_json::from_value(fill(&step, &known, args))?;
                    unfolded.id = format!("{}/{other}", unfolded.id);
                    steps.push(unfolded);
                    known.pop();
                }
            }
            _ => return Err("`each` is always \"other\"".into()),
        }
    }
    Ok(steps)
}

/// The language after the own one, in a circle.
fn next(args: &Args) -> &str {
    let mut languages = args.languages.iter().cycle();
    let found = languages.find(|it| **it == args.language);
    found.and_then(|_| languages.next()).map_or("", |it| it)
}

/// `value` with the placeholders in its strings replaced and lists over languages unfolded.
fn fill(value: &Value, known: &[(&str, &str)], args: &Args) -> Value {
    match value {
        Value::String(text) => {
            let filled = known.iter().fold(text.clone(), |text, (name, value)| {
                text.replace(name, value)
            });
            Value::String(filled)
        }
        Value::Array(items) => Value::Array(
            items
                .iter()
                .flat_map(|item| match every(item) {
                    None => vec![fill(item, known, args)],
                    Some(item) => args
                        .languages
                        .iter()
                        .map(|language| {
                            let mut known = known.to_vec();
                            known.push(("{every}", language));
                            fill(item, &known, args)
                        })
                        .collect(),
                })
                .collect(),
        ),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| (name.clone(), fill(value, known, args)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// What is to be repeated for every language, if `item` says so.
fn every(item: &Value) -> Option<&Value> {
    let members = item.as_object().filter(|members| members.len() == 1)?;
    members.get("every")
}
