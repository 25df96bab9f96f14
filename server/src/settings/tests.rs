//! Tests of the precedence of sources and of error messages.

use super::*;
use clap::Parser;

fn load(flags: &[&str], environment: &[(&str, &str)], file: &str) -> Result<Settings, Vec<String>> {
    let flags = Flags::parse_from([&["randoms"], flags].concat());
    let mut errors = Vec::new();
    let file = EnvFile::parse(file, &mut errors);
    report_unknown(&file, &mut errors);
    let lookup = |name: &str| {
        environment
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| (*value).to_owned())
    };
    let sources = Sources {
        flags: &flags,
        environment: &lookup,
        file: &file,
    };
    Settings::resolve(&sources, errors)
        .map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

#[test]
fn flags_override_environment_and_file() {
    let file = "RANDOMS_PORT=3\n";
    let environment = [("RANDOMS_PORT", "2")];
    let port = |flags: &[&str], environment: &[(&str, &str)]| {
        load(flags, environment, file).map(|settings| settings.address)
    };
    assert_eq!(port(&["--port", "1"], &environment), Ok(Address::Any(1)));
    assert_eq!(port(&[], &environment), Ok(Address::Any(2)));
    assert_eq!(port(&[], &[]), Ok(Address::Any(3)));
}

#[test]
fn port_variable_has_the_lowest_precedence() {
    let address = |environment: &[(&str, &str)]| load(&[], environment, "").map(|s| s.address);
    assert_eq!(address(&[("PORT", "5")]), Ok(Address::Any(5)));
    assert_eq!(
        address(&[("PORT", "5"), ("RANDOMS_PORT", "6")]),
        Ok(Address::Any(6))
    );
}

#[test]
fn host_variable_requires_the_port_variable() {
    let address = |environment: &[(&str, &str)]| load(&[], environment, "").map(|s| s.address);
    let local = Ok(Address::Tcp(([127, 0, 0, 1], 5).into()));
    assert_eq!(address(&[("PORT", "5"), ("HOST", "127.0.0.1")]), local);
    assert_eq!(
        address(&[("PORT", "5"), ("HOST", "name")]),
        Ok(Address::Any(5))
    );
    assert_eq!(address(&[("HOST", "127.0.0.1")]), Ok(Address::Any(8080)));
}

#[test]
fn each_invalid_value_is_reported_with_its_source() {
    let errors = load(
        &["--mode", "both"],
        &[("RANDOMS_DRAIN", "soon")],
        "# comment\n\nexport RANDOMS_LOG='loud'\nRANDOMS_PROT=1\nnonsense\n",
    )
    .unwrap_err();
    let has = |text: &str| errors.iter().any(|error| error.contains(text));
    assert!(has("flag --mode: expected fork or cluster, found `both`"));
    assert!(has(
        "environment variable RANDOMS_DRAIN: expected a time span such as"
    ));
    assert!(has(
        ".env line 3 (RANDOMS_LOG): expected text or json, found `loud`"
    ));
    assert!(has(".env line 4: expected one of RANDOMS_PORT"));
    assert!(has("found `RANDOMS_PROT`"));
    assert!(has(".env line 5: expected NAME=value, found `nonsense`"));
    assert_eq!(errors.len(), 5, "{errors:?}");
}

#[test]
fn every_setting_has_a_flag() {
    for name in NAMES {
        let flags = Flags::parse_from(["randoms", &format!("--{name}"), "x"]);
        assert_eq!(flags.value(name), Some("x"), "{name}");
    }
}
