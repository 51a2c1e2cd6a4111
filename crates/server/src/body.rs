//! Bodies of requests: read at a minimum rate, bounded before and after they are inflated, bounded over all requests.
//!
//! Bytes that wait are counted against one budget; few bodies at a time are inflated and decoded, and each of those holds a
//! [`Turn`]. So fifty bombs at once cost what the budget and the turns allow, and no more.

mod inflate;

use std::{sync::Arc, time::Duration};

use bytes::Buf;
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout, timeout_at},
};

pub use inflate::{Blocks, Encoding};

/// Bounds of one body and of all.
#[derive(Clone, Debug)]
pub struct BodyLimits {
    /// `limits.max_body_bytes`, before and after inflating.
    pub bytes_max: usize,
    /// `limits.max_inflation_ratio`
    pub ratio_max: usize,
    /// `server.body_grace`
    pub grace: Duration,
    /// `server.min_body_rate`
    pub bytes_per_s_min: u64,
    /// `server.decode_wait`
    pub decode_wait: Duration,
}

/// Why a body cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    #[error(
        "the body is larger than {max} bytes after inflating; send smaller batches or raise `limits.max_body_bytes`"
    )]
    TooLarge { max: usize },
    #[error(
        "the body inflates to more than {max} times its size; that is `limits.max_inflation_ratio`"
    )]
    Ratio { max: usize },
    #[error(
        "the body would take more than {max} bytes of memory once decoded; send smaller batches or raise `limits.max_body_bytes`"
    )]
    Dense { max: usize },
    #[error("content encoding `{found}` is not supported; use one of {allowed}")]
    Encoding { found: String, allowed: &'static str },
    #[error("the body is not valid {encoding}, or is cut off")]
    Corrupt { encoding: &'static str },
    #[error("the body ended before its time")]
    Aborted,
    #[error("the body came at less than {bytes_per_s_min} bytes per second")]
    TooSlow { bytes_per_s_min: u64 },
    #[error("too many bodies are being read at once; try again soon")]
    Busy,
    #[error("the body could not be inflated")]
    Failed,
}

/// Reads bodies; clones share the budget.
#[derive(Clone, Debug)]
pub struct BodyReader {
    limits: Arc<BodyLimits>,
    /// KiB of bodies that wait.
    budget: Arc<Semaphore>,
    turns: Arc<Semaphore>,
}

/// The right to hold one inflated body; whoever has decoded it drops this.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

/// Bytes as they came, counted against the budget for as long as this lives.
#[derive(Debug)]
pub struct Raw {
    blocks: Blocks,
    held: Option<OwnedSemaphorePermit>,
}

impl BodyReader {
    /// Reads at most `buffered_max` bytes at once and inflates at most `turns` bodies at once.
    pub fn new(limits: BodyLimits, buffered_max: usize, turns: usize) -> Self {
        Self {
            limits: Arc::new(limits),
            budget: Arc::new(Semaphore::new(buffered_max / 1024)),
            turns: Arc::new(Semaphore::new(turns.max(1))),
        }
    }

    pub fn limits(&self) -> &BodyLimits {
        &self.limits
    }

    /// Reads and inflates by `Content-Encoding`.
    ///
    /// # Errors
    /// Every [`BodyError`]; nothing stays in memory then.
    pub async fn read<B>(&self, headers: &HeaderMap, body: B) -> Result<(Vec<u8>, Turn), BodyError>
    where
        B: hyper::body::Body + Unpin,
    {
        let encoding = Encoding::of(headers)?;
        let raw = self.receive(headers, body).await?;
        self.inflate(raw, encoding).await
    }

    /// Reads the bytes as they come.
    ///
    /// # Errors
    /// [`BodyError::TooLarge`], [`BodyError::TooSlow`], [`BodyError::Busy`], [`BodyError::Aborted`].
    pub async fn receive<B>(&self, headers: &HeaderMap, mut body: B) -> Result<Raw, BodyError>
    where
        B: hyper::body::Body + Unpin,
    {
        let limits = &self.limits;
        let too_large = BodyError::TooLarge { max: limits.bytes_max };
        let declared = headers
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if declared.is_some_and(|declared| declared > limits.bytes_max as u64) {
            return Err(too_large);
        }
        let started = Instant::now();
        let mut raw = Raw { blocks: Blocks::default(), held: None };
        loop {
            let earned = raw.blocks.len() as u64 * 1000 / limits.bytes_per_s_min.max(1);
            let deadline = started + limits.grace + Duration::from_millis(earned);
            let slow = |_| BodyError::TooSlow { bytes_per_s_min: limits.bytes_per_s_min };
            let Some(frame) = timeout_at(deadline, body.frame()).await.map_err(slow)? else {
                return Ok(raw);
            };
            let Ok(mut data) = frame.map_err(|_| BodyError::Aborted)?.into_data() else {
                continue;
            };
            if raw.blocks.len() + data.remaining() > limits.bytes_max {
                return Err(too_large);
            }
            self.hold(&mut raw, data.remaining())?;
            raw.blocks.append(&mut data);
        }
    }

    /// Counts `more` bytes against the budget.
    fn hold(&self, raw: &mut Raw, more: usize) -> Result<(), BodyError> {
        let have = raw.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let need = (raw.blocks.len() + more).div_ceil(1024).saturating_sub(have);
        let need = u32::try_from(need).map_err(|_| BodyError::Busy)?;
        let permit =
            Arc::clone(&self.budget).try_acquire_many_owned(need).map_err(|_| BodyError::Busy)?;
        match &mut raw.held {
            Some(held) => held.merge(permit),
            None => raw.held = Some(permit),
        }
        Ok(())
    }

    /// Waits for a turn and inflates on a thread for blocking work.
    ///
    /// # Errors
    /// [`BodyError::TooLarge`], [`BodyError::Ratio`], [`BodyError::Corrupt`], [`BodyError::Busy`].
    pub async fn inflate(
        &self,
        raw: Raw,
        encoding: Encoding,
    ) -> Result<(Vec<u8>, Turn), BodyError> {
        self.inflate_after(raw, encoding, 0).await
    }

    /// As [`BodyReader::inflate`], without the first `skip` bytes.
    pub(crate) async fn inflate_after(
        &self,
        raw: Raw,
        encoding: Encoding,
        skip: usize,
    ) -> Result<(Vec<u8>, Turn), BodyError> {
        let turn = self.turn().await?;
        let limits = Arc::clone(&self.limits);
        let work = move || {
            let Raw { blocks, held } = raw;
            let inflated = inflate::inflate(blocks, skip, encoding, &limits);
            drop(held);
            inflated
        };
        let inflated = tokio::task::spawn_blocking(work).await.map_err(|_| BodyError::Failed)??;
        Ok((inflated, turn))
    }

    async fn turn(&self) -> Result<Turn, BodyError> {
        let turns = Arc::clone(&self.turns).acquire_owned();
        match timeout(self.limits.decode_wait, turns).await {
            Ok(Ok(permit)) => Ok(Turn(permit)),
            Ok(Err(_)) | Err(_) => Err(BodyError::Busy),
        }
    }
}

impl Raw {
    /// The first `N` bytes; `None` when there are fewer.
    pub(crate) fn head<const N: usize>(&self) -> Option<[u8; N]> {
        self.blocks.head()
    }

    pub(crate) fn len(&self) -> usize {
        self.blocks.len()
    }
}
