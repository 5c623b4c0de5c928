//! How each fault is brought about, and what must be seen of it.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    faults::{Damage, Fault, Point, When, Which},
    member::Member,
    relay::{
        Moment::{Answered, Asked},
        Request, Then,
    },
    scene::Scene,
    topics::EVENTS,
};

/// A member comes by a point within this time.
const COMES_BY: Duration = Duration::from_secs(120);
/// One of two processes with one identity gives up within this time.
const SETTLED_WITHIN: Duration = Duration::from_secs(120);

impl Scene {
    /// Lets it happen. What was taken away is back afterwards; what it led to may go on.
    pub fn strike(&mut self, fault: &Fault) -> Result<()> {
        use Fault::{BrokerDies, BrokerFreezes, CutOff};
        self.brokers_were_late |= matches!(fault, BrokerDies { .. } | BrokerFreezes { .. } | CutOff { .. });
        match *fault {
            Fault::Kill { member, back_after } => {
                self.members[member].kill9()?;
                self.goes_on_for(back_after)?;
                self.members[member].start()
            }
            Fault::KillAt { member, point, let_pass } => self.kill_at(member, point, let_pass),
            Fault::Zombie { member, lasts } => {
                self.members[member].freeze()?;
                self.goes_on_for(lasts)?;
                self.members[member].thaw()
            }
            Fault::ZombieAtCommit { member, late_by, lasts } => {
                self.trap(member, (Request::EndTxn, Asked), Then::Freeze(late_by))?;
                self.goes_on_for(lasts)?;
                self.members[member].thaw()
            }
            Fault::LateCommit { member, at, late_by } => {
                self.trap(member, (at, Asked), Then::Hold(late_by))?;
                self.goes_on_for(late_by)
            }
            Fault::LostAnswer { member, at } => self.trap(member, (at, Answered), Then::Break),
            Fault::CutOff { member, way, lasts } => {
                let name = self.members[member].name.clone();
                self.relay.traps.cut_off(&name, way);
                let meanwhile = self.goes_on_for(lasts);
                self.relay.traps.heal(&name);
                meanwhile
            }
            Fault::ComeAndGo { times, stays } => {
                for _ in 0..times {
                    self.guest.start()?;
                    self.goes_on_for(stays)?;
                    self.guest.stop()?;
                }
                Ok(())
            }
            Fault::Twin { member } => self.twin(member),
            Fault::StateLost { member } => {
                self.members[member].kill9()?;
                forget(&self.members[member].state)?;
                self.members[member].start()
            }
            Fault::StateDamaged { member, damage } => {
                self.wait("a member has no state to damage", |scene| scene.members[member].has_state())?;
                // What it had was written in good order.
                self.members[member].stop()?;
                damaged(&self.members[member].state, damage)?;
                self.members[member].start()
            }
            Fault::BrokerDies { which, back_after } => {
                let broker = self.broker(which)?;
                self.cluster.brokers[broker].kill9();
                self.goes_on_for(back_after)?;
                self.cluster.brokers[broker].restart();
                Ok(())
            }
            Fault::BrokerFreezes { which, lasts } => {
                let broker = self.broker(which)?;
                self.cluster.brokers[broker].freeze();
                let meanwhile = self.goes_on_for(lasts);
                self.cluster.brokers[broker].thaw();
                meanwhile
            }
        }
    }

    /// Sets a trap for a member at work, and waits until it springs.
    fn trap(&mut self, member: usize, at: (Request, crate::relay::Moment), then: Then) -> Result<()> {
        let set = self.relay.traps.set(&self.members[member].name, at, 0, then);
        ensure!(set.springs(COMES_BY), "{} does not come by {at:?} within {COMES_BY:?}", self.members[member].name);
        Ok(())
    }

    fn kill_at(&mut self, member: usize, point: Point, let_pass: u32) -> Result<()> {
        if point.when == When::Leaving {
            // Who is no member leaves nothing, and the last fault may have made it none.
            self.trap(member, (Request::Heartbeat, Answered), Then::Hold(Duration::ZERO))?;
        }
        let traps = self.relay.traps.clone();
        let member = &mut self.members[member];
        if matches!(point.when, When::Joining | When::Restoring) {
            member.kill9()?;
        }
        if point.when == When::Restoring {
            forget(&member.state)?;
        }
        let set = traps.set(&member.name, point.at, let_pass, Then::Kill);
        match point.when {
            When::AtWork => {}
            When::Joining | When::Restoring => member.start()?,
            When::Leaving => member.tell_to_stop()?,
        }
        let sprung = set.springs(COMES_BY);
        member.kill9()?;
        member.start()?;
        ensure!(sprung, "{} does not come by {:?} ({}) within {COMES_BY:?}", member.name, point.at, point.name);
        Ok(())
    }

    /// One of the two must give up, and say why; the other goes on.
    fn twin(&mut self, member: usize) -> Result<()> {
        let instance = self.members[member].name.clone();
        let name = format!("{instance}-twin");
        let mut twin = Member::new(&name, &instance, &self.orders, &self.folder, &self.relay.traps);
        twin.start()?;
        let deadline = Instant::now() + SETTLED_WITHIN;
        let (status, said, other) = loop {
            if let Some(status) = twin.ended()? {
                break (status, twin.tail(), &mut self.members[member]);
            }
            if let Some(status) = self.members[member].ended()? {
                break (status, self.members[member].tail(), &mut twin);
            }
            ensure!(Instant::now() < deadline, "{instance} and its twin both go on");
            thread::sleep(Duration::from_millis(20));
        };
        ensure!(!status.success() && said.contains("fenced"), "one of {instance}'s two ended with {status}:\n{said}");
        other.stop()?;
        self.members[member].start()
    }

    fn broker(&self, which: Which) -> Result<usize> {
        match which {
            Which::First => Ok(0),
            Which::Leader => self.cluster.leader(&format!("{}.{EVENTS}", self.orders.namespace), 0),
            Which::GroupCoordinator => self.cluster.coordinator_of_group(&self.group()),
            // Of the first worker thread's first transactions.
            Which::TransactionCoordinator => {
                let id = format!("{}.{}-0-0", self.group(), self.members[0].name);
                self.cluster.coordinator_of_transactions(&id)
            }
        }
    }
}

fn forget(state: &Path) -> Result<()> {
    match fs::remove_dir_all(state) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", state.display()))
        }
        _ => Ok(()),
    }
}

/// Damages every table and manifest below.
fn damaged(state: &Path, damage: Damage) -> Result<()> {
    let files = files(state)?;
    if files.is_empty() {
        bail!("there is nothing to damage in {}", state.display());
    }
    for file in files {
        let bytes = fs::read(&file)?;
        match damage {
            Damage::Garbled => {
                let garbled: Vec<u8> =
                    bytes.iter().enumerate().map(|(at, byte)| byte ^ u8::from(at % 64 == 7)).collect();
                fs::write(&file, garbled)?;
            }
            Damage::Truncated => fs::write(&file, &bytes[..bytes.len() / 2])?,
            Damage::Missing => fs::remove_file(&file)?,
        }
    }
    Ok(())
}

fn files(state: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut rooms) = (Vec::new(), vec![state.to_owned()]);
    while let Some(room) = rooms.pop() {
        for entry in fs::read_dir(&room).with_context(|| format!("{} cannot be listed", room.display()))? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() {
                rooms.push(path);
            } else if name.ends_with(".sst") || name.starts_with("MANIFEST") {
                found.push(path);
            }
        }
    }
    Ok(found)
}
