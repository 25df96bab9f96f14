//! Command lines of units, and the clients that they run.

use clap::{CommandFactory as _, Parser};
use tempfile::TempDir;

use super::stub::StubEngines;
use super::*;

#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: ContainerCommand,
}

fn parse(arguments: &str) -> Result<ContainerCommand, String> {
    let arguments = std::iter::once("container").chain(arguments.split(' '));
    let parsed = Arguments::try_parse_from(arguments);
    parsed.map(|a| a.command).map_err(|error| error.to_string())
}

/// As in the template of units.
const RUN: &str = "run --name shop-web-3001 --archive randoms.tar --image randoms:1 \
    --slice shop.slice --memory infinity --tasks 64 --stop-timeout 10 \
    --env GENCONF_INSTANCE --env SECRET";

fn parse_run(more: &str) -> (ImageArguments, RunArguments) {
    match parse(&format!("{RUN}{more}")) {
        Ok(ContainerCommand::Run { image, run }) => (image, *run),
        other => panic!("expected run, found {other:?}"),
    }
}

/// Stub engines, and a release.
struct Fixture {
    stubs: StubEngines,
    host: ContainerHost,
    release: Release,
    _opt: TempDir,
}

impl Fixture {
    fn new(engines: &[&str]) -> Self {
        let stubs = StubEngines::install(engines);
        let opt = tempfile::tempdir().unwrap();
        let directory = opt.path().join("shop/randoms/releases/abc");
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("randoms.tar"), "randoms:1\n").unwrap();
        Self {
            host: ContainerHost {
                search_path: stubs.search_path(),
                lock: opt.path().join("images.lock"),
            },
            stubs,
            release: Release::at(&directory).unwrap(),
            _opt: opt,
        }
    }
}

#[test]
fn the_definition_of_the_arguments_is_valid() {
    Arguments::command().debug_assert();
}

#[test]
fn command_lines_of_units_are_parsed() {
    let (image, run) = parse_run(
        " --container-port 8080 --env-file /etc/shop/randoms.env -- --port 3001 --verbose -- x",
    );
    assert_eq!(image.archive, "randoms.tar");
    assert_eq!(image.image, "randoms:1");
    assert_eq!(run.container_port.map(u16::from), Some(8080));
    assert_eq!(run.env, ["GENCONF_INSTANCE", "SECRET"]);
    assert_eq!(run.env_file, Some(PathBuf::from("/etc/shop/randoms.env")));
    assert_eq!(run.args, ["--port", "3001", "--verbose", "--", "x"]);
    for other in [
        "load --archive randoms.tar --image randoms:1",
        "stop --name shop-web-3001 --stop-timeout 10",
        "remove --name shop-web-3001",
    ] {
        parse(other).unwrap();
    }
}

#[test]
fn a_value_of_a_variable_in_the_arguments_is_rejected() {
    for argument in ["--env SECRET=x", "--env 1", "--env="] {
        let error = parse(&format!("{RUN} {argument}")).unwrap_err();
        assert!(error.contains("--env <NAME>"), "{error}");
    }
}

#[test]
fn a_memory_limit_with_a_unit_is_rejected() {
    let error = parse(&RUN.replace("infinity", "64M")).unwrap_err();
    assert!(error.contains("expected a number of bytes"), "{error}");
    parse(&RUN.replace("infinity", "1048576")).unwrap();
}

#[test]
fn a_release_is_a_directory_in_releases() {
    let release = Release::at(Path::new("/opt/shop/randoms/releases/abc")).unwrap();
    assert_eq!(release.app_directory, Path::new("/opt/shop/randoms"));
    assert_eq!(release.digest, "abc");
    for other in ["/opt/shop/randoms/current", "/opt", "/"] {
        let error = Release::at(Path::new(other)).unwrap_err().to_string();
        assert_eq!(
            error,
            format!("expected /opt/PROJECT/APP/releases/DIGEST, found {other}")
        );
    }
}

#[test]
fn run_removes_the_container_of_all_engines_and_runs_the_first_engine() {
    let fixture = Fixture::new(&["podman", "docker"]);
    let (image, run) = parse_run(" -- --verbose");
    let name = fixture.host.load(&fixture.release, &image).unwrap();
    assert_eq!(name, "localhost/genconf/shop/randoms:abc");
    assert_eq!(fixture.stubs.images("podman"), [name.clone()].into());
    let loaded = fixture.stubs.log().len();
    let environment = Environment::new();
    let mut client = fixture.host.prepare_run(&run, &name, &environment).unwrap();
    assert_eq!(client.get_program(), fixture.stubs.path("podman"));
    let output = client.env("SECRET", "from the unit").output().unwrap();
    assert_eq!(output.stdout, b"from the unit\n");
    let log = &fixture.stubs.log()[loaded..];
    assert_eq!(
        log[..2],
        [
            "podman --events-backend=none rm --force --volumes --time=0 shop-web-3001",
            "docker rm --force --volumes shop-web-3001",
        ]
    );
    let [run] = &log[2..] else {
        panic!("expected one more line: {log:?}");
    };
    assert!(
        run.starts_with("podman --events-backend=none run --rm --pull=never "),
        "{run}"
    );
    assert!(
        run.ends_with("localhost/genconf/shop/randoms:abc --verbose"),
        "{run}"
    );
    assert!(run.contains(" --env=SECRET "), "{run}");
}

#[test]
fn a_running_container_is_not_removed_if_the_arguments_are_invalid() {
    let fixture = Fixture::new(&["docker"]);
    let (_, run) = parse_run(" --env-file /missing/app.env");
    let environment = Environment::new();
    let result = fixture.host.prepare_run(&run, "image:1", &environment);
    assert!(result.is_err());
    assert_eq!(fixture.stubs.log(), [""; 0]);
}

#[test]
fn stop_and_remove_apply_to_all_engines() {
    let fixture = Fixture::new(&["podman", "docker"]);
    fixture.host.stop("shop-web-3001", 10).unwrap();
    fixture.host.remove("shop-web-3001").unwrap();
    assert_eq!(
        fixture.stubs.log(),
        [
            "podman --events-backend=none stop -t 10 shop-web-3001",
            "docker stop -t 10 shop-web-3001",
            "podman --events-backend=none rm --force --volumes --time=0 shop-web-3001",
            "docker rm --force --volumes shop-web-3001",
        ]
    );
}

#[test]
fn without_an_engine_nothing_is_stopped_and_nothing_is_loaded() {
    let fixture = Fixture::new(&[]);
    fixture.host.stop("shop-web-3001", 10).unwrap();
    fixture.host.remove("shop-web-3001").unwrap();
    let (image, _) = parse_run("");
    let result = fixture.host.load(&fixture.release, &image);
    assert!(matches!(result, Err(Error::NoEngine { .. })));
}
