//! When a part of the shop shall stop: a signal, or the end of who started it.

use std::{io::Read, thread};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

/// Done on SIGTERM and SIGINT; with `watch_stdin` also when standard input closes, which the kernel does for a parent that was
/// killed.
pub(crate) async fn requested(watch_stdin: bool) {
    let Ok(mut term) = signal(SignalKind::terminate()) else { return };
    let Ok(mut interrupt) = signal(SignalKind::interrupt()) else { return };
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
        () = stdin_closed(watch_stdin) => {}
    }
}

/// A thread of its own reads: a blocked read on the runtime would keep the process from ending.
async fn stdin_closed(watch: bool) {
    if !watch {
        return std::future::pending().await;
    }
    let (closed, seen) = oneshot::channel::<()>();
    thread::spawn(move || {
        let mut scratch = [0_u8; 64];
        let mut stdin = std::io::stdin().lock();
        while matches!(stdin.read(&mut scratch), Ok(1..)) {}
        drop(closed);
    });
    // Nothing is ever sent: the channel only closes.
    seen.await.ok();
}
