//! The use cases together, over stores that can be stopped at any moment.

mod life;
mod sim;
