"""Can a customer order right now? Places an order in a transaction that is always rolled back."""

from __future__ import annotations

from dataclasses import dataclass

from probity_check import AtMost, CapabilityError, Outcome, Span, check, clock, context, setting, sql


@dataclass
class Config:
    database: str = setting("shop", doc="The connection to the shop's database, granted with `:write`.")
    duration: AtMost[Span] = setting(AtMost(Span("200ms"), Span("1s")), doc="How long ordering may take.")


@check(
    name="checkout", version="0.1.0", probes=["ready"], default_interval="30s", example={"duration": {"warn": "100ms"}}
)
class Checkout:
    """Can a customer order right now?"""

    def run(self, config: Config) -> Outcome:
        start = clock.monotonic_ns()
        try:
            self.order(sql.open(config.database))
        except CapabilityError as error:
            if error.is_about_the_target:
                return Outcome.unhealthy(f"ordering fails: {error}")
            raise
        return Outcome.healthy("ordering works").judge(
            "duration", (clock.monotonic_ns() - start) / 1e6, "ms", config.duration
        )

    def order(self, database: sql.Connection) -> None:
        """The statements of an order, with the run's id in it, and none of them kept."""
        with database.begin() as transaction:
            transaction.execute(
                "INSERT INTO shop_order (customer, paid, created) VALUES ($1, false, now())", [context.run_id()]
            )
            transaction.query("SELECT id FROM shop_order WHERE customer = $1", [context.run_id()])
