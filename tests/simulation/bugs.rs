//! Bugs put in on purpose, so that the simulation shows that it bites. Each breaks one rule of the commit protocol in
//! the driver or the log; the worker under test stays as it is.

/// One broken rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Stale epochs and lost partitions are let through.
    NoFencing,
    /// The group's offsets move before, and whether or not, the transaction commits.
    OffsetsOutsideTransaction,
    /// After an unknown commit the worker goes on as if nothing had been committed, without asking the changelog.
    NoReplayAfterUnknown,
    /// Only the stable end of the changelog is restored to, looked up before the group's offset.
    RestoreToStaleEnd,
    /// A flush loses one of its changes, though its checkpoint says that they are all there.
    FlushLosesAChange,
    /// Positions that did not move are left out of the transaction, so that timers alone are not fenced.
    UnmovedPositionsLeftOut,
    /// The changelog is restored from its end, not from the checkpoint.
    RestoreSkipsChangelog,
}

impl Bug {
    pub const ALL: [Self; 7] = [
        Self::NoFencing,
        Self::OffsetsOutsideTransaction,
        Self::NoReplayAfterUnknown,
        Self::RestoreToStaleEnd,
        Self::FlushLosesAChange,
        Self::UnmovedPositionsLeftOut,
        Self::RestoreSkipsChangelog,
    ];
}
