//! The ledger's file: one SQLite database, opened by one gateway at a time.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

const FILE: &str = "gateway.sqlite";
/// Marks the file as ours ("TwSG"), so that another program's database is never written to.
const APPLICATION: i64 = 0x5477_5347;
const FORMAT: i64 = 1;
/// For a gateway that is just closing the file.
const PATIENCE: Duration = Duration::from_secs(1);
const SCHEMA: &str = include_str!("schema.sql");

/// Why a gateway's directory could not be opened. Nothing in it was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot make the sandbox gateway's directory {}; choose one that can be written", dir.display())]
    Directory { dir: PathBuf, source: std::io::Error },
    #[error("the sandbox gateway's ledger {} is in use; stop the process that has it open", file.display())]
    InUse { file: PathBuf, source: rusqlite::Error },
    #[error("{} is not a sandbox gateway's ledger; choose another directory", file.display())]
    Foreign { file: PathBuf },
    #[error(
        "the sandbox gateway's ledger {} has format {found}, this release knows {FORMAT}; use the release that wrote it",
        file.display()
    )]
    Format { file: PathBuf, found: i64 },
    #[error("cannot open the sandbox gateway's ledger {}", file.display())]
    Database { file: PathBuf, source: rusqlite::Error },
    #[error("cannot start the thread of the sandbox gateway's ledger")]
    Thread(#[source] std::io::Error),
}

pub(super) fn open(dir: &Path) -> Result<Connection, OpenError> {
    std::fs::create_dir_all(dir).map_err(|source| OpenError::Directory { dir: dir.to_owned(), source })?;
    let file = dir.join(FILE);
    let refused = |source: rusqlite::Error| match source.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => OpenError::InUse { file: file.clone(), source },
        Some(ErrorCode::NotADatabase) => OpenError::Foreign { file: file.clone() },
        _ => OpenError::Database { file: file.clone(), source },
    };
    let database = Connection::open(&file).map_err(refused)?;
    database.busy_timeout(PATIENCE).map_err(refused)?;
    // Exclusive: the lock is taken with the first read and kept until the process lets the file go, however it ends.
    database.pragma_update(None, "locking_mode", "EXCLUSIVE").map_err(refused)?;
    let number = |pragma: &str| database.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).map_err(refused);
    let (application, format) = (number("application_id")?, number("user_version")?);
    let tables: i64 =
        database.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(refused)?;
    let fresh = application == 0 && format == 0 && tables == 0;
    if !fresh && application != APPLICATION {
        return Err(OpenError::Foreign { file });
    }
    if !fresh && format != FORMAT {
        return Err(OpenError::Format { file, found: format });
    }
    prepare(&database, fresh).map_err(refused)?;
    Ok(database)
}

fn prepare(database: &Connection, fresh: bool) -> Result<(), rusqlite::Error> {
    database.pragma_update(None, "journal_mode", "WAL")?;
    // In WAL mode FULL syncs the journal at every commit: what was answered is on the disk.
    database.pragma_update(None, "synchronous", "FULL")?;
    database.pragma_update(None, "foreign_keys", true)?;
    database.set_prepared_statement_cache_capacity(64);
    if fresh {
        database.execute_batch(&format!(
            "BEGIN IMMEDIATE;\n{SCHEMA}\nPRAGMA application_id = {APPLICATION};\nPRAGMA user_version = {FORMAT};\nCOMMIT;"
        ))?;
    }
    Ok(())
}
