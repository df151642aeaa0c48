//! PostgreSQL's fields and parameters. Parameters go as text, which the server reads as whatever type it wants; fields
//! come in binary, and those without a case of their own are written as the server itself would.

use std::error::Error;
use std::fmt::Write;
use std::net::IpAddr;

use bytes::BytesMut;
use tokio_postgres::types::{Format, FromSql, IsNull, Kind, ToSql, Type};

use super::value::Value;

/// A parameter on its way to the server.
#[derive(Debug)]
pub(super) struct Param<'a>(pub(super) &'a Value);

impl ToSql for Param<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self.0 {
            Value::Null => return Ok(IsNull::Yes),
            Value::Boolean(value) => write!(out, "{value}")?,
            Value::Integer(value) => write!(out, "{value}")?,
            Value::Float(value) => write!(out, "{value}")?,
            Value::Text(text) => out.extend_from_slice(text.as_bytes()),
            Value::Bytes(bytes) => {
                out.extend_from_slice(b"\\x");
                for byte in bytes {
                    write!(out, "{byte:02x}")?;
                }
            }
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.to_sql(ty, out)
    }
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        read(ty, raw)
            .ok_or_else(|| format!("type `{}` cannot be read: write `{}` in the statement", ty.name(), cast(ty)).into())
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// What to select instead of a column that cannot be read.
fn cast(ty: &Type) -> &'static str {
    match *ty {
        Type::INTERVAL => "extract(epoch FROM COLUMN)",
        Type::MONEY => "COLUMN::numeric",
        Type::BIT => "COLUMN::bigint",
        _ => match ty.kind() {
            Kind::Array(_) => "cardinality(COLUMN)",
            Kind::Domain(inner) => cast(inner),
            _ => "COLUMN::text",
        },
    }
}

/// None for a type that is not known here, or bytes that do not fit it.
fn read(ty: &Type, raw: &[u8]) -> Option<Value> {
    let text = |text: &[u8]| String::from_utf8(text.to_vec()).ok().map(Value::Text);
    match *ty {
        Type::BOOL => Some(Value::Boolean(*raw.first()? != 0)),
        Type::INT2 => Some(Value::Integer(i16::from_be_bytes(raw.try_into().ok()?).into())),
        Type::INT4 => Some(Value::Integer(i32::from_be_bytes(raw.try_into().ok()?).into())),
        Type::INT8 => Some(Value::Integer(i64::from_be_bytes(raw.try_into().ok()?))),
        Type::OID | Type::XID | Type::CID => Some(Value::Integer(u32::from_be_bytes(raw.try_into().ok()?).into())),
        Type::FLOAT4 => Some(Value::Float(f32::from_be_bytes(raw.try_into().ok()?).into())),
        Type::FLOAT8 => Some(Value::Float(f64::from_be_bytes(raw.try_into().ok()?))),
        Type::BYTEA => Some(Value::Bytes(raw.to_vec())),
        Type::TEXT
        | Type::VARCHAR
        | Type::BPCHAR
        | Type::NAME
        | Type::UNKNOWN
        | Type::JSON
        | Type::XML
        | Type::CHAR => text(raw),
        // One byte of version goes before the text.
        Type::JSONB => text(raw.get(1..)?),
        Type::NUMERIC => numeric(raw).map(Value::Text),
        Type::UUID => Some(Value::Text(uuid::Uuid::from_slice(raw).ok()?.to_string())),
        Type::INET | Type::CIDR => address(raw).map(Value::Text),
        Type::DATE => date(raw).map(Value::Text),
        Type::TIME => time(raw).map(Value::Text),
        Type::TIMESTAMP => timestamp(raw, "").map(Value::Text),
        Type::TIMESTAMPTZ => timestamp(raw, "+00").map(Value::Text),
        Type::PG_LSN => {
            let lsn = u64::from_be_bytes(raw.try_into().ok()?);
            Some(Value::Text(format!("{:X}/{:X}", lsn >> 32, lsn & 0xffff_ffff)))
        }
        // What functions without a result return.
        Type::VOID => Some(Value::Null),
        _ => match ty.kind() {
            Kind::Enum(_) => text(raw),
            Kind::Domain(inner) => read(inner, raw),
            _ => None,
        },
    }
}

/// Family, bits of the network, whether it is one, length, bytes. A host's own bits are not written.
fn address(raw: &[u8]) -> Option<String> {
    let (&[_, bits, is_network, _], bytes) = raw.split_first_chunk::<4>()?;
    let address = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?),
        _ => return None,
    };
    let is_host = usize::from(bits) == bytes.len() * 8 && is_network == 0;
    Some(if is_host { address.to_string() } else { format!("{address}/{bits}") })
}

/// Groups of four decimal digits, the first of weight 10000^`weight`, `scale` digits after the point.
fn numeric(raw: &[u8]) -> Option<String> {
    let mut words = raw.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    let count = words.next()?;
    let weight = i32::from(words.next()?.cast_signed());
    let (sign, scale) = (words.next()?, usize::from(words.next()?));
    let groups: Vec<u16> = words.collect();
    if groups.len() != usize::from(count) {
        return None;
    }
    let group = |at: i32| usize::try_from(weight - at).ok().and_then(|index| groups.get(index)).copied().unwrap_or(0);
    let mut out = match sign {
        0x0000 => String::new(),
        0x4000 => "-".to_owned(),
        0xC000 => return Some("NaN".to_owned()),
        0xD000 => return Some("Infinity".to_owned()),
        0xF000 => return Some("-Infinity".to_owned()),
        _ => return None,
    };
    let whole: String = (0..=weight.max(0)).rev().map(|at| format!("{:04}", group(at))).collect();
    let whole = whole.trim_start_matches('0');
    out.push_str(if whole.is_empty() { "0" } else { whole });
    if scale > 0 {
        let groups_after = i32::try_from(scale.div_ceil(4)).ok()?;
        let fraction: String = (1..=groups_after).map(|at| format!("{:04}", group(-at))).collect();
        out.push('.');
        out.push_str(fraction.get(..scale)?);
    }
    Some(out)
}

/// Days since 2000-01-01; the extremes are infinities.
fn date(raw: &[u8]) -> Option<String> {
    let days = i32::from_be_bytes(raw.try_into().ok()?);
    match days {
        i32::MAX => Some("infinity".to_owned()),
        i32::MIN => Some("-infinity".to_owned()),
        _ => {
            let date = jiff::civil::date(2000, 1, 1).checked_add(jiff::Span::new().try_days(days).ok()?).ok()?;
            Some(date.to_string())
        }
    }
}

/// Microseconds since midnight, at most 24:00:00.
fn time(raw: &[u8]) -> Option<String> {
    let micros = i64::from_be_bytes(raw.try_into().ok()?);
    let (seconds, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    Some(if fraction == 0 { clock } else { format!("{clock}.{fraction:06}").trim_end_matches('0').to_owned() })
}

/// Microseconds since 2000-01-01 00:00:00; the extremes are infinities.
fn timestamp(raw: &[u8], zone: &str) -> Option<String> {
    let micros = i64::from_be_bytes(raw.try_into().ok()?);
    match micros {
        i64::MAX => return Some("infinity".to_owned()),
        i64::MIN => return Some("-infinity".to_owned()),
        _ => {}
    }
    let day = i32::try_from(micros.div_euclid(86_400_000_000)).ok()?;
    let of_day = micros.rem_euclid(86_400_000_000);
    Some(format!("{} {}{zone}", date(&day.to_be_bytes())?, time(&of_day.to_be_bytes())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[i16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    // Numbers are written with all their digits, as the server writes them.
    #[test]
    fn numeric_is_exact() {
        let text = |parts: &[i16]| numeric(&words(parts)).unwrap();
        assert_eq!(text(&[0, 0, 0, 0]), "0");
        assert_eq!(text(&[2, 0, 0, 2, 12, 3400]), "12.34");
        assert_eq!(text(&[1, 1, 0, 0, 5]), "50000");
        assert_eq!(text(&[1, -1, 0x4000, 4, 12]), "-0.0012");
        assert_eq!(text(&[1, -2, 0, 8, 1]), "0.00000001");
        assert_eq!(text(&[3, 1, 0, 3, 1, 2, 5000]), "10002.500");
        assert!(numeric(&words(&[2, 0, 0, 0, 1])).is_none(), "cut short");
    }

    // Addresses look as the server prints them; what cannot be read says what to write instead.
    #[test]
    fn addresses_are_readable() {
        assert_eq!(address(&[2, 32, 0, 4, 10, 0, 0, 1]).unwrap(), "10.0.0.1");
        assert_eq!(address(&[2, 24, 0, 4, 10, 0, 0, 1]).unwrap(), "10.0.0.1/24");
        assert_eq!(address(&[2, 32, 1, 4, 10, 0, 0, 1]).unwrap(), "10.0.0.1/32");
        assert_eq!(address(&[[3, 128, 0, 16], [0; 4], [0; 4], [0; 4], [0, 0, 0, 1]].concat()).unwrap(), "::1");
        assert!(address(&[2, 32, 0, 4, 10]).is_none() && address(&[]).is_none());
        for (ty, words) in [
            (Type::INTERVAL, "`extract(epoch FROM COLUMN)`"),
            (Type::MONEY, "`COLUMN::numeric`"),
            (Type::INT4_ARRAY, "`cardinality(COLUMN)`"),
            (Type::BIT, "`COLUMN::bigint`"),
            (Type::POINT, "`COLUMN::text`"),
        ] {
            let error = Value::from_sql(&ty, &[0; 8]).unwrap_err().to_string();
            assert!(error.contains(ty.name()) && error.contains(words), "{error}");
        }
    }

    // Times look as the server prints them, fractions without trailing zeros, zones in UTC.
    #[test]
    fn times_are_readable() {
        let at = |micros: i64| timestamp(&micros.to_be_bytes(), "+00").unwrap();
        assert_eq!(at(0), "2000-01-01 00:00:00+00");
        assert_eq!(at(-1_500_000), "1999-12-31 23:59:58.5+00");
        assert_eq!(at(i64::MAX), "infinity");
        assert_eq!(date(&9_831_i32.to_be_bytes()).unwrap(), "2026-12-01");
        assert!(timestamp(&(i64::MAX - 1).to_be_bytes(), "").is_none(), "beyond the calendar is no panic");
    }
}
