//! The queue: bounded, honest about what it dropped, and never in the way.

use super::*;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};

/// A reader of the log that takes a batch only when it is allowed to.
struct Gate {
    allowed: Receiver<()>,
    written: Sender<String>,
}

impl Write for Gate {
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
fn slow_reader_costs_lines_and_not_time() {
    let (allow, allowed) = channel();
    let (written, lines) = channel();
    let log = Log::start_on(Form::Text, Gate { allowed, written });
    for number in 0..CAPACITY * 3 {
        log.note(format!("line {number}"));
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
    assert_eq!(kept + dropped, CAPACITY * 3, "each line is kept or counted");
}

#[test]
fn closing_does_not_wait_for_a_stuck_reader() {
    let (_allow, allowed) = channel();
    let (written, _lines) = channel();
    let log = Log::start_on(Form::Text, Gate { allowed, written });
    log.note("nobody reads this");
    let before = Instant::now();
    log.close(Duration::from_millis(50));
    assert!(before.elapsed() < Duration::from_secs(5));
}
