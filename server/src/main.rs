//! The random-number server.

fn main() {}
