//! The records of both workloads, bit by bit, and the deterministic content of their input. The page of the peer
//! (tests/peers/kafka-streams) specifies them; whatever differs here shows in the digests.

use bytes::Bytes;

/// Of every topic.
pub const PARTITIONS: u32 = 4;

/// Bytes of a ledger's command, of the state under a SKU, and of an event.
pub const COMMAND: usize = 200;
pub const STATE: usize = 200;
pub const EVENT: usize = 96;
/// Bytes of a shuffled record, and of the state under a rule, which is also what is put out.
pub const SHUFFLED: usize = 1024;
pub const RULE: usize = 32;
/// Each so many matches of a rule its state is put out.
pub const PUT_OUT_EVERY: u64 = 10;

/// The mixer that all content comes from.
pub fn splitmix64(x: u64) -> u64 {
    let z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Keys are numbers, big-endian; everything else is little-endian.
pub fn key(number: u64) -> Bytes {
    Bytes::copy_from_slice(&number.to_be_bytes())
}

/// `None` for a key of another length.
pub fn number(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.try_into().ok()?))
}

/// The word at this place, 0 where there is none: lengths are checked by whoever takes a record.
pub fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |word| u64::from_le_bytes(*word))
}

pub fn i64_at(bytes: &[u8], at: usize) -> i64 {
    u64_at(bytes, at).cast_signed()
}

pub fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |word| u32::from_le_bytes(*word))
}

pub fn set<const N: usize>(bytes: &mut [u8], at: usize, word: [u8; N]) {
    bytes[at..at + N].copy_from_slice(&word);
}

/// When a preloaded record happened, in milliseconds.
pub fn preload_time(seq: u64) -> i64 {
    1_750_000_000_000 + (seq / 2).cast_signed()
}

pub fn command(seed: u64, seq: u64, time: i64) -> [u8; COMMAND] {
    let hash = splitmix64(seq ^ 0x5851_f42d_4c95_7f2d ^ seed);
    let op: u32 = match hash % 8 {
        0 | 1 => 0,
        2..=5 => 1,
        6 => 2,
        _ => 3,
    };
    let qty = 1 + ((hash >> 8) % 20) as u32;
    let mut record = [0; COMMAND];
    set(&mut record, 0, seq.to_le_bytes());
    set(&mut record, 8, time.to_le_bytes());
    set(&mut record, 16, op.to_le_bytes());
    set(&mut record, 20, qty.to_le_bytes());
    fill(&mut record[24..], seed, seq);
    record
}

/// Which rule a shuffled record matches.
pub fn rule_of(seq: u64, keys: u64) -> u64 {
    splitmix64(seq) % keys
}

pub fn shuffled(seed: u64, seq: u64, time: i64) -> [u8; SHUFFLED] {
    let mut record = [0; SHUFFLED];
    set(&mut record, 0, seq.to_le_bytes());
    set(&mut record, 8, time.to_le_bytes());
    fill(&mut record[16..], seed, seq);
    record
}

fn fill(filler: &mut [u8], seed: u64, seq: u64) {
    for (word, bytes) in (0..).zip(filler.chunks_exact_mut(8)) {
        bytes.copy_from_slice(&splitmix64(seed.wrapping_add(seq.wrapping_mul(131)).wrapping_add(word)).to_le_bytes());
    }
}

/// Which SKU a command is for: any, or by Zipf's law.
pub struct Skus {
    seed: u64,
    keys: u64,
    /// By rank: the probability of this SKU or a more popular one. `None` where all are equally popular.
    cumulated: Option<Vec<f64>>,
}

impl Skus {
    /// `theta` is the exponent; 0 is uniform.
    pub fn new(seed: u64, keys: u64, theta: f64) -> Self {
        let cumulated = (theta > 0.0).then(|| {
            let mut sum = 0.0;
            let mut sums: Vec<f64> = Vec::new();
            for rank in 1..=keys {
                sum += (rank as f64).powf(-theta);
                sums.push(sum);
            }
            sums.iter_mut().for_each(|each| *each /= sum);
            sums
        });
        Self { seed, keys, cumulated }
    }

    pub fn of(&self, seq: u64) -> u64 {
        let hash = splitmix64(seq.wrapping_add(self.seed));
        let Some(cumulated) = &self.cumulated else { return hash % self.keys };
        let chance = (hash >> 11) as f64 / (1_u64 << 53) as f64;
        (cumulated.partition_point(|&up_to| up_to < chance) as u64).min(self.keys - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mixer_is_the_one_that_is_published() {
        // The first outputs of the reference implementation, seeded with 0 and with its first increment.
        assert_eq!(splitmix64(0), 0xe220_a839_7b1d_cdaf);
        assert_eq!(splitmix64(0x9e37_79b9_7f4a_7c15), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn popular_skus_are_the_low_ones() {
        let skus = Skus::new(42, 1_000, 0.99);
        let low = (0..10_000).filter(|&seq| skus.of(seq) < 10).count();
        assert!((3_000..5_000).contains(&low), "{low} of 10,000 commands for the ten most popular of 1,000 SKUs");
        assert!((0..10_000).all(|seq| skus.of(seq) < 1_000));
    }
}
