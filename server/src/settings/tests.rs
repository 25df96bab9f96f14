//! Which place wins, and how a wrong value is told.

use super::*;
use clap::Parser;

fn load(flags: &[&str], environment: &[(&str, &str)], file: &str) -> Result<Settings, Vec<String>> {
    let flags = Flags::parse_from([&["randoms"], flags].concat());
    let mut faults = Vec::new();
    let file = EnvFile::parse(file, &mut faults);
    report_unknown(&file, &mut faults);
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
    Settings::resolve(&sources, faults)
        .map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

#[test]
fn flag_wins_over_environment_over_file() {
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
fn port_variable_of_the_platform_is_the_last_resort() {
    let address = |environment: &[(&str, &str)]| load(&[], environment, "").map(|s| s.address);
    assert_eq!(address(&[("PORT", "5")]), Ok(Address::Any(5)));
    assert_eq!(
        address(&[("PORT", "5"), ("RANDOMS_PORT", "6")]),
        Ok(Address::Any(6))
    );
}

#[test]
fn host_variable_of_the_platform_counts_beside_its_port() {
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
fn every_wrong_value_is_told_with_its_source() {
    let faults = load(
        &["--mode", "both"],
        &[("RANDOMS_DRAIN", "soon")],
        "# comment\n\nexport RANDOMS_LOG='loud'\nRANDOMS_PROT=1\nnonsense\n",
    )
    .unwrap_err();
    let told = |text: &str| faults.iter().any(|fault| fault.contains(text));
    assert!(told("flag --mode: `both`: expected fork or cluster"));
    assert!(told(
        "environment variable RANDOMS_DRAIN: `soon`: expected a time"
    ));
    assert!(told(
        ".env line 3 (RANDOMS_LOG): `loud`: expected text or json"
    ));
    assert!(told(".env line 4 (RANDOMS_PROT)"));
    assert!(told(".env line 5"));
    assert_eq!(faults.len(), 5, "{faults:?}");
}

#[test]
fn every_setting_has_a_flag() {
    for name in NAMES {
        let flags = Flags::parse_from(["randoms", &format!("--{name}"), "x"]);
        assert_eq!(flags.value(name), Some("x"), "{name}");
    }
}
