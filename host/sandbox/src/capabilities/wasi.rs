//! WASI 0.2 with nothing in it: no files, no environment, no arguments, no sockets, no preopens.
//!
//! Python, JavaScript and Go components import it; most runs never touch it, so it is made at the first touch.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use probity_core::check::Level;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::{HostWallClock, WasiCtx, WasiCtxView, WasiView};

use super::HostState;
use super::canned::Script;

/// Bytes one `random` call may ask for.
const RANDOM_BYTES_MAX: u64 = 64 << 10;

/// The WASI context of one run, with what it printed.
pub(crate) struct Wasi {
    ctx: WasiCtx,
    printed: Printed,
}

impl WasiView for HostState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let limit = self.env.limits.log_bytes as usize;
        let script = self.env.script.clone().filter(|script| script.now_unix_ms.is_some());
        let wasi = self.wasi.get_or_insert_with(|| Box::new(Wasi::new(limit, script)));
        WasiCtxView { ctx: &mut wasi.ctx, table: &mut self.wasi_table }
    }
}

/// What a guest printed in a run.
#[derive(Debug, Default)]
pub(crate) struct PrintedText {
    out: String,
    /// On standard error.
    pub(crate) err: String,
}

impl HostState {
    /// What the guest printed, which is forgotten here.
    pub(crate) fn take_printed(&mut self) -> PrintedText {
        self.record_fetches();
        let (out, err) = self.wasi.as_ref().map(|wasi| wasi.printed.take()).unwrap_or_default();
        PrintedText { out, err }
    }

    /// Turns that into log lines: standard output as info, standard error as warnings, unless it is in the trace.
    pub(crate) fn log_printed(&mut self, printed: &PrintedText, errors_too: bool) {
        let err = if errors_too { printed.err.as_str() } else { "" };
        for (level, text) in [(Level::Info, printed.out.as_str()), (Level::Warn, err)] {
            for line in text.lines().filter(|line| !line.trim().is_empty()) {
                self.log(level, line, &[]);
            }
        }
    }
}

impl Wasi {
    fn new(bytes_max: usize, script: Option<Arc<Script>>) -> Self {
        let printed = Printed { out: Capture::new(bytes_max), err: Capture::new(bytes_max) };
        let mut builder = WasiCtx::builder();
        if let Some(script) = script {
            builder.wall_clock(CaseClock(script));
        }
        let ctx = builder
            .stdout(printed.out.clone())
            .stderr(printed.err.clone())
            .max_random_size(RANDOM_BYTES_MAX)
            .allow_tcp(false)
            .allow_udp(false)
            .allow_ip_name_lookup(false)
            .build();
        Self { ctx, printed }
    }
}

/// The time of a case, for guests that read WASI's clock.
struct CaseClock(Arc<Script>);

impl HostWallClock for CaseClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.0.now())
    }
}

struct Printed {
    out: Capture,
    err: Capture,
}

impl Printed {
    fn take(&self) -> (String, String) {
        (self.out.take(), self.err.take())
    }
}

/// Keeps the first bytes of a stream and swallows the rest, so that a chatty guest is cut, not trapped.
#[derive(Clone)]
struct Capture {
    bytes: Arc<Mutex<Vec<u8>>>,
    max: usize,
}

impl Capture {
    fn new(max: usize) -> Self {
        Self { bytes: Arc::default(), max }
    }

    fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.bytes.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl IsTerminal for Capture {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Capture {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Capture {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let room = self.max.saturating_sub(bytes.len()).min(buf.len());
        bytes.extend_from_slice(&buf[..room]);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
