//! The macro that declares the records of the language.

/// Declares a record: its type, its decoder, and its schema.
///
/// `required` and `expected` keys have no default. A record without a `required` key is not
/// created; an empty value stands for a missing `expected` key. `optional` keys are `Option`.
/// `None` can also be an invalid value: a rule that applies a default calls `has_invalid` first.
macro_rules! record {
    (
        $(#[doc = $doc:literal])+
        $name:ident, $noun:literal {
            $($(#[doc = $fdoc:literal])+ $need:ident $field:ident: $ty:ty,)+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[doc = $fdoc])+ pub $field: $crate::topology::record::field!($need $ty),)+
            /// Keys with an error.
            invalid: Vec<&'static str>,
        }

        impl $name {
            /// Whether one of these keys has an error, so that its default does not apply.
            #[must_use]
            pub fn has_invalid(&self, keys: &[&'static str]) -> bool {
                let known = [$($crate::topology::record::key(stringify!($field))),+];
                debug_assert!(keys.iter().all(|k| known.contains(k)), "{keys:?}");
                self.invalid.iter().any(|k| keys.contains(k))
            }
        }

        impl $crate::topology::decode::Decode for $name {
            fn decode(
                node: &$crate::source::Node,
                decoder: &mut $crate::topology::decoder::Decoder<'_>,
            ) -> Option<Self> {
                let example = <Self as $crate::topology::decode::Decode>::example;
                let mut fields = $crate::topology::fields::Fields::of(node, $noun, example, decoder)?;
                $(let $field = fields.$need::<$ty>(
                    $crate::topology::record::key(stringify!($field)),
                    decoder,
                );)+
                let invalid = fields.finish(decoder);
                Some(Self { $($field: $crate::topology::record::field!($need $field ?),)+ invalid })
            }

            fn example() -> String {
                let fields = [$((
                    $crate::topology::record::key(stringify!($field)),
                    <$ty as $crate::topology::decode::Decode>::example as fn() -> String,
                    stringify!($need) != "optional",
                )),+];
                $crate::topology::record::example(&fields)
            }
        }

        impl $crate::topology::schema::Described for $name {
            fn describe() -> serde_json::Value {
                $crate::topology::schema::object(
                    concat!($($doc),+).trim(),
                    &[$((
                        $crate::topology::record::key(stringify!($field)),
                        concat!($($fdoc),+).trim(),
                        <$ty as $crate::topology::schema::Described>::describe(),
                        stringify!($need) != "optional",
                    )),+],
                )
            }
        }
    };
}

/// The key of a field. A keyword of Rust is written `r#type` and is the key `type`.
pub(crate) fn key(field: &'static str) -> &'static str {
    field.trim_start_matches("r#")
}

/// A field: its key, an example of its value, and whether it is required.
pub(crate) type Field = (&'static str, fn() -> String, bool);

/// A record in YAML with its required fields, or the first one if none is required.
pub(crate) fn example(fields: &[Field]) -> String {
    let mut shown: Vec<_> = fields.iter().filter(|f| f.2).collect();
    if shown.is_empty() {
        shown.extend(fields.first());
    }
    let entries: Vec<_> = shown
        .iter()
        .map(|(key, value, _)| format!("{key}: {}", value()))
        .collect();
    format!("{{ {} }}", entries.join(", "))
}

/// The type of a field and the way its value is unwrapped.
macro_rules! field {
    (required $ty:ty) => { $ty };
    (expected $ty:ty) => { $ty };
    (optional $ty:ty) => { Option<$ty> };
    (required $field:ident ?) => { $field? };
    (expected $field:ident ?) => { $field };
    (optional $field:ident ?) => { $field };
}

pub(crate) use {field, record};
