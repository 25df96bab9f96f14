//! `genconf plan`: what applying the topology would do on the hosts.
//!
//! The hosts are not queried: the rendered files on disk stand for what they run.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use clap::Args;
use serde_json::json;

use super::exit::Exit;
use super::host_plan::{Step, UnitChanges};
use super::input::{Input, Results};
use super::options::{Format, GlobalArgs, OutDirArg, TopologyArg};
use super::rendered_state::{self, RenderedState};
use super::streams::{Streams, printable};
use crate::import::shell_quoted;
use crate::layout::Layout;
use crate::tree;

/// Arguments of the command.
#[derive(Args, Clone, Debug)]
pub struct PlanArgs {
    /// The topology
    #[command(flatten)]
    pub topology: TopologyArg,
    /// The output directory
    #[command(flatten)]
    pub out_dir: OutDirArg,
    /// Exit 2 if applying the topology would change anything
    #[arg(long)]
    pub exit_code: bool,
}

/// Steps on one host, by its name.
type HostSteps = (String, Vec<Step>);

/// Prints the steps of each host.
pub fn run(args: &PlanArgs, global: &GlobalArgs, streams: &mut Streams<'_>) -> io::Result<Exit> {
    let input = match Input::new(global, Some(&args.topology), Some(&args.out_dir), streams)? {
        Ok(input) => input,
        Err(exit) => return Ok(exit),
    };
    let generated = match input.generate(Results::Follow, streams)? {
        Ok(generation) => generation.generated,
        Err(exit) => return Ok(exit),
    };
    let changes = tree::compare(&generated.tree, &input.out_dir, &[])?;
    let paths = changes.iter().map(|c| c.path.to_string()).collect();
    let before = rendered_state::read(&input.out_dir)?;
    let steps = steps(&generated.layout, &before, &paths);
    print(&steps, global.output, streams)?;
    if steps.is_empty() && changes.is_empty() {
        streams.note(&format!(
            "no changes: {} matches the topology (hosts are not queried)",
            input.out_dir.display()
        ))?;
        return Ok(Exit::Success);
    }
    if steps.is_empty() {
        streams.note("no host changes; only files of this directory differ")?;
    }
    streams.note(&next_commands(&input, args))?;
    Ok(if args.exit_code {
        Exit::Differences
    } else {
        Exit::Success
    })
}

fn print(steps: &[HostSteps], format: Format, streams: &mut Streams<'_>) -> io::Result<()> {
    if format == Format::Json {
        let object = |step: &Step| json!({ "action": step.action, "object": step.object });
        let objects = steps.iter().map(|(host, steps)| {
            let steps: Vec<_> = steps.iter().map(object).collect();
            json!({ "host": host, "steps": steps })
        });
        let array = serde_json::Value::Array(objects.collect());
        return writeln!(streams.out, "{array:#}");
    }
    for (host, steps) in steps {
        if format == Format::Human {
            writeln!(streams.out, "{host}")?;
        }
        for step in steps {
            match format {
                Format::Line => writeln!(streams.out, "{host}: {}", printable(&step.to_string()))?,
                Format::Human | Format::Json => {
                    writeln!(streams.out, "  {}", printable(&step.to_string()))?;
                }
            }
        }
    }
    Ok(())
}

/// The commands that apply the plan.
fn next_commands(input: &Input, args: &PlanArgs) -> String {
    let quoted = |path: &Path| shell_quoted(&path.display().to_string());
    let topology = quoted(&input.path);
    let option = args.out_dir.out_dir.as_ref();
    let out_dir = option.map_or(String::new(), |dir| format!(" --out-dir {}", quoted(dir)));
    let inventory = quoted(&input.out_dir.join("ansible/inventory.yml"));
    let site = quoted(&input.out_dir.join("ansible/site.yml"));
    format!(
        "Compared with the rendered files in {}; hosts are not queried. To apply:\n  \
         genconf render {topology}{out_dir}\n  ansible-playbook -i {} {}",
        input.out_dir.display(),
        inventory,
        site
    )
}

/// What is done on each host, by host.
fn steps(
    layout: &Layout,
    before: &BTreeMap<String, RenderedState>,
    changed: &BTreeSet<String>,
) -> Vec<HostSteps> {
    let mut all = Vec::new();
    for host in &layout.hosts {
        let steps = match before.get(&host.name) {
            Some(state) => UnitChanges::new(host, state, changed).steps(),
            None => vec![Step::new(
                "+ set up",
                &format!("{} units", host.units.len()),
            )],
        };
        if !steps.is_empty() {
            all.push((host.name.clone(), steps));
        }
    }
    let defined = |name: &String| layout.hosts.iter().any(|h| h.name == *name);
    for removed in before.keys().filter(|name| !defined(name)) {
        let step = Step::new(
            "- unmanage",
            "the host is not in the topology; its units keep running",
        );
        all.push((removed.clone(), vec![step]));
    }
    all
}
