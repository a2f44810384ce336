//! The forms of states and plans.

use crate::import::json::JsonNode;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A state file, a shown state or a shown plan.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Document<'a> {
    #[serde(borrow)]
    version: JsonNode<'a>,
    format_version: Option<IgnoredAny>,
    #[serde(borrow)]
    resources: Vec<StateResource<'a>>,
    #[serde(borrow)]
    values: Option<ModuleTree<'a>>,
    #[serde(borrow)]
    planned_values: Option<ModuleTree<'a>>,
    #[serde(borrow)]
    prior_state: Option<PriorState<'a>>,
    #[serde(borrow)]
    resource_changes: Option<Vec<ResourceChange<'a>>>,
    configuration: Option<Configuration>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PriorState<'a> {
    #[serde(borrow)]
    values: Option<ModuleTree<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ModuleTree<'a> {
    #[serde(borrow)]
    root_module: ModuleValues<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ModuleValues<'a> {
    #[serde(borrow)]
    resources: Vec<ShownResource<'a>>,
    #[serde(borrow)]
    child_modules: Vec<ModuleValues<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ShownResource<'a> {
    address: String,
    mode: String,
    r#type: String,
    #[serde(borrow)]
    values: JsonNode<'a>,
}

/// A resource of a state file.
#[derive(Default, Deserialize)]
#[serde(default)]
struct StateResource<'a> {
    module: Option<String>,
    mode: String,
    r#type: String,
    name: String,
    #[serde(borrow)]
    instances: Vec<StateInstance<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StateInstance<'a> {
    index_key: Option<IndexKey<'a>>,
    /// There where the object was replaced and not yet destroyed.
    deposed: Option<IgnoredAny>,
    #[serde(borrow)]
    attributes: JsonNode<'a>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum IndexKey<'a> {
    Number(i64),
    #[serde(borrow)]
    Text(Cow<'a, str>),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ResourceChange<'a> {
    address: String,
    mode: String,
    r#type: String,
    #[serde(borrow)]
    change: ChangeValues<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ChangeValues<'a> {
    actions: Vec<String>,
    #[serde(borrow)]
    before: JsonNode<'a>,
    #[serde(borrow)]
    after: JsonNode<'a>,
}

/// The configuration of a plan: where references lead.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Configuration {
    pub(super) root_module: ConfiguredModule,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ConfiguredModule {
    pub(super) resources: Vec<ConfiguredResource>,
    pub(super) module_calls: BTreeMap<String, ModuleCall>,
    pub(super) outputs: BTreeMap<String, ModuleOutput>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ConfiguredResource {
    pub(super) address: String,
    pub(super) expressions: BTreeMap<String, Expression>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ModuleCall {
    pub(super) expressions: BTreeMap<String, Expression>,
    pub(super) module: ConfiguredModule,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ModuleOutput {
    pub(super) expression: Expression,
}

/// An expression: what it refers to, where it does so as a whole. Values are not kept.
#[derive(Default, Deserialize)]
#[serde(from = "WrittenExpression")]
pub(super) struct Expression {
    pub(super) references: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenExpression {
    Whole {
        #[serde(default)]
        references: Vec<String>,
    },
    /// Blocks, and whatever else.
    Other(IgnoredAny),
}

impl From<WrittenExpression> for Expression {
    fn from(written: WrittenExpression) -> Expression {
        match written {
            WrittenExpression::Whole { references } => Expression { references },
            WrittenExpression::Other(_) => Expression::default(),
        }
    }
}

/// A managed resource.
pub(super) struct Resource<'a> {
    /// `module.shop.alicloud_instance.web[0]`.
    pub(super) address: String,
    /// `alicloud_instance`.
    pub(super) kind: String,
    pub(super) attributes: &'a JsonNode<'a>,
}

/// What a plan does to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlanAction {
    Nothing,
    Create,
    Update,
    Delete,
    Replace,
}

/// A change of a plan, with the resource as it was.
pub(super) struct PlannedChange<'a> {
    pub(super) action: PlanAction,
    pub(super) address: &'a str,
    pub(super) resource: Resource<'a>,
}

impl<'a> Document<'a> {
    pub(super) fn is_plan(&self) -> bool {
        self.resource_changes.is_some() || self.planned_values.is_some()
    }

    pub(super) fn is_shown_state(&self) -> bool {
        self.format_version.is_some()
    }

    pub(super) fn version(&self) -> Option<&str> {
        self.version.text()
    }

    pub(super) fn configuration(&self) -> Option<&Configuration> {
        self.configuration.as_ref()
    }

    /// The managed resources of a state.
    pub(super) fn state(&'a self) -> Vec<Resource<'a>> {
        let mut resources = Vec::new();
        if let Some(values) = &self.values {
            shown(&values.root_module, &mut resources);
        }
        for resource in self.resources.iter().filter(|resource| resource.mode != "data") {
            for instance in resource.instances.iter().filter(|instance| instance.deposed.is_none()) {
                let module = resource.module.as_ref().map_or(String::new(), |module| format!("{module}."));
                let key = match &instance.index_key {
                    Some(IndexKey::Number(number)) => format!("[{number}]"),
                    Some(IndexKey::Text(text)) => format!("[\"{text}\"]"),
                    None => String::new(),
                };
                let address = format!("{module}{}.{}{key}", resource.r#type, resource.name);
                resources.push(Resource { address, kind: resource.r#type.clone(), attributes: &instance.attributes });
            }
        }
        resources
    }

    /// What is there before a plan is applied.
    pub(super) fn before(&'a self) -> Vec<Resource<'a>> {
        if let Some(values) = self.prior_state.as_ref().and_then(|state| state.values.as_ref()) {
            let mut resources = Vec::new();
            shown(&values.root_module, &mut resources);
            return resources;
        }
        let changes = self.managed_changes().filter(|change| matches!(change.change.before, JsonNode::Object(_)));
        changes.map(|change| change.resource(&change.change.before)).collect()
    }

    /// What is there after a plan was applied.
    pub(super) fn after(&'a self) -> Vec<Resource<'a>> {
        if let Some(values) = &self.planned_values {
            let mut resources = Vec::new();
            shown(&values.root_module, &mut resources);
            return resources;
        }
        let changes = self.managed_changes().filter(|change| matches!(change.change.after, JsonNode::Object(_)));
        changes.map(|change| change.resource(&change.change.after)).collect()
    }

    fn managed_changes(&'a self) -> impl Iterator<Item = &'a ResourceChange<'a>> {
        self.resource_changes.iter().flatten().filter(|change| change.mode != "data")
    }

    pub(super) fn changes(&'a self) -> Vec<PlannedChange<'a>> {
        let change = |change: &'a ResourceChange<'a>| {
            let does = |action: &str| change.change.actions.iter().any(|own| own == action);
            let action = match (does("delete"), does("create"), does("update")) {
                (true, true, _) => PlanAction::Replace,
                (true, false, _) => PlanAction::Delete,
                (false, true, _) => PlanAction::Create,
                (false, false, true) => PlanAction::Update,
                (false, false, false) => PlanAction::Nothing,
            };
            PlannedChange { action, address: &change.address, resource: change.resource(&change.change.before) }
        };
        self.managed_changes().map(change).collect()
    }
}

impl<'a> ResourceChange<'a> {
    fn resource(&self, attributes: &'a JsonNode<'a>) -> Resource<'a> {
        Resource { address: self.address.clone(), kind: self.r#type.clone(), attributes }
    }
}

fn shown<'a>(module: &'a ModuleValues<'a>, resources: &mut Vec<Resource<'a>>) {
    for resource in module.resources.iter().filter(|resource| resource.mode != "data") {
        let (address, kind) = (resource.address.clone(), resource.r#type.clone());
        resources.push(Resource { address, kind, attributes: &resource.values });
    }
    for child in &module.child_modules {
        shown(child, resources);
    }
}

impl Resource<'_> {
    /// The id that the object has at the vendor's.
    pub(super) fn id(&self) -> Option<&str> {
        self.attributes.text_of("id")
    }

    /// That id; of what does not exist yet the address, without the quotes around its keys, which no id holds.
    pub(super) fn name(&self) -> String {
        self.id().map_or_else(|| self.address.replace("[\"", "[").replace("\"]", "]"), str::to_owned)
    }

    /// True for what is a part of another object: rules, entries, attachments.
    pub(super) fn is_part_of_another(&self) -> bool {
        matches!(
            self.kind.as_str(),
            "alicloud_security_group_rule"
                | "alicloud_route_entry"
                | "alicloud_vpc_route_entry"
                | "alicloud_route_table_attachment"
                | "alicloud_vpc_ipv4_cidr_block"
                | "alicloud_ecs_network_interface_attachment"
                | "alicloud_network_interface_attachment"
                | "alicloud_router_interface_connection"
                | "alicloud_network_acl_attachment"
                | "alicloud_vpn_connection"
        )
    }
}
