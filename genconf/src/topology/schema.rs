//! The JSON Schema of the topology, from the types that decode it.
//!
//! It is draft-07, the newest draft that yaml-language-server supports.

use serde_json::{Map, Value, json};

use super::decode::{Named, NonEmpty, OneOrMany, Scalar};
use crate::source::Spanned;

/// A type with a JSON Schema.
pub trait Described {
    /// The schema.
    fn describe() -> Value;
}

impl<T: Scalar> Described for Spanned<T> {
    fn describe() -> Value {
        T::schema()
    }
}

impl<T: Described> Described for Vec<T> {
    fn describe() -> Value {
        json!({ "type": "array", "items": T::describe() })
    }
}

impl<K: Scalar, V: Described> Described for Named<K, V> {
    fn describe() -> Value {
        json!({
            "type": "object",
            "propertyNames": K::schema(),
            "additionalProperties": V::describe(),
        })
    }
}

impl<C: Described> Described for NonEmpty<C> {
    fn describe() -> Value {
        let mut schema = C::describe();
        let least = if schema["type"] == "array" {
            "minItems"
        } else {
            "minProperties"
        };
        schema[least] = json!(1);
        schema
    }
}

impl<T: Described> Described for OneOrMany<T> {
    fn describe() -> Value {
        json!({ "anyOf": [T::describe(), NonEmpty::<Vec<T>>::describe()] })
    }
}

/// A field: key, description, schema, whether it is required.
pub type Field = (&'static str, &'static str, Value, bool);

/// The schema of a record with these fields.
#[must_use]
pub fn object(description: &str, fields: &[Field]) -> Value {
    let mut properties = Map::new();
    for (key, text, schema, _) in fields {
        let mut schema = schema.clone();
        schema["description"] = json!(text);
        properties.insert((*key).to_owned(), schema);
    }
    let required: Vec<_> = fields.iter().filter(|f| f.3).map(|f| f.0).collect();
    json!({
        "type": "object",
        "description": description,
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}
