//! The protocol of Redis, versions 2 and 3: commands to bytes, bytes to replies, as far as the caps allow.

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

use crate::net::io_error;
use crate::{CallError, ErrorKind};

/// Bytes of a line: simple strings, errors, numbers and the heads of everything else.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// How deep containers may nest.
const DEPTH_MAX: usize = 32;

/// A part of a reply: containers announce how many items, or pairs, follow.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    /// No value.
    Nil,
    /// A whole number.
    Integer(i64),
    /// A number.
    Double(f64),
    /// A truth value.
    Boolean(bool),
    /// A word of the server's own.
    Simple(String),
    /// Bytes that somebody stored.
    Bulk(Vec<u8>),
    /// An error inside an answer.
    Error(String),
    /// So many items follow.
    Array(u32),
    /// So many pairs follow.
    Map(u32),
}

impl Token {
    /// A whole number, also as text.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Integer(value) => u64::try_from(*value).ok(),
            Self::Bulk(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
            _ => None,
        }
    }

    /// Text of a word or of bytes.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Simple(text) => Some(text),
            Self::Bulk(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
}

/// What a reply may be at most.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// Bytes on the wire.
    pub bytes: u64,
    /// Tokens.
    pub tokens: usize,
}

/// The bytes of one command.
pub(crate) fn encode(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(words.iter().map(|word| word.len() + 16).sum());
    bytes.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// Reads one whole reply. After an error the stream stands somewhere inside it, and is of no further use.
///
/// # Errors
/// `too-large` beyond `caps`, `protocol` for what is no reply, `refused` at the end of the stream.
pub(crate) async fn read<R: AsyncBufRead + Unpin>(reader: &mut R, caps: Caps) -> Result<Vec<Token>, CallError> {
    let mut left = Left { bytes: caps.bytes, tokens: caps.tokens, caps };
    let mut tokens = Vec::new();
    // Items that the open containers still wait for, innermost last.
    let mut open: Vec<u64> = Vec::new();
    loop {
        let token = token(reader, &mut left).await?;
        let items = match token {
            Token::Array(count) => u64::from(count),
            Token::Map(count) => u64::from(count) * 2,
            _ => 0,
        };
        tokens.push(token);
        if let Some(waiting) = open.last_mut() {
            *waiting -= 1;
        }
        if items > 0 {
            open.push(items);
            if open.len() > DEPTH_MAX {
                return Err(protocol(format!("a reply nests deeper than {DEPTH_MAX} levels")));
            }
        }
        while open.last() == Some(&0) {
            open.pop();
        }
        if open.is_empty() {
            return Ok(tokens);
        }
    }
}

/// What is left of the caps.
struct Left {
    bytes: u64,
    tokens: usize,
    caps: Caps,
}

impl Left {
    fn take_bytes(&mut self, count: u64) -> Result<(), CallError> {
        let left = self.bytes.checked_sub(count);
        self.bytes = left.ok_or_else(|| {
            let message = format!("the reply is larger than {} bytes (key `response-bytes`)", self.caps.bytes);
            CallError::new(ErrorKind::TooLarge, message)
        })?;
        Ok(())
    }

    fn take_tokens(&mut self, count: u64) -> Result<(), CallError> {
        let left = usize::try_from(count).ok().and_then(|count| self.tokens.checked_sub(count));
        self.tokens = left.ok_or_else(|| {
            let message = format!("the reply has more than {} parts: ask for less", self.caps.tokens);
            CallError::new(ErrorKind::TooLarge, message)
        })?;
        Ok(())
    }
}

async fn token<R: AsyncBufRead + Unpin>(reader: &mut R, left: &mut Left) -> Result<Token, CallError> {
    let line = line(reader, left).await?;
    let (kind, rest) = line.split_first().ok_or_else(|| protocol("an empty line in place of a reply".to_owned()))?;
    let text = || String::from_utf8_lossy(rest).into_owned();
    Ok(match kind {
        b'+' | b'(' => Token::Simple(text()),
        b'-' => Token::Error(text()),
        b':' => Token::Integer(number(rest)?),
        b'_' => Token::Nil,
        b'#' => Token::Boolean(rest == b"t"),
        b',' => Token::Double(text().parse().map_err(|_| strange(&line))?),
        b'$' | b'!' | b'=' => match bulk(reader, rest, left).await? {
            None => Token::Nil,
            Some(bytes) if *kind == b'!' => Token::Error(String::from_utf8_lossy(&bytes).into_owned()),
            // `txt:` or `mkd:` stands before a verbatim string.
            Some(bytes) if *kind == b'=' => Token::Bulk(bytes.get(4..).unwrap_or_default().to_vec()),
            Some(bytes) => Token::Bulk(bytes),
        },
        b'*' | b'~' | b'%' => {
            let count = number(rest)?;
            if count == -1 {
                return Ok(Token::Nil);
            }
            let count = u32::try_from(count).map_err(|_| strange(&line))?;
            let is_map = *kind == b'%';
            left.take_tokens(u64::from(count) * if is_map { 2 } else { 1 })?;
            if is_map { Token::Map(count) } else { Token::Array(count) }
        }
        _ => return Err(strange(&line)),
    })
}

async fn bulk<R: AsyncBufRead + Unpin>(
    reader: &mut R,
    head: &[u8],
    left: &mut Left,
) -> Result<Option<Vec<u8>>, CallError> {
    let length = number(head)?;
    if length == -1 {
        return Ok(None);
    }
    let length = u64::try_from(length).map_err(|_| strange(head))?;
    left.take_bytes(length.saturating_add(2))?;
    let mut bytes = Vec::new();
    let read = reader.take(length + 2).read_to_end(&mut bytes).await;
    let read = read.map_err(|error| io_error(&error, "read the reply"))?;
    if (read as u64) < length + 2 {
        return Err(ended());
    }
    if !bytes.ends_with(b"\r\n") {
        return Err(protocol("a string of the reply is longer than announced".to_owned()));
    }
    bytes.truncate(bytes.len() - 2);
    Ok(Some(bytes))
}

/// A line without its end.
async fn line<R: AsyncBufRead + Unpin>(reader: &mut R, left: &mut Left) -> Result<Vec<u8>, CallError> {
    let mut line = Vec::new();
    let max = LINE_BYTES_MAX.min(left.bytes.saturating_add(1));
    let read = reader.take(max).read_until(b'\n', &mut line).await;
    let read = read.map_err(|error| io_error(&error, "read the reply"))?;
    left.take_bytes(read as u64)?;
    if line.ends_with(b"\r\n") {
        line.truncate(line.len() - 2);
        return Ok(line);
    }
    Err(if (read as u64) < max { ended() } else { protocol("a line without end in place of a reply".to_owned()) })
}

fn number(text: &[u8]) -> Result<i64, CallError> {
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or_else(|| strange(text))
}

fn strange(line: &[u8]) -> CallError {
    let shown: String = String::from_utf8_lossy(line).chars().take(60).flat_map(char::escape_debug).collect();
    protocol(format!("`{shown}` is no reply of Redis"))
}

fn protocol(message: String) -> CallError {
    CallError::new(ErrorKind::Protocol, message)
}

fn ended() -> CallError {
    CallError::new(ErrorKind::Refused, "the server closed the connection")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::BufReader;

    use super::*;

    const CAPS: Caps = Caps { bytes: 1 << 20, tokens: 1_000 };

    /// Reads one reply from bytes that come in pieces of `piece`.
    fn decode(bytes: &[u8], piece: usize, caps: Caps) -> Result<Vec<Token>, CallError> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(read(&mut BufReader::with_capacity(piece, bytes), caps))
    }

    fn kind(bytes: &[u8], caps: Caps) -> ErrorKind {
        decode(bytes, 16, caps).unwrap_err().kind
    }

    // Every type of both versions, in the shape of the contract.
    #[test]
    fn every_type_is_read() {
        let bytes = b"*12\r\n+OK\r\n-ERR no\r\n:-7\r\n$3\r\na\r\n\r\n$-1\r\n*-1\r\n_\r\n#t\r\n,1.5\r\n=7\r\ntxt:abc\r\n!5\r\nERR x\r\n\
                      %1\r\n~0\r\n(123\r\n";
        let read = decode(bytes, 3, CAPS).unwrap();
        assert_eq!(
            read,
            [
                Token::Array(12),
                Token::Simple("OK".into()),
                Token::Error("ERR no".into()),
                Token::Integer(-7),
                Token::Bulk(b"a\r\n".to_vec()),
                Token::Nil,
                Token::Nil,
                Token::Nil,
                Token::Boolean(true),
                Token::Double(1.5),
                Token::Bulk(b"abc".to_vec()),
                Token::Error("ERR x".into()),
                Token::Map(1),
                Token::Array(0),
                Token::Simple("123".into()),
            ]
        );
    }

    // What a server announces is not believed beyond the caps, and nothing is reserved for it.
    #[test]
    fn replies_are_capped() {
        assert_eq!(kind(b"$9999999999\r\n", CAPS), ErrorKind::TooLarge);
        assert_eq!(kind(b"$9223372036854775807\r\n", CAPS), ErrorKind::TooLarge);
        assert_eq!(kind(b"*4000000000\r\n", CAPS), ErrorKind::TooLarge);
        assert_eq!(kind(b"%600\r\n", CAPS), ErrorKind::TooLarge);
        assert_eq!(kind(&b"*1\r\n".repeat(100), CAPS), ErrorKind::Protocol);
        assert_eq!(kind(b"$6\r\nabcdef\r\n", Caps { bytes: 9, tokens: 1 }), ErrorKind::TooLarge);
        assert_eq!(kind(&[b'+'; 100_000], CAPS), ErrorKind::Protocol);
    }

    // What is cut off is a connection that ended; what is no reply is `protocol`.
    #[test]
    fn ends_and_nonsense_differ() {
        for cut in [&b""[..], b"+OK", b"$5\r\nab", b"*2\r\n:1\r\n"] {
            assert_eq!(kind(cut, CAPS), ErrorKind::Refused, "{cut:?}");
        }
        for wrong in [&b"HTTP/1.1 400\r\n"[..], b":x\r\n", b"$-2\r\n", b"*-5\r\n", b"$1\r\nabc\r\n", b"\r\n", b">1\r\n"]
        {
            assert_eq!(kind(wrong, CAPS), ErrorKind::Protocol, "{wrong:?}");
        }
    }

    proptest! {
        // No bytes make it panic, hang, or hold more tokens than allowed.
        #[test]
        fn any_bytes_are_survived(bytes: Vec<u8>, piece in 1usize..64) {
            if let Ok(tokens) = decode(&bytes, piece, Caps { bytes: 256, tokens: 8 }) {
                prop_assert!(tokens.len() <= 9);
            }
        }

        // The same for what looks like replies.
        #[test]
        fn any_pieces_are_survived(parts in prop::collection::vec("[-+:$*%~,#_=!(][0-9-]{0,3}\r\n", 0..12)) {
            // Either is fine.
            let _ = decode(parts.concat().as_bytes(), 5, Caps { bytes: 256, tokens: 8 });
        }

        // A command is an array of byte strings: what is encoded reads back, whatever is in it.
        #[test]
        fn commands_round_trip(words in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 1..8)) {
            let slices: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            let read = decode(&encode(&slices), 7, CAPS).unwrap();
            prop_assert_eq!(&read[0], &Token::Array(u32::try_from(words.len()).unwrap()));
            let bulks: Vec<Token> = words.into_iter().map(Token::Bulk).collect();
            prop_assert_eq!(&read[1..], &bulks[..]);
        }
    }
}
