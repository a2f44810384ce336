//! `biplane report`: what the page holds, and how it is written.

use super::pages::{HOSTILE_ARGUMENTS, bench, company, hostile, page};
use super::world::edit;
use super::{Bench, SHOP, Told, frames, pcap, shop_frames};
use biplane::text::is_hostile;
use biplane::wire::build::tcp;

/// The texts between `start` and `end`.
fn between<'a>(page: &'a str, start: &str, end: &str) -> Vec<&'a str> {
    page.split(start).skip(1).map(|rest| rest.split(end).next().unwrap()).collect()
}

fn text_of(html: &str) -> String {
    let mut text = String::new();
    for piece in html.split('<') {
        text += piece.split_once('>').map_or(piece, |(_, text)| text);
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

#[test]
fn a_page_tells_what_the_other_commands_tell() {
    let bench = bench();
    let page = page(&bench, &["shop.toml", "week.pcap"]);
    let text = text_of(&page);
    let trace = bench.run(&["trace", "shop.toml", "--capture", "week.pcap", "--frame", "2"]).out;
    let (trace, _) = trace.split_once("reply").unwrap();
    assert!(text.contains(trace.trim_end()), "{trace}\n{text}");
    for line in bench.run(&["replay", "shop.toml", "week.pcap"]).out.lines().skip_while(|line| *line != "hints").skip(1)
    {
        assert!(text.contains(line), "{line}");
    }
    let connections = bench.run(&["replay", "shop.toml", "week.pcap", "--by", "connection"]).out;
    for aside in connections.lines().filter_map(|line| line.strip_prefix("    ")) {
        assert!(text.contains(aside), "{aside}");
    }
    let usage = bench.run(&["replay", "shop.toml", "week.pcap", "--by", "rule"]).out;
    let never = usage
        .lines()
        .skip_while(|line| !line.starts_with("never hit"))
        .skip(1)
        .take_while(|line| line.starts_with(' '));
    for name in never.map(|line| line.trim_start().split("  ").next().unwrap()) {
        assert!(text.contains(name), "{name}");
    }
    let reach = bench.run(&["reach", "shop.toml"]).out;
    assert!(text.contains(reach.lines().next().unwrap()), "{reach}");
    assert!(text.contains("2 VPCs, 2 vSwitches, 3 instances, 1 managed service, 1 gateway, 1 ClassicLink connection"));
    assert!(text.contains("biplane trace shop.toml --capture week.pcap --frame 2"));
}

#[test]
fn a_drop_leads_to_the_line_that_decided() {
    let page = page(&bench(), &["shop.toml", "week.pcap"]);
    let row =
        between(&page, "<tr data-fate=\"refused\">", "</tr>").into_iter().find(|row| row.contains(":22")).unwrap();
    let link = between(row, "<a href=\"#", "\"")[0];
    let cause = between(&page, &format!("<details id=\"{link}\">"), "</details>")[0];
    assert!(cause.contains("sg-ingress-deny"), "{cause}");
    let line = SHOP.lines().position(|line| line == "[security_group.sg-app]").unwrap() + 1;
    let decides = between(cause, "<span class=\"decides\">", "\n")[0];
    assert_eq!(text_of(decides).split_whitespace().collect::<Vec<_>>(), [&line.to_string(), "[security_group.sg-app]"]);
}

#[test]
fn a_page_without_captures_tells_of_the_topology_alone() {
    let page = page(&Bench::new(), &["shop.toml"]);
    assert_eq!(between(&page, "<section id=\"", "\""), ["summary", "planes", "reach", "findings"]);
    let empty = Bench::new().write("empty.toml", "");
    let told = empty.run(&["report", "empty.toml", "-o", "-"]);
    assert_eq!((told.code, told.error.as_str()), (0, ""));
    assert!(text_of(&told.out).contains("Nothing is permitted."), "{}", told.out);
}

#[test]
fn a_capture_without_drops_says_so() {
    let syn = frames(&[tcp("10.24.1.5:40000 > 172.16.1.10:8080").syn()]);
    let page = page(&Bench::new().write("one.pcap", pcap(&syn)), &["shop.toml", "one.pcap"]);
    assert!(text_of(&page).contains("No frame was dropped."));
    assert!(!page.contains("<details id=\"cause-"));
}

#[test]
fn against_itself_nothing_has_changed() {
    let bench = bench();
    let text = text_of(&page(&bench, &["shop.toml", "week.pcap", "--against", "shop.toml"]));
    assert!(text.contains("nothing changed: every flow fares as in shop.toml"));
    assert!(text.contains("As many frames and connections have each verdict as before."));
    assert!(!text.contains("lost") && !text.contains("gained"));
}

#[test]
fn against_another_topology_it_tells_what_diff_tells() {
    let old = edit(SHOP).set_rule(("sg-app", "ingress", 0), "port_range", "22/22");
    let bench = bench().write("old.toml", old.toml());
    let text = text_of(&page(&bench, &["shop.toml", "week.pcap", "--against", "old.toml"]));
    let diff = bench.run(&["diff", "old.toml", "shop.toml"]).out;
    assert!(diff.contains("lost") && diff.contains("gained"), "{diff}");
    for line in diff.lines().filter(|line| line.starts_with(' ')) {
        let (when, fate) = line.trim_start().split_once("  ").unwrap();
        assert!(text.contains(&format!("{when} {}", fate.trim_start())), "{line}\n{text}");
    }
    // One packet to port 22 arrived, and three of a connection to port 8080 do now.
    assert!(text.contains("frames delivered") && text.contains("dropped: sg-ingress-deny"), "{text}");
}

#[test]
fn the_page_is_the_same_for_any_number_of_workers() {
    let bench = bench();
    let arguments = ["shop.toml", "week.pcap", "week.pcap", "--against", "shop.toml"];
    let one = page(&bench, &arguments);
    assert_eq!(page(&bench, &[&arguments[..], &["--workers", "3"]].concat()), one);
    let printed = bench.run(&[&["report"], &arguments[..], &["-o", "-"]].concat());
    assert_eq!((printed.code, printed.out), (0, one));
}

/// The parts of a page that a browser would run or fetch, and what only it may: nothing else.
#[test]
fn the_policy_names_the_style_and_the_script_of_the_page_alone() {
    use base64::Engine;
    use sha2::{Digest, Sha256};
    let page = page(&bench(), &["shop.toml", "week.pcap"]);
    let policy = between(&page, "http-equiv=\"Content-Security-Policy\" content=\"", "\"")[0];
    let mut named = 0;
    for element in ["style", "script"] {
        for body in between(&page, &format!("<{element}>"), &format!("</{element}>")) {
            let hash = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(body.as_bytes()));
            assert!(
                between(policy, &format!("{element}-src "), ";")[0].contains(&format!("'sha256-{hash}'")),
                "{policy}"
            );
            named += 1;
        }
    }
    assert_eq!((named, policy.matches("sha256-").count()), (3, 3), "the styles of page and picture, and a script");
    assert!(policy.starts_with("default-src 'none';"));
    for refused in
        [" style=", " onclick=", " onload=", " onerror=", "<img", "<iframe", "<link", "src=\"", "href=\"http"]
    {
        assert!(!page.contains(refused), "{refused}");
    }
}

#[test]
fn what_a_file_holds_stays_text() {
    let bench = hostile();
    let page = page(&bench, &HOSTILE_ARGUMENTS);
    assert!(page.contains("&lt;/script&gt;&lt;/style&gt;"), "the comment stands beside the rule that decided");
    assert_eq!(between(&page, "<script", ">").len(), 1);
    assert_eq!(between(&page, "<style", ">").len(), 2);
    assert!(!page.contains("<img"));
    assert!(!page.chars().any(|character| character != '\n' && is_hostile(character)));
}

#[test]
fn an_input_is_never_replaced_and_a_page_is_whole_or_not_there() {
    let bench = bench().write("old.toml", SHOP);
    for (output, what) in [("shop.toml", "topology"), ("week.pcap", "capture"), ("old.toml", "old topology")] {
        let before = bench.read(output);
        let told = bench.run(&["report", "shop.toml", "week.pcap", "--against", "old.toml", "-o", output]);
        assert_eq!(told.code, 2);
        assert!(told.error.contains(&format!("would overwrite the {what} that is being read")), "{}", told.error);
        assert_eq!(bench.read(output), before);
    }
    let bench = bench.write("page.html", "as it was").write("broken.toml", "[vpc.a]\ncidr = 1\n");
    for arguments in [["broken.toml", "week.pcap"], ["missing.toml", "week.pcap"], ["shop.toml", "missing.pcap"]] {
        let told = bench.run(&[&["report"], &arguments[..], &["-o", "page.html"]].concat());
        assert_eq!((told.code, told.out.as_str()), (2, ""), "{arguments:?}");
        assert!(told.error.contains("broken.toml:2") || told.error.contains("missing"), "{}", told.error);
        assert_eq!(bench.read("page.html"), b"as it was");
    }
    let unwritable = bench.run(&["report", "shop.toml", "-o", "nowhere/page.html"]);
    assert_eq!(unwritable.code, 2);
    let names: Vec<_> = std::fs::read_dir(bench.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().ends_with(".part")), "{names:?}");
}

#[test]
fn what_can_be_read_once_alone_is_refused() {
    let bench = bench();
    let told = bench.run(&["report", "shop.toml", "-", "-o", "page.html"]);
    assert_eq!(told.code, 2);
    assert!(told.error.contains("a report reads a capture twice"), "{}", told.error);
    let twice = bench.run(&["report", "-", "--against", "-", "-o", "page.html"]);
    assert_eq!((twice.code, twice.error.as_str()), (2, "error: `-` is given twice: standard input is one file\n"));
    let without = bench.run(&["report", "shop.toml"]);
    assert!(without.code == 2 && without.error.contains("--output <FILE>"), "{}", without.error);
}

#[test]
fn a_damaged_capture_is_reported_as_far_as_it_is_good() {
    let mut bytes = pcap(&shop_frames());
    bytes.truncate(bytes.len() - 5);
    let bench = Bench::new().write("cut.pcap", bytes);
    let told = bench.run(&["report", "shop.toml", "cut.pcap", "-o", "page.html"]);
    assert_eq!(told.code, 2);
    assert!(told.error.contains("cut.pcap"), "{}", told.error);
    let text = text_of(&String::from_utf8(bench.read("page.html")).unwrap());
    assert!(text.contains("5 frames") && text.contains("damaged"), "{text}");
}

#[test]
fn lists_end_after_a_stated_number_of_rows() {
    // Each has a source port of its own.
    let port = |number: u32| 1_024 + number;
    let syn = |number| tcp(&format!("10.24.1.5:{} > 172.16.1.10:22", port(number))).syn();
    let many: Vec<_> = (0..2_100).map(syn).collect();
    let page = page(&Bench::new().write("many.pcap", pcap(&frames(&many))), &["shop.toml", "many.pcap"]);
    assert_eq!(between(&page, "<tr data-fate=", ">").len(), 2_000);
    assert!(text_of(&page).contains("Listed are 2,000 of 2,100 connections"));
}

#[test]
fn ten_thousand_endpoints_are_folded() {
    let bench = bench().write("large.toml", company(10_000));
    let page = page(&bench, &["large.toml", "week.pcap"]);
    assert!(text_of(&page).contains("10,003 instances"));
    assert!(page.len() < 400_000, "{}", page.len());
}

#[test]
fn the_reader_of_a_pipe_may_leave() {
    let bench = bench();
    let mut command = bench.command(&["report", "shop.toml", "week.pcap", "-o", "-"]);
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let told = Told::from(output);
    assert_eq!((told.code, told.error.as_str()), (0, ""));
}

#[test]
fn rates_have_a_section_where_timing_is_on() {
    let bench = bench();
    let limits = "pps = { tx = 1, rx = 1 }\nburst_ms = 0\nqueue_ms = 0\n";
    let bench = bench.write("limited.toml", edit(SHOP).extended("instance.i-web", limits).toml());
    let off = page(&bench, &["limited.toml", "week.pcap"]);
    assert!(!off.contains("id=\"rates\"") && !off.contains("rate-exceeded"), "{off}");
    let on = page(&bench, &["limited.toml", "week.pcap", "--timing"]);
    let section = on.split("id=\"rates\"").nth(1).unwrap().split("</section>").next().unwrap();
    let text = text_of(section);
    for told in ["i-web", "1 pps", "100.0%", "queueing p99"] {
        assert!(text.contains(told), "{told} is missing in {text}");
    }
    // The trace of the first such frame asks nothing of the rules, and `trace` would not tell the same.
    let trace = on.split("the sender&#39;s rate").count().max(on.split("the sender's rate").count());
    assert!(trace > 1, "{on}");
}
