//! How a record of the language is declared.

/// Declares a record of the language once: its type, how it is read, and its schema.
///
/// `required` and `expected` keys have no default: without the first there is
/// no record, without the second a blank stands in, so that rules can still
/// judge the rest. `optional` keys are `Option`; of one that is `None` because it could not be
/// read, the record is unsure: a rule that would take its default for what is meant must ask.
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
            /// Keys of which a fault was told.
            unsure: Vec<&'static str>,
        }

        impl $name {
            /// Whether a fault was told of one of these keys, so that nobody knows what was meant.
            #[must_use]
            pub fn is_unsure_of(&self, keys: &[&'static str]) -> bool {
                let known = [$($crate::topology::record::key(stringify!($field))),+];
                debug_assert!(keys.iter().all(|k| known.contains(k)), "{keys:?}");
                self.unsure.iter().any(|k| keys.contains(k))
            }
        }

        impl $crate::topology::decode::Decode for $name {
            fn decode(
                node: &$crate::source::Node,
                faults: &mut $crate::diagnostic::Diagnostics,
            ) -> Option<Self> {
                let mut fields = $crate::topology::decode::Fields::of(node, $noun, faults)?;
                $(let $field = fields.$need::<$ty>($crate::topology::record::key(stringify!($field)), faults);)+
                let unsure = fields.finish(faults);
                Some(Self { $($field: $crate::topology::record::field!($need $field ?),)+ unsure })
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

/// The type of a field, and how its value is taken, by its need.
macro_rules! field {
    (required $ty:ty) => { $ty };
    (expected $ty:ty) => { $ty };
    (optional $ty:ty) => { Option<$ty> };
    (required $field:ident ?) => { $field? };
    (expected $field:ident ?) => { $field };
    (optional $field:ident ?) => { $field };
}

pub(crate) use {field, record};
