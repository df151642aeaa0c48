"""`sql`, `redis`, `queue` and `secrets`."""

from __future__ import annotations

from probity_check import Outcome, queue, redis, secrets, sql
from show import detail, measure


def query(outcome: Outcome) -> None:
    orders = sql.open("orders")
    measure(outcome, ping_ms=orders.ping())
    found = orders.query("SELECT $1, $2, $3, $4, $5, $6", [None, True, 7, 1.5, "seven", b"\x00\xff"])
    columns = ", ".join(f"{column.name} {column.type_name}" for column in found.columns)
    detail(outcome, engine=orders.engine, columns=columns)
    measure(outcome, truncated=found.truncated, rows=len(found))
    for number, row in enumerate(found, 1):
        outcome.detail(f"row-{number}", ", ".join(field(value) for value in row.values))


def field(value: sql.Value) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return f"boolean {str(value).lower()}"
        case int():
            return f"integer {value}"
        case float():
            return f"float {value}"
        case str():
            return f"text {value}"
        case bytes():
            return f"bytes {value.hex()}"


def write(outcome: Outcome) -> None:
    orders = sql.open("orders")
    updated = orders.execute("UPDATE orders SET state = $1", ["paid"])
    transaction = orders.begin()
    inserted = transaction.execute("INSERT INTO probes VALUES ($1)", [1])
    probes = transaction.query("SELECT count(*) FROM probes").first()
    transaction.commit()
    orders.begin().rollback()
    measure(outcome, updated=updated, inserted=inserted, counted=probes and probes.get(0, int))


def command(outcome: Outcome) -> None:
    cache = redis.open("cache")
    measure(outcome, ping_ms=cache.ping())
    detail(outcome, reply=", ".join(parts(cache.command("HGETALL", "orders"))))


def parts(reply: redis.Reply) -> list[str]:
    match reply:
        case None:
            return ["nil"]
        case bool():
            return [f"boolean {str(reply).lower()}"]
        case int():
            return [f"integer {reply}"]
        case float():
            return [f"double {reply}"]
        case str():
            return [f"simple {reply}"]
        case bytes():
            return [f"bulk {reply.hex()}"]
        case redis.ReplyError():
            return [f"error {reply.message}"]
        case redis.Pairs():
            items, head = [item for pair in reply for item in pair], f"map {len(reply)}"
        case _:
            items, head = reply, f"array {len(reply)}"
    return [head, *(part for item in items for part in parts(item))]


def depth(outcome: Outcome) -> None:
    stats = queue.inspect("jobs")
    measure(outcome, depth=stats.depth, in_flight=stats.in_flight, consumers=stats.consumers)
    measure(outcome, oldest_age_ms=stats.oldest_age_ms, lag=stats.lag)


def publish(_: Outcome) -> None:
    queue.publish("jobs", "probe")


def sign(outcome: Outcome) -> None:
    detail(outcome, hmac=secrets.hmac_sha256("webhook", "payload"))
    measure(outcome, same=secrets.matches("webhook", "s3cret"), other=secrets.matches("webhook", "secret"))


def reveal(outcome: Outcome) -> None:
    value = secrets.reveal("webhook")
    measure(outcome, length=len(value.encode()))
    detail(outcome, value=value)


ACTS = {
    "sql": query,
    "sql-write": write,
    "redis": command,
    "queue": depth,
    "queue-publish": publish,
    "secrets": sign,
    "reveal": reveal,
}
