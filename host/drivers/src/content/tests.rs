//! Bodies as servers encode them, and as those do who mean harm.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use http::HeaderValue;
use proptest::prelude::*;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use super::*;

const TEXT: &str = "in maintenance mode: an error\nin maintenance mode: an error\nin maintenance mode: an error\n";

/// `TEXT` as node's zlib makes brotli of it.
const BROTLI: &str = "1b5900f81d09364ef46d5c8aa13a2caded4d822894a51b994eee02cd35d94212e85407ec0f7425";

/// 64 MiB of zeros, in 53 bytes, with the largest window there is.
const BROTLI_BOMB: &str =
    "cfffff7ff82700e2b14020f7fe9ffffffff04f00c4610180eefd3fffffffe19f0088c32200ddfbfffcffffc73f0110870500baf7ff";

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn deflate(text: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn zstd(text: &[u8]) -> Vec<u8> {
    compress_to_vec(text, CompressionLevel::Fastest)
}

fn headers(pairs: &[(http::HeaderName, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
}

async fn read(body: &[u8], headers: &HeaderMap, max: u64) -> Result<Bytes, CallError> {
    let budget = Budget::default();
    let room = Room { max, budget: &budget, deadline: Instant::now() + Duration::from_secs(20) };
    decoded(Bytes::copy_from_slice(body), headers, room).await
}

async fn decode(body: &[u8], encoding: &'static str) -> Result<Bytes, CallError> {
    read(body, &headers(&[(header::CONTENT_ENCODING, encoding)]), 1 << 20).await
}

// Whatever encoding HTTP knows, alone or in a row, the words are there.
#[tokio::test]
async fn encodings_are_undone() {
    let text = TEXT.as_bytes();
    for (encoding, body) in [
        ("gzip", gzip(text)),
        ("X-GZip", gzip(text)),
        ("deflate", zlib(text)),
        ("deflate", deflate(text)),
        ("br", bytes(BROTLI)),
        ("zstd", zstd(text)),
        ("identity", text.to_vec()),
        ("", text.to_vec()),
        ("identity, br", bytes(BROTLI)),
    ] {
        assert_eq!(decode(&body, encoding).await.as_deref(), Ok(text), "{encoding}");
    }
    assert_eq!(decode(&zstd(&gzip(text)), "gzip, zstd").await.as_deref(), Ok(text));
    // Two headers are one list.
    let mut two = headers(&[(header::CONTENT_ENCODING, "deflate")]);
    two.append(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    assert_eq!(read(&gzip(&zlib(text)), &two, 1 << 20).await.as_deref(), Ok(text));
}

// Parts that were encoded one by one and put together are one body.
#[tokio::test]
async fn members_and_frames_follow_each_other() {
    let whole = format!("{TEXT}{TEXT}");
    let twice = [gzip(TEXT.as_bytes()), gzip(TEXT.as_bytes())].concat();
    assert_eq!(decode(&twice, "gzip").await.unwrap(), whole);
    let skipped = [0x50, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let twice = [zstd(TEXT.as_bytes()), skipped.to_vec(), zstd(TEXT.as_bytes())].concat();
    assert_eq!(decode(&twice, "zstd").await.unwrap(), whole);
}

// An answer without a body has none, however it would be encoded.
#[tokio::test]
async fn nothing_stays_nothing() {
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        assert_eq!(decode(b"", encoding).await.unwrap(), "", "{encoding}");
    }
}

// An encoding that is not known is named; so are too many.
#[tokio::test]
async fn unknown_encodings_are_named() {
    let error = decode(b"x", "gzip, compress").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(error.message.contains("`compress`") && error.message.contains("zstd"), "{}", error.message);
    let error = decode(b"x", "gzip, gzip, gzip, gzip, gzip").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
}

// A body that breaks off, or is something else, is never taken for a whole one.
#[tokio::test]
async fn broken_bodies_are_errors() {
    // Long and without repetition, so that a half of it is not all of it.
    let text: Vec<u8> = (0..40_000_u32).flat_map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    for (encoding, body) in [
        ("gzip", gzip(&text)),
        ("deflate", zlib(&text)),
        ("deflate", deflate(&text)),
        ("zstd", zstd(&text)),
        ("br", bytes(BROTLI)),
    ] {
        for cut in [body.len() / 2, body.len() - 1] {
            let error = decode(&body[..cut], encoding).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Protocol, "{encoding} {cut}: {}", error.message);
        }
        let error = decode(b"<html>not encoded at all, whatever the header says</html>", encoding).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Protocol, "{encoding}: {}", error.message);
        assert!(error.message.contains(encoding), "{}", error.message);
    }
}

// A bomb is a limit hit, and costs no more than the limit; so is one inside another.
#[tokio::test]
async fn bombs_hit_the_limit() {
    let zeros = vec![0; 8 << 20];
    for (encoding, bomb) in [
        ("gzip", gzip(&zeros)),
        ("deflate", zlib(&zeros)),
        ("zstd", zstd(&zeros)),
        ("br", bytes(BROTLI_BOMB)),
        ("gzip, gzip", gzip(&gzip(&zeros))),
    ] {
        let budget = Budget::new(3 << 20);
        let room = Room { max: 1 << 20, budget: &budget, deadline: Instant::now() + Duration::from_secs(20) };
        let headers = headers(&[(header::CONTENT_ENCODING, encoding)]);
        let error = decoded(Bytes::from(bomb), &headers, room).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooLarge, "{encoding}");
        assert!(error.message.contains("1048576 bytes"), "{}", error.message);
    }
}

// What a run may hold in all bounds decoded bytes, too.
#[tokio::test]
async fn decoded_bytes_are_charged() {
    let budget = Budget::new(1000);
    let room = Room { max: 1 << 20, budget: &budget, deadline: Instant::now() + Duration::from_secs(20) };
    let gzipped = headers(&[(header::CONTENT_ENCODING, "gzip")]);
    let error = decoded(gzip(&[b'a'; 2000]).into(), &gzipped, room).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::TooLarge);
    let held = decoded(gzip(&[b'a'; 900]).into(), &gzipped, room).await.unwrap();
    assert!(budget.charge(200).is_err() && held.len() == 900);
    drop(held);
    assert!(budget.charge(1000).is_ok());
}

// A frame that wants its decoder to hold more than HTTP allows is refused before anything is allocated.
#[tokio::test]
async fn windows_are_bounded() {
    // A window of 64 MiB, then an empty last block.
    let wide = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 16 << 3, 0x01, 0x00, 0x00];
    let error = decode(&wide, "zstd").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol);
    assert!(error.message.contains("8 MiB"), "{}", error.message);
    let narrow = [0x28, 0xB5, 0x2F, 0xFD, 0x00, 13 << 3, 0x01, 0x00, 0x00];
    assert_eq!(decode(&narrow, "zstd").await.unwrap(), "");
    // In one piece: the size of the content, in 1, 2, 4 and 8 bytes.
    for (head, size) in [
        (&[0x20, 7][..], 7),
        (&[0x60, 1, 1], 513),
        (&[0xA0, 0, 0, 0, 1], 1 << 24),
        (&[0xE0, 0, 0, 0, 0, 1, 0, 0, 0], 1 << 32),
        (&[0x21, 9, 7], 7),
    ] {
        let frame = [&0xFD2F_B528_u32.to_le_bytes()[..], head].concat();
        assert_eq!(window_bytes(&frame).unwrap(), size, "{head:?}");
    }
}

// Text comes in UTF-8 whatever the server wrote it in: by its mark, else by its charset; the mark itself is gone.
#[tokio::test]
async fn text_comes_in_utf8() {
    let read = async |body: &[u8], content_type: &'static str| {
        read(body, &headers(&[(header::CONTENT_TYPE, content_type)]), 1 << 20).await.unwrap()
    };
    for (body, content_type, text) in [
        (&b"gest\xf6rt"[..], "text/html; charset=ISO-8859-1", "gestört"),
        (b"\x80 5", "text/html; charset=\"windows-1252\"", "€ 5"),
        (b"\x8c\xcc\x8f\xe1", "text/plain;charset=Shift_JIS", "故障"),
        (b"\xff\xfeo\0k\0", "text/plain", "ok"),
        (b"\xfe\xff\0o\0k", "application/json; charset=utf-16", "ok"),
        (b"\xef\xbb\xbf{}", "application/json", "{}"),
        (b"\xef\xbb\xbf{}", "application/problem+json", "{}"),
        (b"\xef\xbb\xbfok", "text/plain; charset=latin1", "ok"),
        ("gestört".as_bytes(), "text/html; charset=UTF-8", "gestört"),
        ("gestört".as_bytes(), "text/html", "gestört"),
        ("gestört".as_bytes(), "text/html; charset=klingon", "gestört"),
    ] {
        assert_eq!(read(body, content_type).await, text, "{content_type}");
    }
    // What is no text is left alone.
    for content_type in ["image/png", "application/octet-stream", "application/grpc", ""] {
        assert_eq!(read(b"\xef\xbb\xbf\xff\0", content_type).await, &b"\xef\xbb\xbf\xff\0"[..], "{content_type}");
    }
}

// Characters may take more bytes in UTF-8 than before: that counts.
#[tokio::test]
async fn text_is_bounded_in_utf8() {
    let latin = headers(&[(header::CONTENT_TYPE, "text/plain; charset=iso-8859-1")]);
    assert_eq!(read(&[0xe4; 100_000], &latin, 200_000).await.unwrap().len(), 200_000);
    assert_eq!(read(&[0xe4; 100_000], &latin, 199_999).await.unwrap_err().kind, ErrorKind::TooLarge);
}

proptest! {
    // No bytes at all make a decoder panic, hang, or give more than it may.
    #[test]
    fn any_bytes_end(body in proptest::collection::vec(any::<u8>(), 0..300), at in 0_usize..5) {
        let encoding = ["gzip", "deflate", "br", "zstd", "zstd, br"][at];
        let magic: &[u8] = match encoding { "gzip" => &[0x1f, 0x8b, 8, 0], "zstd" => &[0x28, 0xb5, 0x2f, 0xfd], _ => &[] };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        for body in [body.clone(), [magic, &body].concat()] {
            if let Ok(decoded) = runtime.block_on(read(&body, &headers(&[(header::CONTENT_ENCODING, encoding)]), 10_000)) {
                prop_assert!(decoded.len() <= 10_000);
            }
        }
    }
}
