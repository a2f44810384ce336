//! What applications say to each other.

/// MySQL: <https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html>.
pub(crate) mod mysql {
    /// A packet: length in three bytes, number, payload.
    fn packet(number: u8, payload: &[u8]) -> Vec<u8> {
        let length = (payload.len() as u32).to_le_bytes();
        [&length[..3], &[number], payload].concat()
    }

    /// A string with its length before it.
    fn text(string: &str) -> Vec<u8> {
        [&[string.len() as u8], string.as_bytes()].concat()
    }

    const END_OF_LIST: [u8; 5] = [0xfe, 0, 0, 0x02, 0];

    /// What the server says first.
    pub(crate) fn greeting() -> Vec<u8> {
        let mut payload = vec![10];
        payload.extend(b"5.7.25-log\0");
        payload.extend(48_213_u32.to_le_bytes());
        payload.extend(b"\x1f;Q#k.7d\0");
        payload.extend([0xff, 0xf7, 0x21, 0x02, 0x00, 0xff, 0x81, 21]);
        payload.extend([0; 10]);
        payload.extend(b"Gv]2;m\\$.0qT\0mysql_native_password\0");
        packet(0, &payload)
    }

    /// Who the client says it is, with its password scrambled.
    pub(crate) fn login(user: &str, database: &str) -> Vec<u8> {
        let mut payload = Vec::from(0x000a_a28d_u32.to_le_bytes());
        payload.extend(0x0100_0000_u32.to_le_bytes());
        payload.push(33);
        payload.extend([0; 23]);
        payload.extend([user.as_bytes(), b"\0\x14"].concat());
        payload.extend((0..20).map(|at: u8| at.wrapping_mul(73) ^ 0xa6));
        payload.extend([database.as_bytes(), b"\0mysql_native_password\0"].concat());
        packet(1, &payload)
    }

    /// The server agrees.
    pub(crate) fn ok(number: u8, rows: u8) -> Vec<u8> {
        packet(number, &[0, rows, 0, 0x02, 0, 0, 0])
    }

    /// A statement.
    pub(crate) fn query(statement: &str) -> Vec<u8> {
        packet(0, &[b"\x03", statement.as_bytes()].concat())
    }

    /// A table of texts.
    pub(crate) fn rows(table: &str, columns: &[&str], rows: &[&[&str]]) -> Vec<u8> {
        const VAR_STRING: u8 = 0xfd;
        let mut number = 1;
        let mut out = packet(number, &[columns.len() as u8]);
        let mut next = |payload: &[u8]| {
            number += 1;
            out.extend(packet(number, payload));
        };
        for column in columns {
            let names = ["def", "shop", table, table, column, column];
            let mut definition: Vec<u8> = names.iter().flat_map(|name| text(name)).collect();
            definition.extend([0x0c, 33, 0, 96, 0, 0, 0, VAR_STRING, 0, 0, 0, 0, 0]);
            next(&definition);
        }
        next(&END_OF_LIST);
        for row in rows {
            next(&row.iter().flat_map(|field| text(field)).collect::<Vec<u8>>());
        }
        next(&END_OF_LIST);
        out
    }

    /// The client leaves.
    pub(crate) fn quit() -> Vec<u8> {
        packet(0, &[1])
    }
}

/// HTTP/1.1.
pub(crate) mod http {
    /// A request without a body.
    pub(crate) fn get(host: &str, path: &str) -> Vec<u8> {
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: nginx-upstream/1.16.1\r\nAccept: */*\r\n\r\n")
            .into()
    }

    /// A request with a body.
    pub(crate) fn post(host: &str, path: &str, body: &str) -> Vec<u8> {
        format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into()
    }

    /// An answer of type `kind`.
    pub(crate) fn ok(kind: &str, body: &str) -> Vec<u8> {
        format!(
            "HTTP/1.1 200 OK\r\nServer: nginx/1.16.1\r\nDate: Tue, 12 May 2020 01:05:00 GMT\r\nContent-Type: {kind}\r\n\
             Content-Length: {}\r\nConnection: keep-alive\r\n\r\n{body}",
            body.len()
        )
        .into()
    }

    /// A page that lists `count` products.
    pub(crate) fn page(count: usize) -> String {
        let mut page = String::from("<!doctype html>\n<title>Catalogue</title>\n<ul>\n");
        for number in 1..=count {
            let price = (number * 37) % 900 + 10;
            page += &format!("  <li><a href=\"/item/{number:05}\">Item {number}</a> <b>{price}.00</b></li>\n");
        }
        page + "</ul>\n"
    }
}

/// DNS: RFC 1035.
pub(crate) mod dns {
    fn message(identifier: u16, flags: u16, answers: u16, name: &str, kind: u16) -> Vec<u8> {
        let mut out: Vec<u8> =
            [identifier, flags, 1, answers, 0, 0].iter().flat_map(|word| word.to_be_bytes()).collect();
        for label in name.split('.') {
            out.push(label.len() as u8);
            out.extend(label.as_bytes());
        }
        out.push(0);
        out.extend([kind, 1].iter().flat_map(|word| word.to_be_bytes()));
        out
    }

    /// Asks for an address.
    pub(crate) fn query(identifier: u16, name: &str) -> Vec<u8> {
        message(identifier, 0x0100, 0, name, 1)
    }

    /// Tells it.
    pub(crate) fn answer(identifier: u16, name: &str, address: [u8; 4]) -> Vec<u8> {
        let mut out = message(identifier, 0x8180, 1, name, 1);
        out.extend([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        out.extend(address);
        out
    }

    /// Asks for the texts of a zone.
    pub(crate) fn texts_query(identifier: u16, name: &str) -> Vec<u8> {
        message(identifier, 0x0100, 0, name, 16)
    }

    /// Tells them: exactly `length` bytes in all.
    pub(crate) fn texts(identifier: u16, name: &str, length: usize) -> Vec<u8> {
        // The longest record that there is, and one that leaves room for another.
        const LONGEST: usize = 13 + 255;
        const USUAL: usize = 13 + 200;
        let mut out = message(identifier, 0x8580, 0, name, 16);
        let mut count: u16 = 0;
        while out.len() < length {
            let left = length - out.len();
            let text = if left > LONGEST { USUAL - 13 } else { left - 13 };
            out.extend([0xc0, 0x0c, 0, 16, 0, 1, 0, 0, 0, 60]);
            out.extend((text as u16 + 1).to_be_bytes());
            out.push(text as u8);
            out.extend(vec![b'k'; text]);
            count += 1;
        }
        out[6..8].copy_from_slice(&count.to_be_bytes());
        out
    }
}

/// Redis: <https://redis.io/docs/latest/develop/reference/protocol-spec/>.
pub(crate) mod redis {
    /// A command.
    pub(crate) fn command(words: &[&str]) -> Vec<u8> {
        let mut out = format!("*{}\r\n", words.len());
        words.iter().for_each(|word| out += &format!("${}\r\n{word}\r\n", word.len()));
        out.into()
    }
}
