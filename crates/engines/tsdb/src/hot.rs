//! What an append must know of a series, by its number, in pages that come and go.

use crate::arena::Tail;

/// Series in a page.
const PAGE: usize = 256;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Hot {
    /// The hash of the label bytes by which the series was last found; 0 for none.
    pub(crate) key: u128,
    /// The time of the newest sample, and its bits when it is a float that came since the store was opened.
    pub(crate) last_ms: i64,
    pub(crate) last_bits: u64,
    /// Where its samples in memory end: a [`Tail`], laid out so that nothing is wasted.
    tail_block: u32,
    tail_fill: u8,
    pub(crate) flags: u8,
    /// The batch that touched it last, to know a series that comes twice in one.
    pub(crate) batch: u16,
    /// When the last sample came, in minutes since the epoch; 0 when none has since the page was made.
    pub(crate) seen_min: u32,
    /// Who sends it.
    pub(crate) emitter: u32,
}

/// The series exists: its emitter is known.
pub(crate) const KNOWN: u8 = 1;
/// It counts against the limits.
pub(crate) const ACTIVE: u8 = 2;
/// Whether it is watched has been asked, and the answer was yes.
pub(crate) const ASKED: u8 = 4;
pub(crate) const WATCHED: u8 = 8;
/// It has native histograms in the head.
pub(crate) const HISTOGRAMS: u8 = 16;
/// `last_bits` is known.
pub(crate) const VALUE: u8 = 32;

impl Hot {
    pub(crate) const EMPTY: Self = Self {
        key: 0,
        last_ms: i64::MIN,
        last_bits: 0,
        tail_block: Tail::EMPTY.block,
        tail_fill: Tail::EMPTY.fill,
        flags: 0,
        batch: 0,
        seen_min: 0,
        emitter: 0,
    };

    pub(crate) fn tail(&self) -> Tail {
        Tail { block: self.tail_block, fill: self.tail_fill }
    }

    pub(crate) fn set_tail(&mut self, tail: Tail) {
        (self.tail_block, self.tail_fill) = (tail.block, tail.fill);
    }

    pub(crate) fn is(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether nothing would be lost with it that the registry does not know.
    fn is_idle(&self) -> bool {
        self.tail().is_empty() && self.flags & (ACTIVE | HISTOGRAMS) == 0
    }
}

#[derive(Debug, Default)]
pub(crate) struct Pages(Vec<Option<Box<[Hot]>>>);

fn place(id: u32) -> (usize, usize) {
    let id = usize::try_from(id).expect("32 bits fit");
    (id / PAGE, id % PAGE)
}

impl Pages {
    pub(crate) fn get(&self, id: u32) -> Option<&Hot> {
        let (page, slot) = place(id);
        Some(&self.0.get(page)?.as_ref()?[slot])
    }

    /// The series' place, made when absent.
    pub(crate) fn at(&mut self, id: u32) -> &mut Hot {
        let (page, slot) = place(id);
        if page >= self.0.len() {
            self.0.resize_with(page + 1, || None);
        }
        let page = self.0[page].get_or_insert_with(|| vec![Hot::EMPTY; PAGE].into_boxed_slice());
        &mut page[slot]
    }

    /// All places that there are, in order of number.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u32, &mut Hot)> {
        let pages = self.0.iter_mut().enumerate();
        pages.filter_map(|(page, slots)| Some((page, slots.as_mut()?))).flat_map(|(page, slots)| {
            let first = u32::try_from(page * PAGE).expect("numbers have 32 bits");
            (first..).zip(slots.iter_mut())
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Hot)> {
        let pages = self.0.iter().enumerate();
        pages.filter_map(|(page, slots)| Some((page, slots.as_ref()?))).flat_map(|(page, slots)| {
            let first = u32::try_from(page * PAGE).expect("numbers have 32 bits");
            (first..).zip(slots.iter())
        })
    }

    /// Lets go of pages whose series all sleep; `gone` hears of each.
    pub(crate) fn free_idle(&mut self, mut gone: impl FnMut(u32, &Hot)) {
        for (page, slots) in self.0.iter_mut().enumerate() {
            if !slots.as_ref().is_some_and(|slots| slots.iter().all(Hot::is_idle)) {
                continue;
            }
            let first = u32::try_from(page * PAGE).expect("numbers have 32 bits");
            if let Some(slots) = slots.take() {
                (first..).zip(slots.iter()).for_each(|(id, hot)| gone(id, hot));
            }
        }
    }

    /// What the pages take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().flatten().count() * PAGE * size_of::<Hot>()
    }
}
