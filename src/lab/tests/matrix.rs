//! Who reaches whom, written and tried.

use super::{failure, shop};
use crate::lab::Lab;

const WRITTEN: &str = "
               rm-orders  i-db-1  i-app-1
    i-web-1    x          x       .
    i-web-2    .          .       .
    i-app-1    x          x       -
";

fn few(lab: &Lab) -> crate::lab::ReachTable {
    lab.reach("tcp/3306").from(["i-web-1", "i-web-2", "i-app-1"]).to(["rm-orders", "i-db-1", "i-app-1"])
}

#[test]
fn a_table_that_is_as_written_holds_in_any_order_and_prints_as_it_is_read() {
    let lab = shop();
    few(&lab).is(WRITTEN);
    few(&lab).is("i-app-1 rm-orders i-db-1 \n i-app-1 - x x \n i-web-2 . . . \n\n i-web-1 . x x");
    few(&lab).is(&few(&lab).to_string());
    let all = lab.reach("icmp");
    let text = all.to_string();
    all.is(&text);
    assert!(text.lines().next().unwrap().contains("rm-legacy") && text.contains("\ni-batch-1 "), "{text}");
}

#[test]
fn a_table_that_differs_shows_both_and_what_decides_the_first_cell() {
    let lab = shop();
    let told = failure(|| few(&lab).is(&WRITTEN.replace("i-web-2    .          .", "i-web-2    x          >")));
    insta::assert_snapshot!(told);
}

#[test]
fn operations_change_the_table_and_sessions_do_not() {
    let mut lab = shop();
    lab.connect("i-web-1", "rm-orders", "tcp/3306").goes_both_ways();
    lab.apply_words("detach i-web-1 vpc-shop").unwrap();
    lab.reach("tcp/3306").from(["i-web-1"]).to(["rm-orders"]).is("rm-orders\n i-web-1 .");
    lab.reset();
    lab.reach("tcp/3306").from(["i-web-1"]).to(["rm-orders"]).is("rm-orders\n i-web-1 x");
}

#[test]
fn a_request_whose_reply_is_lost_and_one_that_is_not_known_have_marks_of_their_own() {
    let text = r#"
        [vpc.ten]
        cidr = "192.168.0.0/16"
        classic_link = true
        [vswitch.vsw]
        vpc = "ten"
        cidr = "192.168.1.0/24"
        [security_group.sg-classic]
        network = "classic"
        ingress = [{ source = "0.0.0.0/0" }]
        [security_group.sg-vpc]
        vpc = "ten"
        ingress = [{ source = "0.0.0.0/0" }]
        [security_group.sg-dark]
        vpc = "ten"
        rules = "unknown"
        [instance.web]
        network = "classic"
        private_ip = "10.24.1.5"
        security_groups = ["sg-classic"]
        linked_vpc = "ten"
        [instance.app]
        vswitch = "vsw"
        private_ip = "192.168.1.10"
        security_groups = ["sg-vpc"]
        [instance.dark]
        vswitch = "vsw"
        private_ip = "192.168.1.11"
        security_groups = ["sg-dark"]
    "#;
    let lab = Lab::from_toml("ten.toml", text).unwrap();
    // The guest of `web` sends its replies to the public NIC: no routing script ran.
    lab.reach("tcp/80").is("
              web  app  dark
        web   -    .    .
        app   >    -    ?
        dark  ?    ?    -
    ");
    let told = failure(|| lab.reach("tcp/80").from(["app"]).to(["web"]).is("web\napp x"));
    assert!(told.contains("guest-route-public-nic") && told.contains("written: app to web: reaches, and"), "{told}");
}

#[test]
fn a_text_that_is_no_table_says_what_is_wrong_with_it() {
    let lab = shop();
    let told = |written: &str| {
        let told = failure(|| few(&lab).is(written));
        let start = "claim: who reaches whom with tcp/3306 is as written\n fact: ";
        told.strip_prefix(start).unwrap_or_else(|| panic!("{told}")).to_owned()
    };
    let wrong = told(&WRITTEN.replace("i-web-2    .          .", "i-web-2    .          y"));
    assert!(wrong.starts_with("`y` in the row `i-web-2` is no mark; there are `x` (reaches, and"), "{wrong}");
    let wrong = told(&WRITTEN.replace("i-web-2    .          .       .", "i-web-2    ."));
    assert_eq!(wrong, "the row `i-web-2` has 1 marks for 3 columns: `i-web-2    .`");
    let wrong = told(&WRITTEN.replace("    i-web-2    .          .       .\n", ""));
    assert!(wrong.starts_with("the text has no row for `i-web-2`\n\nas tried:\n         rm-orders"), "{wrong}");
    assert_eq!(
        told(&WRITTEN.replace("i-web-2", "i-web-22")),
        "the topology has no endpoint `i-web-22`; did you mean `i-web-2`?"
    );
    let wrong = told(&WRITTEN.replace("i-web-2 ", "i-batch-1 "));
    assert_eq!(wrong, "`i-batch-1` is no row here; the rows are `i-web-1`, `i-web-2`, `i-app-1`");
    assert_eq!(told(&WRITTEN.replace("i-web-2", "i-web-1")), "`i-web-1` stands twice in the text");
    assert!(told("").starts_with("the text has no row for"));
}
