"""What the events of topic `loan-events` say: one class for the `data` of each type."""

from typing import Literal

from schemas.envelope import LendingData
from schemas.fields import Amount, AmountOrZero, BasisPoints, Currency, DaysPastDue, Documents, Id


class LeadCreated(LendingData):
    """`referred_by` is the customer_id of the client who referred; absent = not referred."""

    referred_by: Id | None = None


class ProductOffered(LendingData):
    """Counts only with `new_product` true; the case for adoption is (customer, product)."""

    product: Id
    new_product: bool


class ApplicationSubmitted(LendingData):
    """Opens the loan file; a later review of the documents is a revision."""

    documents_required: Documents | None = None
    documents_accepted: Documents | None = None
    amount_minor: Amount | None = None
    currency: Currency | None = None


class ApplicationAssigned(LendingData):
    """The file's officer, branch, channel from now on; `stage` is the work step shown in the case list."""

    stage: Id | None = None


class DocumentsRequested(LendingData):
    """The client owes documents: a pause begins."""

    request_id: Id


class DocumentsReceived(LendingData):
    """The request is fulfilled: its pause ends. A new request needs a new `request_id`."""

    request_id: Id


class ApplicationHeld(LendingData):
    """A pause begins."""

    hold_id: Id


class ApplicationResumed(LendingData):
    """The hold's pause ends. A new hold needs a new `hold_id`."""

    hold_id: Id


class ApplicationErrorFound(LendingData):
    """Before or after the decision; withdrawn by a retraction."""

    error_id: Id


class ApplicationDecided(LendingData):
    """Grade and probability of default as they were judged at the decision."""

    outcome: Literal["approved", "declined", "withdrawn"]
    grade: Literal["A", "B", "C", "D", "E"] | None = None
    default_probability_bp: BasisPoints | None = None


class LoanFunded(LendingData):
    """The principal; `revenue_minor` in the same currency, `lead_id` if it came from a lead."""

    product: Id
    amount_minor: Amount
    currency: Currency
    revenue_minor: AmountOrZero | None = None
    lead_id: Id | None = None


class LoanStatusReported(LendingData):
    """State of the loan; 0 outstanding = written off. Never revised: a later report replaces it."""

    outstanding_minor: AmountOrZero
    currency: Currency
    days_past_due: DaysPastDue


class LoanDefaulted(LendingData):
    """Reported unlikely to pay, with the balance at that moment; retracted = not in default."""

    outstanding_minor: AmountOrZero
    currency: Currency


class LoanPaidOff(LendingData):
    """Repaid in full, refinancing included."""


class ComplianceChecked(LendingData):
    """A re-check is a new `check_id`; the same `check_id` again corrects."""

    check_id: Id
    passed: bool
