//! The program as a person runs it: output, exit codes, and what is on disk after.

mod asking;
mod planning;
mod project;
mod writing;
