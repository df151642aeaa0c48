//! The way of spans to a collector: a queue with a bound, and one task that empties it in batches.
//!
//! A run only puts itself into the queue. When that is full, as while a collector hangs, the run is dropped and counted:
//! checks never wait for whoever watches them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use probity_config::grants::HttpGrant;
use probity_config::{Grants, Limits};
use probity_drivers::Services;
use probity_drivers::request::Request;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout_at;

use super::otlp::{self, Finished};
use crate::metrics::Metrics;

/// Runs that wait.
const QUEUE_MAX: usize = 1_024;

/// Spans of one request, but for those of the last run in it.
const BATCH_SPANS_MAX: usize = 512;

/// How long the first run of a batch waits for others.
const GATHER: Duration = Duration::from_secs(1);

/// How long one request may take.
const SEND_MAX: Duration = Duration::from_secs(5);

/// Where runs that ended are left for the collector.
#[derive(Clone, Debug)]
pub struct Spans {
    queue: mpsc::Sender<Finished>,
    metrics: Arc<Metrics>,
}

/// What empties the queue.
#[derive(Debug)]
pub struct Exporter {
    queue: mpsc::Receiver<Finished>,
    metrics: Arc<Metrics>,
    /// Whether the last batch failed: said once.
    failing: bool,
}

/// A queue and its task.
#[must_use]
pub fn channel(metrics: &Arc<Metrics>) -> (Spans, Exporter) {
    let (sender, queue) = mpsc::channel(QUEUE_MAX);
    let spans = Spans { queue: sender, metrics: Arc::clone(metrics) };
    (spans, Exporter { queue, metrics: Arc::clone(metrics), failing: false })
}

impl Spans {
    /// Leaves a run for the collector. Never waits.
    pub fn offer(&self, finished: Finished) {
        if self.queue.try_send(finished).is_err() {
            self.metrics.traces("dropped", 1);
        }
    }
}

impl Exporter {
    /// Sends batches to the collector of whatever services are current, until `stop`; then what is left.
    pub async fn run(mut self, services: impl Fn() -> Arc<Services>, mut stop: oneshot::Receiver<()>) {
        loop {
            let first = tokio::select! {
                first = self.queue.recv() => first,
                // An error means that the other side is gone, which is a stop, too.
                _ = &mut stop => break,
            };
            let Some(first) = first else { return };
            let batch = self.gather(first, GATHER).await;
            self.send(&services(), &batch).await;
        }
        self.queue.close();
        while let Some(first) = self.queue.recv().await {
            let batch = self.gather(first, Duration::ZERO).await;
            self.send(&services(), &batch).await;
        }
    }

    async fn gather(&mut self, first: Finished, wait: Duration) -> Vec<Finished> {
        let until = Instant::now() + wait;
        let mut spans = first.spans();
        let mut batch = vec![first];
        while spans < BATCH_SPANS_MAX {
            let Ok(Some(next)) = timeout_at(until.into(), self.queue.recv()).await else { break };
            spans += next.spans();
            batch.push(next);
        }
        batch
    }

    async fn send(&mut self, services: &Services, batch: &[Finished]) {
        let count = batch.len() as u64;
        let Some(collector) = &services.collector else {
            // A reload took it away while these waited.
            return self.metrics.traces("dropped", count);
        };
        let sent = post(services, collector, otlp::encode(batch)).await;
        self.metrics.traces(if sent.is_ok() { "sent" } else { "failed" }, count);
        match &sent {
            Ok(()) if self.failing => tracing::info!(collector, "spans are taken again"),
            Err(why) if !self.failing => tracing::warn!(collector, why, "spans cannot be sent, and are lost"),
            _ => {}
        }
        self.failing = sent.is_err();
    }
}

/// Through the connection's own client: its authorities, credentials, proxy, and the egress policy.
async fn post(services: &Services, collector: &str, body: Vec<u8>) -> Result<(), String> {
    let mut request = Request::new("POST", "");
    request.endpoint = Some(collector.to_owned());
    request.body = Bytes::from(body);
    request.set_header("content-type", b"application/json").map_err(|error| error.to_string())?;
    let grant = HttpGrant::parse(collector)?;
    let grants = Grants { http: vec![grant], ..Grants::default() };
    let answer = services.http.send(&request, &grants, &Limits::DEFAULT, Instant::now() + SEND_MAX).await;
    match answer.map_err(|error| error.to_string())?.status {
        200..=299 => Ok(()),
        status => Err(format!("status {status}")),
    }
}
