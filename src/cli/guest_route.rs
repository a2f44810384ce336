//! `biplane guest-route`: the commands that a classic guest needs to reach a VPC in 192.168.0.0/16.

use super::arguments::{Format, GuestRoute};
use super::names::{unknown, unknown_instance};
use super::output::Terminal;
use super::{DIFFERENT, Outcome, SUCCESS};
use crate::advise::{self, GuestRouteAdvice};
use crate::model::{Instance, Key, Location, Vpc, World};
use crate::net;
use crate::report::{self, GuestSystem};
use serde_json::{Value, json};

pub(super) fn guest_route(arguments: &GuestRoute, terminal: &mut Terminal) -> Outcome {
    let topology = terminal.open_topology(&arguments.topology)?;
    let world: &World = &topology.world;
    let instance = world.instances.find(&arguments.instance);
    let instance = instance.ok_or_else(|| unknown_instance(&arguments.instance, world))?;
    let vpc =
        arguments.vpc.as_deref().map(|id| world.vpcs.find(id).ok_or_else(|| unknown("VPC", id, world.vpcs.ids())));
    let vpc = vpc.transpose()?;
    let answer = if arguments.undo { undo(world, instance) } else { advice(arguments, world, instance, vpc) };
    match arguments.format {
        Format::Text => terminal.print(&answer.text(arguments.os.system()))?,
        Format::Json => terminal.print_json(&answer.json(arguments))?,
    }
    Ok(if answer.helps { SUCCESS } else { DIFFERENT })
}

/// What is told.
struct GuestRouteAnswer {
    /// False where no route makes the instance reach a VPC.
    helps: bool,
    /// Why there are commands, or none.
    why: String,
    /// What else is to be known.
    remarks: Vec<String>,
    commands: Option<Commands>,
}

struct Commands {
    route: net::GuestRoute,
    print: fn(net::GuestRoute, GuestSystem) -> String,
}

fn advice(arguments: &GuestRoute, world: &World, instance: Key<Instance>, vpc: Option<Key<Vpc>>) -> GuestRouteAnswer {
    match advise::guest_route(world, instance, vpc) {
        GuestRouteAdvice::Needed { route, why, also } => {
            let mut remarks = Vec::new();
            if !also.is_empty() {
                remarks.push(format!("before anything passes: {}", also.join("; ")));
            }
            remarks.push(format!(
                "in the topology add `guest_routes = [\"{}\"]`; --undo prints the way back",
                route.destination()
            ));
            GuestRouteAnswer {
                helps: true,
                why,
                remarks,
                commands: Some(Commands { route, print: report::guest_route_commands }),
            }
        }
        GuestRouteAdvice::NotNeeded(why) => {
            let why = format!("nothing to do: {why}");
            GuestRouteAnswer { helps: true, why, remarks: Vec::new(), commands: None }
        }
        GuestRouteAdvice::NoHelp(why) => {
            let planned = if arguments.vpc.is_some() { "" } else { "; `--vpc ID` names a planned link" };
            let why = format!("a guest route cannot help: {why}{planned}");
            GuestRouteAnswer { helps: false, why, remarks: Vec::new(), commands: None }
        }
    }
}

fn undo(world: &World, instance: Key<Instance>) -> GuestRouteAnswer {
    let instance = &world.instances[instance];
    if *instance.location != Location::Classic {
        let why = format!("nothing to undo: {} is no classic instance", *instance.id);
        return GuestRouteAnswer { helps: true, why, remarks: Vec::new(), commands: None };
    }
    let route = net::GuestRoute::of(*instance.private_ip);
    let why =
        format!("{} ({}) goes back to its public NIC for {}", *instance.id, *instance.private_ip, route.destination());
    let linked = instance.linked_vpc.as_ref().map(|linked| &world.vpcs[linked.value]);
    let mut remarks = Vec::new();
    if let (Some(vpc), Some(part)) = (linked, linked.and_then(Vpc::scripted_part)) {
        remarks.push(format!("it is linked to {}, and will neither reach nor answer {part} there", *vpc.id));
    }
    GuestRouteAnswer { helps: true, why, remarks, commands: Some(Commands { route, print: report::guest_route_undo }) }
}

impl GuestRouteAnswer {
    fn text(&self, system: GuestSystem) -> String {
        let mut text = String::new();
        report::guest_route_comment(&mut text, system, &self.why);
        if let Some(Commands { route, print }) = self.commands {
            let who = match system {
                GuestSystem::Windows => "run this there as Administrator, in cmd.exe",
                _ => "run this there as root; --os has other systems",
            };
            report::guest_route_comment(&mut text, system, who);
            text.push('\n');
            text.push_str(&print(route, system));
            text.push('\n');
        }
        for remark in &self.remarks {
            report::guest_route_comment(&mut text, system, remark);
        }
        text
    }

    fn json(&self, arguments: &GuestRoute) -> Value {
        let mut value = json!({
            "instance": arguments.instance,
            "needed": self.commands.is_some(),
            "helps": self.helps,
            "why": self.why,
            "remarks": self.remarks,
        });
        if let Some(Commands { route, print }) = self.commands {
            value["destination"] = json!(route.destination().to_string());
            value["gateway"] = json!(route.gateway().to_string());
            value["nic"] = json!(net::GuestRoute::NIC);
            value["commands"] = json!(print(route, arguments.os.system()));
        }
        value
    }
}
