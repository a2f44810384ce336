//! The shape of what is shown, the same for text and JSON.

/// What an object of a topology is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// `[vpc.ID]`
    Vpc,
    /// `[vswitch.ID]`
    Vswitch,
    /// `[route_table.ID]`
    RouteTable,
    /// `[peering.ID]`
    Peering,
    /// `[gateway.ID]`
    Gateway,
    /// `[security_group.ID]`
    SecurityGroup,
    /// `[instance.ID]`
    Instance,
    /// `[service.ID]`
    Service,
}

impl ObjectKind {
    /// Every kind, in the order in which they are shown.
    pub const ALL: [ObjectKind; 8] = [
        ObjectKind::Vpc,
        ObjectKind::Vswitch,
        ObjectKind::RouteTable,
        ObjectKind::Peering,
        ObjectKind::Gateway,
        ObjectKind::SecurityGroup,
        ObjectKind::Instance,
        ObjectKind::Service,
    ];

    /// The word in topology files.
    pub const fn name(self) -> &'static str {
        match self {
            ObjectKind::Vpc => "vpc",
            ObjectKind::Vswitch => "vswitch",
            ObjectKind::RouteTable => "route_table",
            ObjectKind::Peering => "peering",
            ObjectKind::Gateway => "gateway",
            ObjectKind::SecurityGroup => "security_group",
            ObjectKind::Instance => "instance",
            ObjectKind::Service => "service",
        }
    }

    /// What several are called.
    pub const fn plural(self) -> &'static str {
        match self {
            ObjectKind::Vpc => "VPCs",
            ObjectKind::Vswitch => "vSwitches",
            ObjectKind::RouteTable => "route tables",
            ObjectKind::Peering => "peerings",
            ObjectKind::Gateway => "gateways",
            ObjectKind::SecurityGroup => "security groups",
            ObjectKind::Instance => "instances",
            ObjectKind::Service => "services",
        }
    }

    /// The kind that `word` means: `vpc`, `VPCs`, `route_table`, `route-tables`, `security group`.
    pub fn of_word(word: &str) -> Option<ObjectKind> {
        let folded = word.to_ascii_lowercase().replace(['-', ' '], "_");
        ObjectKind::ALL.into_iter().find(|kind| {
            let plural = kind.plural().to_ascii_lowercase().replace(' ', "_");
            folded == kind.name() || folded == plural
        })
    }
}

/// An object of a topology.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownObject {
    /// What it is.
    pub kind: ObjectKind,
    /// Its id.
    pub id: String,
    /// Its name, where a comment behind its heading says one.
    pub name: Option<String>,
    /// Its line: `shop.toml:19`.
    pub source: Option<String>,
    /// What it says, defaults included, in the order of the file format. What may be absent, and is, is left out.
    pub fields: Vec<ShownField>,
    /// The ids of what refers to it and what lies in it. Nothing is left out.
    pub connected: Vec<ShownField>,
}

impl ShownObject {
    /// What it says under `key`, or what it is connected to.
    pub fn value(&self, key: &str) -> Option<&ShownValue> {
        let field = self.fields.iter().chain(&self.connected).find(|field| field.key == key);
        field.map(|field| &field.value)
    }
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownField {
    /// The key, as topology files have it.
    pub key: &'static str,
    /// The value.
    pub value: ShownValue,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ShownValue {
    /// A word, address or sentence.
    Text(String),
    /// A number.
    Number(u64),
    /// Yes or no.
    Flag(bool),
    /// Several, each of a word or two.
    List(Vec<String>),
    /// Rules or routes.
    Rows(Vec<ShownRow>),
}

/// A rule or a route: what it says, and its `line`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ShownRow {
    /// Keys and what stands there.
    pub cells: Vec<ShownCell>,
}

/// A key of a rule or route, and what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownCell {
    /// The key.
    pub key: &'static str,
    /// The text.
    pub text: String,
}

impl ShownRow {
    /// The same with one more cell.
    #[must_use]
    pub(super) fn with(mut self, key: &'static str, text: &impl ToString) -> ShownRow {
        self.cells.push(ShownCell { key, text: text.to_string() });
        self
    }
}
