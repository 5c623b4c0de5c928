//! Who can read what whom wrote: a table, checked against ours, and then against the independent implementation.

use apache_avro::{
    Schema,
    schema_compatibility::{Compatibility, SchemaCompatibility},
};
use serde_json::json;
use tradewind_registry::compatibility::{Level, findings, unreadable};

use crate::stage::{Http, Independent, free_port, submitted};

/// Reading `b` with `a`, and reading `a` with `b`: yes, or the first problem.
struct Case {
    name: &'static str,
    a: String,
    b: String,
    a_reads_b: Result<(), &'static str>,
    b_reads_a: Result<(), &'static str>,
    /// Why the independent implementation sees it otherwise, where it does.
    departs: Option<&'static str>,
}

const OK: Result<(), &str> = Ok(());
const TYPE: Result<(), &str> = Err("TYPE_MISMATCH");
const NAME: Result<(), &str> = Err("NAME_MISMATCH");
const DEFAULT: Result<(), &str> = Err("READER_FIELD_MISSING_DEFAULT_VALUE");
const BRANCH: Result<(), &str> = Err("MISSING_UNION_BRANCH");
const SYMBOLS: Result<(), &str> = Err("MISSING_ENUM_SYMBOLS");
const SIZE: Result<(), &str> = Err("FIXED_SIZE_MISMATCH");

fn case(
    name: &'static str,
    a: impl Into<String>,
    b: impl Into<String>,
    a_reads_b: Result<(), &'static str>,
    b_reads_a: Result<(), &'static str>,
) -> Case {
    Case { name, a: a.into(), b: b.into(), a_reads_b, b_reads_a, departs: None }
}

impl Case {
    fn departs(mut self, why: &'static str) -> Self {
        self.departs = Some(why);
        self
    }
}

fn record(name: &str, fields: &str) -> String {
    format!(r#"{{"type":"record","name":"{name}","fields":[{fields}]}}"#)
}

fn field(name: &str, kind: &str) -> String {
    format!(r#"{{"name":"{name}","type":{kind}}}"#)
}

/// A record R with one field `a`.
fn of(kind: &str) -> String {
    record("R", &field("a", kind))
}

/// A topic's envelope with this payload.
fn envelope(branches: &[String]) -> String {
    let fields = [field("id", r#""string""#), field("payload", &format!("[{}]", branches.join(",")))];
    record("Envelope", &fields.join(","))
}

fn cases() -> Vec<Case> {
    let int = r#""int""#;
    let placed = record("Placed", &field("total", r#""long""#));
    let placed_with_note =
        record("Placed", r#"{"name":"total","type":"long"},{"name":"note","type":"string","default":""}"#);
    let placed_in_text = record("Placed", &field("total", r#""string""#));
    let cancelled = record("Cancelled", &field("reason", r#""string""#));
    let money = record("Money", &field("cents", r#""long""#));
    let fixed = |size: u32| format!(r#"{{"type":"fixed","name":"F","size":{size}}}"#);
    let symbols = |s: &str, rest: &str| format!(r#"{{"type":"enum","name":"E","symbols":[{s}]{rest}}}"#);
    let decimal =
        |p: u32, s: u32| of(&format!(r#"{{"type":"bytes","logicalType":"decimal","precision":{p},"scale":{s}}}"#));
    let list = |kind: &str, more: &str| {
        record("List", &format!(r#"{{"name":"value","type":{kind}}},{{"name":"next","type":["null","List"]}}{more}"#))
    };
    vec![
        case("the same", of(int), of(int), OK, OK),
        // Fields.
        case(
            "a field with a default is added",
            record("R", r#"{"name":"a","type":"int","default":1}"#),
            record("R", ""),
            OK,
            OK,
        ),
        case("a field without a default is added", of(int), record("R", ""), DEFAULT, OK),
        case(
            "fields change places",
            record("R", &[field("a", int), field("b", int)].join(",")),
            record("R", &[field("b", int), field("a", int)].join(",")),
            OK,
            OK,
        ),
        case(
            "an optional field is added, with null",
            record("R", r#"{"name":"a","type":["null","int"],"default":null}"#),
            record("R", ""),
            OK,
            OK,
        ),
        case("an optional field is added, without null", of(r#"["null","int"]"#), record("R", ""), DEFAULT, OK),
        case(
            "a field is renamed, with an alias",
            record("R", r#"{"name":"b","type":"int","aliases":["a"]}"#),
            of(int),
            OK,
            DEFAULT,
        )
        .departs("takes the writer's aliases for the reader's"),
        case("a field becomes optional", of(r#"["null","int"]"#), of(int), OK, TYPE),
        // Promotions.
        case("int and long", of(r#""long""#), of(int), OK, TYPE),
        case("int and double", of(r#""double""#), of(int), OK, TYPE),
        case("long and float", of(r#""float""#), of(r#""long""#), OK, TYPE),
        case("float and double", of(r#""double""#), of(r#""float""#), OK, TYPE),
        case("string and bytes", of(r#""string""#), of(r#""bytes""#), OK, OK),
        case("int and string", of(r#""string""#), of(int), TYPE, TYPE),
        case("int and boolean", of(r#""boolean""#), of(int), TYPE, TYPE),
        case(
            "in an array",
            of(r#"{"type":"array","items":"long"}"#),
            of(r#"{"type":"array","items":"int"}"#),
            OK,
            TYPE,
        ),
        case("in a map", of(r#"{"type":"map","values":"long"}"#), of(r#"{"type":"map","values":"int"}"#), OK, TYPE),
        case(
            "array and map",
            of(r#"{"type":"map","values":"int"}"#),
            of(r#"{"type":"array","items":"int"}"#),
            TYPE,
            TYPE,
        ),
        // Unions.
        case("a branch is added", of(r#"["int","string"]"#), of(r#"["int"]"#), OK, BRANCH),
        case("branches change places", of(r#"["int","string"]"#), of(r#"["string","int"]"#), OK, OK),
        case("no branch in common", of(r#"["int"]"#), of(r#"["boolean"]"#), BRANCH, BRANCH),
        case("a branch by promotion", of(r#"["null","long"]"#), of(r#"["null","int"]"#), OK, BRANCH),
        case("union and one of its branches", of(r#"["int","string"]"#), of(int), OK, TYPE),
        case("union whose branches all promote", of(r#""double""#), of(r#"["int","float"]"#), OK, BRANCH),
        // Payloads: unions of records.
        case(
            "a payload is added",
            envelope(&[placed.clone(), cancelled.clone()]),
            envelope(std::slice::from_ref(&placed)),
            OK,
            BRANCH,
        ),
        case(
            "a payload's field is added, with a default",
            envelope(&[placed_with_note.clone(), cancelled.clone()]),
            envelope(&[placed.clone(), cancelled.clone()]),
            OK,
            OK,
        ),
        case(
            "a payload's field changes its type",
            envelope(&[placed_in_text, cancelled.clone()]),
            envelope(&[placed.clone(), cancelled.clone()]),
            TYPE,
            TYPE,
        ),
        case(
            "payloads of the same fields by other names",
            envelope(&[record("A", ""), record("B", "")]),
            envelope(&[record("A", ""), record("C", "")]),
            BRANCH,
            BRANCH,
        ),
        // Named types.
        case("a record by another name", record("S", ""), record("R", ""), NAME, NAME),
        case(
            "a record renamed, with an alias",
            r#"{"type":"record","name":"S","aliases":["R"],"fields":[]}"#,
            record("R", ""),
            OK,
            NAME,
        ),
        case("another namespace", r#"{"type":"record","name":"x.R","fields":[]}"#, record("R", ""), OK, OK)
            .departs("compares names with their namespaces"),
        case("a symbol is added", of(&symbols(r#""A","B""#, "")), of(&symbols(r#""A""#, "")), OK, SYMBOLS),
        case(
            "a symbol is added where a default is",
            of(&symbols(r#""A","B""#, "")),
            of(&symbols(r#""A""#, r#","default":"A""#)),
            OK,
            OK,
        ),
        case("no symbol in common", of(&symbols(r#""A""#, "")), of(&symbols(r#""B""#, "")), SYMBOLS, SYMBOLS),
        case("fixed of another size", of(&fixed(4)), of(&fixed(8)), SIZE, SIZE),
        case("fixed and bytes", of(r#""bytes""#), of(&fixed(8)), TYPE, TYPE),
        // References: where a type is defined first does not matter.
        case(
            "a field of a known type is put before the one that defines it",
            record(
                "R",
                &format!(
                    r#"{{"name":"fee","type":{money},"default":{{"cents":0}}}},{{"name":"total","type":"Money"}}"#
                ),
            ),
            record("R", &field("total", &money)),
            OK,
            OK,
        )
        .departs("does not look what a reference refers to"),
        case(
            "two definitions change places",
            record("R", &[field("a", &money), field("b", r#""Money""#)].join(",")),
            record("R", &[field("b", &money), field("a", r#""Money""#)].join(",")),
            OK,
            OK,
        )
        .departs("does not look what a reference refers to"),
        // Recursion.
        case("a recursive type", list(r#""long""#, ""), list(int, ""), OK, TYPE),
        case("a recursive type gets a field", list(int, r#",{"name":"n","type":"int"}"#), list(int, ""), DEFAULT, OK),
        // Logical types lie on the wire as what they annotate.
        case(
            "a timestamp and a long",
            of(r#"{"type":"long","logicalType":"timestamp-millis"}"#),
            of(r#""long""#),
            OK,
            OK,
        ),
        case("a UUID and a string", of(r#"{"type":"string","logicalType":"uuid"}"#), of(r#""string""#), OK, OK),
        case(
            "a UUID in a string and in 16 bytes",
            of(r#"{"type":"string","logicalType":"uuid"}"#),
            of(r#"{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}"#),
            TYPE,
            TYPE,
        ),
        case("a decimal of another scale", decimal(9, 2), decimal(9, 3), TYPE, TYPE).departs("looks at no scales"),
    ]
}

fn parse(text: &str) -> Schema {
    Schema::parse_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn the_rules_of_schema_resolution_are_kept() {
    for case in cases() {
        let (a, b) = (parse(&case.a), parse(&case.b));
        for (reader, writer, expected) in [(&a, &b, case.a_reads_b), (&b, &a, case.b_reads_a)] {
            let problems = unreadable(reader, writer);
            let first = problems.first().map_or(Ok(()), |problem| Err(problem.kind()));
            assert_eq!(first, expected, "{}: {problems:?}", case.name);
        }
    }
}

#[test]
fn the_independent_implementation_agrees() {
    let port = free_port();
    let _registry = Independent::start_at(port);
    let http = Http::to(port);
    let mut surprises = Vec::new();
    for (n, case) in cases().into_iter().enumerate() {
        let mut agrees = true;
        for (reader, writer, expected) in [(&case.a, &case.b, case.a_reads_b), (&case.b, &case.a, case.b_reads_a)] {
            let subject = format!("case-{n}-{}", std::ptr::eq(reader, &case.a));
            http.ask(&format!("PUT /config/{subject}"), r#"{"compatibility":"BACKWARD"}"#);
            let (status, answer) = http.ask(&format!("POST /subjects/{subject}/versions"), &submitted(writer));
            assert_eq!(status, 200, "{}: {answer}", case.name);
            let check = format!("POST /compatibility/subjects/{subject}/versions/latest");
            let (_, verdict) = http.ask(&check, &submitted(reader));
            agrees &= verdict["is_compatible"] == json!(expected.is_ok());
        }
        if agrees != case.departs.is_none() {
            surprises.push(case.name);
        }
    }
    assert_eq!(surprises, [""; 0], "where it agrees and should not, or the other way round");
}

#[test]
fn levels_choose_directions_and_versions() {
    let bare = parse(&record("R", ""));
    let required = parse(&of(r#""int""#));
    let text = parse(&record("R", r#"{"name":"a","type":"string","default":""}"#));
    let [oldest, last] = [(1, &required), (2, &bare)];
    let kinds = |level, new: &Schema, earlier: &[(u32, &Schema)]| -> Vec<(u32, &'static str)> {
        findings(level, new, earlier).into_iter().map(|finding| (finding.version, finding.kind)).collect()
    };
    // Required fields cannot be added, but they can be removed from what others read.
    assert_eq!(kinds(Level::Backward, &required, &[(1, &bare)]), [(1, "READER_FIELD_MISSING_DEFAULT_VALUE")]);
    assert_eq!(kinds(Level::Forward, &required, &[(1, &bare)]), []);
    assert_eq!(kinds(Level::Forward, &bare, &[(1, &required)]), [(1, "READER_FIELD_MISSING_DEFAULT_VALUE")]);
    assert_eq!(kinds(Level::Full, &required, &[(1, &bare)]), [(1, "READER_FIELD_MISSING_DEFAULT_VALUE")]);
    assert_eq!(kinds(Level::None, &text, &[oldest]), []);
    // What the version before the last thinks.
    assert_eq!(kinds(Level::Backward, &text, &[oldest, last]), []);
    assert_eq!(kinds(Level::BackwardTransitive, &text, &[oldest, last]), [(1, "TYPE_MISMATCH")]);
    assert_eq!(kinds(Level::Forward, &text, &[oldest, last]), []);
    assert_eq!(kinds(Level::ForwardTransitive, &text, &[oldest, last]), [(1, "TYPE_MISMATCH")]);
    assert_eq!(kinds(Level::FullTransitive, &text, &[oldest, last]).len(), 2);
    assert_eq!(kinds(Level::BackwardTransitive, &text, &[]), []);
}

/// Why there is a checker of ours: these are apache_avro's. When this fails, the library was mended.
#[test]
fn the_library_still_errs() {
    let errs = [
        "a field of a known type is put before the one that defines it",
        "two definitions change places",
        "a record renamed, with an alias",
        "a UUID in a string and in 16 bytes",
    ];
    let reads =
        |reader: &Schema, writer: &Schema| SchemaCompatibility::can_read(writer, reader) == Ok(Compatibility::Full);
    let wrong: Vec<_> = cases()
        .iter()
        .filter(|case| {
            let (a, b) = (parse(&case.a), parse(&case.b));
            reads(&a, &b) != case.a_reads_b.is_ok() || reads(&b, &a) != case.b_reads_a.is_ok()
        })
        .map(|case| case.name)
        .collect();
    for name in errs {
        assert!(wrong.contains(&name), "{name} is right now; it was wrong before");
    }
    assert_eq!(wrong.len(), errs.len(), "{wrong:?}");
}
