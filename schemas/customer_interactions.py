"""What the events of topic `customer-interactions` say: one class for the `data` of each type."""

from schemas.envelope import LendingData
from schemas.fields import OneToFive, ZeroToTen


class QueryReceived(LendingData):
    """A client asks."""


class QueryAnswered(LendingData):
    """The officer is the one who answered."""


class ComplaintOpened(LendingData):
    """A client complains."""


class ComplaintResolved(LendingData):
    """Stands until the complaint is reopened."""


class ComplaintReopened(LendingData):
    """Takes the earlier resolution back; the clock never stopped."""


class SatisfactionRated(LendingData):
    """A client who answers the survey again replaces the answer."""

    score: OneToFive


class NpsAnswered(LendingData):
    """0 to 10, as the client gave it."""

    score: ZeroToTen


class RecommendationRated(LendingData):
    """The client's feedback on a product recommended to it."""

    score: OneToFive


class ReviewPosted(LendingData):
    """A testimonial; without stars it counts, but not in the mean."""

    stars: OneToFive | None = None
