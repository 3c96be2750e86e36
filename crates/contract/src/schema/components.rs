//! The schemas of types, collected with everything that they refer to.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

/// Where a reference points in a description of an API.
const IN_COMPONENTS: &str = "#/components/schemas/";

/// Whether there may be other fields than those that are described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Open,
    Closed,
}

/// Schemas by name.
#[derive(Debug, Default)]
pub(super) struct Components(BTreeMap<String, Value>);

impl Components {
    /// Adds a type and all that it refers to; the answer is a reference to it.
    pub(super) fn add<T: ToSchema>(&mut self) -> Value {
        let mut parts: Vec<(String, RefOr<Schema>)> = Vec::new();
        parts.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut parts);
        for (name, schema) in parts {
            // A schema of strings, numbers and lists always has a JSON form.
            self.0
                .insert(name, serde_json::to_value(&schema).unwrap_or_default());
        }
        serde_json::json!({"$ref": format!("{IN_COMPONENTS}{}", T::name())})
    }

    /// Takes one schema out, for a document of its own: with references into its own definitions and, where it is closed,
    /// without room for other fields.
    pub(super) fn take(&mut self, name: &str, room: Room) -> Value {
        let mut schema = self.0.remove(name).unwrap_or_default();
        set_alone(&mut schema, room);
        schema
    }

    /// All that is left, as the definitions of such a document.
    pub(super) fn into_definitions(self, room: Room) -> Value {
        let mut all = self.into_schemas();
        set_alone(&mut all, room);
        all
    }

    /// All of them.
    pub(super) fn into_schemas(self) -> Value {
        Value::Object(Map::from_iter(self.0))
    }
}

fn set_alone(schema: &mut Value, room: Room) {
    match schema {
        Value::Object(fields) => {
            if room == Room::Closed && fields.contains_key("properties") {
                fields.insert("additionalProperties".to_owned(), false.into());
            }
            for (key, value) in fields {
                match value {
                    Value::String(target) if key == "$ref" => {
                        *target = target.replace(IN_COMPONENTS, "#/$defs/");
                    }
                    Value::Null
                    | Value::Bool(_)
                    | Value::Number(_)
                    | Value::String(_)
                    | Value::Array(_)
                    | Value::Object(_) => set_alone(value, room),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| set_alone(item, room)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
