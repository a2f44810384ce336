//! Pages of `biplane report`.

use crate::bench::{Bench, SHOP, pcap, shop_frames};
use crate::world::edit;
use std::fmt::Write;

pub(crate) fn bench() -> Bench {
    Bench::new().write("week.pcap", pcap(&shop_frames()))
}

/// The page that `arguments` give, written to `page.html`.
pub(crate) fn page(bench: &Bench, arguments: &[&str]) -> String {
    let told = bench.run(&[&["report"], arguments, &["-o", "page.html"]].concat());
    assert_eq!((told.code, told.out.as_str(), told.error.as_str()), (0, "", ""), "{arguments:?}");
    String::from_utf8(bench.read("page.html")).unwrap()
}

const HOSTILE: &str =
    "</script></style></pre><img src=x onerror=alert(1)><script>alert(2)</script>\u{202e}\u{1b}[31m&amp;\"'";

/// A world, and files, named to break out of the page.
pub(crate) fn hostile() -> Bench {
    let quoted = serde_json::to_string(HOSTILE).unwrap();
    let comment: String = HOSTILE.chars().filter(|character| !character.is_control()).collect();
    let topology = edit(SHOP)
        .set_rule(("sg-app", "ingress", 0), "description", HOSTILE)
        .add("vswitch.vsw-shop", "zone", HOSTILE)
        .add("vswitch.vsw-lab", "zone", HOSTILE)
        .add("gateway.ngw-out", "kind", HOSTILE)
        .commented("security_group.sg-app", &comment)
        .toml();
    Bench::new()
        .write("<img src=x onerror=alert(3)>.toml", format!("[defaults]\nregion = {quoted}\n{topology}"))
        .write("<script>alert(4)<script>.pcap", pcap(&shop_frames()))
}

pub(crate) const HOSTILE_ARGUMENTS: [&str; 4] = [
    "<img src=x onerror=alert(3)>.toml",
    "<script>alert(4)<script>.pcap",
    "--against",
    "<img src=x onerror=alert(3)>.toml",
];

/// As many endpoints as `count`, in both planes, half of the classic ones linked.
pub(crate) fn company(count: usize) -> String {
    let mut text = SHOP.to_owned();
    let groups = count.div_ceil(900);
    for group in 0..groups {
        writeln!(
            text,
            "[security_group.sg-c{group}]\nnetwork = \"classic\"\n[security_group.sg-v{group}]\nvpc = \"vpc-shop\""
        )
        .unwrap();
    }
    text += "[vswitch.vsw-large]\nvpc = \"vpc-shop\"\ncidr = \"172.20.0.0/16\"\n";
    for number in 0..count / 2 {
        let (high, low, group) = (number / 250, number % 250 + 2, number / 900);
        let link = if number < 500 { "linked_vpc = \"vpc-shop\"\n" } else { "" };
        writeln!(
            text,
            "[instance.i-c{number}]\nnetwork = \"classic\"\nprivate_ip = \"10.50.{high}.{low}\"\n\
             security_groups = [\"sg-c{group}\"]\n{link}[instance.i-v{number}]\nvswitch = \"vsw-large\"\n\
             private_ip = \"172.20.{high}.{low}\"\nsecurity_groups = [\"sg-v{group}\"]"
        )
        .unwrap();
    }
    text
}
