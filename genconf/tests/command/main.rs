//! The genconf command: output, exit codes, and files on disk.

mod plan;
mod project;
mod read_only;
mod render;
