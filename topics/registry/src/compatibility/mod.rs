//! Which schemas may follow one another.

mod check;
mod level;
mod problem;
mod shape;

use apache_avro::Schema;

pub use check::unreadable;
pub use level::Level;
pub use problem::Problem;

/// What stands between a new schema and one earlier version, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Which version it does not get along with.
    pub version: u32,
    /// Confluent's name for this kind of problem, such as `READER_FIELD_MISSING_DEFAULT_VALUE`.
    pub kind: &'static str,
    pub description: String,
}

/// What keeps `new` from following `earlier` (version and schema, oldest first) at this level; nothing if it may.
pub fn findings(level: Level, new: &Schema, earlier: &[(u32, &Schema)]) -> Vec<Finding> {
    let compared = if level.is_transitive() { earlier } else { &earlier[earlier.len().saturating_sub(1)..] };
    compared.iter().flat_map(|(version, old)| between(level, new, *version, old)).collect()
}

/// The same against a single version, whichever it is.
fn between(level: Level, new: &Schema, version: u32, old: &Schema) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |problems: Vec<Problem>, reader: &str, writer: &str| {
        findings.extend(problems.into_iter().map(|problem| Finding {
            version,
            kind: problem.kind(),
            description: problem.describe(reader, writer),
        }));
    };
    if level.new_reads_old() {
        add(unreadable(new, old), "new", "old");
    }
    if level.old_reads_new() {
        add(unreadable(old, new), "old", "new");
    }
    findings
}
