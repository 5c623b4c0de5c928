//! The rows that a dump in SQL inserts.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use sqlparser::{
    ast::{Expr, Query, SetExpr, Statement, Value},
    dialect::PostgreSqlDialect,
    keywords::Keyword,
    parser::Parser,
    tokenizer::{Token, TokenWithSpan, Tokenizer},
};

/// The values of a row, in the order of the table's columns.
pub struct Row {
    pub line: u64,
    cells: Vec<Option<String>>,
}

impl Row {
    /// The text of a cell.
    ///
    /// # Errors
    /// Where there is none.
    pub fn text(&self, column: usize, name: &str) -> Result<&str> {
        self.optional(column)?.with_context(|| format!("line {}: {name} is NULL", self.line))
    }

    pub fn optional(&self, column: usize) -> Result<Option<&str>> {
        let cell = self.cells.get(column);
        cell.map(Option::as_deref)
            .with_context(|| format!("line {}: it has only {} values", self.line, self.cells.len()))
    }

    pub fn number(&self, column: usize, name: &str) -> Result<i64> {
        let text = self.text(column, name)?;
        text.parse().with_context(|| format!("line {}: {name} is {text:?}, and not a whole number", self.line))
    }
}

/// The rows that `sql` inserts into the tables named, by table. Other statements are passed over.
pub fn read(sql: &str, tables: &[&str]) -> Result<HashMap<String, Vec<Row>>> {
    let dialect = PostgreSqlDialect {};
    let tokens = Tokenizer::new(&dialect, sql).tokenize_with_location().context("it is not SQL")?;
    let mut found: HashMap<String, Vec<Row>> = HashMap::new();
    for statement in tokens.split(|token| token.token == Token::SemiColon) {
        let Some((table, line)) = inserted_into(statement) else { continue };
        if !tables.contains(&table) {
            continue;
        }
        let mut parser = Parser::new(&dialect).with_tokens_with_locations(statement.to_vec());
        let parsed = parser.parse_statement().with_context(|| format!("line {line}: the INSERT cannot be read"))?;
        let rows = rows(parsed, line).with_context(|| format!("line {line}"))?;
        found.entry(table.to_owned()).or_default().extend(rows);
    }
    Ok(found)
}

/// The table and the line of an INSERT.
fn inserted_into(statement: &[TokenWithSpan]) -> Option<(&str, u64)> {
    let mut words = statement.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).map(|token| {
        let word = match &token.token {
            Token::Word(word) => Some(word),
            _ => None,
        };
        (word, token.span.start.line)
    });
    let (insert, line) = words.next()?;
    let (into, table) = (words.next()?.0?, words.next()?.0?);
    (insert?.keyword == Keyword::INSERT && into.keyword == Keyword::INTO).then_some((&table.value, line))
}

fn rows(statement: Statement, line: u64) -> Result<Vec<Row>> {
    let Statement::Insert(insert) = statement else { bail!("it is no INSERT") };
    if !insert.columns.is_empty() {
        bail!("an INSERT that names its columns is not understood");
    }
    let Some(Query { body, .. }) = insert.source.as_deref() else { bail!("the INSERT has no values") };
    let SetExpr::Values(values) = body.as_ref() else { bail!("the INSERT has no literal values") };
    values
        .rows
        .iter()
        .map(|row| Ok(Row { line, cells: row.content.iter().map(cell).collect::<Result<_>>()? }))
        .collect()
}

fn cell(value: &Expr) -> Result<Option<String>> {
    match value {
        Expr::Value(literal) => match &literal.value {
            Value::Null => Ok(None),
            Value::Number(text, _) | Value::SingleQuotedString(text) => Ok(Some(text.clone())),
            other => bail!("{other} is no literal that is understood"),
        },
        other => bail!("{other} is not a literal"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inserts_are_read_and_the_rest_is_passed_over() {
        let sql = "--\n-- a dump\n--\nSET nonsense OF ANY = 'kind;';\nCREATE TABLE orders (id smallint);\n\n\
            INSERT INTO orders VALUES (1, 'l''Abbaye; 59', NULL, 9.80000019);\n\
            INSERT INTO employees VALUES (1, what ever);\n\
            INSERT INTO orders VALUES (2, 'Münster', '', 0),\n (3, '', '\\x', 1);\n";
        let found = read(sql, &["orders", "products"]).unwrap();
        let rows = &found["orders"];
        assert_eq!(found.len(), 1);
        let cells = |at: usize| rows[at].cells.iter().map(Option::as_deref).collect::<Vec<_>>();
        assert_eq!(cells(0), [Some("1"), Some("l'Abbaye; 59"), None, Some("9.80000019")]);
        assert_eq!(cells(1), [Some("2"), Some("Münster"), Some(""), Some("0")]);
        assert_eq!(cells(2), [Some("3"), Some(""), Some("\\x"), Some("1")]);
        assert_eq!(rows[0].line, 7);
    }

    #[test]
    fn what_cannot_be_read_is_named_by_its_line() {
        let message = |sql: &str| format!("{:#}", read(sql, &["orders"]).err().expect(sql));
        assert!(message("\nINSERT INTO orders VALUES (1, now());").starts_with("line 2"));
        assert!(message("\n\nINSERT INTO orders SELECT 1;").starts_with("line 3"));
        assert!(message("INSERT INTO orders (id) VALUES (1);").contains("names its columns"));
        assert!(message("INSERT INTO orders VALUES (1").starts_with("line 1"));
        assert!(message("SELECT 'endless").contains("not SQL"));
    }
}
