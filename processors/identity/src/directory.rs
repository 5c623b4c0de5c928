//! The second stage: all users, for administrators.

use tradewind_runtime::{Context, Fold, Views};
use tradewind_schemas::identity::{DIRECTORY, DirectoryEntry, DirectoryShelf};
use tradewind_topics::{Topic, list};

pub struct Directory;

impl Fold for Directory {
    type Key = DirectoryShelf;
    type Record = DirectoryEntry;

    const STAGE: &'static str = "identity.directory";
    const SOURCE: Topic<DirectoryShelf, DirectoryEntry> = list::IDENTITY_DIRECTORY;

    fn fold(record: &DirectoryEntry, _: &Context<'_>, views: &mut Views<'_>) {
        let DirectoryEntry::UserListed { user_id, registered_at } = record;
        views.put(DIRECTORY, &(*registered_at, *user_id), &());
    }
}
