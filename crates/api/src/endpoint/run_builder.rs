//! What the builders of a run have in common.

/// Setters for the list of changes in `fields` and for `options`, the body, and the way to be awaited.
macro_rules! run_builder {
    ($builder:ident, $name:literal) => {
        impl $builder {
            /// Appends entries: objects with `nodeId`, `fieldName` and `fieldValue`; further keys do no harm.
            pub fn node_info_list(mut self, entries: Vec<serde_json::Value>) -> Self {
                self.fields.node_info_list.extend(entries);
                self
            }

            /// How to run it.
            pub fn options(mut self, options: crate::RunOptions) -> Self {
                self.options = options;
                self
            }

            /// The body as it is sent, without the key: for a digest, since it may hold secrets.
            ///
            /// # Errors
            /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for values that JSON does not know.
            pub fn body(&self) -> Result<String, crate::Error> {
                Ok(serde_json::Value::Object(self.json()?).to_string())
            }

            fn json(&self) -> Result<serde_json::Map<String, serde_json::Value>, crate::Error> {
                self.options.body($name, &self.fields)
            }
        }

        crate::endpoint::into_future!($builder => crate::Created);

        impl std::fmt::Debug for $builder {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                // What is set may be private.
                f.debug_struct(stringify!($builder)).finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use run_builder;
