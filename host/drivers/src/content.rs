//! What a body says once its encodings are undone: first `content-encoding`, then `charset`.
//!
//! Decided here, once, for whoever reads bodies through `http`. The encoded bytes are there already and bounded; each
//! step gives at most as many bytes as a body may have and stops at the first one more, so that a bomb is a limit hit.

use std::io::{self, Read};
use std::time::Instant;

use bytes::Bytes;
use encoding_rs::{Encoding, UTF_8};
use flate2::bufread::MultiGzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use http::{HeaderMap, header};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use tokio::sync::Semaphore;
use tokio::time::timeout_at;

use super::budget::{Budget, Held};
use super::net::timeout;
use super::{CallError, ErrorKind};

/// Encodings of one body: a real one has one, rarely two.
const CODINGS_MAX: usize = 4;

/// Bytes decoded between two looks at the time.
const PIECE_BYTES: usize = 32 << 10;

/// Bodies decoded at once in the whole host: a decoder may look back at up to 16 MiB. What is decoded is in memory, so
/// nobody keeps a place while waiting for anything else.
static DECODERS: Semaphore = Semaphore::const_new(4);

/// Bytes that a zstd decoder may look back: more is not allowed in HTTP (RFC 9659).
const ZSTD_WINDOW_BYTES_MAX: u64 = 8 << 20;

/// The bounds of one body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room<'a> {
    /// Bytes it may have, encoded and decoded.
    pub(super) max: u64,
    pub(super) budget: &'a Budget,
    pub(super) deadline: Instant,
}

/// What HTTP knows; `identity` changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
            Self::Zstd => "zstd",
        }
    }
}

/// The body that `headers` describe, as text in UTF-8 where it is text.
///
/// # Errors
/// `unsupported` for an encoding that is not known, `protocol` for what is not in the encoding that it claims,
/// `too-large`, `timeout`.
pub(super) async fn decoded(body: Bytes, headers: &HeaderMap, room: Room<'_>) -> Result<Bytes, CallError> {
    let codings = codings(headers)?;
    if body.is_empty() {
        // The answer to HEAD says how it would be encoded.
        return Ok(body);
    }
    let mut body = body;
    for coding in codings.into_iter().rev() {
        let late = || late(coding);
        let place = timeout_at(room.deadline.into(), DECODERS.acquire()).await.map_err(|_elapsed| late())?;
        // Decoders are large, and this is part of every request's future.
        let mut undoing = Box::new(Undoing::new(coding, &body, room));
        while undoing.step()? {
            if Instant::now() >= room.deadline {
                return Err(late());
            }
            tokio::task::yield_now().await;
        }
        body = undoing.done();
        drop(place);
    }
    in_utf8(body, headers, room)
}

/// The same at once, for bodies that a file holds.
pub fn decoded_now(body: Bytes, headers: &HeaderMap, max: u64) -> Result<Bytes, CallError> {
    let budget = Budget::default();
    let room = Room { max, budget: &budget, deadline: Instant::now() };
    let mut body = body;
    for coding in codings(headers)?.into_iter().rev() {
        let mut undoing = Undoing::new(coding, &body, room);
        while undoing.step()? {}
        body = undoing.done();
    }
    in_utf8(body, headers, room)
}

fn late(coding: Coding) -> CallError {
    timeout(format!("decoding the body ({}) took longer than the time given", coding.name()))
}

/// One encoding on its way.
struct Undoing<'a> {
    coding: Coding,
    decoder: Decoder<'a>,
    held: Held,
    piece: Vec<u8>,
    max: u64,
}

impl<'a> Undoing<'a> {
    fn new(coding: Coding, bytes: &'a [u8], room: Room<'_>) -> Self {
        let (decoder, held) = (Decoder::new(coding, bytes), room.budget.buffer());
        Self { coding, decoder, held, piece: vec![0; PIECE_BYTES], max: room.max }
    }

    fn done(self) -> Bytes {
        self.held.freeze()
    }

    /// Decodes one piece; false when there is none left.
    fn step(&mut self) -> Result<bool, CallError> {
        let read = self.decoder.read(&mut self.piece).map_err(|error| broken(self.coding, &error))?;
        if (self.held.len() + read) as u64 > self.max {
            return Err(too_large(self.max, "decoded "));
        }
        self.held.extend(&self.piece[..read], self.max)?;
        Ok(read > 0)
    }
}

/// The encodings in the order in which they were applied.
fn codings(headers: &HeaderMap) -> Result<Vec<Coding>, CallError> {
    let mut codings = Vec::new();
    for value in headers.get_all(header::CONTENT_ENCODING) {
        for name in String::from_utf8_lossy(value.as_bytes()).split(',').map(str::trim) {
            match name.to_ascii_lowercase().as_str() {
                "" | "identity" => {}
                "gzip" | "x-gzip" => codings.push(Coding::Gzip),
                "deflate" => codings.push(Coding::Deflate),
                "br" => codings.push(Coding::Brotli),
                "zstd" => codings.push(Coding::Zstd),
                _ => {
                    let name: String = name.escape_debug().take(40).collect();
                    let message = format!(
                        "the body has the content-encoding `{name}`, which the host cannot undo: it knows gzip, \
                         deflate, br and zstd"
                    );
                    return Err(CallError::new(ErrorKind::Unsupported, message));
                }
            }
        }
    }
    if codings.len() > CODINGS_MAX {
        let message = format!("the body was encoded {} times, the host undoes at most {CODINGS_MAX}", codings.len());
        return Err(CallError::new(ErrorKind::Unsupported, message));
    }
    Ok(codings)
}

/// The error of a body of more than `max` bytes.
pub fn too_large(max: u64, what: &str) -> CallError {
    CallError::new(ErrorKind::TooLarge, format!("the {what}body is larger than {max} bytes"))
}

/// The decoders' own words are about their insides.
fn broken(coding: Coding, error: &io::Error) -> CallError {
    let name = coding.name();
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof => format!("the body is not complete: its {name} encoding breaks off"),
        io::ErrorKind::OutOfMemory => {
            let most = ZSTD_WINDOW_BYTES_MAX >> 20;
            format!("the body wants a {name} decoder to look back more than {most} MiB, which HTTP does not allow")
        }
        _ => format!("the body is not {name}, though its content-encoding says so"),
    };
    CallError::new(ErrorKind::Protocol, what)
}

/// Reads what encoded bytes mean.
enum Decoder<'a> {
    Gzip(Box<MultiGzDecoder<&'a [u8]>>),
    Deflate(Inflate<'a>),
    Brotli(Box<brotli_decompressor::Decompressor<&'a [u8]>>),
    Zstd(Box<Frames<'a>>),
}

impl<'a> Decoder<'a> {
    fn new(coding: Coding, bytes: &'a [u8]) -> Self {
        match coding {
            Coding::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(bytes))),
            Coding::Deflate => Self::Deflate(Inflate::new(bytes)),
            Coding::Brotli => Self::Brotli(Box::new(brotli_decompressor::Decompressor::new(bytes, PIECE_BYTES))),
            Coding::Zstd => Self::Zstd(Box::new(Frames { decoder: FrameDecoder::new(), input: bytes, is_open: false })),
        }
    }
}

impl Read for Decoder<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(out),
            Self::Deflate(decoder) => decoder.read(out),
            Self::Brotli(decoder) => decoder.read(out),
            Self::Zstd(decoder) => decoder.read(out),
        }
    }
}

/// `deflate`, with the zlib frame that the standard wants, or without it, as some servers have sent it ever since.
struct Inflate<'a> {
    state: Decompress,
    input: &'a [u8],
    has_ended: bool,
}

impl<'a> Inflate<'a> {
    fn new(input: &'a [u8]) -> Self {
        let is_zlib = matches!(*input, [method, flags, ..]
            if method & 0x0f == 8 && (u16::from(method) << 8 | u16::from(flags)).is_multiple_of(31));
        Self { state: Decompress::new(is_zlib), input, has_ended: false }
    }
}

impl Read for Inflate<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !self.has_ended {
            let (came, went) = (self.state.total_in(), self.state.total_out());
            let status = self.state.decompress(self.input, out, FlushDecompress::None)?;
            let taken = usize::try_from(self.state.total_in() - came).unwrap_or(usize::MAX);
            let made = usize::try_from(self.state.total_out() - went).unwrap_or(usize::MAX);
            self.input = self.input.get(taken..).unwrap_or_default();
            self.has_ended = status == Status::StreamEnd;
            if made > 0 {
                return Ok(made);
            }
            if !self.has_ended && taken == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(0)
    }
}

/// zstd: one frame after the other, as the format allows.
struct Frames<'a> {
    decoder: FrameDecoder,
    input: &'a [u8],
    is_open: bool,
}

impl Read for Frames<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.is_open {
                let read = self.decoder.read(out)?;
                if read > 0 {
                    return Ok(read);
                }
                if !self.decoder.is_finished() {
                    // Of all that can be wrong, the end is told apart by what is left.
                    let decoded = self.decoder.decode_blocks(&mut self.input, BlockDecodingStrategy::UptoBlocks(1));
                    decoded.map_err(|_| self.fault())?;
                    continue;
                }
                if self
                    .decoder
                    .get_checksum_from_data()
                    .is_some_and(|sum| self.decoder.get_calculated_checksum() != Some(sum))
                {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                self.is_open = false;
            }
            if self.input.is_empty() {
                return Ok(0);
            }
            if let Some(rest) = after_skippable(self.input) {
                self.input = rest?;
                continue;
            }
            if window_bytes(self.input)? > ZSTD_WINDOW_BYTES_MAX {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
            self.decoder.reset(&mut self.input).map_err(|_| self.fault())?;
            self.is_open = true;
        }
    }
}

impl Frames<'_> {
    fn fault(&self) -> io::Error {
        if self.input.is_empty() { io::ErrorKind::UnexpectedEof.into() } else { io::ErrorKind::InvalidData.into() }
    }
}

/// What follows a frame that says nothing (RFC 8878, 3.1.2); none when there is none here.
fn after_skippable(input: &[u8]) -> Option<io::Result<&[u8]>> {
    let (magic, rest) = input.split_first_chunk::<4>()?;
    if !(0x184D_2A50..=0x184D_2A5F).contains(&u32::from_le_bytes(*magic)) {
        return None;
    }
    let rest = rest
        .split_first_chunk::<4>()
        .and_then(|(length, rest)| rest.get(usize::try_from(u32::from_le_bytes(*length)).ok()?..));
    Some(rest.ok_or_else(|| io::ErrorKind::UnexpectedEof.into()))
}

/// How far a frame wants its decoder to look back (RFC 8878, 3.1.1.1), which is what it makes it allocate.
fn window_bytes(frame: &[u8]) -> io::Result<u64> {
    let short = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let (magic, rest) = frame.split_first_chunk::<4>().ok_or_else(short)?;
    if u32::from_le_bytes(*magic) != 0xFD2F_B528 {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let (&descriptor, rest) = rest.split_first().ok_or_else(short)?;
    if descriptor & 0x20 == 0 {
        let window = u64::from(*rest.first().ok_or_else(short)?);
        let base = 1_u64 << (10 + (window >> 3));
        return Ok(base + base / 8 * (window & 7));
    }
    // A frame in one piece: its content is its window.
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let length = [1, 2, 4, 8][usize::from(descriptor >> 6)];
    let field = rest.get(dictionary..dictionary + length).ok_or_else(short)?;
    let size = field.iter().rev().fold(0, |size, byte| size << 8 | u64::from(*byte));
    Ok(if length == 2 { size + 256 } else { size })
}

/// The body in UTF-8 without a byte order mark, if it is text: in the encoding of its mark, or of its `charset`. A label
/// that nobody knows changes nothing, and what cannot be a character becomes U+FFFD.
fn in_utf8(body: Bytes, headers: &HeaderMap, room: Room<'_>) -> Result<Bytes, CallError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let declared = charset(content_type).and_then(|label| Encoding::for_label_no_replacement(label.as_bytes()));
    if declared.is_none() && !is_text(content_type) {
        return Ok(body);
    }
    let (encoding, mark) = match Encoding::for_bom(&body) {
        Some(found) => found,
        None => (declared.unwrap_or(UTF_8), 0),
    };
    let text = body.slice(mark..);
    if encoding == UTF_8 {
        return Ok(text);
    }
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut held = room.budget.buffer();
    let mut piece = vec![0; PIECE_BYTES];
    let mut rest: &[u8] = &text;
    loop {
        let (result, read, written, _) = decoder.decode_to_utf8(rest, &mut piece, true);
        if (held.len() + written) as u64 > room.max {
            return Err(too_large(room.max, "decoded "));
        }
        held.extend(&piece[..written], room.max)?;
        rest = &rest[read..];
        if result == encoding_rs::CoderResult::InputEmpty {
            return Ok(held.freeze());
        }
    }
}

/// The parameter `charset` of a content type.
fn charset(content_type: &str) -> Option<&str> {
    let (_, parameters) = content_type.split_once(';')?;
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches(['"', '\'']))
    })
}

/// Whether a content type is that of text, also where it does not say in which characters.
fn is_text(content_type: &str) -> bool {
    let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    media.starts_with("text/")
        || media.ends_with("+json")
        || media.ends_with("+xml")
        || matches!(
            media.as_str(),
            "application/json" | "application/xml" | "application/javascript" | "application/openmetrics-text"
        )
}

#[cfg(test)]
mod tests;
