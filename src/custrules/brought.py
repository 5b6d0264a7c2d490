"""What comes with a customer: events that tell of what happened elsewhere, and what a card that is merged brings."""

from __future__ import annotations

from custrules.codec import canonical
from custrules.event_fields import MAX_EVENT_ID
from custrules.events import AnyEvent, Closure, Merge, Opening, Transfer
from custrules.fields import Frozen, frozen
from custrules.ledger import escaped
from custrules.state import State

WHOLE = (Opening, Merge, Closure)  # what concerns the whole of a customer: all that keep something of the customer's hear of it


def tells(event: AnyEvent) -> bool:
    """Whether an event must be heard, by retired versions too: value that is given already comes or goes with it."""
    return isinstance(event, WHOLE) or (isinstance(event, Transfer) and event.delivered)


def leaves(event: AnyEvent) -> bool:
    """Whether the account ends with an event: it is closed, or becomes part of another."""
    return isinstance(event, Closure) or (isinstance(event, Merge) and event.of is None)


def signal_fits(customer_id: str, event_id: str, policy_id: str) -> bool:
    """Whether the event that a signal becomes may have the id that the signal will have: one of at most two digits behind the rest."""
    return len("/".join(map(escaped, (customer_id, event_id, policy_id)))) + 3 <= MAX_EVENT_ID


def packed(state: State) -> Frozen:
    """All that a customer brings into another's account; the profile stays behind."""
    twin = state.fork()
    twin.profile = Frozen()
    packed = frozen(twin.to_data())
    assert isinstance(packed, Frozen)
    return packed


def unpacked(event: Merge) -> State:
    """The state that a merged customer brings. StateError where it is none."""
    return State.from_json(canonical(event.brought))
