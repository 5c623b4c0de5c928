//! Who stands by for which partition: who would get it if its owner left.

use std::collections::BTreeSet;

/// Which member has this partition, by Kafka's range assignment over static members: neighbours together, in order of
/// the members' names, one more for the first ones where it does not divide. `None` without members.
fn range<'m>(members: &BTreeSet<&'m str>, partitions: u32, partition: u32) -> Option<&'m str> {
    let count = u32::try_from(members.len()).ok().filter(|count| *count > 0)?;
    let (each, more) = (partitions / count, partitions % count);
    let larger = more * (each + 1);
    let at = if partition < larger { partition / (each + 1) } else { more + (partition - larger) / each.max(1) };
    members.iter().nth(usize::try_from(at).ok()?).copied()
}

/// At most so many members that stand by for a partition: who gets it when the owner leaves, who gets it when that one
/// leaves as well, and so on.
pub fn standbys<'m>(
    members: &BTreeSet<&'m str>,
    partitions: u32,
    partition: u32,
    owner: &str,
    count: usize,
) -> Vec<&'m str> {
    let mut left = members.clone();
    left.remove(owner);
    let mut chosen = Vec::new();
    while let Some(next) = range(&left, partitions, partition).filter(|_| chosen.len() < count) {
        left.remove(next);
        chosen.push(next);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

    #[test]
    fn the_range_is_kafkas() {
        let of = |members: &[&'static str], partitions: u32| -> Vec<&str> {
            let members = members.iter().copied().collect();
            (0..partitions).filter_map(|partition| range(&members, partitions, partition)).collect()
        };
        assert_eq!(of(&["b", "a"], 4), ["a", "a", "b", "b"]);
        assert_eq!(of(&["a", "b", "c"], 4), ["a", "a", "b", "c"]);
        assert_eq!(of(&["a", "b", "c"], 8), ["a", "a", "a", "b", "b", "b", "c", "c"]);
        assert_eq!(of(&["a", "b", "c"], 2), ["a", "b"]);
        assert_eq!(of(&[], 2), [""; 0]);
    }

    #[test]
    fn a_standby_gets_the_task_when_its_owner_leaves() {
        for count in 2..=NAMES.len() {
            let members: BTreeSet<_> = NAMES[..count].iter().copied().collect();
            for partitions in 1..20 {
                for partition in 0..partitions {
                    let owner = range(&members, partitions, partition).unwrap();
                    let standby = standbys(&members, partitions, partition, owner, 1);
                    let left = members.iter().copied().filter(|member| *member != owner).collect();
                    assert_eq!(standby, [range(&left, partitions, partition).unwrap()]);
                }
            }
        }
    }

    #[test]
    fn there_are_no_more_of_them_than_members_besides_the_owner() {
        let members: BTreeSet<_> = NAMES.iter().copied().collect();
        let all = standbys(&members, 4, 1, "b", 9);
        assert_eq!(all.iter().copied().collect::<BTreeSet<_>>(), BTreeSet::from(["a", "c", "d", "e"]));
        assert_eq!(all.len(), 4);
        assert_eq!(standbys(&members, 4, 1, "b", 2), all[..2]);
        assert!(standbys(&BTreeSet::from(["b"]), 4, 1, "b", 1).is_empty());
    }
}
