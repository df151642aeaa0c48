//! What the operating system's signals mean to `probity serve`.
//!
//! A thread of their own listens, from before anything else is made: no signal meets a host that does not know it yet, and a
//! second one ends a host whose other threads are stuck.

use std::io;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Notify, oneshot};

/// What was asked for.
pub(super) struct Signals {
    /// Ends when the host is to drain.
    pub(super) end: oneshot::Receiver<()>,
    /// Told when it is to read everything again.
    pub(super) reload: Arc<Notify>,
}

/// What one signal asks for.
#[derive(Clone, Copy, Debug)]
enum Asked {
    End,
    Reload,
    Nothing,
}

/// Starts to listen.
///
/// # Errors
/// When there can be no thread, or no descriptors for it.
pub(super) fn listen() -> io::Result<Signals> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let listeners = {
        let _inside = runtime.enter();
        Listeners::new()?
    };
    let (ended, end) = oneshot::channel();
    let reload = Arc::new(Notify::new());
    let told = Arc::clone(&reload);
    std::thread::Builder::new()
        .name("probity-signals".into())
        .spawn(move || obey(&runtime, listeners, ended, &told))?;
    Ok(Signals { end, reload })
}

fn obey(runtime: &Runtime, mut listeners: Listeners, ended: oneshot::Sender<()>, reload: &Notify) {
    let mut ended = Some(ended);
    loop {
        let (name, asked) = runtime.block_on(listeners.next());
        match (asked, ended.take()) {
            (Asked::End, Some(first)) => {
                tracing::info!(signal = name, "asked to end");
                // The host may be at its end already.
                let _ = first.send(());
                continue;
            }
            (Asked::End, None) => {
                tracing::warn!(signal = name, "second signal, ending at once");
                probity_server::log::last_words();
                std::process::exit(1);
            }
            (Asked::Reload, still) => {
                tracing::info!(signal = name, "asked to reload");
                reload.notify_one();
                ended = still;
            }
            (Asked::Nothing, still) => {
                tracing::debug!(signal = name, "signal ignored");
                ended = still;
            }
        }
    }
}

#[cfg(unix)]
struct Listeners {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    quit: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
    user1: tokio::signal::unix::Signal,
    user2: tokio::signal::unix::Signal,
    file_size: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Listeners {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            hangup: signal(SignalKind::hangup())?,
            user1: signal(SignalKind::user_defined1())?,
            user2: signal(SignalKind::user_defined2())?,
            // Heard so that it does not end the host: a write beyond `ulimit -f` is an error like any other then.
            file_size: signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?,
        })
    }

    async fn next(&mut self) -> (&'static str, Asked) {
        tokio::select! {
            _ = self.terminate.recv() => ("SIGTERM", Asked::End),
            _ = self.interrupt.recv() => ("SIGINT", Asked::End),
            _ = self.quit.recv() => ("SIGQUIT", Asked::End),
            _ = self.hangup.recv() => ("SIGHUP", Asked::Reload),
            _ = self.user1.recv() => ("SIGUSR1", Asked::Nothing),
            _ = self.user2.recv() => ("SIGUSR2", Asked::Nothing),
            _ = self.file_size.recv() => ("SIGXFSZ", Asked::Nothing),
        }
    }
}

#[cfg(not(unix))]
struct Listeners;

#[cfg(not(unix))]
impl Listeners {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> (&'static str, Asked) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        ("Ctrl-C", Asked::End)
    }
}
