"""Random sequences of operations on a process and its items, against the model of the documentation."""

from typing import NamedTuple

import pytest
from hypothesis import strategies as st

from kuflow_conformance.generation.shrinking import shrink
from kuflow_conformance.generation.values import drawn
from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.lifecycle import Lifecycle

PARTS = 4
"""Tests that share the sequences, so that several processes can."""

SEQUENCES = {"core": 5, "full": 11}
"""Sequences of each part; its first is always the simplest."""

STEPS = 12
UNENDED = 4
"""Steps at the beginning that do not end the process: not much happens afterwards."""

ATTEMPTS = 16
"""Shorter sequences that are tried, each on a new process, when one has failed."""

LEVELS = ("INFO", "WARN", "ERROR")
ENDS = (("completeProcess", "COMPLETED"), ("cancelProcess", "CANCELLED"))
KINDS = (
    *("claim", "claim", "complete_task", "complete_task", "assign", "assign", "end", "end", "create_task"),
    *("create_message", "log", "save_data", "save_data", "patch_data", "patch_data", "save", "save", "patch", "patch"),
    *("change_initiator", "initiate_by_email", "assign_by_email"),
    *("again", "again", "process_again", "listing", "foreign"),
)
"""What a step may be; what matters most comes more than once."""

STARTS = ((), (), (), ("claim",), ("claim", "complete_task"), ("claim", "end"))
"""What happens to the first task, and to the process, before the drawn steps."""

VALUES = ({}, {"number": 1}, {"text": "two", "list": [1, 2]}, {"object": {"inner": None}})


class Draw(NamedTuple):
    """What was drawn for a step: which item, who, which value and which JSON value of the process."""

    number: int
    who: int
    value: dict
    part: str


class Disagreement(Exception):
    """The target and the model differ."""

    def __init__(self, differences, exchange, steps):
        super().__init__("; ".join(differences))
        self.exchange = exchange
        self.steps = steps

    @property
    def seen(self):
        return f"{self}; the last of {len(self.steps)} requests were {', '.join(self.steps[-6:])}"


def _steps(values):
    """Sequences of steps, as JSON."""
    numbers = st.sampled_from([0, 0, 0, 1, 1, 2, 3])  # much happens to a few items
    part = st.sampled_from(["metadata", "entity"])
    rest = {"number": numbers, "who": numbers, "value": st.sampled_from(values), "part": part}
    early = st.fixed_dictionaries({"kind": st.sampled_from([kind for kind in KINDS if kind != "end"]), **rest})
    late = st.fixed_dictionaries({"kind": st.sampled_from(KINDS), **rest})
    first = {**rest, "number": st.just(0)}
    starts = [[st.fixed_dictionaries({"kind": st.just(kind), **first}) for kind in start] for start in STARTS]
    begun = st.one_of([st.tuples(*start) for start in starts])
    drawn_steps = st.tuples(*[early] * UNENDED, *[late] * (STEPS - UNENDED))
    return st.tuples(begun, drawn_steps).map(lambda parts: [*parts[0], *parts[1]])


@pytest.mark.long
@pytest.mark.requirement("LIF-001")
@pytest.mark.parametrize("part", range(PARTS))
def test_any_sequence(part, world, evidence, profile, seed):
    world.scratch_task()  # not tested where no task can be made at all
    samples = [sample for sample in (world.bed.task.valid, world.bed.task.invalid) if sample is not None]
    expected = "a process and items as the documentation of the operations on them says"
    for steps in drawn(_steps([*VALUES, *samples]), SEQUENCES[profile], seed * PARTS + part):
        found = _disagreement(world, steps)
        if found is not None:
            found = _smallest(world, steps)
            evidence.check("LIF-001", found.exchange, False, expected=expected, seen=found.seen)
            return
    evidence.check("LIF-001", evidence.last, True, expected=expected)


def _disagreement(world, steps):
    """Where the target and the model differ when these steps are taken on a new process; None when they agree."""
    try:
        Sequence(world).run(steps)
    except Disagreement as difference:
        return difference
    return None


def _smallest(world, steps):
    """The disagreement of the shortest sequence found that has one. Raises NotTested when it does not come again."""
    found = [_disagreement(world, steps)]
    if found[0] is None:
        raise NotTested("the same sequence ended once so and once so")

    def fails(fewer):
        if not all(step.keys() == set(Draw._fields) | {"kind"} and step["kind"] in KINDS for step in fewer):
            return None
        found.append(_disagreement(world, fewer))
        if found[-1] is None:
            found.pop()
            return False
        return True

    shrink(steps, fails, ATTEMPTS)
    return found[-1]


class Sequence:
    """A new process with two tasks, and its model."""

    def __init__(self, world):
        self.world = world
        bed = world.bed
        self.people = [key for key in (bed.caller_id, bed.principal_id, bed.application_id) if key]
        self.people = self.people or [bed.need("principal_id")]
        self.steps = ["createProcess"]
        self.bodies = {}
        self.body = world.process_body()
        self.process = world.id_of(world.granted(world.call("createProcess", body=self.body)))
        self.model = Lifecycle(world.read_process(self.process).object, bed.caller_id)

    def run(self, steps):
        """Take the steps, comparing after each. Raises Disagreement."""
        for _ in range(2):
            self.create(self.world.task_body(self.process))
        for step in steps:
            draw = Draw(**{name: step[name] for name in Draw._fields})
            getattr(self, step["kind"])(draw)
        for key in self.model.items:
            self.compare_item(key)

    def act(self, operation_id, key, body=None):
        self.steps.append(f"{operation_id} {key[:8]}")
        self.last = self.world.call(operation_id, id=key, body=body)
        return self.last

    def compare(self, key=None):
        """The process, its list of items, and the item that was acted on."""
        read = self.world.read_process(self.process)
        if read.ok:
            self.judge(self.model.process_differences(read.object), read)
        for undecided in self.model.undecided:
            self.compare_item(undecided)
        query = {"processId": self.process, "size": 50}
        listed = self.world.call_until(self.agrees, "findProcessItems", query=query)
        if listed.ok:
            self.judge(self.model.list_differences(listed.rows), listed)
        if key is not None:
            self.compare_item(key)

    def compare_item(self, key):
        item = self.world.read_item(key)
        if item.ok:
            self.judge(self.model.item_differences(key, item.object), item)

    def agrees(self, listed):
        return not listed.ok or not any(self.model.list_differences(listed.rows))

    def judge(self, differences, exchange):
        differences = list(differences)
        if differences:
            raise Disagreement(differences, exchange, self.steps)

    def task(self, number):
        """One of the tasks and messages, counted round."""
        return list(self.model.items)[number % len(self.model.items)]

    def create(self, body):
        self.steps.append(f"createProcessItem {body['type']} {body['id'][:8]}")
        created = self.world.call("createProcessItem", body=body)
        if created.ok:
            self.bodies[body["id"].lower()] = body
            self.model.created(self.world.read_item(body["id"]).object or created.object)
        self.compare()

    def create_task(self, draw):
        task = {"taskDefinitionCode": self.world.bed.task.code, "data": {"value": draw.value}}
        self.create(self.world.task_body(self.process, task=task))

    def create_message(self, draw):
        self.create(self.world.message_body(self.process))

    def claim(self, draw):
        key = self.task(draw.number)
        answer = self.act("claimProcessItemTask", key)
        if answer.ok:
            self.model.claimed(key, answer.at("ownerId"))
        self.compare(key)

    def assign(self, draw):
        key, owner = self.task(draw.number), self.people[draw.who % len(self.people)]
        answer = self.act("assignProcessItemTask", key, {"ownerId": owner})
        if answer.ok:
            self.model.assigned(key, owner, answer.at("task.state"))
        self.compare(key)

    def complete_task(self, draw):
        key = self.task(draw.number)
        if self.act("completeProcessItemTask", key).ok:
            self.model.completed(key)
        self.compare(key)

    def log(self, draw):
        key, message = self.task(draw.number), f"step {len(self.steps)}"
        if self.act("appendProcessItemTaskLog", key, {"message": message, "level": LEVELS[draw.who % 3]}).ok:
            self.model.logged(key, message)
        self.compare(key)

    def save_data(self, draw):
        key = self.task(draw.number)
        if self.act("updateProcessItemTaskData", key, {"data": {"value": draw.value}}).ok:
            self.model.data_saved(key, draw.value)
        self.compare(key)

    def patch_data(self, draw):
        key = self.task(draw.number)
        operations = [{"op": "add", "path": "/step", "value": len(self.steps)}]
        if self.act("patchProcessItemTaskData", key, operations).ok:
            self.model.data_patched(key, operations)
        self.compare(key)

    def save(self, draw):
        if self.act(f"updateProcess{draw.part.capitalize()}", self.process, {draw.part: {"value": draw.value}}).ok:
            self.model.saved(draw.part, draw.value)
        self.compare()

    def patch(self, draw):
        operations = [{"op": "add", "path": "/step", "value": len(self.steps)}]
        if self.act(f"patchProcess{draw.part.capitalize()}", self.process, operations).ok:
            self.model.patched(draw.part, operations)
        self.compare()

    def change_initiator(self, draw):
        principal = self.people[draw.who % len(self.people)]
        if self.act("changeProcessInitiator", self.process, {"initiatorId": principal}).ok:
            self.model.initiated_by(principal)
        self.compare()

    def end(self, draw):
        operation_id, state = ENDS[draw.number % 2]
        if self.act(operation_id, self.process).ok:
            self.model.ended(state)
        self.compare()

    def initiate_by_email(self, draw):
        bed = self.world.bed
        if bed.principal_id and bed.principal_email:
            if self.act("changeProcessInitiator", self.process, {"initiatorEmail": bed.principal_email}).ok:
                self.model.initiated_by(bed.principal_id)
            self.compare()

    def assign_by_email(self, draw):
        bed, key = self.world.bed, self.task(draw.number)
        if bed.principal_id and bed.principal_email:
            answer = self.act("assignProcessItemTask", key, {"ownerEmail": bed.principal_email})
            if answer.ok:
                self.model.assigned(key, bed.principal_id, answer.at("task.state"))
            self.compare(key)

    def again(self, draw):
        """An item is created again, sometimes with an owner."""
        key = self.task(draw.number)
        body = self.bodies[key] | ({"ownerId": self.people[0]} if draw.who % 2 else {})
        self.created_again("createProcessItem", body)
        self.compare(key)

    def process_again(self, draw):
        body = self.body | ({"metadata": {"value": draw.value}} if draw.who % 2 else {})
        answer = self.created_again("createProcess", body)
        self.judge(self.model.process_differences(answer.object), answer)
        self.compare()

    def created_again(self, operation_id, body):
        self.steps.append(f"{operation_id} again {body['id'][:8]}")
        answer = self.world.call(operation_id, body=body)
        self.judge([] if answer.ok else [f"{body['id']}, created again, is answered {answer.status}"], answer)
        return answer

    def listing(self, draw):
        """The tasks in some states, or all tasks, or all messages."""
        states = (("READY",), ("CLAIMED", "COMPLETED"), ("CANCELLED",), ())[draw.number]
        type_ = "TASK" if states else ("TASK", "MESSAGE")[draw.who % 2]
        query = {"processId": self.process, "type": type_, "size": 50} | ({"taskState": states} if states else {})
        self.steps.append(f"findProcessItems {type_} {' '.join(states)}".strip())

        def differences(listed):
            if not listed.ok:
                return [f"the list of {type_} {' '.join(states)} is answered {listed.status}"]
            return list(self.model.selection_differences(listed.keys, type_, states))

        listed = self.world.call_until(lambda listed: not differences(listed), "findProcessItems", query=query)
        self.judge(differences(listed), listed)

    def foreign(self, draw):
        """Somebody of another tenant tries, and is refused."""
        second = self.world.session.second
        if second is None or not self.world.call("retrieveProcess", id=self.process, caller=second).refused:
            return
        key = self.task(draw.number)
        operation_id, id, body = (
            ("cancelProcess", self.process, None),
            ("claimProcessItemTask", key, None),
            ("updateProcessItemTaskData", key, {"data": {"value": {"foreign": True}}}),
            ("changeProcessInitiator", self.process, {"initiatorId": self.people[0]}),
        )[draw.who]
        self.steps.append(f"{operation_id} {id[:8]} from another tenant")
        self.world.call(operation_id, id=id, body=body, caller=second)
        self.compare(key)
