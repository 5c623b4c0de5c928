//! A run: brokers behind a relay, members that share the work, a load that goes on, and whoever watches the events.

use std::{
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use tradewind_tests::cluster::Cluster;

use crate::{
    faults::Times,
    load::Load,
    member::{Member, Orders},
    relay::Relay,
    report::Report,
    topics::{self, STAGE},
    verified::Loaded,
    watch::Watch,
};

/// Everything that was loaded has come out within this time after a fault.
const PATIENCE: Duration = Duration::from_secs(180);
/// What a process says that finds no brokers as it starts.
const NO_BROKER: &str = "no Kafka broker answers";
/// What a process says that gets a task for which it stood by.
const TAKEN_OVER: &str = "a standby becomes the task";
/// What a process says that the brokers fenced for another with its identity.
const FENCED: &str = "Static consumer fenced by other consumer";
const GLANCE: Duration = Duration::from_millis(20);
const KEYS: u64 = 500;
const RATE: u64 = 300;
/// Members that are always there, of which the first stands by for the others, and the one that comes and goes.
pub const MEMBERS: [&str; 2] = ["left", "right"];
const GUEST: &str = "guest";

/// How a run is set up.
pub struct Setting {
    pub name: &'static str,
    pub seed: u64,
    pub brokers: usize,
    pub times: Times,
}

pub struct Scene {
    pub cluster: Cluster,
    pub relay: Relay,
    pub members: Vec<Member>,
    pub guest: Member,
    pub orders: Orders,
    /// Logs and states; it stays after a failure.
    pub folder: PathBuf,
    pub report: Report,
    /// Since everybody recovered last.
    pub brokers_were_late: bool,
    load: Load,
    watch: Watch,
}

impl Scene {
    pub fn set(setting: &Setting, folder: PathBuf) -> Result<Self> {
        let relay = Relay::bind(setting.brokers)?;
        let ports = relay.ports()?;
        let cluster = Cluster::start(setting.brokers, &ports);
        relay.serve(&cluster.behind_relay)?;
        let orders = Orders {
            brokers: ports.iter().map(|port| format!("127.0.0.1:{port}")).collect::<Vec<_>>().join(","),
            namespace: format!("soak-{}", setting.seed),
            session: setting.times.session,
            transaction: setting.times.transaction,
            keys: KEYS,
        };
        let log = topics::prepare(&cluster.bootstrap(), &orders.namespace)?;
        let watch = Watch::start(&cluster.bootstrap(), &orders.namespace)?;
        let load = Load::start(&*log, &orders.namespace, setting.seed, RATE, KEYS)?;
        let member = |name: &str| Member::new(name, name, &orders, &folder, &relay.traps);
        let mut members = vec![member(MEMBERS[0]).standing_by(), member(MEMBERS[1])];
        members.iter_mut().try_for_each(Member::start)?;
        let guest = member(GUEST);
        let report = Report::new(setting.name, setting.seed, setting.brokers, RATE);
        let mut scene =
            Self { cluster, relay, members, guest, orders, folder, report, brokers_were_late: false, load, watch };
        scene.everybody_works().context("at the start")?;
        scene.recovers().context("at the start")?;
        scene.watch.take_longest_pause();
        Ok(scene)
    }

    /// The group of the members.
    pub fn group(&self) -> String {
        format!("{}.{STAGE}", self.orders.namespace)
    }

    /// Waits until every member has had tasks.
    fn everybody_works(&mut self) -> Result<()> {
        self.wait("not everybody has tasks", |scene| scene.members.iter().all(Member::has_state))
    }

    /// Waits until the brokers take commands again, and everything that they took by then has come out.
    pub fn recovers(&mut self) -> Result<()> {
        let wanted = self.load.acknowledged() + RATE / 2;
        self.wait("the brokers take no commands", |scene| scene.load.acknowledged() >= wanted)?;
        self.is_empty()?;
        self.brokers_were_late = false;
        Ok(())
    }

    /// Waits until everything that is acknowledged by now has come out.
    fn is_empty(&mut self) -> Result<()> {
        let wanted = self.load.acknowledged();
        self.wait("what was loaded does not come out", |scene| scene.watch.events() >= wanted)
    }

    pub fn wait(&mut self, otherwise: &str, done: impl Fn(&Self) -> bool) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !done(self) {
            self.nobody_gave_up()?;
            ensure!(
                Instant::now() < deadline,
                "{otherwise} within {PATIENCE:?}: {} commands acknowledged, {} events seen",
                self.load.acknowledged(),
                self.watch.events()
            );
            thread::sleep(GLANCE);
        }
        Ok(())
    }

    /// Waits so long, while nobody may give up.
    pub fn goes_on_for(&mut self, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        while Instant::now() < until {
            self.nobody_gave_up()?;
            thread::sleep(GLANCE);
        }
        Ok(())
    }

    /// A member that runs goes on by itself, whatever happens around it, but for two cases, in which it says why it
    /// ends and whoever runs it starts it again: it finds no brokers as it starts; or brokers that hung take its asking
    /// twice to join for two processes with one identity, and fence the first of them.
    pub fn nobody_gave_up(&mut self) -> Result<()> {
        for member in self.members.iter_mut().chain([&mut self.guest]) {
            let Some(status) = member.ended()? else { continue };
            let tail = member.tail();
            let is_fenced = self.brokers_were_late && tail.contains(FENCED);
            ensure!(is_fenced || tail.contains(NO_BROKER), "{} ended by itself with {status}:\n{tail}", member.name);
            eprintln!("  {} ended, and is started again: {}", member.name, tail.lines().last().unwrap_or_default());
            self.report.restarts += 1;
            member.start()?;
        }
        Ok(())
    }

    /// Of the members that run.
    pub fn processes(&self) -> Vec<u32> {
        self.members.iter().chain([&self.guest]).filter_map(Member::process).collect()
    }

    pub fn longest_pause(&self) -> Duration {
        self.watch.take_longest_pause()
    }

    pub fn stops_loading(&self) {
        self.load.tell_to_stop();
    }

    /// Lets everything come to rest, and verifies it.
    pub fn ends(&mut self) -> Result<()> {
        self.stops_loading();
        self.wait("the loader does not end", |scene| scene.load.has_stopped())?;
        self.is_empty().context("at the end")?;
        for member in self.members.iter_mut().chain([&mut self.guest]).filter(|member| member.is_running()) {
            member.stop()?;
        }
        for member in self.members.iter().chain([&self.guest]) {
            let printed = member.printed_by_librdkafka();
            ensure!(printed.is_none(), "{}'s log is not whole: librdkafka printed {printed:?}", member.name);
        }
        let brokers = self.cluster.bootstrap();
        let loaded = Loaded {
            brokers: &brokers,
            namespace: &self.orders.namespace,
            keys: self.orders.keys,
            acknowledged: self.load.acknowledged(),
            doubtful: self.load.doubtful(),
        };
        let records = loaded.by_a_second_client()?;
        let taken_over = self.members.iter().map(|member| member.said(TAKEN_OVER)).sum();
        self.report.ends(records, loaded.doubtful, taken_over, loaded.by_the_ledger()?);
        Ok(())
    }
}
