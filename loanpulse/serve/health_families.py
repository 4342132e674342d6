"""The metric families of the engine's own health: they stay when the KPI series vanish."""

from loanpulse.serve.families import Family

LEDGER = ("topic", "partition")

HEALTH_FAMILIES = [
    Family(
        "loanpulse_events",
        "counter",
        "Events of a partition in its lifetime, by outcome: applied, duplicate, expired, dead_letter.",
        (*LEDGER, "outcome"),
    ),
    Family("loanpulse_dead_letters", "counter", "Events that were dead-lettered, by reason.", ("reason",)),
    Family(
        "loanpulse_ledger_seq",
        "gauge",
        "The number of a ledger's last commit; it goes back with a backup.",
        LEDGER,
    ),
    Family(
        "loanpulse_ledger_drift",
        "gauge",
        "Figures, clients and open cases of a ledger that were not what its stored cases come to, when it was last verified:"
        " 0 is well. Absent if it was never verified, or could not be.",
        LEDGER,
    ),
    Family(
        "loanpulse_ledger_verified_timestamp_seconds",
        "gauge",
        "When a ledger was last verified (`loanpulse verify`).",
        LEDGER,
    ),
    Family(
        "loanpulse_ledger_verification_duration_seconds",
        "gauge",
        "How long that took.",
        LEDGER,
    ),
    Family(
        "loanpulse_ledger_through_timestamp_seconds",
        "gauge",
        "Up to when everything of a partition is in the figures. Absent if that is not known.",
        LEDGER,
    ),
    Family(
        "loanpulse_ledger_state",
        "gauge",
        "1 for the state that a ledger is in: live, catching_up, stopped, idle (no word yet), rebuilding (for these rules),"
        " torn (waits to be rebuilt), missing (no worker has opened it).",
        (*LEDGER, "state"),
    ),
    Family("loanpulse_board_computed_timestamp_seconds", "gauge", "When the snapshot was computed."),
    Family(
        "loanpulse_board_complete_through_timestamp_seconds",
        "gauge",
        "Up to when everything is in the figures: the least over all ledgers. Absent if one of them cannot say.",
    ),
    Family("loanpulse_board_tick_duration_seconds", "gauge", "How long the last snapshot took to compute."),
    Family(
        "loanpulse_board_lease_held",
        "gauge",
        "1 while a process has the board's lease, else 0. Absent while Redis does not answer.",
    ),
    Family("loanpulse_board_gaps", "gauge", "How many gaps in the input operators have accepted."),
    Family("loanpulse_redis_up", "gauge", "1 if Redis answered the last time this process asked, else 0."),
    Family(
        "loanpulse_redis_memory_bytes",
        "gauge",
        "Memory that Redis uses; of a Redis Cluster the primary that is nearest to its limit. Absent while it does not answer.",
    ),
    Family(
        "loanpulse_redis_memory_limit_bytes",
        "gauge",
        "The maxmemory of that Redis, above which it refuses writes. Absent if it has none.",
    ),
    Family(
        "loanpulse_alerts_waiting",
        "gauge",
        "Alerts that wait in Redis to be published, of all ledgers and the board. Absent while Redis does not answer.",
    ),
    Family(
        "loanpulse_alert_waiting_oldest_timestamp_seconds",
        "gauge",
        "Since when the oldest of them waits. Absent if none does.",
    ),
    Family(
        "loanpulse_alert_deliveries",
        "counter",
        "Messages of alerts by what became of them at a receiver (`loanpulse dispatch`): delivered, retried (a try that failed"
        " and is followed by another), failed (for good), silenced, held, dropped, diverted.",
        ("receiver", "outcome"),
    ),
    Family(
        "loanpulse_alert_dead_letters",
        "gauge",
        "Messages of alerts that could not be delivered and were not sent again since (`loanpulse dispatch letters`).",
    ),
    Family(
        "loanpulse_dispatcher_alive_timestamp_seconds",
        "gauge",
        "When a dispatcher last said that it runs and reaches Redis; it does so each second. Absent if there never was one.",
    ),
    Family(
        "loanpulse_snapshot_stale",
        "gauge",
        "1 while there is no snapshot young and complete enough to be shown: all KPI series are absent then.",
    ),
    Family("loanpulse_series", "gauge", "How many KPI series are exposed."),
    Family("loanpulse_series_budget", "gauge", "How many KPI series there may be."),
    Family(
        "loanpulse_series_dropped",
        "gauge",
        "How many KPI series of the snapshot are left out because of the budget; the board has them all.",
    ),
    Family("loanpulse_build", "info", "Which LoanPulse, and which rules.", ("version", "rules")),
]
