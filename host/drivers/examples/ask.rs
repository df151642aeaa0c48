//! Asks a URL as a check would: under the egress policy, within a deadline, without the sandbox.
//!
//! `cargo run --package probity-drivers --example ask -- https://example.org/`

use std::error::Error;
use std::time::{Duration, Instant};

use probity_config::grants::HttpGrant;
use probity_config::{Grants, Limits};
use probity_drivers::Services;
use probity_drivers::request::Request;

#[tokio::main]
#[allow(clippy::print_stdout, reason = "it is a program")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: ask URL")?;
    let grants = Grants { http: vec![HttpGrant::parse(&url)?], ..Grants::default() };
    let deadline = Instant::now() + Duration::from_secs(5);
    let services = Services::default();
    let response = services.http.send(&Request::new("GET", &url), &grants, &Limits::DEFAULT, deadline).await?;
    println!("{} of {} in {:?}", response.status, response.remote_address, response.timing.total);
    Ok(())
}
