//! A schema as the registry keeps it: its text, and the form by which two texts are found to be one schema.

use apache_avro::Schema;
use serde_json::{Map, Value};

/// A schema that was parsed.
#[derive(Debug)]
pub struct Parsed {
    /// As it was registered, without white space.
    pub text: String,
    /// Equal for two schemas that differ in formatting, in the order of attributes, or in how names are written.
    /// Documentation, defaults and aliases do count.
    pub canonical: String,
    pub schema: Schema,
}

impl Parsed {
    /// # Errors
    /// What is wrong with the text, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        // A name of a primitive type may come without quotes.
        let json = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.trim().to_owned()));
        let schema = Schema::parse(&json).map_err(|error| match serde_json::from_str::<Value>(text) {
            Ok(_) => error.to_string(),
            Err(error) => format!("not JSON: {error}"),
        })?;
        Ok(Self { text: json.to_string(), canonical: canonical(&json, None).to_string(), schema })
    }
}

/// Avro's Parsing Canonical Form drops defaults and documentation, so that two versions of a contract would be one;
/// this drops nothing that a reader of the contract could care about.
fn canonical(schema: &Value, namespace: Option<&str>) -> Value {
    match schema {
        Value::String(name) => full_name(name, namespace).into(),
        Value::Array(branches) => branches.iter().map(|branch| canonical(branch, namespace)).collect(),
        Value::Object(attributes) => of_object(attributes, namespace),
        other => other.clone(),
    }
}

fn of_object(attributes: &Map<String, Value>, outer: Option<&str>) -> Value {
    let text = |name: &str| attributes.get(name).and_then(Value::as_str);
    if let (Some(kind), 1) = (text("type"), attributes.len()) {
        return full_name(kind, outer).into();
    }
    let own = text("name").map(|name| match text("namespace") {
        Some(namespace) if !name.contains('.') => full_name(name, Some(namespace)),
        _ => full_name(name, outer),
    });
    let inner = match &own {
        Some(name) => name.rsplit_once('.').map(|(namespace, _)| namespace),
        None => outer,
    };
    let kept = attributes.iter().filter(|(name, _)| !(own.is_some() && *name == "namespace"));
    let written = kept.map(|(name, value)| {
        let value = match (name.as_str(), value) {
            ("name", _) if own.is_some() => own.clone().into(),
            ("aliases", Value::Array(aliases)) => aliases.iter().map(|alias| alias_name(alias, inner)).collect(),
            ("fields", Value::Array(fields)) => fields.iter().map(|field| of_field(field, inner)).collect(),
            ("type" | "items" | "values", value) => canonical(value, inner),
            (_, value) => sorted(value),
        };
        (name.clone(), value)
    });
    in_order(written)
}

fn of_field(field: &Value, namespace: Option<&str>) -> Value {
    let Value::Object(attributes) = field else { return field.clone() };
    let kept = attributes.iter().filter(|(name, value)| !(*name == "order" && *value == "ascending"));
    in_order(kept.map(|(name, value)| {
        let value = if name == "type" { canonical(value, namespace) } else { sorted(value) };
        (name.clone(), value)
    }))
}

fn alias_name(alias: &Value, namespace: Option<&str>) -> Value {
    alias.as_str().map_or_else(|| alias.clone(), |alias| full_name(alias, namespace).into())
}

const UNNAMED: [&str; 13] =
    ["null", "boolean", "int", "long", "float", "double", "bytes", "string", "record", "enum", "array", "map", "fixed"];

fn full_name(name: &str, namespace: Option<&str>) -> String {
    match namespace {
        Some(namespace) if !namespace.is_empty() && !name.contains('.') && !UNNAMED.contains(&name) => {
            format!("{namespace}.{name}")
        }
        _ => name.trim_start_matches('.').to_owned(),
    }
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(attributes) => in_order(attributes.iter().map(|(name, value)| (name.clone(), sorted(value)))),
        Value::Array(values) => values.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

fn in_order(attributes: impl Iterator<Item = (String, Value)>) -> Value {
    let mut attributes: Vec<_> = attributes.collect();
    attributes.sort_by(|(a, _), (b, _)| a.cmp(b));
    Value::Object(attributes.into_iter().collect())
}
