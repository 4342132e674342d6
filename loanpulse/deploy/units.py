"""Values of each unit as people read them in an alert. Templates cannot calculate, so an expression is scaled first."""

from collections.abc import Callable
from dataclasses import dataclass

from kpi_rules.measures import DurationMeasure
from kpi_rules.model import Rule


@dataclass(frozen=True)
class Form:
    """How a value reads: `scaling` follows the expression, `template` formats what comes of it, `shown` does the same here."""

    unit: str
    scaling: str
    divisor: float
    template: str
    shown: Callable[[float], str]
    named: str = ""
    """The template of a label after the value."""

    def of_alert(self) -> str:
        """The template of the alert's own value."""
        return f"{{{{ $value | {self.template} }}}}{self.named}"


def form_of(rule: Rule) -> Form:
    """How a rule's values are told."""
    match rule.unit:
        case "seconds":
            measure = rule.measure
            business = isinstance(measure, DurationMeasure) and measure.clock == "business"
            hours = "business hours" if business else "hours"
            return Form(
                f"{hours}, 9 of 10 within", " / 3600", 3600, 'printf "%.1f h"', lambda v: f"{v:.1f} h"
            )
        case "ratio":
            return Form("percent", "", 1, "humanizePercentage", lambda v: f"{v * 100:.4g}%")
        case "score":
            return Form("points", "", 1, 'printf "%.2f"', lambda v: f"{v:.2f}")
        case "amount_minor" if rule.split == "currency":
            money = "{{ with $labels.currency }} {{ . }}{{ end }}"
            return Form("money", " / 100", 100, 'printf "%.2f"', lambda v: f"{v:.2f}", money)
        case "amount_minor":
            return Form("minor units of money", "", 1, 'printf "%.0f"', lambda v: f"{v:.0f}")
        case "count":
            return Form("number", "", 1, 'printf "%.0f"', lambda v: f"{v:.0f}")


def human(seconds: int) -> str:
    """`2m 1s`, as Prometheus' humanizeDuration has it for whole seconds."""
    minutes, left = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    words = f"{hours}h {minutes}m" if hours else f"{minutes}m"
    return f"{words} {left}s" if hours or minutes else f"{left}s"
