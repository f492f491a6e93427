"""The fair queue, under any order of calls."""

from collections import Counter
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dragoman.scheduling.queue import Entry, FairQueue

MOST, MOST_COST = 4, 100


def entry(
    name: str = "x", *, principal: str = "a", cost: int = 10, group: str = "g", is_bulk: bool = False
) -> Entry[str]:
    """An entry with what a test does not say."""
    return Entry(name, group, principal, cost, is_bulk)


def filled(*entries: Entry[str]) -> FairQueue[str]:
    """A queue with these entries."""
    queue: FairQueue[str] = FairQueue()
    for each in entries:
        queue.push(each)
    return queue


def batches(queue: FairQueue[str], most: int = MOST, most_cost: int = MOST_COST) -> Iterator[list[str]]:
    """Take until nothing is left; the names in each batch."""
    while queue:
        yield [each.item for each in queue.take(most, most_cost)]


class QueueMachine(RuleBasedStateMachine):
    """Whatever is pushed comes out once, or is discarded; batches keep their limits; nobody starves."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: FairQueue[str] = FairQueue()
        self.waiting: dict[Entry[str], int] = {}

    @rule(
        principal=st.sampled_from("abc"),
        cost=st.integers(1, 150),
        group=st.sampled_from("gh"),
        is_bulk=st.booleans(),
    )
    def push(self, principal: str, cost: int, group: str, is_bulk: bool) -> None:  # noqa: FBT001
        """Somebody's segment."""
        pushed = entry(principal=principal, cost=cost, group=group, is_bulk=is_bulk)
        self.queue.push(pushed)
        self.waiting[pushed] = 0

    @rule(data=st.data())
    def discard(self, data: st.DataObject) -> None:
        """A client left; twice is no harm."""
        if self.waiting:
            gone = data.draw(st.sampled_from(list(self.waiting)))
            self.queue.discard(gone)
            self.queue.discard(gone)
            del self.waiting[gone]

    @rule(bulk_too=st.booleans())
    def take(self, bulk_too: bool) -> None:  # noqa: FBT001
        """The engine has a free place."""
        batch = self.queue.take(MOST, MOST_COST, bulk_too=bulk_too)
        allowed = [each for each in self.waiting if bulk_too or not each.is_bulk]
        assert bool(batch) == bool(allowed)
        assert len(set(batch)) == len(batch) <= MOST
        assert len({(each.group, each.is_bulk) for each in batch}) <= 1
        assert len(batch) <= 1 or max(each.cost for each in batch) * len(batch) <= MOST_COST
        for each in batch:
            assert each in allowed
            del self.waiting[each]
        if bulk_too:
            for each in self.waiting:
                self.waiting[each] += 1

    @invariant()
    def counts_what_waits(self) -> None:
        """Nothing is lost or doubled."""
        assert len(self.queue) == len(self.waiting)

    def teardown(self) -> None:
        """All that waits comes out in as many batches as there are entries."""
        taken = [name for _ in range(len(self.queue)) for name in self.queue.take(MOST, MOST_COST)]
        assert len(taken) == len(self.waiting)
        assert not self.queue


TestQueueMachine = QueueMachine.TestCase


@given(st.lists(st.integers(1, 60), min_size=1, max_size=60))
def test_each_batch_has_the_oldest_entry(costs: list[int]) -> None:
    """Whatever its length, so that a document flows and no sentence starves among shorter ones."""
    entries = [entry(str(index), cost=cost) for index, cost in enumerate(costs)]
    queue = filled(*entries)
    left = {each.item: None for each in entries}
    for batch in batches(queue):
        assert next(iter(left)) in batch
        for name in batch:
            del left[name]
    assert not left


def test_a_batch_is_the_oldest_and_those_nearest_in_length() -> None:
    """So that little of it is padding."""
    costs = {"old": 20, "short": 1, "near": 19, "long": 90, "nearest": 20}
    queue = filled(*(entry(name, cost=cost) for name, cost in costs.items()))
    assert list(batches(queue, most=3)) == [["near", "old", "nearest"], ["short"], ["long"]]


def test_a_document_delays_another_sentence_by_one_batch_at_most() -> None:
    """Though it was there first, and is long."""
    queue = filled(*(entry(f"doc{index}", cost=25) for index in range(100)))
    next(batches(queue))
    queue.push(entry("sentence", principal="b", cost=25))
    two = [name for _ in range(2) for name in next(batches(queue))]
    assert "sentence" in two


@given(st.integers(1, 50), st.integers(1, 50))
def test_principals_get_equal_shares_of_tokens(first: int, second: int) -> None:
    """Not of segments: who sends long ones gets fewer."""
    costs = {"a": first, "b": second}
    queue = filled(*(entry(name, principal=name, cost=costs[name]) for name in "ab" for _ in range(2000)))
    served: Counter[str] = Counter()
    for _ in range(200):
        for each in queue.take(1, MOST_COST):
            served[each.principal] += each.cost
    assert abs(served["a"] - served["b"]) <= 32 + 2 * max(first, second)


def test_interactive_goes_first_and_bulk_is_not_starved() -> None:
    """Of four batches bulk gets one while both wait."""
    queue = filled(
        *(entry("bulk", is_bulk=True, cost=100) for _ in range(9)), *(entry("now", cost=100) for _ in range(9))
    )
    order = [name for batch in batches(queue) for name in batch]
    assert order[:8] == ["now", "now", "now", "bulk"] * 2
    assert order.count("bulk") == 9


def test_bulk_waits_where_there_is_a_place_for_interactive_alone() -> None:
    """The express place of an engine."""
    queue = filled(entry("bulk", is_bulk=True))
    assert queue.take(MOST, MOST_COST, bulk_too=False) == []
    queue.push(entry("now"))
    assert [each.item for each in queue.take(MOST, MOST_COST, bulk_too=False)] == ["now"]
