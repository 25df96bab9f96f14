//! Arguments of the engine's client.

use super::*;

fn environment(variables: &[(&str, &str)]) -> Environment {
    let pair = |&(name, value): &(&str, &str)| (name.into(), value.into());
    variables.iter().map(pair).collect()
}

fn run_arguments() -> RunArguments {
    RunArguments {
        name: "shop-web-3001".to_owned(),
        limits: Limits {
            slice: "shop.slice".to_owned(),
            memory: MemoryLimit::Bytes(1_048_576),
            tasks: 64,
        },
        container_port: None,
        stop_timeout: 10,
        env: vec!["ONE".to_owned()],
        env_file: None,
        args: vec!["--x".to_owned(), "y z".to_owned()],
    }
}

fn client_arguments(kind: Kind, run: &RunArguments) -> Vec<String> {
    let environment = environment(&[("HOST", "127.0.0.1"), ("PORT", "3001"), ("ONE", "secret")]);
    run.client_arguments(kind, "image:1", &environment).unwrap()
}

fn has(arguments: &[String], argument: &str) -> bool {
    arguments.iter().any(|a| a == argument)
}

#[test]
fn the_image_and_the_arguments_of_the_app_are_last() {
    let arguments = client_arguments(Kind::Docker, &run_arguments());
    assert_eq!(arguments[0], "run");
    assert_eq!(arguments[arguments.len() - 3..], ["image:1", "--x", "y z"]);
}

#[test]
fn the_container_is_isolated() {
    for kind in [Kind::Podman, Kind::Docker] {
        let arguments = client_arguments(kind, &run_arguments());
        for expected in [
            "--rm",
            "--pull=never",
            "--name=shop-web-3001",
            "--log-driver=none",
            "--read-only",
            "--tmpfs=/tmp",
            "--tmpfs=/run",
            "--cap-drop=ALL",
            "--security-opt=no-new-privileges",
            "--stop-timeout=10",
        ] {
            assert!(has(&arguments, expected), "{expected}: {arguments:?}");
        }
    }
}

#[test]
fn docker_has_the_limits_of_the_unit() {
    let mut run = run_arguments();
    let arguments = client_arguments(Kind::Docker, &run);
    for expected in [
        "--memory=1048576",
        "--pids-limit=64",
        "--cgroup-parent=shop.slice",
    ] {
        assert!(has(&arguments, expected), "{expected}: {arguments:?}");
    }
    run.limits.memory = MemoryLimit::Infinity;
    let arguments = client_arguments(Kind::Docker, &run);
    assert!(!arguments.iter().any(|a| a.starts_with("--memory")));
}

#[test]
fn podman_runs_the_container_in_the_unit_without_other_limits() {
    let arguments = client_arguments(Kind::Podman, &run_arguments());
    assert!(has(&arguments, "--cgroups=disabled"));
    assert!(has(&arguments, "--ulimit=host"));
    let is_limit = |a: &String| a.contains("memory") || a.contains("pids");
    assert!(!arguments.iter().any(is_limit), "{arguments:?}");
}

#[test]
fn values_of_variables_are_not_in_arguments() {
    let arguments = client_arguments(Kind::Docker, &run_arguments());
    for expected in ["--env=ONE", "--env=HOST", "--env=PORT", "--network=host"] {
        assert!(has(&arguments, expected), "{expected}: {arguments:?}");
    }
    for value in ["secret", "127.0.0.1", "3001\""] {
        let is_value = |a: &String| format!("{a}\"").contains(value) && !a.starts_with("--name");
        assert!(!arguments.iter().any(is_value), "{value}: {arguments:?}");
    }
}

#[test]
fn a_container_port_is_published_at_the_address_of_the_instance() {
    let mut run = run_arguments();
    run.container_port = NonZeroU16::new(80);
    let arguments = client_arguments(Kind::Docker, &run);
    for expected in [
        "--publish=127.0.0.1:3001:80",
        "--env=HOST=0.0.0.0",
        "--env=PORT=80",
        "--cap-add=NET_BIND_SERVICE",
    ] {
        assert!(has(&arguments, expected), "{expected}: {arguments:?}");
    }
    for unexpected in ["--network=host", "--env=HOST", "--env=PORT"] {
        assert!(!has(&arguments, unexpected), "{unexpected}: {arguments:?}");
    }
}

#[test]
fn an_ipv6_address_is_published_in_brackets() {
    let mut run = run_arguments();
    run.container_port = NonZeroU16::new(80);
    let environment = environment(&[("HOST", "::1"), ("PORT", "3001")]);
    let arguments = run.client_arguments(Kind::Docker, "image:1", &environment);
    assert!(has(&arguments.unwrap(), "--publish=[::1]:3001:80"));
}

#[test]
fn a_container_port_requires_host_and_port() {
    let mut run = run_arguments();
    run.container_port = NonZeroU16::new(80);
    for (variables, missing) in [
        (environment(&[("PORT", "3001")]), "HOST"),
        (environment(&[("HOST", "127.0.0.1")]), "PORT"),
    ] {
        let error = run.client_arguments(Kind::Docker, "image:1", &variables);
        let error = error.unwrap_err().to_string();
        assert!(error.contains(&format!("variable {missing}:")), "{error}");
    }
}

#[test]
fn variables_of_a_file_are_those_that_systemd_set() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("app.env");
    let text = b"# A=1\nSECRET='x\nNOT=there'\n  OTHER =2\r\nSECRET=3\n\xff=4\nLAST=\xff\n";
    std::fs::write(&file, text).unwrap();
    let set = environment(&[("SECRET", "3"), ("OTHER", "2"), ("LAST", ""), ("A", "0")]);
    let names = variable_names(&file, &set).unwrap();
    assert_eq!(names, ["SECRET", "OTHER", "LAST"]);
    let mut run = run_arguments();
    run.env_file = Some(file);
    let arguments = run.client_arguments(Kind::Docker, "image:1", &set).unwrap();
    let is_variable = |a: &&String| a.starts_with("--env=");
    let variables: Vec<_> = arguments.iter().filter(is_variable).collect();
    let expected = ["ONE", "SECRET", "OTHER", "LAST", "HOST", "PORT"].map(|n| format!("--env={n}"));
    assert_eq!(variables, expected.iter().collect::<Vec<_>>());
}

#[test]
fn a_missing_environment_file_is_an_error() {
    let mut run = run_arguments();
    run.env_file = Some("/missing/app.env".into());
    let error = run.client_arguments(Kind::Docker, "image:1", &Environment::new());
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with("/missing/app.env: "), "{error}");
}
