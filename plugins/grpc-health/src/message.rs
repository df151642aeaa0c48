//! The two messages of `grpc.health.v1.Health/Check`, and the frame that gRPC puts around each.

/// Bytes before a message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// `HealthCheckRequest { service }`, framed.
pub(crate) fn request(service: &str) -> Vec<u8> {
    let mut message = Vec::with_capacity(service.len() + 4);
    // A field with its default value is left out.
    if !service.is_empty() {
        message.push(0x0a); // field 1, length-delimited
        write_varint(&mut message, service.len() as u64);
        message.extend_from_slice(service.as_bytes());
    }
    let mut framed = vec![0];
    framed.extend_from_slice(&u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
    framed.extend(message);
    framed
}

/// `HealthCheckResponse.status` of the one framed message in `body`.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn status(body: &[u8]) -> Result<u64, &'static str> {
    let (prefix, message) = body.split_first_chunk::<PREFIX_BYTES>().ok_or("no message came")?;
    let [compressed, length @ ..] = *prefix;
    if compressed != 0 {
        return Err("the message is compressed, which was not offered");
    }
    if u32::from_be_bytes(length) as usize != message.len() {
        return Err("the message does not have the length it says");
    }
    // Without the field it is 0, UNKNOWN; of several the last counts.
    let mut status = 0;
    let mut rest = message;
    while !rest.is_empty() {
        let (tag, after) = varint(rest)?;
        rest = match (tag >> 3, tag & 7) {
            (1, 0) => {
                let (value, after) = varint(after)?;
                status = value;
                after
            }
            (_, 0) => varint(after)?.1,
            (_, 1) => after.get(8..).ok_or(CUT)?,
            (_, 2) => {
                let (length, after) = varint(after)?;
                usize::try_from(length).ok().and_then(|length| after.get(length..)).ok_or(CUT)?
            }
            (_, 5) => after.get(4..).ok_or(CUT)?,
            _ => return Err("the message is no protocol buffer"),
        };
    }
    Ok(status)
}

const CUT: &str = "the message ends too early";

fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), &'static str> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((value, &bytes[index + 1..]));
        }
    }
    Err(CUT)
}

fn write_varint(to: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    // The bytes are those of the wire format: prefix, tag, length, name.
    #[test]
    fn requests_are_framed() {
        assert_eq!(request(""), [0, 0, 0, 0, 0]);
        assert_eq!(request("a.B"), [0, 0, 0, 0, 5, 0x0a, 3, b'a', b'.', b'B']);
        let long = request(&"x".repeat(300));
        assert_eq!(&long[..8], [0, 0, 0, 1, 0x2f, 0x0a, 0xac, 0x02]);
    }

    // The status is found among fields that this check does not know; none is UNKNOWN.
    #[test]
    fn status_is_read() {
        assert_eq!(status(&[0, 0, 0, 0, 2, 8, 1]), Ok(1));
        assert_eq!(status(&[0, 0, 0, 0, 0]), Ok(0));
        let known = [0x12, 2, b'h', b'i', 0x19, 0, 0, 0, 0, 0, 0, 0, 0, 0x25, 0, 0, 0, 0, 0x28, 0x80, 1, 8, 2];
        let mut framed = vec![0, 0, 0, 0, u8::try_from(known.len()).unwrap()];
        framed.extend(known);
        assert_eq!(status(&framed), Ok(2));
    }

    // What is no such message is told, wherever it breaks off, and never read past its end.
    #[test]
    fn nonsense_is_told() {
        for body in [
            &[][..],
            &[0, 0, 0, 0],
            &[1, 0, 0, 0, 2, 8, 1],
            &[0, 0, 0, 0, 3, 8, 1],
            &[0, 0, 0, 0, 1, 8, 1],
            &[0, 0, 0, 0, 1, 8],
            &[0, 0, 0, 0, 2, 0x12, 9],
            &[0, 0, 0, 0, 2, 0x19, 0],
            &[0, 0, 0, 0, 1, 0x0b],
            &[0, 0, 0, 0, 12, 8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
            &[0, 0, 0, 0, 11, 0x12, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
        ] {
            assert!(status(body).is_err(), "{body:?}");
        }
    }
}
