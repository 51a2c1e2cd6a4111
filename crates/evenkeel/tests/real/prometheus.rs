//! The real binary beside Debian's `prometheus` (with promtool) and `victoria-metrics`, where these are installed: promtool asks
//! it, it asks them in place of its own store, and it sends on to them what it stores.

mod forward;
mod peer;
mod promtool;
mod pushed;
mod read;
