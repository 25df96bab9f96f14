//! Tests of the queue: its limit, the count of dropped lines, and the timeout on closing.

use super::*;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};

/// A writer that accepts a batch only after a permission.
struct GatedWriter {
    allowed: Receiver<()>,
    written: Sender<String>,
}

impl Write for GatedWriter {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        let _ = self.allowed.recv();
        let _ = self
            .written
            .send(String::from_utf8_lossy(text).into_owned());
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn slow_reader_drops_lines_without_blocking() {
    let (allow, allowed) = channel();
    let (written, lines) = channel();
    let log = Log::start_on(Format::Text, GatedWriter { allowed, written });
    for number in 0..CAPACITY * 3 {
        log.info(format!("line {number}"));
    }
    drop(allow);
    log.close(Duration::from_secs(10));
    let text: String = lines.try_iter().collect();
    let kept = text.lines().filter(|line| line.contains("line ")).count();
    let dropped: usize = text
        .split("dropped ")
        .skip(1)
        .filter_map(|rest| rest.split(' ').next()?.parse::<usize>().ok())
        .sum();
    assert!(dropped > 0, "the queue is bounded");
    assert_eq!(
        kept + dropped,
        CAPACITY * 3,
        "each line is written or counted"
    );
}

#[test]
fn closing_does_not_wait_for_a_blocked_reader() {
    let (_allow, allowed) = channel();
    let (written, _lines) = channel();
    let log = Log::start_on(Format::Text, GatedWriter { allowed, written });
    log.info("not read");
    let started = Instant::now();
    log.close(Duration::from_millis(50));
    assert!(started.elapsed() < Duration::from_secs(5));
}
