//! A worker says which tasks it has.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio::task::JoinHandle;
use tradewind_runtime::{Codecs, Layout, Serving, now};
use tradewind_schemas::runtime::{Member, TaskKey};
use tradewind_topics::{Append, Log, Writer, list::RUNTIME_MEMBERS};

use super::members::{Members, Owner};
use crate::platform::own;

const LOOK: Duration = Duration::from_millis(50);
/// What was announced is read back, or overwritten by another's belief, within this time; else it is announced again.
const AGAIN: Duration = Duration::from_secs(1);
/// What stands there is announced anew so often: a topic that was emptied or put back from a copy fills by itself.
const ANEW: Duration = Duration::from_secs(60);

/// Announces the tasks of this process, and sees to it that they stay announced.
pub struct Announcer(JoinHandle<()>);

impl Announcer {
    pub fn start(
        log: &Arc<dyn Log>,
        codecs: Codecs,
        layout: Layout,
        serving: Serving,
        members: Members,
        owner: Owner,
    ) -> Result<Self> {
        let desk = Desk { writer: log.writer()?, codecs, layout, owner };
        let task = tokio::spawn(async move {
            // When each task was last announced.
            let mut announced = HashMap::<(String, u32), Instant>::new();
            loop {
                let here: Vec<_> =
                    serving.positions().into_iter().map(|(stage, partition, _)| (stage, partition)).collect();
                announced.retain(|task, _| here.contains(task));
                for (stage, partition) in here {
                    let stands = members.owner(&stage, partition).as_ref() == Some(&desk.owner);
                    let rest = if stands { ANEW } else { AGAIN };
                    let at = announced.get(&(stage.clone(), partition));
                    if at.is_none_or(|at| at.elapsed() >= rest) && desk.announce(&stage, partition).await {
                        announced.insert((stage, partition), Instant::now());
                    }
                }
                tokio::time::sleep(LOOK).await;
            }
        });
        Ok(Self(task))
    }
}

impl Drop for Announcer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// With what announcements are written.
struct Desk {
    writer: Arc<dyn Writer>,
    codecs: Codecs,
    layout: Layout,
    owner: Owner,
}

impl Desk {
    async fn announce(&self, stage: &str, partition: u32) -> bool {
        match record(&self.codecs, &self.layout, stage, partition, &self.owner) {
            Ok(append) => match self.writer.append(append).await {
                Ok(_) => return true,
                Err(error) => tracing::warn!(%error, stage, partition, "a task could not be announced"),
            },
            Err(error) => tracing::error!(%error, stage, partition, "a task cannot be announced"),
        }
        false
    }
}

fn record(codecs: &Codecs, layout: &Layout, stage: &str, partition: u32, owner: &Owner) -> Result<Append> {
    let payload = Member::Owner {
        stage: stage.to_owned(),
        partition: i32::try_from(partition)?,
        address: owner.address.clone(),
        instance: owner.instance.clone(),
        since: now(),
    };
    let task = TaskKey { stage: stage.to_owned(), partition };
    own::record(codecs, layout, RUNTIME_MEMBERS, &task, payload)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use tempfile::TempDir;
    use tradewind_runtime::STORES;
    use tradewind_state::{TaskState, model::ModelDisk};
    use tradewind_topics::Start;

    use super::*;
    use crate::{
        cli::{Cli, Command, Topics},
        platform::Platform,
    };

    const DEADLINE: Duration = Duration::from_secs(60);

    fn owner(name: &str) -> Owner {
        Owner { address: format!("{name}.example:1"), instance: name.to_owned() }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_another_overwrote_is_announced_again() {
        let home = TempDir::new().unwrap();
        let Ok(Cli { command: Command::Topics(Topics::Plan(args)) }) =
            Cli::try_parse_from(["tradewind", "topics", "plan"])
        else {
            panic!("there is such a command")
        };
        let directory = home.path().to_owned();
        let opened = tokio::task::spawn_blocking(move || Platform::embedded(&args, &directory));
        let platform = opened.await.unwrap().unwrap();
        let members = Members::follow(&platform.log, &platform.codecs, &platform.layout).unwrap();
        let serving = Serving::default();
        let state = TaskState::new(Arc::new(ModelDisk::new().open(&STORES).unwrap())).unwrap();
        serving.serve("order", 1, state.reader());
        let (codecs, layout) = (platform.codecs.clone(), platform.layout.clone());
        let _announcer =
            Announcer::start(&platform.log, codecs, layout, serving, members.clone(), owner("ours")).unwrap();

        let deadline = Instant::now() + DEADLINE;
        while members.owner("order", 1) != Some(owner("ours")) {
            assert!(Instant::now() < deadline, "it is not announced");
            tokio::time::sleep(LOOK).await;
        }
        let other = record(&platform.codecs, &platform.layout, "order", 1, &owner("other")).unwrap();
        let place = other.to.clone();
        let theirs = platform.log.writer().unwrap().append(other).await.unwrap();

        let mut reader = platform.log.reader().unwrap();
        reader.assign(&[(place, Start::Offset(theirs + 1))]).unwrap();
        let deadline = Instant::now() + DEADLINE;
        let next = loop {
            assert!(Instant::now() < deadline, "it is not announced again");
            if let Some(next) = reader.poll(LOOK).unwrap().pop() {
                break next;
            }
        };
        let codec = platform.codecs.of::<Member>(RUNTIME_MEMBERS.name).unwrap();
        let Member::Owner { instance, partition, .. } = codec.decode(&next.value.unwrap()).unwrap().payload;
        assert_eq!((&*instance, partition), ("ours", 1));
    }
}
