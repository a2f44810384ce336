//! Pictures of networks: boxes in boxes, nodes in them, and lines between both.
//!
//! A [`Diagram`] is data. [`diagram_svg`] draws it, with a layout of its own that depends on nothing but the data;
//! [`diagram_dot`] writes it for Graphviz. How much of a topology it holds is for its maker to bound.

mod dot;
mod layout;
mod svg;
#[cfg(test)]
mod tests;

pub use dot::diagram_dot;
#[cfg(feature = "cli")]
pub(super) use svg::STYLE;
pub use svg::diagram_svg;

/// A picture as data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagram {
    /// What it shows, in a few words.
    pub title: String,
    /// The same in a sentence or two, for readers of screens.
    pub description: String,
    /// The outermost boxes on the left: classic networks.
    pub left: Vec<DiagramBox>,
    /// The outermost boxes on the right: VPCs.
    pub right: Vec<DiagramBox>,
    /// Lines between boxes or nodes, by their keys; one whose end does not exist is not drawn.
    pub edges: Vec<DiagramEdge>,
}

/// A box.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiagramBox {
    /// Unlike that of any other box or node.
    pub key: String,
    /// What stands in it at the top.
    pub title: String,
    /// A line below the title.
    pub note: String,
    /// What it is, for its look.
    pub class: BoxClass,
    /// The boxes in it.
    pub boxes: Vec<DiagramBox>,
    /// The nodes in it.
    pub nodes: Vec<DiagramNode>,
}

/// What a box is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BoxClass {
    /// A classic network.
    Classic,
    /// A VPC.
    #[default]
    Vpc,
    /// A vSwitch.
    Vswitch,
    /// Several that are not shown one by one.
    Folded,
}

impl BoxClass {
    /// Its word in the markup.
    pub const fn name(self) -> &'static str {
        match self {
            BoxClass::Classic => "classic",
            BoxClass::Vpc => "vpc",
            BoxClass::Vswitch => "vswitch",
            BoxClass::Folded => "folded",
        }
    }
}

/// A node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiagramNode {
    /// Unlike that of any other box or node.
    pub key: String,
    /// What stands on it.
    pub label: String,
    /// What a pointer over it shows.
    pub note: String,
    /// What it is, for its look.
    pub class: NodeClass,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NodeClass {
    /// An ECS instance.
    Instance,
    /// A managed service.
    Service,
    /// A gateway.
    Gateway,
    /// Several endpoints that are not shown one by one.
    Folded,
}

impl NodeClass {
    /// Its word in the markup.
    pub const fn name(self) -> &'static str {
        match self {
            NodeClass::Instance => "instance",
            NodeClass::Service => "service",
            NodeClass::Gateway => "gateway",
            NodeClass::Folded => "folded",
        }
    }
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiagramEdge {
    /// The key of the box or node where it begins.
    pub from: String,
    /// The key of the box or node where it ends.
    pub to: String,
    /// What stands on it; nothing where it is empty.
    pub label: String,
    /// What a pointer over it shows.
    pub note: String,
    /// What it is, for its look.
    pub class: EdgeClass,
}

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeClass {
    /// A ClassicLink connection, or several.
    Link,
    /// The same to a VPC with ClassicLink off.
    DisabledLink,
    /// A peering connection.
    Peering,
    /// Traffic that arrives.
    Delivered,
    /// Traffic that is dropped.
    Dropped,
}

impl EdgeClass {
    /// True for what captures show, as against what the topology declares.
    pub(super) const fn is_traffic(self) -> bool {
        matches!(self, EdgeClass::Delivered | EdgeClass::Dropped)
    }

    /// Its word in the markup.
    pub const fn name(self) -> &'static str {
        match self {
            EdgeClass::Link => "link",
            EdgeClass::DisabledLink => "disabled-link",
            EdgeClass::Peering => "peering",
            EdgeClass::Delivered => "delivered",
            EdgeClass::Dropped => "dropped",
        }
    }

    /// What it is, in words.
    pub const fn words(self) -> &'static str {
        match self {
            EdgeClass::Link => "ClassicLink connection",
            EdgeClass::DisabledLink => "ClassicLink connection to a VPC with ClassicLink off",
            EdgeClass::Peering => "peering",
            EdgeClass::Delivered => "delivered",
            EdgeClass::Dropped => "dropped",
        }
    }
}
