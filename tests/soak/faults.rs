//! What can go wrong, and how often.

use std::{fmt, time::Duration};

use rand::{Rng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use crate::relay::{
    Moment::{self, Answered, Asked},
    Request::{self, *},
    Way,
};

/// A step of the commit protocol, of taking tasks over, or of leaving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    pub name: &'static str,
    pub at: (Request, Moment),
    pub when: When,
}

/// When a member comes by a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    AtWork,
    Joining,
    /// It has lost its state.
    Restoring,
    Leaving,
}

const fn point(name: &'static str, at: (Request, Moment), when: When) -> Point {
    Point { name, at, when }
}

/// Every step at which a process can die, in the order in which it comes by.
pub const POINTS: [Point; 19] = [
    point("before the first partition is named", (AddPartitionsToTxn, Asked), When::AtWork),
    point("after partitions were named", (AddPartitionsToTxn, Answered), When::AtWork),
    point("before producing", (Produce, Asked), When::AtWork),
    point("after producing", (Produce, Answered), When::AtWork),
    point("before the group is named", (AddOffsetsToTxn, Asked), When::AtWork),
    point("after the group was named", (AddOffsetsToTxn, Answered), When::AtWork),
    point("before offsets", (TxnOffsetCommit, Asked), When::AtWork),
    point("after offsets", (TxnOffsetCommit, Answered), When::AtWork),
    point("before EndTxn", (EndTxn, Asked), When::AtWork),
    point("after EndTxn, before its answer", (EndTxn, Answered), When::AtWork),
    point("before taking its epoch", (InitProducerId, Asked), When::Joining),
    point("after taking its epoch", (InitProducerId, Answered), When::Joining),
    point("joining the group", (JoinGroup, Answered), When::Joining),
    point("before its assignment", (SyncGroup, Answered), When::Joining),
    point("before the group's offsets are known", (OffsetFetch, Answered), When::Joining),
    point("before the changelog's end is known", (ListOffsets, Answered), When::Joining),
    point("restoring", (Fetch, Answered), When::Restoring),
    point("before leaving", (LeaveGroup, Asked), When::Leaving),
    point("after leaving", (LeaveGroup, Answered), When::Leaving),
];

/// What a damaged state directory looks like.
#[derive(Clone, Copy, Debug)]
pub enum Damage {
    Garbled,
    Truncated,
    Missing,
}

/// Which broker goes.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    /// The one that leads the output's first partition.
    Leader,
    GroupCoordinator,
    TransactionCoordinator,
    First,
}

/// One thing that goes wrong; members and brokers by their places.
#[derive(Clone, Debug)]
pub enum Fault {
    Kill {
        member: usize,
        back_after: Duration,
    },
    KillAt {
        member: usize,
        point: Point,
        let_pass: u32,
    },
    /// Stopped in its tracks for so long, past its session.
    Zombie {
        member: usize,
        lasts: Duration,
    },
    /// Stopped as it asks for the end of a transaction, which the broker hears so much later.
    ZombieAtCommit {
        member: usize,
        late_by: Duration,
        lasts: Duration,
    },
    /// A request of the commit is so late that the commit times out.
    LateCommit {
        member: usize,
        at: Request,
        late_by: Duration,
    },
    /// The broker's answer to a commit never comes: the connection breaks.
    LostAnswer {
        member: usize,
        at: Request,
    },
    CutOff {
        member: usize,
        way: Way,
        lasts: Duration,
    },
    /// Another worker comes and goes again, so many times.
    ComeAndGo {
        times: u32,
        stays: Duration,
    },
    /// A second process with the same identity.
    Twin {
        member: usize,
    },
    StateLost {
        member: usize,
    },
    StateDamaged {
        member: usize,
        damage: Damage,
    },
    BrokerDies {
        which: Which,
        back_after: Duration,
    },
    BrokerFreezes {
        which: Which,
        lasts: Duration,
    },
}

impl Fault {
    /// What the report counts it as.
    pub fn kind(&self) -> String {
        match self {
            Self::Kill { .. } => "kill -9 at random".to_owned(),
            Self::KillAt { point, .. } => format!("kill -9 {}", point.name),
            Self::Zombie { .. } => "SIGSTOP past the session, then SIGCONT".to_owned(),
            Self::ZombieAtCommit { .. } => "SIGSTOP at EndTxn, which comes late".to_owned(),
            Self::LateCommit { at, .. } => format!("commit times out, its {at:?} comes late"),
            Self::LostAnswer { at, .. } => format!("answer to {at:?} lost"),
            Self::CutOff { way, .. } => format!("cut off from the brokers ({way:?})"),
            Self::ComeAndGo { .. } => "workers come and go".to_owned(),
            Self::Twin { .. } => "two processes with one identity".to_owned(),
            Self::StateLost { .. } => "state deleted".to_owned(),
            Self::StateDamaged { damage, .. } => format!("state {damage:?}").to_lowercase(),
            Self::BrokerDies { which, .. } => format!("broker kill -9 ({which:?})"),
            Self::BrokerFreezes { which, .. } => format!("broker SIGSTOP ({which:?})"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

/// How long things take in a run.
#[derive(Clone, Copy)]
pub struct Times {
    pub session: Duration,
    pub transaction: Duration,
    /// A broker hangs so long.
    pub frozen: Duration,
}

/// Chooses faults by chance.
pub struct Misfortune {
    pub chance: ChaCha8Rng,
    pub times: Times,
    pub members: usize,
    pub brokers: usize,
}

impl Misfortune {
    fn member(&mut self) -> usize {
        self.chance.random_range(0..self.members)
    }

    fn millis(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.chance.random_range(range))
    }

    pub fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        *of.choose(&mut self.chance).expect("there is something to choose from")
    }

    /// Longer than a session, so that others have taken over.
    fn past_the_session(&mut self) -> Duration {
        self.times.session + self.millis(1_500..4_000)
    }

    /// Longer than a commit waits, and sometimes than the brokers wait for its end.
    fn past_the_commit(&mut self) -> Duration {
        self.times.transaction + self.millis(200..3_000)
    }

    pub fn kill(&mut self) -> Fault {
        Fault::Kill { member: self.member(), back_after: self.millis(0..500) }
    }

    pub fn kill_at(&mut self, point: Point) -> Fault {
        let let_pass = match point.when {
            When::AtWork => self.chance.random_range(0..6),
            When::Restoring => self.chance.random_range(0..3),
            When::Joining | When::Leaving => 0,
        };
        Fault::KillAt { member: self.member(), point, let_pass }
    }

    pub fn zombie(&mut self) -> Fault {
        Fault::Zombie { member: self.member(), lasts: self.past_the_session() }
    }

    pub fn zombie_at_commit(&mut self) -> Fault {
        let (late_by, lasts) = (self.millis(0..self.times.session.as_millis() as u64 * 2), self.past_the_session());
        Fault::ZombieAtCommit { member: self.member(), late_by, lasts }
    }

    pub fn late_commit(&mut self) -> Fault {
        let at = self.one_of(&[EndTxn, EndTxn, TxnOffsetCommit, AddOffsetsToTxn, Produce]);
        Fault::LateCommit { member: self.member(), at, late_by: self.past_the_commit() }
    }

    pub fn lost_answer(&mut self) -> Fault {
        let at = self.one_of(&[EndTxn, EndTxn, TxnOffsetCommit, AddOffsetsToTxn, AddPartitionsToTxn, Produce]);
        Fault::LostAnswer { member: self.member(), at }
    }

    pub fn cut_off(&mut self) -> Fault {
        let way = self.one_of(&[Way::Out, Way::In, Way::Both]);
        Fault::CutOff { member: self.member(), way, lasts: self.past_the_session() }
    }

    pub fn come_and_go(&mut self) -> Fault {
        Fault::ComeAndGo { times: self.chance.random_range(2..4), stays: self.millis(500..3_000) }
    }

    pub fn twin(&mut self) -> Fault {
        Fault::Twin { member: self.member() }
    }

    pub fn state_lost(&mut self) -> Fault {
        Fault::StateLost { member: self.member() }
    }

    pub fn state_damaged(&mut self) -> Fault {
        let damage = self.one_of(&[Damage::Garbled, Damage::Truncated, Damage::Missing]);
        Fault::StateDamaged { member: self.member(), damage }
    }

    pub fn broker_dies(&mut self, which: Which) -> Fault {
        Fault::BrokerDies { which, back_after: self.millis(0..5_000) }
    }

    pub fn broker_freezes(&mut self, which: Which) -> Fault {
        Fault::BrokerFreezes { which, lasts: self.times.frozen }
    }

    fn broker(&mut self) -> Which {
        self.one_of(&[Which::Leader, Which::GroupCoordinator, Which::TransactionCoordinator, Which::First])
    }

    /// Any of them; brokers fail only where others can take over.
    pub fn next(&mut self) -> Fault {
        match self.chance.random_range(0..if self.brokers > 1 { 100 } else { 92 }) {
            0..10 => self.kill(),
            10..45 => {
                let point = self.one_of(&POINTS);
                self.kill_at(point)
            }
            45..51 => self.zombie(),
            51..57 => self.zombie_at_commit(),
            57..64 => self.late_commit(),
            64..71 => self.lost_answer(),
            71..77 => self.cut_off(),
            77..82 => self.come_and_go(),
            82..86 => self.twin(),
            86..89 => self.state_lost(),
            89..92 => self.state_damaged(),
            92..97 => {
                let which = self.broker();
                self.broker_dies(which)
            }
            _ => {
                let which = self.broker();
                self.broker_freezes(which)
            }
        }
    }
}
