use super::*;
use crate::datapath::DropLocation;
use crate::diag::Reason;
use crate::program::RuleId;
use crate::report::fixture::Fixture;
use crate::report::{Palette, Resolver};
use insta::assert_snapshot;

/// A connection from `web-1` to `db-1` that was let in.
fn fine(fixture: &Fixture) -> Connection {
    let endpoint = |name: &str| fixture.names.find_endpoint(name);
    let end =
        |name: &str, address: [u8; 4], port| ConnectionEnd { endpoint: endpoint(name), address: address.into(), port };
    Connection {
        number: 1,
        protocol: Protocol::TCP,
        opener: end("web-1", [10, 24, 1, 5], 40_000),
        responder: end("db-1", [172, 16, 1, 10], 3306),
        frames: [1_200, 3],
        bytes: [64_800, 200],
        delivered: [1_200, 3],
        first: SimTime::from_nanos(1_467_080_000_500_000_000),
        last: SimTime::from_nanos(1_467_080_002_000_000_000),
        verdict: Verdict::Delivered { to: endpoint("db-1").unwrap() },
        decider: rule(fixture, "sg-db ingress #1"),
        refusal: None,
        followed: 0,
        other_drops: 0,
        undetermined: 0,
        outside: 0,
        misdelivered: 0,
        misdelivered_to: None,
    }
}

fn rule(fixture: &Fixture, name: &str) -> MatchedRule {
    let names = &fixture.names.rules;
    let index = (0..names.len()).find(|index| names[*index].text == name).unwrap();
    MatchedRule::Rule(RuleId::from_index(index))
}

/// What was let in, what was refused and followed from it, what reached another endpoint, a ping, and one that nothing is
/// known of.
fn parade(fixture: &Fixture) -> Vec<Connection> {
    let fine = fine(fixture);
    let at = DropLocation::Endpoint(fine.responder.endpoint.unwrap());
    let blocker = Blocker { reason: Reason::SgIngressDeny, at, decider: rule(fixture, "sg-db ingress #3") };
    let refusal = FirstRefusal { frame: 2, is_of_responder: false, blocker, frames: 3 };
    let nobody = ConnectionEnd { endpoint: None, address: [192, 0, 2, 1].into(), port: 9 };
    vec![
        fine,
        Connection {
            number: 2,
            responder: ConnectionEnd { port: 22, ..fine.responder },
            frames: [3, 1],
            delivered: [0, 0],
            verdict: Verdict::Dropped { reason: Reason::SgIngressDeny, at },
            decider: blocker.decider,
            refusal: Some(refusal),
            followed: 1,
            ..fine
        },
        Connection { number: 30, misdelivered: 2, misdelivered_to: fixture.names.find_endpoint("twin-1"), ..fine },
        Connection {
            number: 31,
            protocol: Protocol::ICMP,
            opener: ConnectionEnd { port: 7, ..fine.opener },
            responder: ConnectionEnd { port: 8, ..fine.responder },
            delivered: [1, 0],
            undetermined: 1,
            ..fine
        },
        Connection {
            number: 32,
            protocol: Protocol::UDP,
            opener: nobody,
            verdict: Verdict::Outside,
            outside: 4,
            ..fine
        },
    ]
}

fn text(words: Resolver<'_>, connections: &[Connection]) -> String {
    let mut rows = ConnectionRows::new(words, Palette::Plain);
    connections.iter().for_each(|connection| rows.measure(connection));
    let mut text = String::new();
    connections.iter().for_each(|connection| rows.write(&mut text, connection));
    text
}

fn csv(words: Resolver<'_>, connections: &[Connection]) -> String {
    let mut text = ConnectionCsv::HEADER.to_owned();
    connections.iter().for_each(|connection| ConnectionCsv::new(words).write(&mut text, connection));
    text
}

#[test]
fn people_read_what_became_of_each_and_why() {
    let fixture = Fixture::new();
    assert_snapshot!(text(fixture.words(), &parade(&fixture)), @"
    #1   tcp          web-1 10.24.1.5:40000 > db-1 172.16.1.10:3306  1,200 > 3 frames, 64,800 > 200 bytes  two-way       1.5s from 2016-06-28 02:13:20.5 UTC
    #2   tcp          web-1 10.24.1.5:40000 > db-1 172.16.1.10:22    3 > 1 frames, 64,800 > 200 bytes      refused       1.5s from 2016-06-28 02:13:20.5 UTC
        sg-ingress-deny at db-1 by sg-db ingress #3 (shop.toml:30): the opener's frame 2 and 2 more
        1 frame dropped only because of that
    #30  tcp          web-1 10.24.1.5:40000 > db-1 172.16.1.10:3306  1,200 > 3 frames, 64,800 > 200 bytes  misdelivered  1.5s from 2016-06-28 02:13:20.5 UTC
        2 replies reached twin-1, not web-1
    #31  icmp type 8  web-1 10.24.1.5       > db-1 172.16.1.10       1,200 > 3 frames, 64,800 > 200 bytes  undetermined  1.5s from 2016-06-28 02:13:20.5 UTC
        1 frame without a verdict
    #32  udp          192.0.2.1:9           > db-1 172.16.1.10:3306  1,200 > 3 frames, 64,800 > 200 bytes  outside       1.5s from 2016-06-28 02:13:20.5 UTC
    ");
}

#[test]
fn each_row_of_values_has_a_value_for_each_column() {
    let fixture = Fixture::new();
    let text = csv(fixture.words(), &parade(&fixture));
    let columns = |line: &str| line.split(',').count();
    assert!(text.lines().all(|line| columns(line) == 34), "{text}");
    assert_snapshot!(text.lines().skip(1).collect::<Vec<_>>().join("\n"), @"
    1,6,web-1,10.24.1.5,40000,db-1,172.16.1.10,3306,,,1200,3,64800,200,1200,3,1467080000500000000,1467080002000000000,two-way,delivered,,,,,,,,,0,0,0,0,0,
    2,6,web-1,10.24.1.5,40000,db-1,172.16.1.10,22,,,3,1,64800,200,0,0,1467080000500000000,1467080002000000000,refused,dropped,sg-ingress-deny,2,opener,sg-ingress-deny,db-1,sg-db ingress #3,shop.toml:30,3,1,0,0,0,0,
    30,6,web-1,10.24.1.5,40000,db-1,172.16.1.10,3306,,,1200,3,64800,200,1200,3,1467080000500000000,1467080002000000000,misdelivered,delivered,,,,,,,,,0,0,0,0,2,twin-1
    31,1,web-1,10.24.1.5,,db-1,172.16.1.10,,8,7,1200,3,64800,200,1,0,1467080000500000000,1467080002000000000,undetermined,delivered,,,,,,,,,0,0,1,0,0,
    32,17,,192.0.2.1,9,db-1,172.16.1.10,3306,,,1200,3,64800,200,1200,3,1467080000500000000,1467080002000000000,outside,outside,,,,,,,,,0,0,0,4,0,
    ");
}

#[test]
fn objects_leave_out_what_has_no_value() {
    let fixture = Fixture::new();
    let lines: Vec<String> =
        parade(&fixture).iter().map(|connection| connection_json(fixture.words(), connection).to_string()).collect();
    assert_snapshot!(lines.join("\n"), @r#"
    {"frame":1,"proto":6,"opener":"web-1","src":"10.24.1.5","sport":40000,"responder":"db-1","dst":"172.16.1.10","dport":3306,"frames":[1200,3],"bytes":[64800,200],"delivered":[1200,3],"first_ns":"1467080000500000000","last_ns":"1467080002000000000","fate":"two-way","verdict":"delivered"}
    {"frame":2,"proto":6,"opener":"web-1","src":"10.24.1.5","sport":40000,"responder":"db-1","dst":"172.16.1.10","dport":22,"frames":[3,1],"bytes":[64800,200],"delivered":[0,0],"first_ns":"1467080000500000000","last_ns":"1467080002000000000","fate":"refused","verdict":"dropped","reason":"sg-ingress-deny","refusal":{"frame":2,"of":"opener","reason":"sg-ingress-deny","at":"db-1","rule":"sg-db ingress #3","source":"shop.toml:30","frames":3},"followed":1}
    {"frame":30,"proto":6,"opener":"web-1","src":"10.24.1.5","sport":40000,"responder":"db-1","dst":"172.16.1.10","dport":3306,"frames":[1200,3],"bytes":[64800,200],"delivered":[1200,3],"first_ns":"1467080000500000000","last_ns":"1467080002000000000","fate":"misdelivered","verdict":"delivered","misdelivered":2,"misdelivered_to":"twin-1"}
    {"frame":31,"proto":1,"opener":"web-1","src":"10.24.1.5","responder":"db-1","dst":"172.16.1.10","icmp_type":8,"icmp_id":7,"frames":[1200,3],"bytes":[64800,200],"delivered":[1,0],"first_ns":"1467080000500000000","last_ns":"1467080002000000000","fate":"undetermined","verdict":"delivered","undetermined":1}
    {"frame":32,"proto":17,"src":"192.0.2.1","sport":9,"responder":"db-1","dst":"172.16.1.10","dport":3306,"frames":[1200,3],"bytes":[64800,200],"delivered":[1200,3],"first_ns":"1467080000500000000","last_ns":"1467080002000000000","fate":"outside","verdict":"outside","outside":4}
    "#);
}

#[test]
fn a_name_that_holds_a_comma_a_quote_or_a_line_end_stays_in_its_cell() {
    let mut fixture = Fixture::new();
    let connections = parade(&fixture);
    let names = std::sync::Arc::make_mut(&mut fixture.names.endpoints);
    (0..names.len()).for_each(|index| names.get_mut(index).text = "a,\"b\"\n".to_owned());
    let text = csv(fixture.words(), &connections[..1]);
    assert_eq!(text.lines().count(), 2);
    assert!(text.lines().nth(1).unwrap().starts_with("1,6,\"a,\"\"b\"\"\\n\",10.24.1.5,"), "{text}");
}

#[test]
fn totals_say_how_many_and_keep_those_that_went_wrong_first() {
    let fixture = Fixture::new();
    let mut totals = ConnectionTotals { beside: 2, ..ConnectionTotals::default() };
    parade(&fixture).iter().rev().for_each(|connection| totals.add(connection));
    let mut text = String::new();
    write_text(&mut text, fixture.words(), &totals, Palette::Plain);
    assert_snapshot!(text, @"

    connections     5
      two-way       1   20.0%  frames of both ends arrived, none was dropped
      refused       1   20.0%  the first frame was dropped
      misdelivered  1   20.0%  a reply reached another endpoint than the opener
      outside       1   20.0%  beyond the two planes
      undetermined  1   20.0%  a frame without a verdict
    2 frames belong to no connection: ARP, later fragments, ICMP errors, or unreadable
    of 4 dropped frames, 1 only follows from an earlier refusal of the same connection
    misdelivered: 2 replies reached another endpoint than the one that asked

    connections that went wrong
      #2   tcp          web-1 10.24.1.5:40000 > db-1 172.16.1.10:22    3 > 1 frames, 64,800 > 200 bytes      refused       1.5s from 2016-06-28 02:13:20.5 UTC
          sg-ingress-deny at db-1 by sg-db ingress #3 (shop.toml:30): the opener's frame 2 and 2 more
          1 frame dropped only because of that
      #30  tcp          web-1 10.24.1.5:40000 > db-1 172.16.1.10:3306  1,200 > 3 frames, 64,800 > 200 bytes  misdelivered  1.5s from 2016-06-28 02:13:20.5 UTC
          2 replies reached twin-1, not web-1
      #31  icmp type 8  web-1 10.24.1.5       > db-1 172.16.1.10       1,200 > 3 frames, 64,800 > 200 bytes  undetermined  1.5s from 2016-06-28 02:13:20.5 UTC
          1 frame without a verdict
    ");
    // However they come, the first are kept.
    let refused = parade(&fixture)[1];
    let mut parts = [ConnectionTotals::default(), ConnectionTotals::default()];
    for number in (1..=3 * TROUBLED as u64).rev() {
        parts[number as usize % 2].add(&Connection { number, ..refused });
    }
    let [mut merged, other] = parts;
    merged.merge(other);
    assert!(merged.troubled.keys().copied().eq(1..=TROUBLED as u64));
    assert_eq!((merged.connections(), merged.followed), (3_000, 3_000));
}
