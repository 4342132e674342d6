"""What the events of topic `staff-activity` say: one class for the `data` of each type."""

from typing import Literal

from schemas.envelope import StaffData
from schemas.fields import OneToFive, Percent, Time


class KnowledgeTested(StaffData):
    """Points of 100."""

    score: Percent


class ForecastResolved(StaffData):
    """A market forecast whose outcome is known."""

    accurate: bool


class AuditCompleted(StaffData):
    """Points of 100."""

    score: Percent


class ViolationRecorded(StaffData):
    """Lifted = retracted."""

    severity: Literal["low", "medium", "high", "critical"]


class TrainingAssigned(StaffData):
    """One course for one officer; `regulatory` puts it in both training KPIs; an extension is a revision."""

    due_at: Time
    regulatory: bool


class TrainingCompleted(StaffData):
    """Also without an assignment: then only its rating counts."""

    rating: OneToFive | None = None


class CertificationObtained(StaffData):
    """A certification in lending practices."""


class RegulationIssued(StaffData):
    """To the officer who answers for it; for several officers one event each."""

    due_at: Time


class RegulationImplemented(StaffData):
    """The regulation is in force here."""


class PeerRated(StaffData):
    """The officer is the one who is rated."""

    score: OneToFive


class TeamRequestReceived(StaffData):
    """The officer is the one who is asked; handing it over = a new request."""


class TeamRequestAnswered(StaffData):
    """The officer is the one who was asked."""


class TrainingSessionConducted(StaffData):
    """The officer is the trainer."""


class ReportPublished(StaffData):
    """The officer is the report's author."""


class ReportCorrected(StaffData):
    """Keyed by the report's author, whoever found the error."""


class InitiativeLaunched(StaffData):
    """An improvement that follows from analysis."""


class StakeholderRated(StaffData):
    """The officer is the author of the report that is rated."""

    score: OneToFive


class RecommendationMade(StaffData):
    """An officer's own, to improve the work."""


class RecommendationImplemented(StaffData):
    """The recommendation is at work."""


class SkillAssessed(StaffData):
    """The officer is the one who is assessed."""

    applied: bool
