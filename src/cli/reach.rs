//! `biplane reach`: answers for all headers.

mod parts;

pub(super) use parts::merge;

use super::arguments::{Reach, ReachFormat};
use super::output::Terminal;
use super::{DIFFERENT, Failure, Outcome, SUCCESS};
use crate::capture::{Packet, PacketDirection, Writer};
use crate::files::{Inputs, OutputFile};
use crate::lab::Topology;
use crate::net::Protocol;
use crate::program::{EndpointId, FixedMap};
use crate::reach::{
    self, FlowGroup, HeaderSet, HeaderSpec, KeptRegions, Question, ReachClaim, ReachTextError, Selector, SelectorReader,
};
use crate::replay::scenario::claim_failure;
use crate::report::{self, Comments, REACH_CSV_HEAD, ReachWords, Resolver, Style};
use crate::text::{Shown, shown_json};
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

/// The longest list of flows that is printed behind a matrix of all endpoints.
const LISTED: usize = 60;

impl From<ReachTextError> for Failure {
    fn from(error: ReachTextError) -> Failure {
        Failure::Message(error.to_string())
    }
}

pub(super) fn reach(arguments: &Reach, terminal: &mut Terminal) -> Outcome {
    let topology = Arc::new(terminal.open_topology(&arguments.topology)?);
    let mut inputs = Inputs::default();
    topology.sources.paths().for_each(|path| inputs.add(path, "topology"));
    if let Some((shard, folder)) = arguments.shard.zip(arguments.parts.as_deref()) {
        return parts::write_part(&Asking { arguments, topology: &topology }, &inputs, (shard, folder), terminal);
    }
    tell(&Asking { arguments, topology: &topology }, &inputs, Vec::new(), terminal)
}

/// Tells what is asked; `kept` are the regions of each question, where they were found before.
fn tell(asking: &Asking<'_>, inputs: &Inputs, kept: Vec<KeptRegions>, terminal: &mut Terminal) -> Outcome {
    let Asking { arguments, topology } = *asking;
    let capture = arguments.witnesses.as_deref().map(|path| create(path, inputs, terminal)).transpose()?;
    let (code, flows) = match arguments.claims.is_empty() {
        true => (SUCCESS, answer(asking, kept, terminal)?),
        false => claims(asking, kept, terminal)?,
    };
    if let Some(file) = capture {
        write_witnesses(file, topology, &flows)?;
    }
    Ok(code)
}

/// The file for frames, which may be standard output.
fn create(path: &Path, inputs: &Inputs, terminal: &mut Terminal) -> Result<OutputFile, Failure> {
    if OutputFile::is_standard_output(path) {
        terminal.print_to_standard_error();
    }
    Ok(OutputFile::create(path, inputs)?)
}

fn reader(topology: &Topology) -> SelectorReader<'_> {
    SelectorReader { world: &topology.world, program: &topology.program, names: &topology.names }
}

/// The headers that the arguments name.
fn headers(arguments: &Reach) -> Result<HeaderSpec, Failure> {
    let mut spec = HeaderSpec::default();
    for (protocol, ports) in [(Protocol::TCP, &arguments.tcp), (Protocol::UDP, &arguments.udp)] {
        if let Some(ports) = ports {
            spec.add_ports(protocol, ports)?;
        }
    }
    if arguments.icmp {
        spec.add_protocol(Protocol::ICMP);
    }
    Ok(spec)
}

/// What is asked, about which topology.
#[derive(Clone, Copy)]
struct Asking<'a> {
    arguments: &'a Reach,
    topology: &'a Arc<Topology>,
}

impl Asking<'_> {
    /// The question, and what answers it.
    fn question(&self) -> Result<(reach::Reach, Question), Failure> {
        let Asking { arguments, topology } = *self;
        let (reader, spec) = (reader(topology), headers(arguments)?);
        let ends = |text: &Option<String>| match text {
            Some(text) => reader.selector(text),
            None => Ok(Selector::Any),
        };
        let reach = reach::Reach::new(Arc::clone(&topology.program));
        let headers = if spec.is_empty() { HeaderSet::all(reach.protocols()) } else { spec.headers(reach.protocols()) };
        let (from, to) = (ends(&arguments.from)?, ends(&arguments.to)?);
        Ok((reach, Question { from, to, headers, refused: arguments.refused, by_rule: true }))
    }

    /// True where the arguments narrow down what is asked: then all flows are listed.
    fn is_narrow(&self) -> bool {
        let Reach { from, to, tcp, udp, icmp, refused, .. } = self.arguments;
        *refused || *icmp || [from, to, tcp, udp].into_iter().any(Option::is_some)
    }

    /// A claim, and what answers it.
    fn claim(&self, text: &str) -> Result<(reach::Reach, ReachClaim), Failure> {
        let claim = ReachClaim::parse(text, &reader(self.topology))?;
        let protocols = claim.allowed().protocols();
        Ok((reach::Reach::telling_apart(Arc::clone(&self.topology.program), protocols), claim))
    }
}

/// Prints who reaches whom.
fn answer(asking: &Asking<'_>, kept: Vec<KeptRegions>, terminal: &mut Terminal) -> Result<Vec<FlowGroup>, Failure> {
    let Asking { arguments, topology } = *asking;
    let (reach, question) = asking.question()?;
    let reach = reach.knowing(kept);
    let words = ReachWords::new(words(topology), reach.protocols());
    if arguments.format != ReachFormat::Text {
        let flows = reach.flows(&question);
        print_flows(arguments.format, &words, &flows, terminal)?;
        return Ok(flows);
    }
    let palette = terminal.palette();
    let mut text = String::new();
    let matrix = reach.matrix(&question);
    report::reach_matrix_text(&mut text, &words, &matrix, palette);
    let is_listed = asking.is_narrow() || matrix.regions <= LISTED;
    // Flows are not kept where they are not asked for: there may be many.
    let flows = if is_listed || arguments.witnesses.is_some() { reach.flows(&question) } else { Vec::new() };
    text.push('\n');
    if is_listed {
        report::reach_flows_text(&mut text, &words, &flows, palette);
    } else {
        report::reach_unlisted_text(&mut text, matrix.regions);
    }
    text.push('\n');
    report::reach_fixed_text(&mut text, palette);
    terminal.print(&text)?;
    Ok(flows)
}

fn words(topology: &Topology) -> Resolver<'_> {
    Resolver::new(&topology.program, &topology.names, &topology.sources)
}

fn print_flows(
    format: ReachFormat,
    words: &ReachWords<'_>,
    flows: &[FlowGroup],
    terminal: &mut Terminal,
) -> Result<(), Failure> {
    if format == ReachFormat::Csv {
        let mut text = REACH_CSV_HEAD.to_owned();
        flows.iter().for_each(|flow| report::reach_flow_csv(&mut text, words, flow));
        terminal.print(&text)?;
        return Ok(());
    }
    let objects: String = flows.iter().map(|flow| format!("{}\n", report::reach_flow_json(words, flow))).collect();
    match format {
        ReachFormat::Ndjson => terminal.print(&shown_json(&objects))?,
        _ => terminal.print_array(&objects)?,
    }
    Ok(())
}

/// Prints which claims hold.
fn claims(
    asking: &Asking<'_>,
    kept: Vec<KeptRegions>,
    terminal: &mut Terminal,
) -> Result<(u8, Vec<FlowGroup>), Failure> {
    let Asking { arguments, topology } = *asking;
    let mut kept = kept.into_iter();
    let palette = terminal.palette();
    let mut code = SUCCESS;
    let mut against = Vec::new();
    for text in &arguments.claims {
        let (reach, claim) = asking.claim(text)?;
        let reach = reach.knowing(kept.next());
        let flows = claim.violations(&reach);
        let holds = flows.is_empty();
        match arguments.format {
            ReachFormat::Text => {
                let (word, style) = if holds { ("holds", Style::Good) } else { ("FAILED", Style::Bad) };
                let mut text = format!("{}  {}\n", palette.paint(style, format!("{word:<6}")), Shown(claim.text()));
                if !holds {
                    text += &claim_failure(topology, reach.protocols(), &flows);
                }
                terminal.print(&text)?;
            }
            format => print_flows(format, &ReachWords::new(words(topology), reach.protocols()), &flows, terminal)?,
        }
        if !holds {
            code = DIFFERENT;
        }
        against.extend(flows);
    }
    Ok((code, against))
}

/// Writes the frames of flows, first packets and replies, each on the interface of its sender.
fn write_witnesses(mut file: OutputFile, topology: &Topology, flows: &[FlowGroup]) -> Result<(), Failure> {
    let comments = Comments::new(words(topology));
    let mut writer = Writer::new(BufWriter::new(&mut file))?;
    let mut interfaces: FixedMap<EndpointId, u32> = FixedMap::default();
    for (number, frame) in (1..).zip(flows.iter().flat_map(|flow| &flow.frames)) {
        let interface = match interfaces.get(&frame.sender) {
            Some(interface) => *interface,
            None => {
                let interface = writer.add_interface(topology.names.endpoint(frame.sender), None)?;
                interfaces.insert(frame.sender, interface);
                interface
            }
        };
        let [short, readable] = comments.both(number, &frame.outcome);
        writer.write_packet(&Packet {
            interface,
            time: frame.time,
            bytes: &frame.bytes,
            wire_len: frame.bytes.len() as u32,
            direction: PacketDirection::Inbound,
            packet_id: None,
            own_comments: &[],
            comments: &[&short, &readable],
        })?;
    }
    writer.finish()?;
    file.finish()?;
    Ok(())
}
