//! postmortem.
