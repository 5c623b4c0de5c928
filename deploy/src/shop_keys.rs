//! The shop's keys: they are made when a shop is begun, and with others nobody in it can log in or be read.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use futures::executor::block_on;
use tradewind_edge::Secrets;
use tradewind_schemas::runtime::{Shop, ShopKey};
use tradewind_topics::{
    End, Start, TopicPartition,
    list::{IDENTITY_COMMANDS, IDENTITY_EVENTS, IDENTITY_KEYS, RUNTIME_SHOP},
};

use crate::{
    config::Origins,
    platform::{Platform, own},
};

const POLL: Duration = Duration::from_millis(200);
/// The topic has a record or two; who hears nothing for so long will not hear anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// The file of the keys, as it was found before anything was opened.
pub struct KeyFile {
    path: PathBuf,
    origin: String,
    found: Option<Secrets>,
}

/// What a shop was begun with.
#[derive(Clone, PartialEq, Eq)]
struct Beginning {
    fingerprint: String,
    demo: bool,
}

/// The keys, and whose shop they open.
pub struct ShopKeys {
    pub secrets: Secrets,
    /// It was begun as a demo, so that everybody knows its administrator's password.
    pub is_demo: bool,
}

impl KeyFile {
    /// Reads it, where there is one. Nothing is made.
    pub fn read(path: &Path, origins: &Origins) -> Result<Self> {
        let origin = origins.of("secrets_file");
        let found = Secrets::load(path).with_context(|| format!("the shop's keys ({origin})"))?;
        Ok(Self { path: path.to_owned(), origin, found })
    }

    /// The keys of this shop, which begins with this where the log is fresh; only then are new ones made. Waits for the
    /// log, so call it where that is allowed.
    pub fn of_shop(self, platform: &Platform, demo: bool) -> Result<ShopKeys> {
        let begun = beginning(platform)?;
        let secrets = match self.found.clone() {
            Some(found) => found,
            None => self.made(platform, begun.is_some())?,
        };
        let ours = Beginning { fingerprint: secrets.fingerprint(), demo };
        let begun = match begun {
            Some(begun) => begun,
            // Of several processes that begin it at the same time, one came first.
            None => {
                begin(platform, &ours)?;
                beginning(platform)?.context("what the shop was begun with was written, and cannot be read")?
            }
        };
        if begun.fingerprint != ours.fingerprint {
            bail!(
                "{} ({}) holds the keys of another shop than that in {}, where nobody could log in with them and personal data would stay sealed: name the file which that one was begun with, or begin another shop with another namespace",
                self.path.display(),
                self.origin,
                platform.place
            );
        }
        Ok(ShopKeys { secrets, is_demo: begun.demo })
    }

    fn made(&self, platform: &Platform, begun: bool) -> Result<Secrets> {
        let told = || format!("the shop's keys ({})", self.origin);
        if begun || has_identities(platform)? {
            // Another process may have begun the shop since the file was looked for.
            return Secrets::load(&self.path).with_context(told)?.with_context(|| {
                format!(
                    "there is no file {} ({}), and the shop in {} was begun with one: restore it from a backup, or name it with --secrets-file; without it nobody can log in and personal data stays sealed. Nothing was changed. To begin anew, name another namespace or a new data directory",
                    self.path.display(),
                    self.origin,
                    platform.place
                )
            });
        }
        Secrets::load_or_create(&self.path).with_context(told)
    }
}

/// Whether anybody was ever told of in this log.
fn has_identities(platform: &Platform) -> Result<bool> {
    let admin = platform.log.admin();
    for topic in [IDENTITY_COMMANDS.name, IDENTITY_EVENTS.name, IDENTITY_KEYS.name] {
        let physical = platform.layout.physical(topic);
        let partitions = 0..platform.layout.partitions(topic).unwrap_or_default();
        let partitions: Vec<_> = partitions.map(|number| TopicPartition::new(physical.clone(), number)).collect();
        if admin.ends(&partitions, End::Written)?.iter().any(|end| *end > 0) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The first record counts, whatever comes after it.
fn beginning(platform: &Platform) -> Result<Option<Beginning>> {
    let place = own::place(&platform.layout, RUNTIME_SHOP, &ShopKey)?;
    let end = platform.log.admin().end(&place, End::Written)?;
    let mut reader = platform.log.reader_to_end()?;
    reader.assign(&[(place.clone(), Start::Beginning)])?;
    let deadline = Instant::now() + PATIENCE;
    while reader.position(&place)? < end {
        if let Some(record) = reader.poll(POLL)?.into_iter().next() {
            let value = record.value.with_context(|| format!("a record of {place} has no value"))?;
            let read = platform.codecs.of::<Shop>(RUNTIME_SHOP.name)?.decode(&value);
            let Shop::Begun { fingerprint, demo } = read.with_context(|| format!("a record of {place}"))?.payload;
            return Ok(Some(Beginning { fingerprint, demo }));
        }
        if Instant::now() > deadline {
            bail!("nothing came of {place} for {} s, and its end is not reached", PATIENCE.as_secs());
        }
    }
    Ok(None)
}

fn begin(platform: &Platform, Beginning { fingerprint, demo }: &Beginning) -> Result<()> {
    let payload = Shop::Begun { fingerprint: fingerprint.clone(), demo: *demo };
    let record = own::record(&platform.codecs, &platform.layout, RUNTIME_SHOP, &ShopKey, payload)?;
    block_on(platform.log.writer()?.append(record)).context("what the shop is begun with cannot be written")?;
    Ok(())
}
