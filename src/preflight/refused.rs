//! What AttachClassicLinkVpc would refuse, with its places in the file.

use crate::check::preflight::{ROUTE_CONFLICT, custom_routes, is_conflict};
use crate::check::{Refusal, RefusalRecord, link};
use crate::control::Operation;
use crate::diag::{Diagnostic, Span, Spanned, citation};
use crate::model::{Instance, Key, SharedText, Vpc, World};
use crate::remedy;

/// A link that is planned.
pub(super) struct Plan<'w> {
    pub(super) world: &'w World,
    pub(super) instance: &'w Instance,
    pub(super) vpc: Key<Vpc>,
    pub(super) target: &'w Vpc,
}

/// `span` where it is a place, or `other`: a default has no place of its own.
pub(super) fn placed_or(span: Span, other: Span) -> Span {
    if span.is_none() { other } else { span }
}

fn place_of(value: Option<&Spanned<SharedText>>, otherwise: Span) -> Span {
    value.map_or(otherwise, |value| value.span)
}

impl Plan<'_> {
    /// A refusal as a finding: its id is the vendor's code.
    pub(super) fn refused(&self, refusal: &Refusal) -> Diagnostic {
        let record = refusal.record;
        let status = record.status.map(|status| format!(" ({status})")).unwrap_or_default();
        let note =
            format!("AttachClassicLinkVpc answers {}{status}: {} ({})", record.code, record.summary, record.source);
        let finding = Diagnostic::error(record.code, refusal.message.clone()).note(note);
        let is = |other: &RefusalRecord| std::ptr::eq(record, other);
        let (id, vpc) = (self.instance.id.as_str(), self.target.id.as_str());
        match () {
            () if is(&link::NO_VPC) => {
                let own = place_of(self.instance.placement.region.as_ref(), self.instance.id.span);
                let other = place_of(self.target.placement.region.as_ref(), self.target.id.span);
                let help = format!(
                    "use a VPC of {}; or migrate `{id}` into one and connect it to `{vpc}`",
                    self.world.instance_region(self.instance)
                );
                finding.at(own, "the instance's region").at(other, "the VPC's region").help(help)
            }
            () if is(&link::NOT_CLASSIC) => {
                let help = "only classic instances are linked; connect the two VPCs by a peering and routes";
                finding.at(self.instance.location.span, "an instance of a VPC").help(help)
            }
            () if is(&link::LINKED) => self.linked(finding),
            () if is(&link::DISABLED) => {
                let help = remedy::sentence(&Operation::Enable { vpc: vpc.to_owned() }, self.world);
                finding.at(self.switch(), "ClassicLink is off here").help(help)
            }
            () if is(&link::STATUS) => {
                let help = remedy::sentence(&Operation::Start { instance: id.to_owned() }, self.world);
                finding.at(self.instance.state.span, "neither running nor stopped").help(help)
            }
            () if is(&link::NOT_OWN) => self.of_another_account(finding),
            () => finding.at(self.target.id.span, "its links are used up").help(record.remedy),
        }
    }

    fn linked(&self, finding: Diagnostic) -> Diagnostic {
        let Some(linked) = &self.instance.linked_vpc else {
            return finding.at(self.instance.id.span, "one link at most").help(link::LINKED.remedy);
        };
        let finding = finding.at(linked.span, "its link");
        if linked.value == self.vpc {
            return finding.help("nothing to do: the link is there");
        }
        let (instance, vpc) = (self.instance.id.value.clone(), self.world.vpcs[linked.value].id.value.clone());
        finding.help(remedy::sentence(&Operation::Detach { instance, vpc }, self.world))
    }

    fn of_another_account(&self, finding: Diagnostic) -> Diagnostic {
        let world = self.world;
        let own = place_of(self.instance.placement.account.as_ref(), self.instance.id.span);
        let other = place_of(self.target.placement.account.as_ref(), self.target.id.span);
        let finding = finding.at(own, "the instance's account").at(other, "the VPC's account");
        let account = world.vpc_account(self.vpc).as_str();
        if world.instance_region(self.instance) != world.vpc_region(self.vpc).as_str() {
            return finding.help("a transfer does not help across regions: migrate the instance into a VPC instead");
        }
        finding.help(format!(
            "transfer the instance first, then write `account = \"{account}\"` in [{}]; it needs groups of its new account",
            remedy::table("instance", &self.instance.id)
        ))
    }

    /// Where the VPC's switch is.
    pub(super) fn switch(&self) -> Span {
        placed_or(self.target.classic_link.span, self.target.id.span)
    }

    /// What EnableVpcClassicLink would refuse, once it is asked to.
    pub(super) fn refused_to_enable(&self) -> Vec<Diagnostic> {
        let conflicts = custom_routes(self.world, self.vpc).filter(|(_, route)| is_conflict(route));
        let finding = |(table, route): (String, &crate::model::Route)| {
            let message = format!("{table} has a route to {}, which ClassicLink needs", route.destination.value);
            let finding = ROUTE_CONFLICT.found(message).at(route.destination.span, "a custom route to 10.0.0.0/8");
            finding
                .at(self.switch(), "ClassicLink cannot be enabled here")
                .note(format!("EnableVpcClassicLink answers RouteConflict.AlreadyExist ({})", citation::CLASSIC_LINK))
        };
        conflicts.map(finding).collect()
    }
}
