//! `genconf plan`: the steps for a change of the topology.

use std::fs;

use crate::project::{TOPOLOGY, genconf, outcome, project};

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

/// Exit code and output of the plan from the rendered files of `before` to `after`.
fn planned(before: &str, after: &str) -> (i32, String) {
    let folder = project(before);
    let (code, _, err) = outcome(&genconf(folder.path(), &["topology.yaml"]));
    assert_eq!(code, 0, "{err}");
    fs::write(folder.path().join("topology.yaml"), after).expect("can be written");
    let (code, out, _) = outcome(&genconf(folder.path(), &["plan", "topology.yaml"]));
    (code, out)
}

/// Asserts the steps on the host `a`.
fn assert_steps(before: &str, after: &str, steps: &[&str]) {
    let lines = steps.iter().map(|step| format!("  {step}\n"));
    let wanted = format!("a\n{}", lines.collect::<String>());
    assert_eq!(planned(before, after), (2, wanted));
}

#[test]
fn a_plan_lists_steps_per_host() {
    let folder = project(TOPOLOGY);
    let (code, out, _) = outcome(&genconf(folder.path(), &["plan", "topology.yaml"]));
    let first = out.starts_with("a\n  + set up    everything");
    assert!(code == 2 && first, "{out}");
    assert_eq!(planned(TOPOLOGY, TOPOLOGY), (0, String::new()));
    let grown = [
        "+ start     p-web-port@8082.socket p-web@8082.service",
        "~ reload    p-edge.service",
    ];
    assert_steps(
        TOPOLOGY,
        &TOPOLOGY.replace("8080-8081", "8080-8082"),
        &grown,
    );
    let shrunk = [
        "~ reload    p-edge.service",
        "- remove    p-web-port@8081.socket p-web@8081.service",
    ];
    assert_steps(TOPOLOGY, &TOPOLOGY.replace("8080-8081", "8080"), &shrunk);
    let restarted = [
        "~ restart   p-web@8080.service",
        "~ restart   p-web@8081.service",
    ];
    let changed = TOPOLOGY.replace("ports:", "env: { A: b }, ports:");
    assert_steps(TOPOLOGY, &changed, &restarted);
    let moved = TOPOLOGY.replace("routes:", "listen: 81, routes:");
    let reopened = ["~ re-open   p-edge.socket (its port is closed for a moment)"];
    assert_steps(TOPOLOGY, &moved, &reopened);
}

#[test]
fn workers_with_a_number_per_cpu_are_restarted() {
    let changed = SHARED.replace("workers: max", "workers: max, env: { A: b }");
    assert_steps(SHARED, &changed, &["~ restart   p-web-8080@*"]);
}

#[test]
fn running_workers_are_neither_started_nor_removed() {
    let two = SHARED.replace("workers: max", "workers: 2");
    let more = ["~ resize    p-web-8080@* from 2 to one for each processor"];
    assert_steps(&two, SHARED, &more);
    let fewer = ["~ resize    p-web-8080@* from one for each processor to 2"];
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
    let gone = [
        "~ reload    p-edge.service",
        "- remove    p-web-8080.socket p-web-8080@* p-web.target",
    ];
    assert_steps(SHARED, &without, &gone);
    let come = [
        "+ start     p-web-8080.socket p-web-8080@*",
        "~ reload    p-edge.service",
    ];
    assert_steps(&without, SHARED, &come);
}

#[test]
fn probe_and_watch_units_are_listed() {
    let slower = SHARED.replace("runtime: node", "runtime: node, health: { interval: 9s }");
    assert_steps(SHARED, &slower, &["~ replace   p-api-probe.timer"]);
    let elsewhere = SHARED.replace("runtime: node", "runtime: node, health: /up");
    assert_steps(SHARED, &elsewhere, &["~ replace   p-api-probe.service"]);
    let watched = SHARED.replace("artifact: web }", "artifact: web, watch: true }");
    let added = ["+ add       p-web-watch.path p-web-watch.service"];
    assert_steps(SHARED, &watched, &added);
    let removed = ["- remove    p-web-watch.path p-web-watch.service"];
    assert_steps(&watched, SHARED, &removed);
}

#[test]
fn a_changed_host_address_is_reported() {
    let moved = TOPOLOGY.replace("192.0.2.1", "192.0.2.9");
    let steps =
        ["~ address   192.0.2.9 instead of 192.0.2.1; on another machine everything is set up"];
    assert_steps(TOPOLOGY, &moved, &steps);
}

#[test]
fn a_socket_that_no_longer_needs_remote_access_is_reopened() {
    let two = TOPOLOGY
        .replace("hosts: {", "hosts: { b: { address: 192.0.2.2 },")
        .replace("ports:", "hosts: [a, b], ports:")
        .replace("routes:", "hosts: [a], routes:");
    let one = two.replace("hosts: [a, b], ports:", "hosts: [a], ports:");
    let (_, out) = planned(&two, &one);
    let reopened = "~ re-open   p-web-port@8080.socket (its port is closed for a moment)";
    assert!(out.contains(reopened), "{out}");
}

#[test]
fn added_or_changed_kernel_settings_are_reported() {
    let one = TOPOLOGY
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
