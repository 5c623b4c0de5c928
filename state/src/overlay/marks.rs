//! A mark for each of a table's entries, by where it is.

const BITS: usize = u64::BITS as usize;

/// A bit an entry. Those past the last one that was ever set are not set.
#[derive(Default)]
pub(super) struct Marks(Vec<u64>);

impl Marks {
    pub fn has(&self, at: usize) -> bool {
        self.0.get(at / BITS).is_some_and(|word| word >> (at % BITS) & 1 == 1)
    }

    pub fn set(&mut self, at: usize, marked: bool) {
        let (word, bit) = (at / BITS, 1 << (at % BITS));
        match (marked, self.0.get_mut(word)) {
            (true, Some(word)) => *word |= bit,
            (false, Some(word)) => *word &= !bit,
            (true, None) => {
                self.0.resize(word + 1, 0);
                self.0[word] = bit;
            }
            (false, None) => {}
        }
    }

    /// The entry at `at` is removed, and the last one is put there.
    pub fn remove(&mut self, at: usize, last: usize) {
        self.set(at, self.has(last));
        self.set(last, false);
    }

    /// Marks what these mark as well.
    pub fn add(&mut self, others: &Marks) {
        if self.0.len() < others.0.len() {
            self.0.resize(others.0.len(), 0);
        }
        self.0.iter_mut().zip(&others.0).for_each(|(word, other)| *word |= other);
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|&word| word == 0)
    }

    pub fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Where the marked ones are, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(number, &word)| {
            let some = |left: u64| (left != 0).then_some(left);
            std::iter::successors(some(word), move |left| some(left & (left - 1)))
                .map(move |left| number * BITS + left.trailing_zeros() as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(of: &[usize]) -> Marks {
        let mut marks = Marks::default();
        of.iter().for_each(|&at| marks.set(at, true));
        marks
    }

    #[test]
    fn what_is_marked_is_listed() {
        let mut of = marks(&[0, 63, 64, 200]);
        of.set(64, false);
        of.set(5_000, false);
        assert_eq!(of.iter().collect::<Vec<_>>(), [0, 63, 200]);
        assert_eq!((of.count(), of.has(63), of.has(64), of.has(5_000)), (3, true, false, false));
        of.add(&marks(&[1, 700]));
        assert_eq!(of.iter().collect::<Vec<_>>(), [0, 1, 63, 200, 700]);
        assert!(!of.is_empty() && Marks::default().is_empty());
    }

    #[test]
    fn the_last_one_takes_the_place_of_the_removed() {
        for (before, at, after) in
            [(&[3, 70][..], 3, &[3][..]), (&[3], 3, &[]), (&[70], 3, &[3]), (&[70], 70, &[]), (&[5], 3, &[5])]
        {
            let mut marks = marks(before);
            marks.remove(at, 70);
            assert_eq!(marks.iter().collect::<Vec<_>>(), after, "{before:?} without {at}");
        }
    }
}
