//! Route tables in text files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use ipnet::Ipv4Net;

use super::Routes;
use crate::table::lpm::MAX_NEXT_HOP;

/// Routes from a text file, plain or gzip: one `PREFIX NEXTHOP` a line, the next hop a number up to [`MAX_NEXT_HOP`].
/// Blank lines and lines that begin with `#` are passed over, host bits do not count, and of two routes with the same
/// prefix the last one stays. The error is one line: the file, the number of the line and its text, what is expected.
pub fn read_routes(path: &Path) -> Result<Routes, String> {
    let name = path.display();
    let cannot_read = |error: io::Error| format!("cannot read `{name}`: {error}");
    let mut reader = BufReader::new(File::open(path).map_err(cannot_read)?);
    let packed = reader.fill_buf().map_err(cannot_read)?.starts_with(&[0x1f, 0x8b]);
    let unreadable = |error: io::Error| match packed {
        true => format!("cannot unpack `{name}`, a gzip file that is damaged or cut short: {error}"),
        false => cannot_read(error),
    };
    let mut reader: Box<dyn BufRead> = match packed {
        true => unpacked(reader).ok_or_else(|| {
            format!("`{name}` is packed with gzip, which this build does not read: build with the feature `gzip`")
        })?,
        false => Box::new(reader),
    };
    let mut routes = Routes::new();
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        // A file without line ends is not taken into memory as a whole.
        if reader.by_ref().take(1 << 16).read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
            break;
        }
        match route_of_line(&line) {
            Ok(route) => routes.extend(route),
            Err(what) => {
                // Damage to a gzip file may show as wrong text long before it is noticed.
                io::copy(&mut reader, &mut io::sink()).map_err(unreadable)?;
                return Err(format!("{name}:{number}: {what}; expected `PREFIX NEXTHOP`, as `10.0.0.0/8 7`"));
            }
        }
    }
    if routes.is_empty() {
        return Err(format!("`{name}` holds no routes; expected lines of `PREFIX NEXTHOP`, as `10.0.0.0/8 7`"));
    }
    Ok(routes.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect())
}

/// What unpacks gzip, where that was built in.
fn unpacked(reader: BufReader<File>) -> Option<Box<dyn BufRead>> {
    #[cfg(feature = "gzip")]
    return Some(Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(reader))));
    #[cfg(not(feature = "gzip"))]
    {
        drop(reader);
        None
    }
}

/// The route of a line, none of a blank one or a comment, or what is wrong with it.
fn route_of_line(line: &[u8]) -> Result<Option<(Ipv4Net, u32)>, String> {
    let text = str::from_utf8(line).ok().filter(|text| !text.contains('\0'));
    let Some(text) = text else { return Err("this is no text, plain or packed with gzip".to_owned()) };
    // Some editors begin a file with a byte order mark.
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    route(text).map(Some).map_err(|what| format!("{what} in `{}`", shown(text)))
}

/// The route that a text is, or what is wrong with it.
fn route(text: &str) -> Result<(Ipv4Net, u32), String> {
    let mut words = text.split_whitespace();
    let prefix = words.next().unwrap_or_default();
    let Some(next_hop) = words.next() else { return Err("the next hop is missing".to_owned()) };
    if words.next().is_some() {
        return Err("more than two words".to_owned());
    }
    let prefix: Ipv4Net = prefix.parse().map_err(|_| format!("`{}` is no IPv4 prefix", shown(prefix)))?;
    let number = next_hop.parse().ok().filter(|number| *number <= MAX_NEXT_HOP);
    let number = number.ok_or_else(|| format!("the next hop `{}` is no number up to {MAX_NEXT_HOP}", shown(next_hop)));
    Ok((prefix.trunc(), number?))
}

/// The beginning of a text, without anything that a terminal would obey.
fn shown(text: &str) -> String {
    let end = if text.chars().nth(60).is_some() { "…" } else { "" };
    text.chars().take(60).flat_map(char::escape_debug).chain(end.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read(bytes: &[u8]) -> Result<Routes, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let name = file.path().display().to_string();
        read_routes(file.path()).map_err(|error| error.replace(&name, "routes.txt"))
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn a_plain_file_and_its_gzip_give_the_same_sorted_routes() {
        let text = "# mine\n172.16.0.0/12 3\r\n\n  10.9.9.9/8\t1\n0.0.0.0/0 4294967039\n10.0.0.0/8 2";
        let net = |text: &str| text.parse::<Ipv4Net>().unwrap();
        let routes = vec![(net("0.0.0.0/0"), MAX_NEXT_HOP), (net("10.0.0.0/8"), 2), (net("172.16.0.0/12"), 3)];
        assert_eq!(read(text.as_bytes()), Ok(routes.clone()));
        assert_eq!(read(&gzip(text)), Ok(routes.clone()));
        assert_eq!(read(format!("\u{feff}{text}").as_bytes()), Ok(routes));
    }

    #[test]
    fn a_bad_line_is_named_with_its_number_and_text() {
        let wrong = |line: &str| read(format!("10.0.0.0/8 1\n\n{line}\n").as_bytes()).unwrap_err();
        let expected = "expected `PREFIX NEXTHOP`, as `10.0.0.0/8 7`";
        let cases = [
            ("10.0.0.0/33 1", "`10.0.0.0/33` is no IPv4 prefix"),
            ("10.0.0.1 1", "`10.0.0.1` is no IPv4 prefix"),
            ("10.0.0.0/8", "the next hop is missing"),
            ("10.0.0.0/8 1 2", "more than two words"),
            ("10.0.0.0/8 eth0", "the next hop `eth0` is no number up to 4294967039"),
            ("10.0.0.0/8 4294967040", "the next hop `4294967040` is no number up to 4294967039"),
            ("10.0.0.0/8 -1", "the next hop `-1` is no number up to 4294967039"),
        ];
        for (line, what) in cases {
            assert_eq!(wrong(line), format!("routes.txt:3: {what} in `{line}`; {expected}"));
        }
        assert!(wrong("\x1b[2J 1").contains("in `\\u{1b}[2J 1`"));
        assert!(wrong(&"x".repeat(1 << 17)).contains(&format!("in `{}…`", "x".repeat(60))));
    }

    #[test]
    fn a_file_without_routes_or_that_cannot_be_read_is_refused() {
        let none = "`routes.txt` holds no routes; expected lines of `PREFIX NEXTHOP`, as `10.0.0.0/8 7`";
        for empty in [&b""[..], b"\n \n# nothing\n", &gzip("")] {
            assert_eq!(read(empty).unwrap_err(), none);
        }
        let no_text = "routes.txt:1: this is no text, plain or packed with gzip; expected `PREFIX NEXTHOP`, \
                       as `10.0.0.0/8 7`";
        assert_eq!(read(&[0xff, 0xfe, 0, b'\n']).unwrap_err(), no_text);
        assert_eq!(read(b"1\x000\x00.\x000\x00\n\x00").unwrap_err(), no_text);
        let damaged = "cannot unpack `routes.txt`, a gzip file that is damaged or cut short: ";
        // Cut, with another checksum, followed by something else; and with wrong text, which alone would be named.
        let packed = gzip("10.0.0.0/8 1\n");
        let mut other = packed.clone();
        other[packed.len() - 8] ^= 1;
        let mut wrong = gzip("10.0.0.0/8\n");
        assert!(read(&wrong).unwrap_err().starts_with("routes.txt:1: the next hop is missing"));
        wrong.pop();
        for bytes in [&packed[..packed.len() - 1], &other, &[&packed[..], b"more"].concat(), &wrong] {
            let error = read(bytes).unwrap_err();
            assert!(error.starts_with(damaged), "{error}");
        }
        let missing = read_routes(Path::new("no/such/routes.txt")).unwrap_err();
        assert!(missing.starts_with("cannot read `no/such/routes.txt`: "), "{missing}");
    }
}
