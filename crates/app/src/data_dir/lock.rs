//! The lock on a data directory.

use std::{
    fs::{self, File, TryLockError},
    io::Write as _,
    time::Duration,
};

use camino::Utf8Path;

use super::{OpenError, names, private_file};

/// How often a lock that somebody holds is tried: for a second in all. What a killed server was about to run holds its files
/// until it runs, and a server that is started again at once would meet it.
const TRIES: usize = 100;
const TRY_EVERY: Duration = Duration::from_millis(10);

/// The locked file; the lock goes when it is closed, however the process ends.
pub(super) fn take(dir: &Utf8Path) -> Result<File, OpenError> {
    let path = dir.join(names::LOCK);
    let file = |source| OpenError::File { path: path.clone(), source };
    let mut lock = private_file().truncate(false).open(&path).map_err(file)?;
    match try_for_a_while(&lock) {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let pid = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
            return Err(OpenError::Locked { path: dir.to_owned(), pid });
        }
        Err(TryLockError::Error(source)) => return Err(file(source)),
    }
    // For people who ask who holds it; on a full disk the lock alone must do.
    drop(lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id())));
    Ok(lock)
}

fn try_for_a_while(lock: &File) -> Result<(), TryLockError> {
    for _ in 1..TRIES {
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(TRY_EVERY),
            other => return other,
        }
    }
    lock.try_lock()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_server_leaves_for_a_moment_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let dir = Utf8Path::from_path(folder.path()).unwrap();
        let held = take(dir).unwrap();
        let letting_go = std::thread::spawn(move || {
            std::thread::sleep(TRY_EVERY * 5);
            drop(held);
        });
        assert!(take(dir).is_ok());
        letting_go.join().unwrap();
    }
}
