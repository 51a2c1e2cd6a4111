//! What other codecs make of the same columns: XOR as Gorilla has it, and pco by columns and by pages of one chunk.

use std::time::Instant;

use pco::{ChunkConfig, PagingSpec, wrapped::FileCompressor};

/// Bytes of one column's values as XOR against the one before.
pub(crate) fn gorilla(values: &[f64]) -> usize {
    let (mut bits, mut before, mut window) = (64usize, values[0].to_bits(), (65u32, 0u32));
    for value in &values[1..] {
        let xor = value.to_bits() ^ before;
        before = value.to_bits();
        bits += 1;
        if xor == 0 {
            continue;
        }
        let (lead, trail) = (xor.leading_zeros().min(31), xor.trailing_zeros());
        if lead >= window.0 && trail >= window.1 {
            bits += 1 + (64 - window.0 - window.1) as usize;
        } else {
            bits += 1 + 5 + 6 + (64 - lead - trail) as usize;
            window = (lead, trail);
        }
    }
    bits.div_ceil(8)
}

pub(crate) struct Measured {
    pub(crate) bytes: usize,
    pub(crate) encode_ns: u128,
    pub(crate) decode_ns: u128,
}

/// Each group of columns as a chunk, each column a page of it.
pub(crate) fn pco(groups: &[Vec<&[f64]>], level: usize) -> Measured {
    let mut measured = Measured { bytes: 0, encode_ns: 0, decode_ns: 0 };
    for group in groups {
        let whole: Vec<f64> = group.iter().flat_map(|column| column.iter().copied()).collect();
        let integral = whole.iter().all(|value| value.fract() == 0.0 && value.abs() < 9e15);
        let ints: Vec<i64> = whole.iter().map(|value| *value as i64).collect();
        let paging = PagingSpec::Exact(group.iter().map(|column| column.len()).collect());
        let config = ChunkConfig::default().with_compression_level(level).with_paging_spec(paging);
        if integral {
            one(&ints, group.len(), &config, &mut measured);
        } else {
            one(&whole, group.len(), &config, &mut measured);
        }
    }
    measured
}

fn one<T: pco::data_types::Number + PartialEq>(
    numbers: &[T],
    pages: usize,
    config: &ChunkConfig,
    measured: &mut Measured,
) {
    let begun = Instant::now();
    let file = FileCompressor::default();
    let mut chunk = file.chunk_compressor(numbers, config).unwrap();
    let mut meta = Vec::new();
    chunk.write_meta(&mut meta).unwrap();
    let mut all = Vec::new();
    for page in 0..pages {
        let mut bytes = Vec::new();
        chunk.write_page(page, &mut bytes).unwrap();
        measured.bytes += bytes.len();
        all.push(bytes);
    }
    measured.bytes += meta.len();
    measured.encode_ns += begun.elapsed().as_nanos();
    let mut header = Vec::new();
    file.write_header(&mut header).unwrap();
    let begun = Instant::now();
    let (file, _) = pco::wrapped::FileDecompressor::new(&header[..]).unwrap();
    let (mut chunk, _) = file.chunk_decompressor::<T, _>(&meta[..]).unwrap();
    let mut back = numbers.to_vec();
    let each = numbers.len() / pages;
    for (page, to) in all.iter().zip(back.chunks_mut(each)) {
        let count = to.len();
        chunk.page_decompressor(&page[..], count).unwrap().read(to).unwrap();
    }
    measured.decode_ns += begun.elapsed().as_nanos();
    assert!(back == numbers);
}
