//! What the builders of a run have in common.

/// Setters for the list of changes and the options in `fields`, the body, and the way to be awaited.
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
                self.fields.options = options;
                self
            }

            /// The body as it is sent, without the key: for a digest, since it may hold secrets.
            ///
            /// # Errors
            /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) for values that JSON does not know.
            pub fn body(&self) -> Result<String, crate::Error> {
                serde_json::to_string(&self.fields).map_err(|error| {
                    crate::Error::usage($name, "a value cannot be written as JSON").because(error)
                })
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
