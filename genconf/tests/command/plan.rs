//! `genconf plan`: the steps of each kind of change.

use std::fs;
use std::path::Path;

use crate::project::{VALID, genconf, output, project};

const SHARED: &str = "\
version: 1
project: p
hosts: { a: { address: 192.0.2.1, development: true } }
apps: { web: { artifact: web }, api: { artifact: api.js, runtime: node } }
pools:
  web: { app: web, mode: cluster, ports: [8080], workers: max }
  api: { app: api, ports: [8090-8091] }
proxies: { edge: { routes: [{ path: /, pool: web }, { path: /api, pool: api }] } }
";

/// Exit code and steps of a plan from the rendered files of `before` to `after`.
fn planned(before: &str, after: &str) -> (i32, String) {
    let folder = project(before);
    let (code, _, err) = output(&genconf(folder.path(), &["topology.yaml"]));
    assert_eq!(code, 0, "{err}");
    fs::write(folder.path().join("topology.yaml"), after).expect("can be written");
    let (code, out, _) = output(&genconf(
        folder.path(),
        &["plan", "topology.yaml", "--offline", "--exit-code"],
    ));
    (code, out)
}

/// Exit code and output of `genconf plan` after `change` of the rendered files of `VALID`.
fn planned_after(change: impl FnOnce(&Path)) -> (i32, String) {
    let folder = project(VALID);
    let (code, _, err) = output(&genconf(folder.path(), &["topology.yaml"]));
    assert_eq!(code, 0, "{err}");
    change(folder.path());
    let (code, out, _) = output(&genconf(
        folder.path(),
        &["plan", "topology.yaml", "--offline", "--exit-code"],
    ));
    (code, out)
}

/// The steps on the one host `a`.
fn assert_steps(before: &str, after: &str, steps: &[&str]) {
    let lines = steps.iter().map(|step| format!("  {step}\n"));
    let wanted = format!("a\n{}", lines.collect::<String>());
    assert_eq!(planned(before, after), (2, wanted));
}

#[test]
fn a_plan_lists_starts_reloads_restarts_and_removals() {
    let folder = project(VALID);
    let (code, out, _) = output(&genconf(
        folder.path(),
        &["plan", "topology.yaml", "--offline", "--exit-code"],
    ));
    let first = out.starts_with("a\n  + set up    ");
    assert!(code == 2 && first, "{out}");
    assert_eq!(planned(VALID, VALID), (0, String::new()));
    let grown = [
        "+ start     p-web-port@8082.socket p-web@8082.service",
        "~ reload    p-edge.service",
    ];
    assert_steps(VALID, &VALID.replace("8080-8081", "8080-8082"), &grown);
    let shrunk = [
        "~ reload    p-edge.service",
        "- remove    p-web-port@8081.socket p-web@8081.service",
    ];
    assert_steps(VALID, &VALID.replace("8080-8081", "8080"), &shrunk);
    let restarted = [
        "~ restart   p-web@8080.service",
        "~ restart   p-web@8081.service",
    ];
    let changed = VALID.replace("ports:", "env: { A: b }, ports:");
    assert_steps(VALID, &changed, &restarted);
    let moved = VALID.replace("routes:", "listen: 81, routes:");
    let rebound = ["~ rebind    p-edge.socket (the port is closed until it is bound again)"];
    assert_steps(VALID, &moved, &rebound);
}

#[test]
fn workers_whose_number_the_host_sets_are_restarted() {
    let changed = SHARED.replace("workers: max", "workers: max, env: { A: b }");
    assert_steps(SHARED, &changed, &["~ restart   p-web-8080@*"]);
}

#[test]
fn running_workers_are_neither_started_nor_removed() {
    let two = SHARED.replace("workers: max", "workers: 2");
    let more = ["~ resize    p-web-8080@* from 2 to one for each CPU"];
    assert_steps(&two, SHARED, &more);
    let fewer = ["~ resize    p-web-8080@* from one for each CPU to 2"];
    assert_steps(SHARED, &two, &fewer);
    let three = SHARED.replace("workers: max", "workers: 3, env: { A: b }");
    let both = [
        "+ start     p-web-8080@3.service",
        "~ restart   p-web-8080@*",
    ];
    assert_steps(&two, &three, &both);
}

#[test]
fn a_pool_is_added_and_removed_with_all_of_its_units() {
    let without = SHARED
        .replace(
            "  web: { app: web, mode: cluster, ports: [8080], workers: max }\n",
            "",
        )
        .replace("web: { artifact: web }, ", "")
        .replace("{ path: /, pool: web }, ", "");
    let removed = [
        "~ reload    p-edge.service",
        "- remove    p-web-8080.socket p-web-8080@* p-web.target",
    ];
    assert_steps(SHARED, &without, &removed);
    let added = [
        "+ start     p-web-8080.socket p-web-8080@*",
        "~ reload    p-edge.service",
    ];
    assert_steps(&without, SHARED, &added);
}

#[test]
fn timers_and_path_units_are_listed() {
    let slower = SHARED.replace("runtime: node", "runtime: node, health: { interval: 9s }");
    assert_steps(SHARED, &slower, &["~ restart   p-monitor.service"]);
    let elsewhere = SHARED.replace("runtime: node", "runtime: node, health: /up");
    assert_steps(SHARED, &elsewhere, &["~ restart   p-monitor.service"]);
    let watched = SHARED.replace("artifact: web }", "artifact: web, watch: true }");
    let added = ["+ add       p-web-watch.path p-web-watch.service"];
    assert_steps(SHARED, &watched, &added);
    let removed = ["- remove    p-web-watch.path p-web-watch.service"];
    assert_steps(&watched, SHARED, &removed);
}

#[test]
fn a_new_address_of_a_host_is_listed() {
    let moved = VALID.replace("192.0.2.1", "192.0.2.9");
    let step =
        ["~ address   192.0.2.9 instead of 192.0.2.1; another machine is set up from the start"];
    assert_steps(VALID, &moved, &step);
}

#[test]
fn a_socket_that_becomes_local_is_rebound() {
    let two = VALID
        .replace("hosts: {", "hosts: { b: { address: 192.0.2.2 },")
        .replace("ports:", "hosts: [a, b], ports:")
        .replace("routes:", "hosts: [a], routes:");
    let one = two.replace("hosts: [a, b], ports:", "hosts: [a], ports:");
    let (_, out) = planned(&two, &one);
    let rebound = "~ rebind    p-web-port@8080.socket (the port is closed until it is bound again)";
    assert!(out.contains(rebound), "{out}");
}

#[test]
fn added_and_changed_kernel_settings_are_listed() {
    let one = VALID
        .replace("hosts: {", "hosts: { b: { address: 192.0.2.2 },")
        .replace("ports:", "hosts: [a], ports:");
    let two = one.replace("hosts: [a]", "hosts: [a, b]");
    let (code, out) = planned(&one, &two);
    let applied = "  ~ apply     /etc/sysctl.d/60-p-edge.conf\n";
    assert!(
        code == 2 && out.matches(applied).count() == 2,
        "{code} {out}"
    );
    let more = two.replace("8080-8081", "8080-8082");
    assert!(!planned(&two, &more).1.contains("sysctl"));
}

#[test]
fn differences_have_an_exit_code_only_on_request() {
    let folder = project(VALID);
    let (code, out, err) = output(&genconf(folder.path(), &["plan", "--offline"]));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("+ set up"), "{out}");
    assert!(err.contains("hosts are not queried"), "{err}");
    assert!(err.contains("genconf render topology.yaml"), "{err}");
}

#[test]
fn a_removed_host_stays_as_it_is() {
    let two = VALID
        .replace("hosts: {", "hosts: { b: { address: 192.0.2.2 },")
        .replace("ports:", "hosts: [a], ports:");
    let one = two.replace("hosts: { b: { address: 192.0.2.2 },", "hosts: {");
    let one = one.replace("hosts: [a], ports:", "ports:");
    let (_, out) = planned(&two, &one);
    let step = "b\n  - unmanage  the host is not in the topology; its units keep running\n";
    assert!(out.contains(step), "{out}");
}

#[test]
fn without_an_inventory_addresses_are_not_compared() {
    let remove = |folder: &Path| {
        fs::remove_file(folder.join("ansible/inventory.yml")).expect("can be removed");
    };
    assert_eq!(planned_after(remove), (2, String::new()));
}

#[test]
fn a_host_with_a_spec_of_another_format_is_set_up() {
    let change = |folder: &Path| {
        let path = folder.join("hosts/a.json");
        let text = fs::read_to_string(&path).expect("is readable");
        let older = text.replace("\"format\": 2", "\"format\": 1");
        assert_ne!(older, text);
        fs::write(path, older).expect("can be written");
    };
    let (code, out) = planned_after(change);
    assert!(code == 2 && out.starts_with("a\n  + set up "), "{out}");
}

#[test]
fn other_files_in_the_directory_of_the_specs_are_skipped() {
    let add = |folder: &Path| {
        let hosts = folder.join("hosts");
        fs::write(hosts.join("note.json"), b"\xff").expect("can be written");
        fs::write(hosts.join("b.txt"), "{").expect("can be written");
        fs::create_dir(hosts.join("c.json")).expect("can be made");
    };
    assert_eq!(planned_after(add), (0, String::new()));
}

#[test]
fn the_monitor_is_not_restarted_for_pools_that_it_does_not_probe() {
    let more = SHARED.replace("ports: [8080]", "ports: [8080-8081]");
    let steps = [
        "+ start     p-web-8081.socket p-web-8081@*",
        "~ reload    p-edge.service",
    ];
    assert_steps(SHARED, &more, &steps);
    let another = SHARED.replace("8090-8091", "8090-8092");
    let steps = [
        "+ start     p-api@8092.service",
        "~ reload    p-edge.service",
        "~ restart   p-monitor.service",
    ];
    assert_steps(SHARED, &another, &steps);
}
