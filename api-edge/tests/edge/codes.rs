//! The list of problem codes: whole, and in the documentation.

use std::{collections::BTreeSet, env, fmt::Write, fs, path::Path};

use tradewind_edge::Code;

/// `UPDATE_DOCS=1` writes the page anew.
#[test]
fn the_page_of_codes_is_the_list() {
    let mut page = String::from(
        "# Problem codes\n\nEvery error of the HTTP API is a problem detail (RFC 9457) with one of these codes. \
         This page is generated from `api-edge/src/problem.rs`: run the edge's tests with `UPDATE_DOCS=1`.\n\n\
         | code | status | meaning |\n|---|---|---|\n",
    );
    for code in Code::ALL {
        writeln!(page, "| `{code}` | {} | {} |", code.status().as_u16(), code.meaning()).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/problems.md");
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == page, "docs/problems.md is not the list: run this test with UPDATE_DOCS=1");
}

#[test]
fn no_code_is_there_twice() {
    let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(codes.len(), Code::ALL.len());
}

/// Every code that a processor rejects with reaches clients under its own name.
#[test]
fn every_rejection_of_a_processor_is_in_the_list() {
    let processors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../processors");
    let mut found = BTreeSet::new();
    // Payments are commanded by orders, never by clients: their rejections stay inside.
    for capability in ["catalog", "identity", "inventory", "order"] {
        for file in fs::read_dir(processors.join(capability).join("src")).unwrap() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            for call in ["Rejection::new(\"", "Limits::of(\"", "rejected(\""] {
                let codes = text.split(call).skip(1).filter_map(|rest| rest.split('"').next());
                found.extend(codes.map(str::to_owned));
            }
        }
    }
    assert!(found.contains("out_of_stock") && found.contains("email_taken"), "{found:?}");
    let unknown: Vec<_> = found.iter().filter(|code| Code::named(code).is_none()).collect();
    assert!(unknown.is_empty(), "not in the list of problem codes: {unknown:?}");
}
