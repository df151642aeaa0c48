//! The fields and parameters of MySQL and MariaDB.

use mysql_async::consts::ColumnType;
use mysql_async::{Column as RawColumn, Params, Value as Raw};

use super::value::{Column, Value};

/// The character set that means "no text".
const BINARY: u16 = 63;

pub(super) fn params(values: &[Value]) -> Params {
    if values.is_empty() {
        return Params::Empty;
    }
    let raw = values.iter().map(|value| match value {
        Value::Null => Raw::NULL,
        Value::Boolean(value) => Raw::Int((*value).into()),
        Value::Integer(value) => Raw::Int(*value),
        Value::Float(value) => Raw::Double(*value),
        Value::Text(text) => Raw::Bytes(text.clone().into_bytes()),
        Value::Bytes(bytes) => Raw::Bytes(bytes.clone()),
    });
    Params::Positional(raw.collect())
}

pub(super) fn column(raw: &RawColumn) -> Column {
    Column { name: raw.name_str().into_owned(), type_name: type_name(raw).to_owned() }
}

fn type_name(raw: &RawColumn) -> &'static str {
    let binary = raw.character_set() == BINARY;
    match raw.column_type() {
        ColumnType::MYSQL_TYPE_TINY => "tinyint",
        ColumnType::MYSQL_TYPE_SHORT => "smallint",
        ColumnType::MYSQL_TYPE_INT24 => "mediumint",
        ColumnType::MYSQL_TYPE_LONG => "int",
        ColumnType::MYSQL_TYPE_LONGLONG => "bigint",
        ColumnType::MYSQL_TYPE_FLOAT => "float",
        ColumnType::MYSQL_TYPE_DOUBLE => "double",
        ColumnType::MYSQL_TYPE_DECIMAL | ColumnType::MYSQL_TYPE_NEWDECIMAL => "decimal",
        ColumnType::MYSQL_TYPE_DATE | ColumnType::MYSQL_TYPE_NEWDATE => "date",
        ColumnType::MYSQL_TYPE_DATETIME | ColumnType::MYSQL_TYPE_DATETIME2 => "datetime",
        ColumnType::MYSQL_TYPE_TIMESTAMP | ColumnType::MYSQL_TYPE_TIMESTAMP2 => "timestamp",
        ColumnType::MYSQL_TYPE_TIME | ColumnType::MYSQL_TYPE_TIME2 => "time",
        ColumnType::MYSQL_TYPE_YEAR => "year",
        ColumnType::MYSQL_TYPE_BIT => "bit",
        ColumnType::MYSQL_TYPE_JSON => "json",
        ColumnType::MYSQL_TYPE_ENUM => "enum",
        ColumnType::MYSQL_TYPE_SET => "set",
        ColumnType::MYSQL_TYPE_GEOMETRY => "geometry",
        ColumnType::MYSQL_TYPE_NULL => "null",
        ColumnType::MYSQL_TYPE_STRING if binary => "binary",
        ColumnType::MYSQL_TYPE_STRING => "char",
        ColumnType::MYSQL_TYPE_VAR_STRING | ColumnType::MYSQL_TYPE_VARCHAR if binary => "varbinary",
        ColumnType::MYSQL_TYPE_VAR_STRING | ColumnType::MYSQL_TYPE_VARCHAR => "varchar",
        _ if binary => "blob",
        _ => "text",
    }
}

/// A field as it came, of a column of `raw`'s type.
pub(super) fn value(field: Raw, raw: &RawColumn) -> Value {
    match field {
        Raw::NULL => Value::Null,
        Raw::Int(value) => Value::Integer(value),
        Raw::UInt(value) => i64::try_from(value).map_or_else(|_| Value::Text(value.to_string()), Value::Integer),
        Raw::Float(value) => Value::Float(value.into()),
        Raw::Double(value) => Value::Float(value),
        Raw::Date(year, month, day, hour, minute, second, micros) => {
            let date = format!("{year:04}-{month:02}-{day:02}");
            Value::Text(match type_name(raw) {
                "date" => date,
                _ => format!("{date} {hour:02}:{minute:02}:{second:02}{}", fraction(micros)),
            })
        }
        Raw::Time(negative, days, hours, minutes, seconds, micros) => {
            let (sign, hours) = (if negative { "-" } else { "" }, days * 24 + u32::from(hours));
            Value::Text(format!("{sign}{hours:02}:{minutes:02}:{seconds:02}{}", fraction(micros)))
        }
        Raw::Bytes(bytes) if type_name(raw) == "bit" => bits(&bytes),
        Raw::Bytes(bytes) if matches!(type_name(raw), "binary" | "varbinary" | "blob" | "geometry") => {
            Value::Bytes(bytes)
        }
        Raw::Bytes(bytes) => {
            String::from_utf8(bytes).map_or_else(|error| Value::Bytes(error.into_bytes()), Value::Text)
        }
    }
}

/// Up to 64 bits, the highest first: a number, of which one bit is a truth value.
fn bits(bytes: &[u8]) -> Value {
    if bytes.len() > 8 {
        return Value::Bytes(bytes.to_vec());
    }
    let number = bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    i64::try_from(number).map_or_else(|_| Value::Text(number.to_string()), Value::Integer)
}

fn fraction(micros: u32) -> String {
    if micros == 0 { String::new() } else { format!(".{micros:06}").trim_end_matches('0').to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Numbers beyond the contract's integers keep their digits; times look as the server prints them.
    #[test]
    fn fields_lose_nothing() {
        let of = |column_type| RawColumn::new(column_type).with_character_set(45);
        assert_eq!(
            value(Raw::UInt(u64::MAX), &of(ColumnType::MYSQL_TYPE_LONGLONG)),
            Value::Text("18446744073709551615".into())
        );
        let date = Raw::Date(2026, 1, 2, 3, 4, 5, 600_000);
        assert_eq!(value(date.clone(), &of(ColumnType::MYSQL_TYPE_DATE)), Value::Text("2026-01-02".into()));
        let datetime = value(date, &of(ColumnType::MYSQL_TYPE_DATETIME));
        assert_eq!(datetime, Value::Text("2026-01-02 03:04:05.6".into()));
        let time = value(Raw::Time(true, 1, 2, 3, 4, 0), &of(ColumnType::MYSQL_TYPE_TIME));
        assert_eq!(time, Value::Text("-26:03:04".into()));
        let decimal = value(Raw::Bytes(b"12.50".to_vec()), &of(ColumnType::MYSQL_TYPE_NEWDECIMAL));
        assert_eq!(decimal, Value::Text("12.50".into()));
        let bits = |bytes: &[u8]| value(Raw::Bytes(bytes.to_vec()), &of(ColumnType::MYSQL_TYPE_BIT));
        assert_eq!([bits(&[1]), bits(&[1, 0])], [Value::Integer(1), Value::Integer(256)]);
        assert_eq!(bits(&[255; 8]), Value::Text(u64::MAX.to_string()));
    }
}
