//! One GET over plain HTTP/1.1, with a bound on everything.

use std::time::Duration;

use anyhow::{Context, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, AUTHORIZATION, HOST, HeaderValue};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

/// From the connection to the last byte.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A host with ten thousand checks answers with about 4 MB.
const BODY_BYTES_MAX: usize = 32 << 20;

/// An answer, whatever its status.
pub(super) struct Answer {
    pub(super) status: hyper::StatusCode,
    pub(super) body: Bytes,
}

/// Asks for `url`, with a bearer token.
pub(super) async fn get(url: &Url, token: Option<&str>) -> anyhow::Result<Answer> {
    if url.scheme() != "http" {
        bail!("{url}: ask the host itself over http://, where it listens; TLS is not spoken here");
    }
    match tokio::time::timeout(TIMEOUT, exchange(url, token)).await {
        Ok(answer) => answer,
        Err(_elapsed) => bail!("{url} did not answer within {} s", TIMEOUT.as_secs()),
    }
}

async fn exchange(url: &Url, token: Option<&str>) -> anyhow::Result<Answer> {
    let authority = url.authority().rsplit('@').next().unwrap_or_default();
    let addresses = url.socket_addrs(|| None).with_context(|| format!("look up {authority}"))?;
    let stream = TcpStream::connect(&addresses[..])
        .await
        .with_context(|| format!("connect to {authority}; is the host running? (`probity serve`, or --url)"))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.with_context(|| format!("speak HTTP with {authority}"))?;
    // Ends with the connection; its errors reach the request.
    tokio::spawn(connection);
    let mut request = hyper::Request::get(&url[url::Position::BeforePath..url::Position::AfterQuery])
        .header(HOST, authority)
        .header(ACCEPT, "application/json");
    if let Some(token) = token {
        let mut value = HeaderValue::try_from(format!("Bearer {token}"))
            .context("the token holds characters that a header cannot (a line break at its end?)")?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    let request = request.body(Empty::<Bytes>::new()).context("make the request")?;
    let response = sender.send_request(request).await.with_context(|| format!("ask {url}"))?;
    let status = response.status();
    let body = Limited::new(response.into_body(), BODY_BYTES_MAX).collect().await;
    let body = body.map_err(|error| anyhow::anyhow!("read the answer of {url}: {error}"))?.to_bytes();
    Ok(Answer { status, body })
}
