//! What docs/engine.md and docs/one-commit.md say of the code is so: the quotes are the files, and what they name is
//! there.

use std::{collections::BTreeSet, fs, path::PathBuf};

const PAGES: [&str; 2] = ["docs/engine.md", "docs/one-commit.md"];
const EXAMPLE: &str = "processors/runtime/tests/wishlist/main.rs";

fn text(path: &str) -> String {
    let whole = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    fs::read_to_string(&whole).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The blocks of code of a page, or what is around them: a fence begins its line.
fn parts(page: &str, code: bool) -> Vec<String> {
    let (mut within, mut parts) = (false, vec![String::new()]);
    for line in page.lines() {
        if line.starts_with("```") {
            within = !within;
            parts.push(String::new());
        } else if let (true, Some(part)) = (within == code, parts.last_mut()) {
            part.push_str(line);
            part.push('\n');
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}

/// What stands between backticks.
fn names(page: &str) -> BTreeSet<String> {
    let prose = parts(page, false);
    prose.iter().flat_map(|part| part.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

#[test]
fn the_page_quotes_the_example_whole() {
    let (page, file) = (text("docs/engine.md"), text(EXAMPLE));
    let (_, from_there) = page.split_once(&format!("<!-- quotes {EXAMPLE} -->")).expect("the page quotes the file");
    let quoted = parts(from_there, true).join("\n");
    let differs = quoted.lines().zip(file.lines()).enumerate().find(|(_, (quote, line))| quote != line);
    assert_eq!(differs, None, "docs/engine.md and {EXAMPLE} differ in this line, counted from 0");
    assert_eq!(quoted.lines().count(), file.lines().count(), "docs/engine.md quotes only a part of {EXAMPLE}");
}

/// `worker.rs#commit` is a function of a file of the runtime's, `state/src/overlay.rs#batch` of another's.
#[test]
fn the_pages_name_what_is_there() {
    let mut checked = 0;
    for page in PAGES {
        for name in names(&text(page)) {
            let (path, item) = name.split_once('#').map_or((&*name, None), |(path, item)| (path, Some(item)));
            if !path.ends_with(".rs") || path.contains(['<', '{', '*', ' ']) {
                continue;
            }
            let source = match path.contains('/') {
                true => text(path),
                false => text(&format!("processors/runtime/src/{path}")),
            };
            let declares = |item: &str| {
                let kinds = ["fn", "struct", "enum", "trait", "const", "static"];
                let follows = |rest: &str| !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_');
                kinds.iter().any(|kind| source.split(&format!("{kind} {item}")).skip(1).any(follows))
            };
            assert!(item.is_none_or(declares), "{page}: {path} has no {item:?}");
            checked += 1;
        }
    }
    assert!(checked > 50, "only {checked} names were found");
}

/// Every rule that the simulation breaks on purpose has its place in the walk, and no other is named.
#[test]
fn the_walk_names_every_broken_rule() {
    let (bugs, walk) = (text("tests/simulation/bugs.rs"), text("docs/one-commit.md"));
    let declared = bugs.lines().filter_map(|line| line.split_once(" in ")).map(|(name, _)| name.trim());
    let declared: BTreeSet<_> = declared.filter(|name| name.chars().all(char::is_alphanumeric)).collect();
    let names = names(&walk);
    let named: BTreeSet<_> = names.iter().filter_map(|name| name.strip_prefix("Bug::")).collect();
    assert_eq!(named, declared);
}
