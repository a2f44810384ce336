//! Operations while real hosts talk.

use crate::{Bench, SHOP, text};

/// Pings until it is answered, or not any more.
const UNTIL: &str = "until_answered() { until at web ping -c 1 -W 1 app >/dev/null; do sleep 0.1; done; }; \
    until_silent() { while at web ping -c 1 -W 1 app >/dev/null; do sleep 0.1; done; };";

pub(crate) fn a_link_that_is_detached_carries_nothing_any_more_until_it_is_attached() {
    let bench = Bench::new(SHOP);
    std::fs::write(bench.path().join("operations"), "").unwrap();
    let script = format!(
        "{UNTIL} until_answered; echo detach web shop >> operations; until_silent; \
         echo attach web shop >> operations; until_answered; echo attach web shop >> operations; \
         echo attach wep shop >> operations; sleep 0.5"
    );
    let live = bench.run(&["--apply-from", "operations"], &script);
    assert!(live.status.success(), "{}", text(&live.stderr));
    let told = text(&live.stderr);
    for line in [
        "shop.toml, until `detach web shop`: ",
        "applied: detach web shop\n",
        "shop.toml, until `attach web shop`: ",
        "applied: attach web shop\n",
        "error: `attach web shop` is refused: ",
        "did you mean `web`?",
    ] {
        assert!(told.contains(line), "{line:?} is missing in\n{told}");
    }
    // The link may go between a request and its reply.
    let refusals = ["classiclink-not-linked", "classiclink-target-not-linked"];
    assert!(refusals.iter().any(|reason| told.contains(reason)), "{told}");
}

pub(crate) fn an_instance_that_is_stopped_loses_its_network_until_it_is_started() {
    let bench = Bench::new(SHOP);
    let script = format!(
        "{UNTIL} exec 3> pipe; echo stop app >&3; until_silent; at app cat /proc/net/route; echo; \
         echo start app >&3; until_answered; at app cat /proc/net/route"
    );
    assert!(std::process::Command::new("mkfifo").arg(bench.path().join("pipe")).status().unwrap().success());
    let live = bench.run(&["--apply-from", "pipe"], &script);
    assert!(live.status.success(), "{}", text(&live.stderr));
    let printed = text(&live.stdout);
    let (stopped, started) = printed.split_once("\n\n").unwrap();
    assert!(!stopped.contains("eth0") && started.contains("eth0"), "{printed}");
    assert!(text(&live.stderr).contains("instance-stopped"), "{}", text(&live.stderr));
}

pub(crate) fn a_guest_route_that_is_added_stands_in_the_table_of_the_guest() {
    let bench = Bench::new(SHOP);
    std::fs::write(bench.path().join("operations"), "add-guest-route web 192.168.0.0/16\n").unwrap();
    // 192.168.0.0, as the kernel prints it.
    let script = "until at web grep 0000A8C0 /proc/net/route; do sleep 0.05; done";
    bench.script(&["--apply-from", "operations", "--only", "web"], script);
}
