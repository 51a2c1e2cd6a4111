//! The lock on a data directory.

use std::{
    fs::{self, File, TryLockError},
    io::Write as _,
    time::Duration,
};

use camino::Utf8Path;

use super::{OpenError, names, private_file};

/// A program that a killed server was just starting holds the lock until it runs: a start waits for that long.
const ATTEMPTS_MAX: u32 = 40;
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(50);

/// The locked file; the lock goes when it is closed, however the process ends.
pub(super) fn take(dir: &Utf8Path) -> Result<File, OpenError> {
    let path = dir.join(names::LOCK);
    let file = |source| OpenError::File { path: path.clone(), source };
    let mut lock = private_file().truncate(false).open(&path).map_err(file)?;
    for attempt in 0.. {
        match lock.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if attempt < ATTEMPTS_MAX => {
                std::thread::sleep(BETWEEN_ATTEMPTS);
            }
            Err(TryLockError::WouldBlock) => {
                let pid = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
                return Err(OpenError::Locked { path: dir.to_owned(), pid });
            }
            Err(TryLockError::Error(source)) => return Err(file(source)),
        }
    }
    // For people who ask who holds it; on a full disk the lock alone must do.
    drop(lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())));
    Ok(lock)
}
