"""Moves of customers who are asked, complain and are contacted: the events that they come to."""

from __future__ import annotations

from custrules.events.feedback import CONTACT_OUTCOMES, SCALES, STAGES
from custrules.program import Program
from custrules.testing.writing import Data, Maker, Picks, Writing

ATTENDED = ("evening", "walk")
HEARD = ("attendance", "survey_response", "complaint", "complaint_update", "contact")


def heard_in(program: Program) -> set[str]:
    """Which of these events matter to a program: some policy hears of them, or a measure counts them."""
    rules = program.rulebook
    heard = {name for policy in program.policies for name in policy.listens_to() or ()} | {counted.subject for counted in rules.tallies.values()}
    heard |= {"complaint_update"} if rules.open_tallies else set()
    return heard & set(HEARD)


def attendance(writer: Writing, picks: list[Picks]) -> Data:
    return {"type": "attendance", "activity": picks[0].one(ATTENDED)}


def survey_response(writer: Writing, picks: list[Picks]) -> Data:
    score = picks[0].one(tuple(SCALES))
    lowest, highest = SCALES[score]
    return {"type": "survey_response", "score": score, "value": picks[1].one((highest, lowest, *range(lowest + 1, highest)))}


def complaint(writer: Writing, picks: list[Picks]) -> Data:
    category = picks[0].one((*writer.marks.words.get("category", ()), "service", "billing"))
    severity = picks[1].one((None, *writer.marks.words.get("severity", ()), "high", "low"))
    return {"type": "complaint", "category": category, **({} if severity is None else {"severity": severity})}


def complaint_update(writer: Writing, picks: list[Picks]) -> Data:
    """A stage of one of the last complaints, mostly one that closes it."""
    made = [event["id"] for event in writer.known if event["type"] == "complaint"]
    if not made:
        return complaint(writer, picks)
    data: Data = {"type": "complaint_update", "of": picks[0].one((*made[:-4:-1], "nobody's"))}
    stage = picks[1].one(("closed", "resolved", *STAGES, None))
    data |= {"stage": stage} if stage is not None else {"note": "called"}
    if picks[2].yes(2):
        data["customer_agrees"] = picks[2].yes(2)
    if picks[2].yes(4):
        data["cause"] = picks[2].one(("error", "other"))
    if picks[3].yes(4):
        given = {"credit": writer.shown(max(writer.amount(picks[3]), 1))} if picks[3].yes(2) else {"points": picks[3].one((100, 600))}
        data |= given | {"by": picks[3].one((*writer.marks.words.get("by", ()), "agent", "manager"))}
    return data


def contact(writer: Writing, picks: list[Picks]) -> Data:
    """A contact of the host's own accord, or for something that a policy asked for."""
    asked = [(one.policy_id, one.cycle) for one in writer.state.touchpoints.values() if one.outcome == "asked"]
    outcome = {"type": "contact", "outcome": picks[1].one(CONTACT_OUTCOMES), "channel": picks[2].one(("phone", "sms"))}
    if not asked or picks[0].yes(4):
        return outcome
    trigger, cycle = picks[3].one(asked[:-4:-1])
    return {**outcome, "trigger": trigger, **({"cycle": cycle} if picks[2].yes(2) else {})}


FEEDBACK_WEIGHTS = {"complaint": 3, "complaint_update": 6, "survey_response": 2, "contact": 2}
FEEDBACK_MAKERS: dict[str, Maker] = {
    "attendance": attendance,
    "survey_response": survey_response,
    "complaint": complaint,
    "complaint_update": complaint_update,
    "contact": contact,
}
