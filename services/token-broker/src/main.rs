//! The token broker's process.

fn main() {}
