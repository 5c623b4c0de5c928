//! docs/faults.md names tests that are there, and quotes what the platform really says.

use crate::sources;

const PAGE: &str = "docs/faults.md";

fn page() -> String {
    sources(".md").remove(PAGE).unwrap_or_else(|| panic!("there is no {PAGE}"))
}

/// Its sections, each with its heading's text.
fn sections(page: &str) -> impl Iterator<Item = (&str, &str)> {
    page.split("\n### ").skip(1).filter_map(|section| section.split_once('\n'))
}

#[test]
fn every_fault_names_tests_that_are_there() {
    let (page, code) = (page(), sources(".rs"));
    let mut found = 0;
    for (number, section) in sections(&page) {
        let names: Vec<_> = section.split('`').skip(1).step_by(2).filter_map(|name| name.split_once('#')).collect();
        let says_so = section.to_lowercase().contains("not tested");
        assert!(!names.is_empty() || says_so, "{PAGE}, {number}: no test, and nothing that says so");
        for (path, name) in names {
            let text = code.get(path).unwrap_or_else(|| panic!("{PAGE}, {number}: there is no {path}"));
            let declared = text.contains(&format!("fn {name}(")) || text.contains(&format!("fn {name}<"));
            assert!(declared, "{PAGE}, {number}: {path} has no {name}");
            assert!(is_test(text, name), "{PAGE}, {number}: {path}#{name} is no test");
            found += 1;
        }
    }
    assert!(found > 60, "only {found} tests are named");
}

/// A test by itself, or a case that a macro makes one of.
fn is_test(text: &str, name: &str) -> bool {
    let Some((before, _)) = text.split_once(&format!("fn {name}")) else { return false };
    let attributes = before.rsplit("\n\n").next().unwrap_or_default();
    let case = before.ends_with("pub ") || text.contains(&format!("    {name},\n"));
    attributes.contains("#[test]") || attributes.contains("#[tokio::test") || case
}

#[test]
fn every_message_is_said_somewhere() {
    let page = page();
    let code: Vec<_> =
        sources(".rs").into_iter().filter(|(path, _)| path.contains("/src/")).map(|(_, text)| text).collect();
    let mut found = 0;
    for message in page.lines().filter_map(|line| line.strip_prefix("> ")) {
        let parts: Vec<_> =
            message.split('…').map(|part| part.trim_matches([' ', '.', ':'])).filter(|part| part.len() > 8).collect();
        assert!(!parts.is_empty(), "{PAGE}: {message:?} says nothing by which it could be found");
        for part in parts {
            assert!(code.iter().any(|text| text.contains(part)), "{PAGE}: nobody says {part:?}");
        }
        found += 1;
    }
    assert!(found > 20, "only {found} messages are quoted");
}

#[test]
fn the_table_has_every_section() {
    let page = page();
    for (number, _) in sections(&page) {
        assert!(page.contains(&format!("| [{number}](#{number}) |")), "{PAGE}: {number} is not in the table");
    }
}
