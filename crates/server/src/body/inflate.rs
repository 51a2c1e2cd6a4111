//! Inflating within bounds.

use std::io::{self, Read};

use bytes::Buf;
use http::{HeaderMap, header};

use super::{BodyError, BodyLimits};

/// The largest window that a zstd frame may ask for: 8 MiB, as RFC 8878 recommends.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// What inflates to less than this is no bomb, whatever the ratio.
const RATIO_FROM_BYTES: usize = 1 << 20;
const BLOCK_BYTES: usize = 64 << 10;
const ALLOWED: &str = "`gzip`, `zstd`, `deflate`, `identity`";

/// How a body is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Identity,
    Gzip,
    Zstd,
    Deflate,
    /// Snappy's block format, as Prometheus remote write has it; never in `Content-Encoding: snappy` of other protocols.
    Snappy,
}

impl Encoding {
    /// By `Content-Encoding`; several encodings on top of each other are refused.
    ///
    /// # Errors
    /// [`BodyError::Encoding`].
    pub fn of(headers: &HeaderMap) -> Result<Self, BodyError> {
        let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
        let Some(first) = values.next() else {
            return Ok(Self::Identity);
        };
        let text = String::from_utf8_lossy(first.as_bytes()).trim().to_ascii_lowercase();
        if values.next().is_some() {
            return Err(BodyError::Encoding { found: format!("{text}, …"), allowed: ALLOWED });
        }
        match text.as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "zstd" => Ok(Self::Zstd),
            "deflate" => Ok(Self::Deflate),
            _ => Err(BodyError::Encoding {
                found: text.chars().take(40).collect(),
                allowed: ALLOWED,
            }),
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Deflate => "deflate",
            Self::Snappy => "snappy",
        }
    }
}

/// Bytes in blocks of one size, so that neither tiny chunks nor growth cost more than the bytes themselves.
#[derive(Debug, Default)]
pub struct Blocks {
    blocks: Vec<Vec<u8>>,
    len: usize,
}

impl Blocks {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn append(&mut self, data: &mut impl Buf) {
        self.len += data.remaining();
        while data.has_remaining() {
            let chunk = data.chunk();
            let last = match self.blocks.last_mut() {
                Some(last) if last.len() < BLOCK_BYTES => last,
                Some(_) | None => {
                    self.blocks.push(Vec::with_capacity(chunk.len().clamp(512, BLOCK_BYTES)));
                    self.blocks.last_mut().expect("one was just pushed")
                }
            };
            let taken = chunk.len().min(BLOCK_BYTES - last.len());
            last.extend_from_slice(&chunk[..taken]);
            data.advance(taken);
        }
    }

    pub(super) fn head<const N: usize>(&self) -> Option<[u8; N]> {
        let mut head = [0; N];
        let mut bytes = self.blocks.iter().flatten();
        for byte in &mut head {
            *byte = *bytes.next()?;
        }
        Some(head)
    }

    /// Reads the bytes from `skip` on and frees each block once it is read.
    fn reader(self, skip: usize) -> BlockReader {
        let mut blocks = self.blocks;
        blocks.reverse();
        BlockReader { blocks, at: skip }
    }
}

struct BlockReader {
    /// In reverse order.
    blocks: Vec<Vec<u8>>,
    at: usize,
}

impl Read for BlockReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(block) = self.blocks.last() {
            if self.at >= block.len() {
                self.at -= block.len();
                self.blocks.pop();
                continue;
            }
            let taken = buffer.len().min(block.len() - self.at);
            buffer[..taken].copy_from_slice(&block[self.at..self.at + taken]);
            self.at += taken;
            return Ok(taken);
        }
        Ok(0)
    }
}

/// The bytes of `blocks` from `skip` on, inflated.
pub(super) fn inflate(
    blocks: Blocks,
    skip: usize,
    encoding: Encoding,
    limits: &BodyLimits,
) -> Result<Vec<u8>, BodyError> {
    let len = blocks.len.saturating_sub(skip);
    let corrupt = BodyError::Corrupt { encoding: encoding.as_str() };
    let reader = blocks.reader(skip);
    match encoding {
        Encoding::Identity => {
            let mut out = Vec::with_capacity(len);
            { reader }.read_to_end(&mut out).map_err(|_| corrupt)?;
            Ok(out)
        }
        Encoding::Gzip => bounded(flate2::read::MultiGzDecoder::new(reader), len, encoding, limits),
        Encoding::Deflate => bounded(flate2::read::ZlibDecoder::new(reader), len, encoding, limits),
        Encoding::Zstd => {
            let mut decoder =
                zstd::stream::read::Decoder::new(reader).map_err(|_| corrupt.clone())?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(|_| corrupt)?;
            bounded(decoder, len, encoding, limits)
        }
        Encoding::Snappy => snappy(reader, len, limits),
    }
}

fn bounded(
    mut reader: impl Read,
    len: usize,
    encoding: Encoding,
    limits: &BodyLimits,
) -> Result<Vec<u8>, BodyError> {
    let ratio_bytes_max = len.saturating_mul(limits.ratio_max).max(RATIO_FROM_BYTES);
    let mut out = Vec::with_capacity(len.saturating_mul(2).min(limits.bytes_max));
    let mut block = vec![0; BLOCK_BYTES];
    loop {
        let read = reader
            .read(&mut block)
            .map_err(|_| BodyError::Corrupt { encoding: encoding.as_str() })?;
        if read == 0 {
            return Ok(out);
        }
        check(out.len() + read, ratio_bytes_max, limits)?;
        out.extend_from_slice(&block[..read]);
    }
}

fn check(bytes: usize, ratio_bytes_max: usize, limits: &BodyLimits) -> Result<(), BodyError> {
    if bytes > limits.bytes_max {
        return Err(BodyError::TooLarge { max: limits.bytes_max });
    }
    if bytes > ratio_bytes_max {
        return Err(BodyError::Ratio { max: limits.ratio_max });
    }
    Ok(())
}

/// The block format declares its size, and the decoder allocates it before it looks at anything else: so look first.
fn snappy(mut reader: BlockReader, len: usize, limits: &BodyLimits) -> Result<Vec<u8>, BodyError> {
    let corrupt = || BodyError::Corrupt { encoding: "snappy" };
    let mut compressed = Vec::with_capacity(len);
    reader.read_to_end(&mut compressed).map_err(|_| corrupt())?;
    let declared = snap::raw::decompress_len(&compressed).map_err(|_| corrupt())?;
    let ratio_bytes_max = len.saturating_mul(limits.ratio_max).max(RATIO_FROM_BYTES);
    check(declared, ratio_bytes_max, limits)?;
    snap::raw::Decoder::new().decompress_vec(&compressed).map_err(|_| corrupt())
}

#[cfg(test)]
mod tests {
    use std::{io::Write, time::Duration};

    use super::*;

    const LIMITS: BodyLimits = BodyLimits {
        bytes_max: 8 << 20,
        ratio_max: 200,
        grace: Duration::from_secs(1),
        bytes_per_s_min: 1024,
        decode_wait: Duration::from_secs(1),
    };

    fn check(compressed: &[u8], encoding: Encoding) -> Result<usize, BodyError> {
        let mut blocks = Blocks::default();
        for mut chunk in compressed.chunks(1000) {
            blocks.append(&mut chunk);
        }
        inflate(blocks, 0, encoding, &LIMITS).map(|out| out.len())
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn round_trips_within_the_limits() {
        let bytes: Vec<u8> =
            (0..200_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let ok = Ok(bytes.len());
        assert_eq!(check(&bytes, Encoding::Identity), ok);
        assert_eq!(check(&gzip(&bytes), Encoding::Gzip), ok);
        assert_eq!(check(&zstd::encode_all(&bytes[..], 3).unwrap(), Encoding::Zstd), ok);
        assert_eq!(
            check(&snap::raw::Encoder::new().compress_vec(&bytes).unwrap(), Encoding::Snappy),
            ok
        );
        assert_eq!(check(&[], Encoding::Identity), Ok(0));
    }

    #[test]
    fn stops_bombs_and_says_which_limit() {
        let zeros = vec![0; 4 << 20];
        assert_eq!(check(&gzip(&zeros), Encoding::Gzip), Err(BodyError::Ratio { max: 200 }));
        let too_large = Err(BodyError::TooLarge { max: 8 << 20 });
        let noise: Vec<u8> = (0..3_000_000_u32).flat_map(|n| (n % 4099).to_le_bytes()).collect();
        assert_eq!(check(&gzip(&noise), Encoding::Gzip), too_large);
        // A snappy block that declares 4 GiB.
        assert_eq!(check(&[0xff, 0xff, 0xff, 0xff, 0x0f, 0], Encoding::Snappy), too_large);
        // A zstd frame that asks for a window of 2 GiB.
        let corrupt = |encoding| Err(BodyError::Corrupt { encoding });
        assert_eq!(
            check(&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 1, 0, 0], Encoding::Zstd),
            corrupt("zstd")
        );
        for cut in [1, 10, 15] {
            let whole = gzip(b"hello hello hello");
            assert_eq!(check(&whole[..whole.len() - cut], Encoding::Gzip), corrupt("gzip"));
        }
    }

    #[test]
    fn refuses_stacked_and_unknown_encodings() {
        let check = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::CONTENT_ENCODING, value.parse().unwrap());
            }
            Encoding::of(&headers)
        };
        assert_eq!(check(&[]), Ok(Encoding::Identity));
        assert_eq!(check(&["GZIP"]), Ok(Encoding::Gzip));
        assert!(
            check(&["gzip, gzip"]).is_err()
                && check(&["gzip", "zstd"]).is_err()
                && check(&["br"]).is_err()
        );
    }
}
