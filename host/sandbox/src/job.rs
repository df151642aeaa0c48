//! What this program and its workers say to each other: an order there, an answer back.
//!
//! Each is two lengths, a head that says what it is, and a body of bytes. Both ends are the same program, so there are
//! no versions; lengths are looked at all the same, because a worker may die in the middle of a word.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::compiler::Flavor;
use super::engine::Layout;
use super::program::CompileError;
use super::schema::Problems;

/// Bytes of a head: a refusal with every import named is some hundred kilobytes at most.
const HEAD_BYTES_MAX: u64 = 1 << 20;

/// What a worker is to do with the bytes that come with it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Compile a component.
    Compile {
        /// How the host's engines lay memory out.
        layout: Layout,
        /// Where compiled functions are kept for their author.
        functions: Option<PathBuf>,
    },
    /// Hold a configuration to a schema: the bytes are the text of the schema.
    Schema {
        /// The configuration, as JSON.
        config: String,
    },
}

/// How it went.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// Code for this engine; it is the body.
    Code(Flavor),
    /// The component is none for this host.
    Refused(CompileError),
    /// The schema is one. What it has against the configuration, if anything.
    Judged(Option<Problems>),
    /// The schema is none, and why.
    NoSchema(String),
}

/// Writes one message.
pub(super) fn write(to: &mut impl Write, head: &impl Serialize, body: &[u8]) -> io::Result<()> {
    let head = serde_json::to_vec(head)?;
    to.write_all(&(head.len() as u64).to_le_bytes())?;
    to.write_all(&(body.len() as u64).to_le_bytes())?;
    to.write_all(&head)?;
    to.write_all(body)?;
    to.flush()
}

/// Reads one message whose body has at most `max` bytes.
///
/// # Errors
/// When it ends early, is too long, or there is no memory for it.
pub(super) fn read<T: DeserializeOwned>(from: &mut impl Read, max: u64) -> io::Result<(T, Vec<u8>)> {
    let (head, body) = (length(from, HEAD_BYTES_MAX)?, length(from, max)?);
    let head = serde_json::from_slice(&bytes(from, head)?)?;
    Ok((head, bytes(from, body)?))
}

fn length(from: &mut impl Read, max: u64) -> io::Result<usize> {
    let mut field = [0; 8];
    from.read_exact(&mut field)?;
    let length = u64::from_le_bytes(field);
    if length > max {
        return Err(io::Error::other(format!("a message of {length} bytes, at most {max} are taken")));
    }
    usize::try_from(length).map_err(io::Error::other)
}

fn bytes(from: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // A machine that has no memory for it refuses this plugin and goes on.
    bytes.try_reserve_exact(length)?;
    bytes.resize(length, 0);
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    // What one end says the other one hears, and a message that ends early or is too long is none.
    #[test]
    fn messages_arrive_whole_or_not_at_all() {
        let mut said = Vec::new();
        write(&mut said, &Answer::NoSchema("no".into()), b"body").unwrap();
        let (head, body) = read::<Answer>(&mut said.as_slice(), 4).unwrap();
        assert!(matches!(head, Answer::NoSchema(text) if text == "no"));
        assert_eq!(body, b"body");
        for end in 0..said.len() {
            assert!(read::<Answer>(&mut &said[..end], 4).is_err(), "cut at {end}");
        }
        assert!(read::<Answer>(&mut said.as_slice(), 3).is_err());
        // A length without the bytes takes no memory for them.
        let mut long = said[..8].to_vec();
        long.extend_from_slice(&u64::MAX.to_le_bytes());
        assert!(read::<Answer>(&mut long.as_slice(), u64::MAX).is_err());
    }
}
