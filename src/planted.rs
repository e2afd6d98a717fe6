//! Faults that are planted on purpose, to show that the tests of the joints would see them: `tests/planted.sh`.
//!
//! A crate built with `--cfg planted="joints"` asks the environment, `BORDERLANE_PLANTED`, which fault to have. Any other build has none, and reads
//! nothing.

/// Has this build this fault?
#[cfg(planted = "joints")]
#[must_use]
pub fn planted(fault: &str) -> bool {
    std::env::var_os("BORDERLANE_PLANTED").is_some_and(|chosen| chosen == fault)
}

/// Has this build this fault? It has none.
#[cfg(not(planted = "joints"))]
#[must_use]
#[inline]
pub const fn planted(_: &str) -> bool {
    false
}
