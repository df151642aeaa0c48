//! Between our types and the generated ones: the same shapes, moved field by
//! field so that the generated names stay out of the API.

use super::bindings::exports::probity::check::checker as exported;
use super::bindings::probity::check as raw;
use crate::context::PreviousRun;
use crate::dns::Answer;
use crate::heartbeats::{Beat, OpenRun};
use crate::http::{Certificate, Timing, TlsInfo};
use crate::log::Level;
use crate::peers::Snapshot;
use crate::queue::Stats;
use crate::redis::Token;
use crate::sql::{Column, RowSet, Value};
use crate::system::{CpuInfo, DiskInfo, FileInfo, LoadAverage, MemoryInfo, PressureInfo, PressureKind, ProcessInfo};
use crate::udp::Reply;
use crate::{Error, ErrorKind, Failure, Measurement, Metadata, Observed, Outcome, Probe, Status};

/// Converts enums with the same cases, in either direction.
macro_rules! same_cases {
    ($from:ty => $to:ty: $($case:ident)*) => {
        impl From<$from> for $to {
            fn from(value: $from) -> Self {
                match value { $(<$from>::$case => <$to>::$case,)* }
            }
        }
    };
}

/// Converts records with the same fields.
macro_rules! same_fields {
    ($from:ty => $to:ident: $($field:ident)*) => {
        impl From<$from> for $to {
            fn from(value: $from) -> Self {
                Self { $($field: value.$field.into(),)* }
            }
        }
    };
}

same_cases!(Status => raw::types::Status: Healthy Degraded Unhealthy);
same_cases!(raw::types::Status => Status: Healthy Degraded Unhealthy);
same_cases!(Level => raw::log::Level: Trace Debug Info Warn Error);
same_cases!(PressureKind => raw::system::PressureKind: Cpu Memory Io);
same_cases!(ErrorKind => raw::types::ErrorKind: Denied NotFound InvalidArgument Timeout Dns Refused Unreachable Tls
    Auth Protocol Remote TooLarge Quota Unsupported Other);
same_cases!(raw::types::ErrorKind => ErrorKind: Denied NotFound InvalidArgument Timeout Dns Refused Unreachable Tls
    Auth Protocol Remote TooLarge Quota Unsupported Other);

same_fields!(raw::types::Error => Error: kind message code);
same_fields!(raw::types::Certificate => Certificate:
    subject issuer serial not_before_unix not_after_unix dns_names sha256);
same_fields!(raw::dns::Answer => Answer: data ttl);
same_fields!(raw::heartbeats::Beat => Beat: at_unix_ms age_ms ok message duration_ms);
same_fields!(raw::heartbeats::OpenRun => OpenRun: id started_unix_ms age_ms);
same_fields!(raw::http::Timing => Timing: dns_ms connect_ms tls_ms first_byte_ms total_ms);
same_fields!(raw::udp::Reply => Reply: payload remote_address elapsed_ms received_unix_ns);
same_fields!(raw::sql::Column => Column: name type_name);
same_fields!(raw::system::MemoryInfo => MemoryInfo:
    total available swap_total swap_free cgroup_limit cgroup_used);
same_fields!(raw::system::CpuInfo => CpuInfo:
    logical busy_percent iowait_percent steal_percent throttled_percent);
same_fields!(raw::system::LoadAverage => LoadAverage: one five fifteen);
same_fields!(raw::system::PressureInfo => PressureInfo: some_avg10 some_avg60 full_avg10 full_avg60);
same_fields!(raw::system::DiskInfo => DiskInfo:
    mount_point file_system total available inodes_total inodes_free read_only);
same_fields!(raw::system::ProcessInfo => ProcessInfo: pid name started_unix_ms rss cpu_percent threads open_files);
same_fields!(raw::system::FileInfo => FileInfo: size modified_unix_ms is_directory);

same_fields!(raw::queue::Stats => Stats: depth in_flight consumers oldest_age_ms lag);

impl From<raw::redis::Token> for Token {
    fn from(token: raw::redis::Token) -> Self {
        use raw::redis::Token as Raw;
        match token {
            Raw::Nil => Self::Nil,
            Raw::Integer(value) => Self::Integer(value),
            Raw::Double(value) => Self::Double(value),
            Raw::Boolean(value) => Self::Boolean(value),
            Raw::Simple(text) => Self::Simple(text),
            Raw::Bulk(bytes) => Self::Bulk(bytes),
            Raw::Error(text) => Self::Error(text),
            Raw::Array(count) => Self::Array(count),
            Raw::Map(count) => Self::Map(count),
        }
    }
}

impl From<raw::sql::Value> for Value {
    fn from(value: raw::sql::Value) -> Self {
        match value {
            raw::sql::Value::Null => Self::Null,
            raw::sql::Value::Boolean(value) => Self::Boolean(value),
            raw::sql::Value::Integer(value) => Self::Integer(value),
            raw::sql::Value::Float(value) => Self::Float(value),
            raw::sql::Value::Text(value) => Self::Text(value),
            raw::sql::Value::Bytes(value) => Self::Bytes(value),
        }
    }
}

impl From<&Value> for raw::sql::Value {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Boolean(value) => Self::Boolean(*value),
            Value::Integer(value) => Self::Integer(*value),
            Value::Float(value) => Self::Float(*value),
            Value::Text(value) => Self::Text(value.clone()),
            Value::Bytes(value) => Self::Bytes(value.clone()),
        }
    }
}

impl From<raw::sql::RowSet> for RowSet {
    fn from(set: raw::sql::RowSet) -> Self {
        Self {
            columns: set.columns.into_iter().map(Into::into).collect(),
            rows: set.rows.into_iter().map(|row| row.into_iter().map(Into::into).collect()).collect(),
            truncated: set.truncated,
        }
    }
}

impl From<raw::types::TlsInfo> for TlsInfo {
    fn from(info: raw::types::TlsInfo) -> Self {
        Self {
            protocol: info.protocol,
            cipher: info.cipher,
            alpn: info.alpn,
            handshake_ms: info.handshake_ms,
            chain: info.chain.into_iter().map(Into::into).collect(),
            verified: info.verified,
        }
    }
}

impl From<raw::peers::Snapshot> for Snapshot {
    fn from(peer: raw::peers::Snapshot) -> Self {
        Self {
            status: peer.status.map(Into::into),
            message: peer.message,
            at_unix_ms: peer.at_unix_ms,
            stale: peer.stale,
        }
    }
}

impl From<raw::context::PreviousRun> for PreviousRun {
    fn from(run: raw::context::PreviousRun) -> Self {
        Self {
            status: run.status.map(Into::into),
            message: run.message,
            at_unix_ms: run.at_unix_ms,
            duration_ms: run.duration_ms,
        }
    }
}

impl From<Outcome> for exported::Outcome {
    fn from(outcome: Outcome) -> Self {
        Self {
            status: outcome.status.into(),
            message: outcome.message,
            measurements: outcome.measurements.into_iter().map(Into::into).collect(),
            details: outcome.details,
        }
    }
}

impl From<Measurement> for raw::types::Measurement {
    fn from(measurement: Measurement) -> Self {
        Self {
            name: measurement.name,
            value: match measurement.value {
                Observed::Number(value) => raw::types::Observed::Number(value),
                Observed::Integer(value) => raw::types::Observed::Integer(value),
                Observed::Text(value) => raw::types::Observed::Text(value),
                Observed::Boolean(value) => raw::types::Observed::Boolean(value),
            },
            unit: measurement.unit,
            status: measurement.status.map(Into::into),
        }
    }
}

impl From<Failure> for exported::Failure {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::InvalidConfig(reason) => Self::InvalidConfig(reason),
            Failure::Capability(error) => Self::Capability(raw::types::Error {
                kind: error.kind.into(),
                message: error.message,
                code: error.code,
            }),
            Failure::Other(reason) => Self::Other(reason),
        }
    }
}

impl From<Metadata> for exported::Metadata {
    fn from(metadata: Metadata) -> Self {
        use raw::types::Probes;
        let probes = metadata.probes.iter().map(|probe| match probe {
            Probe::Live => Probes::LIVE,
            Probe::Ready => Probes::READY,
            Probe::Startup => Probes::STARTUP,
        });
        Self {
            name: metadata.name,
            version: metadata.version,
            description: metadata.description,
            probes: probes.fold(Probes::empty(), |all, one| all | one),
            default_interval_ms: metadata.default_interval_ms,
            default_timeout_ms: metadata.default_timeout_ms,
            config_schema: metadata.config_schema,
            config_example: metadata.config_example,
            labels: metadata.labels,
        }
    }
}
