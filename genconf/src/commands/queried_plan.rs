//! What applying the topology would do on the hosts, as `genconf-host` of each one plans it.
//!
//! The files are rendered to a temporary directory. `ansible/plan.yml` sends them to the hosts in check mode
//! and writes the replies to a file.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use super::ansible;
use super::exit::Exit;
use super::input::{Input, absolute};
use super::options::default_out_dir;
use super::plan::{HostPlan, PlanArgs};
use super::streams::Streams;
use crate::{Generated, tree};

/// What to do about hosts that do not reply.
pub(super) const OFFLINE: &str = "check the hosts and the arguments after `--`, or compare with the rendered files: `genconf plan --offline`";

/// The plans of hosts that change or do not reply. `Err` is the end of the run.
pub(super) fn plans(
    args: &PlanArgs,
    input: &Input,
    generated: &Generated,
    streams: &mut Streams<'_>,
) -> io::Result<Result<Vec<HostPlan>, Exit>> {
    let directory = tempfile::Builder::new().prefix("genconf-plan.").tempdir()?;
    let rendered = directory.path().join("rendered");
    let changes = tree::compare(&generated.tree, &rendered, &[])?;
    tree::write(&generated.tree, &changes, &rendered, &[])?;
    let replies = directory.path().join("plan.json");
    let variables = json!({
        "genconf_topology_directory": absolute(&default_out_dir(&input.path))?,
        "genconf_plan_file": replies,
    });
    let playbooks = rendered.join("ansible");
    let mut command = ansible::command("ansible-playbook", &playbooks);
    command
        .arg("--check")
        .args(["--extra-vars", &variables.to_string()])
        .arg(playbooks.join("plan.yml"))
        .args(&args.ansible);
    let printed = match ansible::output(&mut command, streams)? {
        Ok(printed) => printed,
        Err(exit) => return Ok(Err(exit)),
    };
    let Some(plans) = read(&replies)? else {
        let message = format!("no host replied:\n{printed}");
        return streams.fail(&message, OFFLINE).map(Err);
    };
    Ok(Ok(plans))
}

/// The plans in the file that the playbook writes; `None` if it has not written it.
fn read(replies: &Path) -> io::Result<Option<Vec<HostPlan>>> {
    let text = match std::fs::read(replies) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let replies: BTreeMap<String, Value> = serde_json::from_slice(&text)?;
    let plans = replies.iter().map(|(host, reply)| plan(host, reply));
    let is_listed = |plan: &HostPlan| plan.error.is_some() || !plan.steps.is_empty();
    Ok(Some(plans.filter(is_listed).collect()))
}

/// The plan in a reply of genconf-host.
fn plan(host: &str, reply: &Value) -> HostPlan {
    let texts = |key: &str| {
        let values = reply[key].as_array().into_iter().flatten();
        values.filter_map(Value::as_str).map(str::to_owned)
    };
    let packages = texts("packages").map(|package| format!("install package {package}"));
    let first = reply["first_releases"].as_object().into_iter().flatten();
    let first = first.map(|(app, release)| {
        let release = release.as_str().unwrap_or_default();
        format!("{app}: first release {release}")
    });
    let error = reply["error"].as_str().filter(|error| !error.is_empty());
    HostPlan {
        host: host.to_owned(),
        steps: packages.chain(texts("log")).chain(first).collect(),
        error: error.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_files_steps_and_first_releases_are_listed() {
        let reply = json!({
            "error": "", "packages": ["nginx"], "log": ["write /etc/p/spec.json", "reload p-edge.service"],
            "first_releases": {"web": "0123456789ab"}, "changed": true,
        });
        let steps = [
            "install package nginx",
            "write /etc/p/spec.json",
            "reload p-edge.service",
            "web: first release 0123456789ab",
        ];
        let wanted = HostPlan {
            host: "a".to_owned(),
            steps: steps.map(str::to_owned).to_vec(),
            error: None,
        };
        assert_eq!(plan("a", &reply), wanted);
    }

    #[test]
    fn hosts_without_changes_are_left_out_and_errors_are_kept() {
        let directory = tempfile::tempdir().expect("can be made");
        let file = directory.path().join("plan.json");
        assert_eq!(read(&file).expect("can be read"), None);
        let replies =
            json!({"a": {"error": "", "log": []}, "b": {"error": "the host is unreachable"}});
        std::fs::write(&file, replies.to_string()).expect("can be written");
        let plans = read(&file).expect("can be read").expect("exists");
        let found: Vec<_> = plans
            .iter()
            .map(|p| (p.host.as_str(), p.error.as_deref()))
            .collect();
        assert_eq!(found, [("b", Some("the host is unreachable"))]);
    }
}
