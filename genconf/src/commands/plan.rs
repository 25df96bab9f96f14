//! `genconf plan`: what applying the topology would do on the hosts.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::Path;

use clap::Args;
use serde_json::json;

use super::exit::Exit;
use super::input::{Input, Results};
use super::options::{Format, GlobalArgs, OutDirArg, TopologyArg};
use super::streams::{Streams, printable};
use super::{offline_plan, queried_plan};
use crate::import::shell_quoted;
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
    /// Compare with the rendered files on disk; query no host
    #[arg(long)]
    pub offline: bool,
    /// Exit 2 if applying the topology would change anything
    #[arg(long)]
    pub exit_code: bool,
    /// Arguments for Ansible, such as `-- --user root --limit node1`
    #[arg(last = true)]
    pub ansible: Vec<OsString>,
}

/// What applying the topology would do on one host.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct HostPlan {
    /// Name of the host.
    pub(super) host: String,
    /// The steps, in their order.
    pub(super) steps: Vec<String>,
    /// Why the host has no plan.
    pub(super) error: Option<String>,
}

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
    let paths: BTreeSet<String> = changes.iter().map(|c| c.path.to_string()).collect();
    let mut plans = if args.offline {
        offline_plan::plans(&generated.layout, &input.out_dir, &paths)?
    } else {
        match queried_plan::plans(args, &input, &generated, streams)? {
            Ok(plans) => plans,
            Err(exit) => return Ok(exit),
        }
    };
    plans.extend(offline_plan::of_removed_hosts(
        &generated.layout,
        &input.out_dir,
    )?);
    print(&plans, global.output, streams)?;
    let failed = plans.iter().filter(|plan| plan.error.is_some()).count();
    if failed > 0 {
        let message = format!("{failed} hosts have no plan");
        return streams.fail_after_result(&message, queried_plan::OFFLINE);
    }
    if plans.is_empty() && changes.is_empty() {
        streams.note(&no_changes(args, &input))?;
        return Ok(Exit::Success);
    }
    if plans.is_empty() {
        streams.note("no host changes; only files of this directory differ")?;
    }
    streams.note(&next_commands(&input, args))?;
    Ok(if args.exit_code {
        Exit::Differences
    } else {
        Exit::Success
    })
}

fn print(plans: &[HostPlan], format: Format, streams: &mut Streams<'_>) -> io::Result<()> {
    if format == Format::Json {
        let objects = plans
            .iter()
            .map(|plan| json!({ "host": plan.host, "steps": plan.steps, "error": plan.error }));
        let array = serde_json::Value::Array(objects.collect());
        return writeln!(streams.out, "{array:#}");
    }
    for plan in plans {
        let host = &plan.host;
        if format == Format::Human {
            writeln!(streams.out, "{host}")?;
        }
        let error = plan.error.iter().map(|error| format!("error: {error}"));
        for step in plan.steps.iter().cloned().chain(error) {
            match format {
                Format::Line => writeln!(streams.out, "{host}: {}", printable(&step))?,
                Format::Human | Format::Json => writeln!(streams.out, "  {}", printable(&step))?,
            }
        }
    }
    Ok(())
}

/// That there is nothing to do.
fn no_changes(args: &PlanArgs, input: &Input) -> String {
    if args.offline {
        let out_dir = input.out_dir.display();
        return format!("no changes: {out_dir} matches the topology (hosts are not queried)");
    }
    "no changes: the hosts match the topology".to_owned()
}

/// The commands that apply the plan.
fn next_commands(input: &Input, args: &PlanArgs) -> String {
    let quoted = |path: &Path| shell_quoted(&path.display().to_string());
    let topology = quoted(&input.path);
    let option = args.out_dir.out_dir.as_ref();
    let out_dir = option.map_or(String::new(), |dir| format!(" --out-dir {}", quoted(dir)));
    let inventory = quoted(&input.out_dir.join("ansible/inventory.yml"));
    let site = quoted(&input.out_dir.join("ansible/site.yml"));
    let compared = if args.offline {
        let out_dir = input.out_dir.display();
        format!("Compared with the rendered files in {out_dir}; hosts are not queried. ")
    } else {
        String::new()
    };
    format!(
        "{compared}To apply:\n  genconf render {topology}{out_dir}\n  ansible-playbook -i {inventory} {site}"
    )
}
