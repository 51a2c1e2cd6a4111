//! The series in bytes, in blocks that stand for themselves: damage loses one block's series.
//!
//! A block is [`MAGIC`], the length of its payload and the CRC32C of length and payload (32 bits each, little-endian), and
//! the payload: its names, its pairs, and its series as numbers of pairs, of each only what differs from the one before.

use std::{collections::HashMap, hash::BuildHasherDefault, sync::Arc};

use model::{Label, Labels};

use super::{Index, SERIES_ID_MAX, SeriesId};
use crate::symbols::PairId;

const MAGIC: [u8; 4] = *b"ekrs";
const HEAD_BYTES: usize = 12;
/// A block is closed after so many bytes.
const BLOCK_BYTES: usize = 48 << 10;
/// The longest payload that is read.
const BLOCK_BYTES_MAX: usize = 64 << 20;
const LABELS_MAX: usize = 1 << 16;

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SeriesRead {
    pub series: u64,
    pub damaged_blocks: u32,
    /// Bytes that were passed over.
    pub damaged_bytes: u64,
}

/// The block's checksum is right and its payload is not: it was written by something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a block of series has a malformed payload")]
pub struct BlockError;

type Numbers = HashMap<u32, u32, BuildHasherDefault<std::hash::DefaultHasher>>;

/// A block that is being filled.
#[derive(Default)]
struct Open {
    names: Numbers,
    pairs: Numbers,
    name_bytes: Vec<u8>,
    pair_bytes: Vec<u8>,
    series_bytes: Vec<u8>,
    series: u64,
    last_id: SeriesId,
    last: Vec<u32>,
}

/// Appends these series of the index in blocks; ids that it does not have are left out.
pub fn write_series<I>(out: &mut Vec<u8>, index: &Index, ids: I)
where
    I: Iterator<Item = SeriesId>,
{
    let registry = index.registry.read();
    let mut open = Open::default();
    let mut own: Vec<PairId> = Vec::new();
    for id in ids.filter(|id| registry.contains(*id)) {
        own.clear();
        own.extend(registry.pairs(id));
        open.put(id, &own, |pair| {
            let name = registry.symbols.pair(pair).map_or(0, |pair| pair.name);
            let (text, value) = registry.symbols.texts(pair);
            (name, text, value)
        });
        if open.bytes() > BLOCK_BYTES {
            std::mem::take(&mut open).close(out);
        }
    }
    if open.series > 0 {
        open.close(out);
    }
}

impl Open {
    fn put<'a>(
        &mut self,
        id: SeriesId,
        pairs: &[PairId],
        texts: impl Fn(PairId) -> (u32, &'a str, &'a str),
    ) {
        let before = std::mem::take(&mut self.last);
        let (mut same, mut others) = (0u64, Vec::new());
        for (at, &pair) in pairs.iter().enumerate() {
            let local = self.local(pair, &texts);
            self.last.push(local);
            if before.get(at) == Some(&local) && at < 64 {
                same |= 1 << at;
            } else {
                others.push(local);
            }
        }
        let out = &mut self.series_bytes;
        put_number(out, u64::from(id.wrapping_sub(self.last_id)));
        put_number(out, pairs.len() as u64);
        put_number(out, same);
        others.into_iter().for_each(|local| put_number(out, u64::from(local)));
        self.last_id = id;
        self.series += 1;
    }

    fn local<'a>(
        &mut self,
        pair: PairId,
        texts: impl Fn(PairId) -> (u32, &'a str, &'a str),
    ) -> u32 {
        let next = u32::try_from(self.pairs.len()).expect("a block is closed before");
        if let Some(known) = self.pairs.get(&pair) {
            return *known;
        }
        self.pairs.insert(pair, next);
        let (name, text, value) = texts(pair);
        let fresh = u32::try_from(self.names.len()).expect("a block is closed before");
        let number = *self.names.entry(name).or_insert(fresh);
        if number == fresh {
            put_text(&mut self.name_bytes, text);
        }
        put_number(&mut self.pair_bytes, u64::from(number));
        put_text(&mut self.pair_bytes, value);
        next
    }

    fn bytes(&self) -> usize {
        self.name_bytes.len() + self.pair_bytes.len() + self.series_bytes.len()
    }

    fn close(self, out: &mut Vec<u8>) {
        let mut payload = Vec::with_capacity(self.bytes() + 16);
        put_number(&mut payload, self.names.len() as u64);
        payload.extend_from_slice(&self.name_bytes);
        put_number(&mut payload, self.pairs.len() as u64);
        payload.extend_from_slice(&self.pair_bytes);
        put_number(&mut payload, self.series);
        payload.extend_from_slice(&self.series_bytes);
        let length = u32::try_from(payload.len()).expect("a block is closed before").to_le_bytes();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&length);
        let crc = crc32c::crc32c_append(crc32c::crc32c(&length), &payload);
        out.extend_from_slice(&crc.to_le_bytes());
        out.extend_from_slice(&payload);
    }
}

/// Reads blocks, past damaged ones, and gives each series.
///
/// # Errors
/// When a block with a right checksum is malformed; what came before was given.
pub fn read_series(
    bytes: &[u8],
    visit: &mut dyn FnMut(SeriesId, &Labels),
) -> Result<SeriesRead, BlockError> {
    each_block(bytes, |payload| {
        let mut reader = Payload { rest: payload };
        let names = reader.names()?;
        let names: Vec<Arc<str>> = names.into_iter().map(Arc::from).collect();
        let pairs = reader.pairs(names.len())?;
        let labels = |(name, value): &(usize, &str)| Label {
            name: Arc::clone(&names[*name]),
            value: Arc::from(*value),
        };
        let pairs: Vec<Label> = pairs.iter().map(labels).collect();
        reader.series(pairs.len(), &mut |id, own| {
            let label = |at: &u32| {
                let label = &pairs[*at as usize];
                (Arc::clone(&label.name), Arc::clone(&label.value))
            };
            visit(id, &Labels::from_pairs(own.iter().map(label)));
        })
    })
}

impl Index {
    /// Enters the series of blocks under their ids, and gives each id, with false when it was taken by other labels.
    ///
    /// # Errors
    /// As [`read_series`].
    pub fn load(
        &self,
        bytes: &[u8],
        visit: &mut dyn FnMut(SeriesId, bool),
    ) -> Result<SeriesRead, BlockError> {
        each_block(bytes, |payload| {
            let mut reader = Payload { rest: payload };
            let names = reader.names()?;
            let mut registry = self.registry.write();
            let symbols = &mut registry.symbols;
            let names: Vec<u32> =
                names.into_iter().map(|name| symbols.intern_name(&Arc::from(name))).collect();
            let pairs = reader.pairs(names.len())?.into_iter();
            let pairs: Vec<PairId> = pairs
                .map(|(name, value)| symbols.intern_pair(names[name], &Arc::from(value)))
                .collect();
            let mut global = Vec::new();
            reader.series(pairs.len(), &mut |id, own| {
                global.clear();
                global.extend(own.iter().map(|local| pairs[*local as usize]));
                visit(id, registry.insert_pairs_at(&global, id).is_ok());
            })
        })
    }
}

/// Gives the payload of every sound block; adds up the series that `read` says it found.
fn each_block(
    bytes: &[u8],
    mut read: impl FnMut(&[u8]) -> Result<u64, BlockError>,
) -> Result<SeriesRead, BlockError> {
    let (mut total, mut rest, mut in_damage) = (SeriesRead::default(), bytes, false);
    while !rest.is_empty() {
        if let Some((payload, after)) = block(rest) {
            total.series += read(payload)?;
            rest = after;
            in_damage = false;
            continue;
        }
        if !in_damage {
            total.damaged_blocks += 1;
            in_damage = true;
        }
        let next = rest.windows(MAGIC.len()).skip(1).position(|window| window == MAGIC);
        let skipped = next.map_or(rest.len(), |next| next + 1);
        total.damaged_bytes += skipped as u64;
        rest = &rest[skipped..];
    }
    Ok(total)
}

fn block(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (head, rest) = bytes.split_at_checked(HEAD_BYTES)?;
    let word = |at: usize| head.get(at..at + 4)?.first_chunk::<4>();
    let (length, crc) = (*word(4)?, u32::from_le_bytes(*word(8)?));
    let size = u32::from_le_bytes(length) as usize;
    if *word(0)? != MAGIC || size > BLOCK_BYTES_MAX {
        return None;
    }
    let (payload, after) = rest.split_at_checked(size)?;
    let sound = crc32c::crc32c_append(crc32c::crc32c(&length), payload) == crc;
    sound.then_some((payload, after))
}

struct Payload<'a> {
    rest: &'a [u8],
}

impl<'a> Payload<'a> {
    fn number(&mut self) -> Result<u64, BlockError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(BlockError)?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Ok(number);
            }
        }
        Err(BlockError)
    }

    /// A number of things that take a byte each at least.
    fn count(&mut self) -> Result<usize, BlockError> {
        let count = usize::try_from(self.number()?).map_err(|_| BlockError)?;
        if count <= self.rest.len() { Ok(count) } else { Err(BlockError) }
    }

    fn below(&mut self, end: usize) -> Result<usize, BlockError> {
        let number = usize::try_from(self.number()?).map_err(|_| BlockError)?;
        if number < end { Ok(number) } else { Err(BlockError) }
    }

    fn text(&mut self) -> Result<&'a str, BlockError> {
        let length = self.count()?;
        let (text, rest) = self.rest.split_at_checked(length).ok_or(BlockError)?;
        self.rest = rest;
        std::str::from_utf8(text).map_err(|_| BlockError)
    }

    fn names(&mut self) -> Result<Vec<&'a str>, BlockError> {
        (0..self.count()?).map(|_| self.text()).collect()
    }

    fn pairs(&mut self, names: usize) -> Result<Vec<(usize, &'a str)>, BlockError> {
        (0..self.count()?).map(|_| Ok((self.below(names)?, self.text()?))).collect()
    }

    fn series(
        &mut self,
        pairs: usize,
        visit: &mut dyn FnMut(SeriesId, &[u32]),
    ) -> Result<u64, BlockError> {
        let (count, mut id, mut last) = (self.count()?, 0 as SeriesId, Vec::new());
        for _ in 0..count {
            let step = u32::try_from(self.number()?).map_err(|_| BlockError)?;
            id = id.wrapping_add(step);
            if id > SERIES_ID_MAX {
                return Err(BlockError);
            }
            let labels = self.below(LABELS_MAX)?;
            let same = self.number()?;
            let mut own = Vec::with_capacity(labels.min(64));
            for at in 0..labels {
                if at < 64 && same >> at & 1 > 0 {
                    own.push(*last.get(at).ok_or(BlockError)?);
                } else {
                    let pair = self.below(pairs)?;
                    own.push(u32::try_from(pair).map_err(|_| BlockError)?);
                }
            }
            visit(id, &own);
            last = own;
        }
        Ok(count as u64)
    }
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f | 0x80).to_le_bytes()[0]);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}
