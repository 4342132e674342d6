"""prometheus.yml: the scrape job, the rules, where alerts go."""

from typing import Any

from loanpulse.deploy.installation import JOB, Installation

_INTERVAL_SECONDS = 15


def prometheus_config(rule_files: list[str], at: Installation) -> dict[str, Any]:
    """A configuration that works by itself; its parts can be copied into another."""
    interval = at.span(_INTERVAL_SECONDS)
    return {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": rule_files,
        "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": list(at.targets)}]}],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": list(at.alertmanagers)}]}]},
    }
