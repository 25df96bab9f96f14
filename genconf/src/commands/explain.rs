//! `genconf explain`: what the code of a fault means.

use std::io;

use crate::cli::{Exit, Streams};
use crate::diagnostic::{Code, nearest};

/// Explains `code`, or lists all codes.
pub fn run(code: Option<&str>, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let Some(name) = code else {
        for code in Code::ALL {
            writeln!(streams.out, "{}", code.name())?;
        }
        return Ok(Exit::Fine);
    };
    let Some(code) = Code::by_name(name) else {
        let names = Code::ALL.iter().map(|c| c.name());
        let help = nearest(name, names).map_or_else(
            || "`genconf explain` lists them".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        writeln!(streams.err, "error: no fault is called `{name}`; {help}")?;
        return Ok(Exit::Fault);
    };
    let explanation = code.explanation();
    let indented = |text: &str| format!("    {}\n", text.replace('\n', "\n    "));
    write!(
        streams.out,
        "{}\n\n{}\n\nWrong:\n{}\nRight:\n{}",
        code.name(),
        explanation.cause,
        indented(explanation.wrong),
        indented(explanation.right)
    )?;
    Ok(Exit::Fine)
}
