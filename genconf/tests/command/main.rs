//! The program as a user runs it: output, exit codes, and files on disk.

mod explain;
mod graph;
mod init;
mod plan;
mod project;
mod render;
mod usage;
mod verify;
