//! Which series have a pair: one number, a few, or a bitmap.

use roaring::RoaringBitmap;

use super::SeriesId;

/// More become a bitmap.
const FEW: usize = 24;
/// Runs are looked for when so many came since the last time, and each time twice as many.
const SETTLE_MIN: u32 = 1 << 10;

/// A set of series. One of many series is a bitmap, and takes runs of neighbours as one.
#[derive(Debug, Default)]
pub(super) enum Posting {
    #[default]
    None,
    One(SeriesId),
    Few(Box<[SeriesId]>),
    Many(Box<Many>),
}

#[derive(Debug)]
pub(super) struct Many {
    set: RoaringBitmap,
    count: u32,
    settle_at: u32,
}

impl Posting {
    pub(super) fn insert(&mut self, id: SeriesId) {
        match self {
            Self::None => *self = Self::One(id),
            Self::One(one) if *one == id => {}
            Self::One(one) => *self = Self::Few([(*one).min(id), (*one).max(id)].into()),
            Self::Few(few) => {
                let Err(at) = few.binary_search(&id) else { return };
                if few.len() < FEW {
                    let mut more = few.to_vec();
                    more.insert(at, id);
                    *few = more.into();
                } else {
                    let mut set: RoaringBitmap = few.iter().copied().collect();
                    set.insert(id);
                    let count = u32::try_from(few.len() + 1).expect("are few");
                    *self = Self::Many(Box::new(Many { set, count, settle_at: SETTLE_MIN }));
                }
            }
            Self::Many(many) => many.insert(id),
        }
    }

    /// Whether any are left.
    pub(super) fn remove(&mut self, gone: &RoaringBitmap) -> bool {
        match self {
            Self::None => {}
            Self::One(one) => {
                if gone.contains(*one) {
                    *self = Self::None;
                }
            }
            Self::Few(few) => {
                let left: Vec<SeriesId> =
                    few.iter().copied().filter(|id| !gone.contains(*id)).collect();
                *self = match left[..] {
                    [] => Self::None,
                    [one] => Self::One(one),
                    _ => Self::Few(left.into()),
                };
            }
            Self::Many(many) => {
                many.set -= gone;
                many.count = u32::try_from(many.set.len()).unwrap_or(u32::MAX);
                if many.count <= 1 {
                    *self = many.set.min().map_or(Self::None, Self::One);
                }
            }
        }
        !matches!(self, Self::None)
    }

    pub(super) fn len(&self) -> u64 {
        match self {
            Self::None => 0,
            Self::One(_) => 1,
            Self::Few(few) => few.len() as u64,
            Self::Many(many) => u64::from(many.count),
        }
    }

    /// Adds all to `set`.
    pub(super) fn add_to(&self, set: &mut RoaringBitmap) {
        match self {
            Self::None => {}
            Self::One(one) => {
                set.insert(*one);
            }
            Self::Few(few) => set.extend(few.iter().copied()),
            Self::Many(many) => *set |= &many.set,
        }
    }

    /// Leaves only those of `set` that are in both.
    pub(super) fn keep_in(&self, set: &mut RoaringBitmap) {
        match self {
            Self::None => set.clear(),
            Self::One(_) | Self::Few(_) => {
                let mut kept = RoaringBitmap::new();
                self.few().iter().filter(|id| set.contains(**id)).for_each(|id| {
                    kept.insert(*id);
                });
                *set = kept;
            }
            Self::Many(many) => *set &= &many.set,
        }
    }

    pub(super) fn meets(&self, set: &RoaringBitmap) -> bool {
        match self {
            Self::Many(many) => !many.set.is_disjoint(set),
            Self::None | Self::One(_) | Self::Few(_) => {
                self.few().iter().any(|id| set.contains(*id))
            }
        }
    }

    fn few(&self) -> &[SeriesId] {
        match self {
            Self::None | Self::Many(_) => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::Few(few) => few,
        }
    }

    /// About how many bytes it takes beside itself.
    pub(super) fn memory(&self) -> usize {
        match self {
            Self::None | Self::One(_) => 0,
            Self::Few(few) => (few.len() * size_of::<SeriesId>() + 8).next_multiple_of(16),
            Self::Many(many) => {
                let stats = many.set.statistics();
                let bytes = stats.n_bytes_array_containers
                    + stats.n_bytes_bitset_containers
                    + stats.n_bytes_run_containers;
                size_of::<Many>()
                    + stats.n_containers as usize * 56
                    + usize::try_from(bytes).unwrap_or(usize::MAX)
            }
        }
    }
}

impl Many {
    fn insert(&mut self, id: SeriesId) {
        // Not `push`, though most come in order: that looks for the greatest number, which a bitmap does not know.
        self.count += u32::from(self.set.insert(id));
        if self.count >= self.settle_at {
            self.set.optimize();
            self.settle_at = self.count.saturating_mul(2);
        }
    }
}
