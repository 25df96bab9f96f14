//! Texts with a meaning in some format, and words that readers can take for other types.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Free texts. None of them is a plain word.
#[rustfmt::skip]
const HOSTILE: [&str; 100] = [
    "a\nb", "\n", "a\n[Service]\nUser=root", "a\r\nb", "a\tb", "'", "\"", "a\"b'c", "\"; user root; #", "';'",
    ";", "a;b", "{", "}", "{}", "};", "%", "%i", "%%", "%n%t", "100%", "$", "$$", "$HOME", "${x}",
    "a${HOME}b", "$(id)", "`id`", "{{ x }}", "{% x %}", "{# x #}", "{{", "#", " # x", "a #b", "#{`id`}", "|",
    "|-", ">", "&", "&a", "*", "*a", "!", "!unsafe x", "!!str", "\\", "a\\", "\\\\", "\\n", "\\\"", "\\x41",
    "\0", "a\0b", "\u{7}", "\u{1b}[31m", "\u{7f}", "\u{85}", "a\u{85}b", "\u{2028}", "\u{2029}", "\u{feff}",
    "\u{202e}txt", "\u{2066}a\u{2069}", "\u{200b}", "\u{fffd}", "\u{ffff}", "é", "😀", "👩‍👩‍👧", " ", "  ",
    " a", "a ", "\ta", "a b", "---", "--- a", "...", "- a", "-", "? a", ": a", "a: b", "a:", "[a]", "[", "]",
    "@a", "%a", ",", "'a'", "\"a\"", "%[env(HOME)]", "-- x", "<a>", "</a>", "&amp;", "a*/", "=begin",
];

/// All free texts.
pub(crate) fn hostile() -> Vec<String> {
    HOSTILE.into_iter().map(str::to_owned).collect()
}

/// Long texts below and above the limits.
pub(crate) fn long() -> Vec<String> {
    vec![
        "a".repeat(100_000),
        "a".repeat(65_536),
        "\\".repeat(65_536),
        "\"; ".repeat(2_000),
        "\n".repeat(4_096),
        "é%".repeat(20_000),
        "\"".repeat(4_096),
        "a".repeat(4_096),
    ]
}

/// Words without punctuation that some readers take for numbers, booleans, or paths.
#[rustfmt::skip]
pub(crate) const WORDS: [&str; 22] = [
    "yes", "off", "y", "true", "false", "null", "nan", "010", "0x10", "1e3", "12:30:45", "2026-11-20", "-1",
    "~", "=", "<<", "/yes", "yes.no", "@x", "a=b", "ansible", "__END__",
];

/// Random texts, the same in every run.
pub(crate) fn random(seed: u64) -> impl Iterator<Item = String> {
    const PIECES: [&str; 36] = [
        "\n", "\t", " ", "\"", "'", "\\", ";", "{", "}", "{{", "}}", "{%", "%}", "%", "%i", "$",
        "${", "$$", "#", "|", ">", "&", "*", "!", ":", ": ", ",", "[", "]", "-", "é", "😀",
        "\u{2028}", "\u{202e}", "a", "Z9",
    ];
    let mut dice = StdRng::seed_from_u64(seed);
    std::iter::repeat_with(move || {
        let pieces = dice.random_range(1..24);
        (0..pieces).map(|_| piece(&mut dice, &PIECES)).collect()
    })
}

/// One of `pieces`, or sometimes any character.
fn piece(dice: &mut StdRng, pieces: &[&str]) -> String {
    if dice.random_range(0..8) == 0 {
        return char::from_u32(dice.random_range(1..0x11_0000))
            .unwrap_or('?')
            .to_string();
    }
    pieces[dice.random_range(0..pieces.len())].to_owned()
}
