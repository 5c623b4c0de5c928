//! What goes wrong around a task's state, on the production worker and the embedded log: damaged, foreign, old and
//! truncated state is rebuilt or refused, and said; never is a part of it taken for all.

mod backups;
mod changelogs;
mod files;
mod foreign;
mod records;
mod world;
