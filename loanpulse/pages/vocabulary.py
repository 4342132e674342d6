"""Event types, facts and fields in the words of people who lend money."""

EVENTS = {
    "lead.created": "lead {case} comes in",
    "product.offered": "offer {case}: {product} is offered to {client}",
    "application.submitted": "application {case} comes in",
    "application.assigned": "application {case} is given to {officer}",
    "documents.requested": "application {case}: the client is asked for documents",
    "documents.received": "application {case}: the documents are there",
    "application.held": "application {case} is put on hold",
    "application.resumed": "application {case} goes on",
    "application.error_found": "an error is found in application {case}",
    "application.decided": "application {case} is {outcome}",
    "loan.funded": "loan {case} is paid out to {client}",
    "loan.status_reported": "status of loan {case}: {days_past_due} days past due, balance {outstanding_minor}",
    "loan.defaulted": "loan {case} goes into default, balance {outstanding_minor}",
    "loan.paid_off": "loan {case} is repaid in full",
    "compliance.checked": "compliance check {check_id} of loan {case}: {passed}",
    "query.received": "{client} asks query {case}",
    "query.answered": "query {case} is answered",
    "complaint.opened": "{client} makes complaint {case}",
    "complaint.resolved": "complaint {case} is resolved",
    "complaint.reopened": "complaint {case} is opened again",
    "satisfaction.rated": "{client} answers survey {case}: {score}",
    "nps.answered": "{client} answers survey {case}: {score}",
    "recommendation.rated": "{client} rates recommendation {case}: {score}",
    "review.posted": "{client} posts review {case}",
    "knowledge.tested": "{officer} takes test {case}: {score} of 100 points",
    "forecast.resolved": "forecast {case} of {officer}: {accurate}",
    "audit.completed": "audit {case} of {officer}: {score} of 100 points",
    "violation.recorded": "violation {case} of {officer} is recorded: {severity}",
    "training.assigned": "course {case} is assigned to {officer}, due {due_at}",
    "training.completed": "{officer} completes course {case}",
    "certification.obtained": "{officer} obtains certificate {case}",
    "regulation.issued": "change of rules {case} reaches {officer}, due {due_at}",
    "regulation.implemented": "change of rules {case} is in force",
    "peer.rated": "a colleague rates {officer} ({case}): {score}",
    "team_request.received": "{officer} is asked team request {case}",
    "team_request.answered": "{officer} answers team request {case}",
    "training_session.conducted": "{officer} holds training session {case}",
    "report.published": "{officer} publishes report {case}",
    "report.corrected": "report {case} is corrected",
    "initiative.launched": "{officer} launches initiative {case}",
    "stakeholder.rated": "a reader rates a report of {officer} ({case}): {score}",
    "recommendation.made": "{officer} makes recommendation {case}",
    "recommendation.implemented": "recommendation {case} is put into practice",
    "skill.assessed": "assessment {case} of {officer}: {applied}",
}
"""What happens, by event type; names between braces are the event's own fields."""

TRUTHS = {
    "passed": ("not passed", "passed"),
    "accurate": ("did not come true", "came true"),
    "applied": ("the skill is not applied", "the skill is applied"),
    "regulatory": ("", "regulatory"),
    "new_product": ("", "a new product"),
}
"""A field that is true or false, beside what happened; nothing where it goes without saying."""

QUALITIES = {
    "passed": ("that did not pass", "that passed"),
    "accurate": ("that did not come true", "that came true"),
    "applied": ("that did not find the skill applied", "that found the skill applied"),
    "regulatory": ("that are not regulatory", "that are regulatory"),
    "new_product": ("of products that are not new", "of new products"),
    "in_default": ("that are not in default", "that are in default"),
}
"""The same of what is counted."""

FACTS = {
    "lead.created": ("the lead", "leads"),
    "product.offered": ("the offer", "offers"),
    "application.submitted": ("the submission", "applications submitted"),
    "application.assigned": ("the assignment", "assignments"),
    "documents.requested": ("the request for documents", "requests for documents"),
    "documents.received": ("the arrival of the documents", "arrivals of documents"),
    "application.held": ("the hold", "holds"),
    "application.resumed": ("the end of the hold", "ends of holds"),
    "application.error_found": ("an error found", "errors found"),
    "application.decided": ("the decision", "applications decided"),
    "loan.funded": ("the funding", "fundings"),
    "loan.status_reported": ("the status report", "status reports"),
    "loan.defaulted": ("the report of a default", "reports of a default"),
    "loan.paid_off": ("the payoff", "payoffs"),
    "compliance.checked": ("the check", "compliance checks"),
    "query.received": ("the query", "queries"),
    "query.answered": ("the first answer", "queries answered"),
    "complaint.opened": ("the complaint", "complaints"),
    "complaint.resolved": ("a resolution", "resolutions"),
    "complaint.reopened": ("a reopening", "reopenings"),
    "satisfaction.rated": ("the client's answer", "answers"),
    "nps.answered": ("the client's answer", "answers"),
    "recommendation.rated": ("the client's answer", "answers"),
    "review.posted": ("the review", "reviews"),
    "knowledge.tested": ("the test", "tests"),
    "forecast.resolved": ("the forecast's outcome", "forecasts resolved"),
    "audit.completed": ("the audit", "audits"),
    "violation.recorded": ("the record of the violation", "violations"),
    "training.assigned": ("the assignment of the course", "courses assigned"),
    "training.completed": ("the completion of the course", "courses completed"),
    "certification.obtained": ("the award of the certificate", "certificates"),
    "regulation.issued": ("the issue of the change", "changes of rules issued"),
    "regulation.implemented": ("the implementation of the change", "changes of rules implemented"),
    "peer.rated": ("the colleague's answer", "answers"),
    "team_request.received": ("the request", "requests"),
    "team_request.answered": ("the first answer", "requests answered"),
    "training_session.conducted": ("the training session", "training sessions"),
    "report.published": ("the publication of the report", "reports published"),
    "report.corrected": ("a correction", "corrections"),
    "initiative.launched": ("the launch", "initiatives launched"),
    "stakeholder.rated": ("the reader's answer", "answers"),
    "recommendation.made": ("the recommendation", "recommendations made"),
    "recommendation.implemented": ("the implementation of the recommendation", "recommendations implemented"),
    "skill.assessed": ("the assessment", "assessments"),
    "loan.default": ("the default", "loans that went into default"),
    "loan.matured": (
        "the end of the loan (repaid, or in default)",
        "loans that ended (repaid, or in default)",
    ),
    "loan.book": ("the loan on the book", "loans on the book"),
    "complaint.closed": ("the resolution after the last reopening", "complaints resolved"),
}
"""A fact that a rule may name, as one of them stands in a sentence, and as many."""

FIELDS = {
    "due_at": "due date",
    "referred_by": "referring client",
    "lead_id": "lead",
    "subject": "own number",
    "amount_minor": "amount",
    "revenue_minor": "revenue",
    "outstanding_minor": "balance",
    "balance_minor": "balance",
    "default_probability_bp": "default probability",
    "officer_id": "officer",
    "branch_id": "branch",
}
"""Fields whose words are not their name."""


PRESENT = {
    "referred_by": "with a client who referred them",
    "grade": "with a grade",
    "default_probability_bp": "with a default probability",
    "documents_required": "that state how many documents were required and accepted",
    "rating": "with a rating",
    "stars": "with stars",
    "complaint.opened": "whose opening is known",
    "application.error_found": "in which an error was found",
    "report.corrected": "that were corrected",
}
ABSENT = {"report.corrected": "that were never corrected"}
"""Of what is counted: that it has a field or a fact, or has it not."""

CONDITIONS = {"outcome": "that were", "severity": "that were", "grade": "with grade"}
"""What leads from what is counted to the value of a field."""

VALUES = {"default": "in default"}
"""Values whose words are not their own."""


def one(fact: str) -> str:
    return FACTS[fact][0]


def many(fact: str) -> str:
    return FACTS[fact][1]


def field_words(path: str) -> str:
    """A field of the anchor, or of another fact of the case; a fact alone stands for itself."""
    if path in FACTS:
        return one(path)
    name = path.rpartition(".")[2]
    return FIELDS.get(name, name.replace("_", " "))
