//! What comes over the network and goes back: parsed here, and nowhere else.

pub mod api;
