//! Business logic as a check: are the shop's orders being paid?
//!
//! Reads the orders over HTTP and judges three things: how many are unpaid,
//! how long the oldest has waited, and whether the backlog keeps growing. The
//! last needs a memory, which is the host's: every run is a fresh instance.

use probity_check::prelude::*;
use serde::{Deserialize, Deserializer, Serialize, de};

/// Keys of `[check.config]`.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    #[serde(deserialize_with = "not_empty")]
    url: String,
    #[serde(default = "count_default")]
    count: AtMost,
    #[serde(default = "oldest_default")]
    oldest: AtMost<Span>,
    #[serde(default = "growing_runs_default", deserialize_with = "at_most_1000")]
    growing_runs: u32,
}

fn count_default() -> AtMost {
    AtMost::new(5.0, 20.0)
}

fn oldest_default() -> AtMost<Span> {
    AtMost::new(Span::from_ms(5 * 60_000), Span::from_ms(15 * 60_000))
}

fn growing_runs_default() -> u32 {
    5
}

fn not_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(de::Error::custom("must not be empty")) } else { Ok(text) }
}

fn at_most_1000<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let runs = u32::deserialize(deserializer)?;
    if runs > 1000 { Err(de::Error::custom("at most 1000 runs")) } else { Ok(runs) }
}

/// An order, as the shop lists it.
#[derive(Deserialize)]
struct Order {
    id: u64,
    created_unix: u64,
    paid: bool,
}

/// What one run leaves for the next, under the key `trend`.
#[derive(Default, Deserialize, Serialize)]
struct Trend {
    /// Unpaid orders in the last run.
    count: usize,
    /// In how many runs in a row that number grew.
    growing: u32,
}

/// The check.
struct OrdersBacklog;

impl Check for OrdersBacklog {
    type Config = Config;

    fn describe() -> Metadata {
        Metadata::new("orders-backlog", env!("CARGO_PKG_VERSION"))
            .description("Are the shop's orders being paid?")
            .probe(Probe::Ready)
            .default_interval_ms(10_000)
            .config_schema(include_str!("../schema.json"))
            .config_example(include_str!("../example.json"))
    }

    fn run(config: &Config) -> Result<Outcome, Failure> {
        match unpaid_orders(&config.url) {
            Ok(unpaid) => Ok(judge(&unpaid, &remember(unpaid.len())?, config)),
            Err(error) if error.kind.is_about_the_target() => {
                Ok(Outcome::unhealthy(format!("the shop does not list its orders: {error}")))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn unpaid_orders(url: &str) -> Result<Vec<Order>, Error> {
    let response = http::get(url)?;
    if response.status() != 200 {
        return Err(Error::new(ErrorKind::Remote, format!("status {}", response.status())));
    }
    let mut orders: Vec<Order> = response.json()?;
    orders.retain(|order| !order.paid);
    Ok(orders)
}

/// The trend with this run in it, kept for the next run.
fn remember(count: usize) -> Result<Trend, Error> {
    let last: Option<Trend> = state::get_json("trend")?;
    let growing = last.map_or(0, |last| if count > last.count { last.growing.saturating_add(1) } else { 0 });
    let trend = Trend { count, growing };
    state::set_json("trend", &trend, None)?;
    Ok(trend)
}

fn judge(unpaid: &[Order], trend: &Trend, config: &Config) -> Outcome {
    let mut outcome = Outcome::healthy(match unpaid.len() {
        0 => "every order is paid".to_owned(),
        count => format!("{count} orders wait for payment"),
    });
    outcome = outcome.judge("backlog", unpaid.len() as f64, "{orders}", &config.count);
    if let Some(oldest) = unpaid.iter().min_by_key(|order| order.created_unix) {
        let age_ms = clock::now_unix_ms().saturating_sub(oldest.created_unix * 1000);
        outcome = outcome
            .judge("oldest", age_ms as f64, "ms", &config.oldest)
            .detail("oldest", format!("order {}", oldest.id));
    }
    if config.growing_runs > 0 && trend.growing >= config.growing_runs {
        outcome = outcome.finding(Status::Degraded, &format!("backlog grew {} runs in a row", trend.growing));
    }
    outcome.measure("growing", trend.growing, "{runs}")
}

probity_check::export!(OrdersBacklog);

#[cfg(test)]
mod tests {
    use super::*;
    use probity_check::serde_json::{Value, json};
    use probity_check::testing::{Reply, TestHost, assert_schema_matches};

    const URL: &str = "http://shop.test/orders";

    /// The test host's clock, in seconds.
    const NOW: u64 = 1_735_689_600;

    /// A shop with this many unpaid orders of this age, and one that is paid.
    fn shop(count: u64, age_s: u64) -> Reply {
        let order = |id, paid| json!({"id": id, "created_unix": NOW - age_s, "paid": paid});
        let orders: Vec<Value> = (1..=count).map(|id| order(id, false)).chain([order(0, true)]).collect();
        Reply::json(orders)
    }

    fn run(count: u64, age_s: u64) -> Outcome {
        let host = TestHost::new().http("GET", URL, shop(count, age_s));
        host.run::<OrdersBacklog>(json!({"url": URL})).unwrap()
    }

    #[test]
    fn schema_matches_the_configuration() {
        assert_schema_matches::<OrdersBacklog>();
    }

    // The number of unpaid orders is judged; paid ones do not count.
    #[test]
    fn number_of_unpaid_orders_is_judged() {
        let status = |count| run(count, 0).status;
        assert_eq!([0, 5, 6, 21].map(status), [Status::Healthy, Status::Healthy, Status::Degraded, Status::Unhealthy]);
        assert_eq!(run(0, 0).message, "every order is paid");
    }

    // One order that nobody pays is enough, once it is old.
    #[test]
    fn age_of_the_oldest_is_judged() {
        let status = |age_s| run(1, age_s).status;
        assert_eq!([300, 301, 901].map(status), [Status::Healthy, Status::Degraded, Status::Unhealthy]);
        assert_eq!(run(1, 900).message, "oldest 15 m, more than 5 m");
    }

    // A backlog that grows run after run is degraded before it is too long; a pause ends that.
    #[test]
    fn growing_backlog_is_degraded() {
        let counts = [1, 2, 3, 3, 4];
        let host = counts.iter().fold(TestHost::new(), |host, count| host.http("GET", URL, shop(*count, 0)));
        let config = json!({"url": URL, "growing-runs": 2});
        let statuses = counts.map(|_| host.run::<OrdersBacklog>(config.clone()).unwrap().status);
        assert_eq!(statuses, [Status::Healthy, Status::Healthy, Status::Degraded, Status::Healthy, Status::Healthy]);
    }

    // A shop that is down, or answers nonsense, is unhealthy; a missing grant is no judgement.
    #[test]
    fn silent_shop_is_unhealthy() {
        let status = |host: TestHost| host.run::<OrdersBacklog>(json!({"url": URL})).map(|outcome| outcome.status);
        assert_eq!(status(TestHost::new()), Ok(Status::Unhealthy));
        assert_eq!(status(TestHost::new().http("GET", URL, Reply::status(500))), Ok(Status::Unhealthy));
        assert_eq!(status(TestHost::new().http("GET", URL, Reply::json("soon"))), Ok(Status::Unhealthy));
        let denied = TestHost::new().http_error("GET", URL, Error::new(ErrorKind::Denied, "not granted"));
        assert!(status(denied).is_err());
    }
}
