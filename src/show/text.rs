//! The inventory as text: tables of many objects, one object in full.

use super::object::{ShownField, ShownObject, ShownRow, ShownValue};
use super::{Inventory, InventoryScope, Topology};
use crate::diag::and_list;
use crate::model::{Latency, ObjectKind, TimingSettings};
use crate::report::{Palette, Style, table_text, thousands};
use crate::text::shown;
use std::fmt::Write;

/// Items of a list that stand in a cell of a table, and in a line about one object; the others are counted.
const IN_A_CELL: usize = 3;
const IN_A_LINE: usize = 40;

/// Writes what is shown: what an id stands for in full, else a table for each kind.
pub fn inventory_text(out: &mut String, topology: &Topology, inventory: &Inventory, palette: Palette) {
    match inventory.scope {
        InventoryScope::Whole => write_heading(out, topology, inventory),
        InventoryScope::Kind | InventoryScope::Tagged => {}
        InventoryScope::Id => {
            for (index, object) in inventory.objects.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "\n" });
                write_object(out, object, palette);
            }
            return;
        }
    }
    let mut is_first = out.is_empty();
    for kind in ObjectKind::ALL {
        let objects: Vec<&ShownObject> = inventory.objects.iter().filter(|object| object.kind == kind).collect();
        if objects.is_empty() {
            continue;
        }
        if !std::mem::take(&mut is_first) {
            out.push('\n');
        }
        let _ = writeln!(out, "{}", palette.paint(Style::Heading, kind.plural()));
        let columns = columns(kind);
        let rows: Vec<Vec<String>> = objects.iter().map(|object| row(object, columns)).collect();
        table_text(out, 2, columns, &rows, palette);
    }
    match inventory.scope {
        InventoryScope::Kind if inventory.objects.is_empty() => out.push_str("nothing of this kind\n"),
        InventoryScope::Tagged if inventory.objects.is_empty() => out.push_str("nothing has these tags\n"),
        _ => {}
    }
}

/// The file, how many objects it declares, and what holds for all of them.
fn write_heading(out: &mut String, topology: &Topology, inventory: &Inventory) {
    let counts = ObjectKind::ALL.into_iter().filter_map(|kind| {
        let count = inventory.objects.iter().filter(|object| object.kind == kind).count();
        let what = if count == 1 { kind.name().replace('_', " ") } else { kind.plural().to_owned() };
        let what = if count == 1 && kind == ObjectKind::Vpc { "VPC".to_owned() } else { what };
        (count != 0).then(|| format!("{} {what}", thousands(count as u64)))
    });
    let counts = and_list(counts);
    let _ = writeln!(out, "{}", if counts.is_empty() { "no objects" } else { &counts });
    let world = &topology.world;
    let timeouts = &world.sessions;
    let _ = writeln!(out, "mtu {}", world.mtu.value);
    write_timing(out, world.timing);
    let _ = writeln!(
        out,
        "sessions end after tcp {} (transient {}), udp {}, icmp {}, other {}, fragments {} without a frame; at most {}",
        timeouts.tcp_established.value,
        timeouts.tcp_transient.value,
        timeouts.udp.value,
        timeouts.icmp.value,
        timeouts.other.value,
        timeouts.fragment.value,
        thousands(world.session_limit.value.into())
    );
}

/// What `[fabric]` says of timing, where it says something.
fn write_timing(out: &mut String, timing: TimingSettings) {
    if timing == TimingSettings::default() {
        return;
    }
    let _ = write!(out, "timing {}", if timing.is_on { "on" } else { "off" });
    if let Some(Latency { vswitch, zone, cross_zone }) = timing.latency {
        let _ = write!(out, "; latency {vswitch} in a vSwitch, {zone} in a zone, {cross_zone} between zones");
    }
    out.push('\n');
}

/// The columns of a table of a kind.
const fn columns(kind: ObjectKind) -> &'static [&'static str] {
    match kind {
        ObjectKind::Vpc => &[
            "id",
            "name",
            "cidr",
            "secondary_cidrs",
            "classic_link",
            "region",
            "account",
            "vswitches",
            "gateways",
            "peerings",
            "linked_instances",
            "tags",
            "line",
        ],
        ObjectKind::Vswitch => {
            &["id", "name", "vpc", "cidr", "zone", "route_table", "instances", "services", "tags", "line"]
        }
        ObjectKind::RouteTable => &["id", "name", "vpc", "routes", "vswitches", "tags", "line"],
        ObjectKind::Peering => &["id", "name", "vpcs", "routes", "tags", "line"],
        ObjectKind::Gateway => &["id", "name", "vpc", "kind", "remote_cidrs", "routes", "tags", "line"],
        ObjectKind::SecurityGroup => &[
            "id",
            "name",
            "network",
            "kind",
            "intra_group",
            "unknown_rules",
            "ingress",
            "egress",
            "members",
            "named_by",
            "tags",
            "line",
        ],
        ObjectKind::Instance => &[
            "id",
            "name",
            "network",
            "vswitch",
            "zone",
            "private_ip",
            "public_ip",
            "state",
            "linked_vpc",
            "security_groups",
            "guest_routes",
            "forwarding",
            "bandwidth_mbps",
            "pps",
            "tags",
            "line",
        ],
        ObjectKind::Service => {
            &["id", "name", "kind", "network", "vswitch", "ip", "whitelist", "bandwidth_mbps", "pps", "tags", "line"]
        }
    }
}

fn row(object: &ShownObject, columns: &[&str]) -> Vec<String> {
    let cell = |key: &&str| match *key {
        "id" => object.id.clone(),
        "name" => object.name.clone().unwrap_or_default(),
        "line" => object.source.clone().unwrap_or_default(),
        key => object.value(key).map_or_else(String::new, cell_text),
    };
    columns.iter().map(cell).collect()
}

/// A value in a cell: rules and routes are counted.
fn cell_text(value: &ShownValue) -> String {
    match value {
        ShownValue::Text(text) => text.clone(),
        ShownValue::Number(number) => number.to_string(),
        ShownValue::Flag(true) => "yes".to_owned(),
        ShownValue::Flag(false) => String::new(),
        ShownValue::List(items) => some(items, IN_A_CELL),
        ShownValue::Pairs(pairs) => some(&tags(pairs), IN_A_CELL),
        ShownValue::Rows(rows) if rows.is_empty() => String::new(),
        ShownValue::Rows(rows) => thousands(rows.len() as u64),
    }
}

fn tags(pairs: &[(String, String)]) -> Vec<String> {
    pairs.iter().map(|(key, value)| format!("{key}={value}")).collect()
}

/// The first of several, and how many others there are.
fn some(items: &[String], most: usize) -> String {
    let named = items.len().min(if items.len() == most + 1 { most + 1 } else { most });
    let mut text = items[..named].join(", ");
    if named < items.len() {
        let _ = write!(text, " and {} more", thousands((items.len() - named) as u64));
    }
    text
}

fn write_object(out: &mut String, object: &ShownObject, palette: Palette) {
    let _ = write!(out, "{} {}", object.kind.name(), palette.paint(Style::Heading, shown(&object.id)));
    if let Some(name) = &object.name {
        let _ = write!(out, "  \"{}\"", shown(name));
    }
    if let Some(source) = &object.source {
        let _ = write!(out, "  {}", palette.paint(Style::Faint, source));
    }
    out.push('\n');
    write_fields(out, &object.fields, palette);
    if object.connected.iter().any(|field| !is_empty(&field.value)) {
        let _ = writeln!(out, "{}", palette.paint(Style::Heading, "connected"));
        write_fields(out, &object.connected, palette);
    }
}

fn write_fields(out: &mut String, fields: &[ShownField], palette: Palette) {
    let fields = || fields.iter().filter(|field| !is_empty(&field.value));
    let keys = fields().map(|field| field.key.len()).max().unwrap_or(0);
    for ShownField { key, value } in fields() {
        let _ = write!(out, "  {}", palette.paint(Style::Faint, key));
        match value {
            ShownValue::Rows(rows) => {
                out.push('\n');
                write_rows(out, rows, palette);
            }
            value => {
                let text = match value {
                    ShownValue::Flag(flag) => if *flag { "yes" } else { "no" }.to_owned(),
                    ShownValue::List(items) => some(items, IN_A_LINE),
                    ShownValue::Pairs(pairs) => some(&tags(pairs), IN_A_LINE),
                    value => cell_text(value),
                };
                let _ = writeln!(out, "{}{}", " ".repeat(keys - key.len() + 2), shown(&text));
            }
        }
    }
}

/// Rules or routes, one a line.
fn write_rows(out: &mut String, rows: &[ShownRow], palette: Palette) {
    let mut columns: Vec<&str> = Vec::new();
    for cell in rows.iter().flat_map(|row| &row.cells).filter(|cell| !columns_end(cell.key)) {
        if !columns.contains(&cell.key) {
            columns.push(cell.key);
        }
    }
    columns.extend(["description", "line"]);
    let cell = |row: &ShownRow, key: &str| {
        row.cells.iter().find(|cell| cell.key == key).map_or_else(String::new, |cell| cell.text.clone())
    };
    let cells: Vec<Vec<String>> = rows.iter().map(|row| columns.iter().map(|key| cell(row, key)).collect()).collect();
    table_text(out, 4, &columns, &cells, palette);
}

/// What stands at the end of each row, wherever the others stand.
fn columns_end(key: &str) -> bool {
    matches!(key, "description" | "line")
}

fn is_empty(value: &ShownValue) -> bool {
    match value {
        ShownValue::List(items) => items.is_empty(),
        ShownValue::Pairs(pairs) => pairs.is_empty(),
        ShownValue::Rows(rows) => rows.is_empty(),
        ShownValue::Text(_) | ShownValue::Number(_) | ShownValue::Flag(_) => false,
    }
}
