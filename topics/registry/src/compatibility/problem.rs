//! Why one schema cannot read what another wrote.

/// One reason, with the place it was found at (`/order/lines[]/quantity`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    Name {
        path: String,
        reader: String,
        writer: String,
    },
    Type {
        path: String,
        reader: String,
        writer: String,
    },
    FixedSize {
        path: String,
        reader: usize,
        writer: usize,
    },
    /// The writer may write these symbols, which the reader neither has nor has a default for.
    Symbols {
        path: String,
        symbols: Vec<String>,
    },
    /// The reader wants this field, the writer has none, and there is no default.
    Default {
        path: String,
        field: String,
    },
    /// The writer may write this type, and no branch of the reader's union takes it.
    Branch {
        path: String,
        branch: String,
    },
}

impl Problem {
    /// Confluent's (and Avro's Java library's) name for it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Name { .. } => "NAME_MISMATCH",
            Self::Type { .. } => "TYPE_MISMATCH",
            Self::FixedSize { .. } => "FIXED_SIZE_MISMATCH",
            Self::Symbols { .. } => "MISSING_ENUM_SYMBOLS",
            Self::Default { .. } => "READER_FIELD_MISSING_DEFAULT_VALUE",
            Self::Branch { .. } => "MISSING_UNION_BRANCH",
        }
    }

    /// In words, where `reader` and `writer` say which of the two schemas (`new`, `old`) plays that part.
    pub fn describe(&self, reader: &str, writer: &str) -> String {
        match self {
            Self::Name { path, reader: r, writer: w } => format!(
                "The name of the schema has changed at path '{path}': it is {r} in the {reader} schema and {w} in the \
                 {writer} schema, and no alias says that they are one"
            ),
            Self::Type { path, reader: r, writer: w } => format!(
                "The type at path '{path}' in the {reader} schema, {r}, does not match with the {writer} schema's, {w}"
            ),
            Self::FixedSize { path, reader: r, writer: w } => format!(
                "The size of the fixed type at path '{path}' is {r} bytes in the {reader} schema and {w} in the \
                 {writer} schema"
            ),
            Self::Symbols { path, symbols } => format!(
                "The {reader} schema is missing the enum symbols '{}' at path '{path}', which the {writer} schema has, \
                 and has no default symbol",
                symbols.join("', '")
            ),
            Self::Default { path, field } => format!(
                "The field '{field}' at path '{path}' in the {reader} schema has no default value and is missing in \
                 the {writer} schema"
            ),
            Self::Branch { path, branch } => format!(
                "The {reader} schema is missing the type {branch} inside the union at path '{path}', which the \
                 {writer} schema has"
            ),
        }
    }
}
