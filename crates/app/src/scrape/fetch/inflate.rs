//! A body as it comes, inflated within its limit.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;

use super::{FetchError, Held, Room};

/// Takes chunks, and holds what they inflate to.
pub(super) enum Inflate {
    Plain(Held),
    Gzip(Box<MultiGzDecoder<Sink>>),
}

/// Where inflated bytes go; keeps why it stopped, which an `io::Error` cannot say.
pub(super) struct Sink {
    held: Held,
    stopped: Option<FetchError>,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.held.push(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                self.stopped = Some(error);
                Err(io::ErrorKind::FileTooLarge.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Inflate {
    pub(super) fn plain(room: Room) -> Self {
        Self::Plain(Held::new(room))
    }

    pub(super) fn gzip(room: Room) -> Self {
        Self::Gzip(Box::new(MultiGzDecoder::new(Sink { held: Held::new(room), stopped: None })))
    }

    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<(), FetchError> {
        match self {
            Self::Plain(held) => held.push(chunk),
            Self::Gzip(decoder) => {
                let written = decoder.write_all(chunk);
                written.map_err(|error| why(decoder.get_mut(), error))
            }
        }
    }

    pub(super) fn finish(self) -> Result<Held, FetchError> {
        match self {
            Self::Plain(held) => Ok(held),
            Self::Gzip(mut decoder) => {
                let ended = decoder.try_finish();
                ended.map_err(|error| why(decoder.get_mut(), error))?;
                decoder.finish().map(|sink| sink.held).map_err(FetchError::Gzip)
            }
        }
    }
}

fn why(sink: &mut Sink, error: io::Error) -> FetchError {
    sink.stopped.take().unwrap_or(FetchError::Gzip(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scrape::fetch::Budget;

    fn check(body: &[u8], limit: u64, budget: usize) -> Result<usize, String> {
        let room = Room { limit, setting: "body_size_limit", budget: Budget::new(budget) };
        let mut inflate = Inflate::gzip(room);
        body.chunks(7)
            .try_for_each(|chunk| inflate.push(chunk))
            .map_err(|error| error.to_string())?;
        inflate.finish().map(|held| held.bytes().len()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
        let bomb = encoder.finish().unwrap();
        assert!(bomb.len() < 2000);
        assert_eq!(check(&bomb, 1 << 20, 1 << 20), Ok(1 << 20));
        assert_eq!(
            check(&bomb, 1000, 1 << 20).unwrap_err(),
            "body size limit exceeded: more than 1000 bytes (`body_size_limit`)"
        );
        assert_eq!(
            check(&bomb, 1 << 20, 5000).unwrap_err(),
            "bodies of scrapes hold 5000 bytes already; there is no memory for another"
        );
        assert_eq!(check(b"no gzip at all", 10, 10).unwrap_err(), "the answer is no gzip");
        assert!(check(&bomb[..bomb.len() / 2], 1 << 20, 1 << 20).is_err(), "cut off");
    }
}
