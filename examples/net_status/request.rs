//! The first line of an HTTP request, which is all that this server needs of it (RFC 9112, section 3).

/// The most bytes of a request, its headers included.
const MOST: usize = 4096;

/// What a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// The end of the headers has not arrived.
    Incomplete,
    /// GET, or HEAD.
    Request {
        /// Without the query.
        path: &'a str,
        /// No body in the answer.
        is_head: bool,
    },
    /// POST and the like.
    OtherMethod,
    /// Not HTTP/1, or too long.
    Malformed,
}

/// Of a request as far as it has arrived.
pub fn parse(bytes: &[u8]) -> Parsed<'_> {
    if !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
        return if bytes.len() < MOST { Parsed::Incomplete } else { Parsed::Malformed };
    }
    let line = bytes.split(|&byte| byte == b'\r').next().unwrap_or_default();
    let mut words = core::str::from_utf8(line).unwrap_or_default().split(' ');
    let (method, target, version) = match (words.next(), words.next(), words.next(), words.next()) {
        (Some(method), Some(target), Some(version), None) => (method, target, version),
        _ => return Parsed::Malformed,
    };
    if !version.starts_with("HTTP/1.") || !target.starts_with('/') {
        return Parsed::Malformed;
    }
    let path = target.split('?').next().unwrap_or_default();
    match method {
        "GET" => Parsed::Request { path, is_head: false },
        "HEAD" => Parsed::Request { path, is_head: true },
        _ if !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase()) => Parsed::OtherMethod,
        _ => Parsed::Malformed,
    }
}
