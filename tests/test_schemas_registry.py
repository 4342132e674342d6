"""The table of event types says what the contract says."""

import pytest

from schemas.registry import BY_CODE, EVENT_TYPES, TOPICS
from tests.schemas_events import CONTRACTS, Contract

OPENING = {
    "lead.created",
    "product.offered",
    "application.submitted",
    "query.received",
    "complaint.opened",
    "training.assigned",
    "regulation.issued",
    "team_request.received",
    "report.published",
    "recommendation.made",
}
CARRIERS = {"application.submitted", "application.assigned", "loan.funded"}

every_type = pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)


def test_there_are_the_44_types_of_the_contract_in_its_order() -> None:
    assert list(EVENT_TYPES) == list(CONTRACTS)
    assert len(EVENT_TYPES) == 44


def test_codes_are_1_to_44_in_the_order_of_the_table() -> None:
    assert [event_type.code for event_type in EVENT_TYPES.values()] == list(range(1, 45))
    assert list(BY_CODE.values()) == list(EVENT_TYPES.values())


def test_there_are_three_topics() -> None:
    assert TOPICS == ("loan-events", "customer-interactions", "staff-activity")


@every_type
def test_a_type_has_its_topic_and_its_case(contract: Contract) -> None:
    event_type = EVENT_TYPES[contract.type]
    assert (event_type.topic, event_type.kind) == (contract.topic, contract.case)
    assert event_type.lending == (contract.topic != "staff-activity")


@every_type
def test_a_type_keeps_its_own_fields_but_product(contract: Contract) -> None:
    event_type = EVENT_TYPES[contract.type]
    assert event_type.fields == tuple(field.name for field in contract.own if field.name != "product")
    assert [event_type.index(field) for field in event_type.fields] == list(range(len(event_type.fields)))


@every_type
def test_a_type_knows_its_optional_members(contract: Contract) -> None:
    assert EVENT_TYPES[contract.type].optional == tuple(
        field.name for field in contract.members if not field.required
    )


@every_type
def test_a_type_knows_which_event_counts(contract: Contract) -> None:
    event_type = EVENT_TYPES[contract.type]
    if contract.counts == "each event is a fact":
        assert (event_type.first, event_type.per) == (True, "event")
    else:
        first_or_last, _, per = contract.counts.partition(" per ")
        assert (event_type.first, event_type.per) == (first_or_last == "first", per or None)


@every_type
def test_a_type_knows_its_part_in_attribution(contract: Contract) -> None:
    event_type = EVENT_TYPES[contract.type]
    assert event_type.opening == (contract.type in OPENING)
    assert event_type.carrier == (contract.type in CARRIERS)


def test_only_status_reports_are_never_revised() -> None:
    assert [name for name, kind in EVENT_TYPES.items() if kind.never_revised] == ["loan.status_reported"]


def test_a_field_that_a_type_has_not_is_named_with_those_it_has() -> None:
    with pytest.raises(
        KeyError, match=r"loan\.funded has no field 'product' of its own, only amount_minor, "
    ):
        EVENT_TYPES["loan.funded"].index("product")
