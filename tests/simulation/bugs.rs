//! Bugs put in on purpose, so that the simulation shows that it bites. Each breaks one rule that somebody could really
//! break, in the driver, the log, the disk, the executor or around the stage; the worker under test stays as it is.

use crate::runs::Kind;

macro_rules! bugs {
    ($($bug:ident in $world:ident within $seeds:literal: $says:literal;)*) => {
        /// One broken rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Bug { $(#[doc = $says] $bug),* }

        impl Bug {
            pub const ALL: &[Self] = &[$(Self::$bug),*];

            /// In which kind of world it is looked for.
            pub fn world(self) -> Kind {
                match self { $(Self::$bug => Kind::$world),* }
            }

            /// Within so many seeds it is found.
            pub fn within(self) -> u64 {
                match self { $(Self::$bug => $seeds),* }
            }

            pub fn says(self) -> &'static str {
                match self { $(Self::$bug => $says),* }
            }
        }
    };
}

bugs! {
    NoFencing in Chain within 60: "stale epochs and lost partitions are let through";
    FencingByEpochOnly in Chain within 400: "a lost partition is let through while the epoch is the latest";
    OffsetsOutsideTransaction in Chain within 60: "the group's offsets move before, and whether or not, the transaction commits";
    UnmovedPositionsLeftOut in Chain within 400: "positions that did not move are not sent, so that a timer-only transaction is unfenced";
    RecoversWithoutNewEpoch in Chain within 2_000: "after a lost answer the same epoch goes on, and the late end of the old transaction ends a later one";
    NoReplayAfterUnknown in Chain within 60: "after a lost answer the worker goes on as if nothing had been committed";
    UnknownTakenForCommitted in Chain within 60: "a lost answer is taken for a yes";
    RestoresToStaleEnd in Chain within 60: "the changelog's end is looked up before the group's offset, and only to the stable end";
    RestoreSkipsChangelog in Chain within 60: "a state that is there is taken for up to date";
    RestoreReadsUncommitted in Chain within 60: "the changelog is read with what was aborted";
    RestoresHalfACommit in Chain within 60: "changes are applied before the record of positions that ends their transaction";
    SourceReadUncommitted in Chain within 60: "the source is read with what is not decided";
    FlushLosesAChange in Chain within 60: "a flush leaves out one of its changes";
    FlushBeforeCommit in Chain within 60: "the state goes to the disk before its transaction commits";
    CheckpointBeforeData in Chain within 60: "the checkpoint goes to the disk in a batch of its own, before the data";
    CheckpointWithTheFirstPiece in Chain within 60: "a flush's checkpoint goes to the disk with the first of its pieces";
    CutOffFlushNotSaid in Chain within 60: "a flush that is cut off does not say how new its rows are";
    CheckpointWithoutSource in Chain within 60: "a flush forgets the source position";
    ChangelogWithoutPosition in Chain within 60: "the changelog's record of positions is forgotten";
    ChangelogOfTheLastKeyOnly in Chain within 60: "only the last change of a transaction goes to the changelog";
    OldStateNotRebuilt in Chain within 400: "a state older than the changelog's tombstones is caught up, not rebuilt";
    StandbyForgetsWhatItHoldsBack in Chain within 60: "a standby's checkpoint passes changes whose commit has not come to its end";
    StandbyTakenForUpToDate in Chain within 60: "a task goes on with what its standby has, without the rest of the changelog";
    RegainedTaskKept in Chain within 60: "a partition that was lost and came back goes on with the task it had";
    TimersByTheWallClock in Chain within 60: "timers are set by the worker's clock instead of the record's time";
    TimersOutsideTransaction in Chain within 60: "due timers are written at once, not with the transaction";
    DeadLetterLeavesChanges in Chain within 60: "a record that goes to the dead letters leaves its changes behind";
    EnvironmentTakenForRecord in Chain within 60: "a read that failed sends the record to the dead letters";
    RepliesOutsideTransaction in Shop within 30: "answers to clients are sent at once, not with the transaction";
    OutcomesForgotten in Shop within 30: "a client's command that comes twice is decided twice";
    CallsWithoutIdempotencyKey in Shop within 30: "the gateway is called under a new key each time";
    TimeOutTakenForRefusal in Shop within 30: "a call that timed out is reported as declined";
    PositionBeforeAnswer in Shop within 30: "the executor's position passes an intent whose answer is not known";
    AnswersOutsideTransaction in Shop within 30: "commands to other capabilities are sent at once, not with the transaction";
}
