//! `genconf plan`: what applying the topology would do, by meaning.
//!
//! The bundle on disk is what the hosts have; its inventory says which units
//! run where. Beside it stands what the topology describes now.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::former::{self, Former};
use super::host_plan::HostPlan;
use super::input::{Input, own_folder, way};
use crate::cli::{Exit, PlanArgs, Streams};
use crate::layout::Layout;
use crate::tree;

/// Runs the command.
pub fn run(args: &PlanArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let own = own_folder(&args.topology);
    let bundle = args.out.clone().unwrap_or_else(|| own.clone());
    let input = Input {
        path: &args.topology,
        place: way(&bundle, &own)?,
        format: args.format,
        prints: true,
    };
    let generated = match input.generate(streams)? {
        Ok(generated) => generated,
        Err(exit) => return Ok(exit),
    };
    let changes = tree::compare(&generated.tree, &bundle, &[])?;
    let paths = changes.iter().map(|c| c.path.to_string()).collect();
    let before = former::of_bundle(&bundle)?;
    let steps = steps(&generated.layout, &before, &paths);
    if steps.is_empty() && changes.is_empty() {
        writeln!(
            streams.err,
            "nothing to do: the bundle is what the topology describes"
        )?;
        return Ok(Exit::Fine);
    }
    for (host, steps) in &steps {
        writeln!(streams.out, "{host}")?;
        for step in steps {
            writeln!(streams.out, "  {step}")?;
        }
    }
    if steps.is_empty() {
        writeln!(streams.out, "no host changes: only files that stay here do")?;
    }
    let topology = args.topology.display();
    let out = args
        .out
        .as_ref()
        .map_or(String::new(), |o| format!(" --out {}", o.display()));
    let inventory = bundle.join("ansible/inventory.yml");
    let site = bundle.join("ansible/site.yml");
    writeln!(
        streams.err,
        "to do it:\n  genconf {topology}{out}\n  ansible-playbook -i {} {}",
        inventory.display(),
        site.display()
    )?;
    Ok(Exit::Drift)
}

/// What is done on each host, in the order of hosts.
fn steps(
    layout: &Layout,
    before: &BTreeMap<String, Former>,
    changed: &BTreeSet<String>,
) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for host in &layout.hosts {
        let steps = match before.get(&host.name) {
            Some(former) => HostPlan::new(host, former, changed).steps(),
            None => vec![format!(
                "+ set up    everything: {} units",
                host.units.len()
            )],
        };
        if !steps.is_empty() {
            all.push((host.name.clone(), steps));
        }
    }
    let described = |name: &String| layout.hosts.iter().any(|h| h.name == *name);
    for gone in before.keys().filter(|name| !described(name)) {
        let said = "- forget    it is described no more; what runs there is left alone";
        all.push((gone.clone(), vec![said.to_owned()]));
    }
    all
}
