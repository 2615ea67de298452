"""What is right of a resource in each of its states: created again, listed by every filter, its documents."""

import pytest

from kuflow_conformance.oracles import NotTested, shown
from kuflow_conformance.oracles.resources import disagreements, same_id

PATCH = [{"op": "add", "path": "/conformance", "value": "patched"}]
STATES = ("READY", "CLAIMED", "COMPLETED", "CANCELLED")
ENDS = {"completed": ("completeProcess", "PRC-008"), "cancelled": ("cancelProcess", "PRC-009")}

PROCESS = {
    "running": (),
    "changed": ("save", "patch", "name"),
    "with items": ("items",),
    "completed": ("save", "completed"),
    "completed with items": ("items", "completed"),
    "cancelled": ("name", "cancelled"),
    "cancelled with items": ("items", "cancelled"),
}
TASK = {
    "READY": (),
    "saved": ("save",),
    "patched": ("patch",),
    "logged": ("log",),
    "CLAIMED": ("claim", "log", "save"),
    "assigned": ("name", "patch"),
    "COMPLETED": ("claim", "log", "complete"),
    "CANCELLED": ("log", "cancelled"),
    "CANCELLED when it was claimed": ("claim", "patch", "cancelled"),
    "of a completed process": ("completed",),
    "COMPLETED, of a completed process": ("claim", "complete", "completed"),
}
MESSAGE = {"of a running process": (), "of a completed process": ("completed",), "of a cancelled one": ("cancelled",)}
"""State → the steps that lead to it."""

PRODUCT = [
    (kind, state) for kind, states in (("process", PROCESS), ("task", TASK), ("message", MESSAGE)) for state in states
]


class Made:
    """A resource of the run, and the body that it was created with."""

    def __init__(self, world, kind):
        self.world, self.kind, self.items = world, kind, []
        if kind == "process":
            self.create, self.body = "createProcess", world.process_body()
            self.process = self.body["id"]
        else:
            self.process = world.id_of(world.process())
            self.create, self.body = "createProcessItem", getattr(world, f"{kind}_body")(self.process)
        self.key = self.body["id"]
        world.granted(world.call(self.create, body=self.body))

    def read(self):
        return self.world.read_process(self.key) if self.kind == "process" else self.world.read_item(self.key)

    def go(self, step):
        """Take a step towards a state. NotTested is raised where the target does not let it be taken."""
        world, process = self.world, self.kind == "process"
        sample, part = (world.bed.metadata, "metadata") if process else (world.bed.task, "data")
        place = "ProcessMetadata" if process else "ProcessItemTaskData"
        if step == "items":
            made = (world.task, world.working_task, world.message)
            self.items = [world.id_of(make(self.process)) for make in made]
        elif step in ENDS:
            world.granted(world.call(ENDS[step][0], id=self.process))
        elif step == "name":
            name, operation = (
                ("initiatorId", "changeProcessInitiator") if process else ("ownerId", "assignProcessItemTask")
            )
            people = [key for key in (world.bed.application_id, world.bed.principal_id) if key]
            if not any(world.call(operation, id=self.key, body={name: key}).ok for key in people):
                raise NotTested("the target lets none of the principals of the test bed be named")
        else:
            value = {part: {"value": (sample.valid or {}) | {"conformance": step}}}
            operation, body = {
                "save": (f"update{place}", value),
                "patch": (f"patch{place}", PATCH),
                "log": ("appendProcessItemTaskLog", {"message": "conformance", "level": "WARN"}),
                "claim": ("claimProcessItemTask", None),
                "complete": ("completeProcessItemTask", None),
            }[step]
            world.granted(world.call(operation, id=self.key, body=body))

    def otherwise(self):
        """The body with the same id and other content."""
        bed, value = self.world.bed, {"value": {"conformance": "other"}}
        if self.kind == "process":
            return self.body | {"metadata": value} | ({"initiatorId": bed.principal_id} if bed.principal_id else {})
        part = {"task": {**self.body["task"], "data": value}} if self.kind == "task" else {"message": {"text": "other"}}
        return self.body | part | ({"ownerId": bed.principal_id} if bed.principal_id else {})


@pytest.fixture
def made(world, kind, state):
    made = Made(world, kind)
    for step in {"process": PROCESS, "task": TASK, "message": MESSAGE}[kind][state]:
        made.go(step)
    return made


@pytest.mark.requirement("IDM-009", "FLT-001", "FLT-002", "RED-002", "RED-009")
@pytest.mark.parametrize(("kind", "state"), PRODUCT)
def test_in_each_state(made, kind, state, world, evidence):
    _created_again(made, state, world, evidence)
    _listed_by_every_filter(made, state, world, evidence)


def _created_again(made, state, world, evidence):
    """The answer is the resource as it is now, not as it was once; nothing starts anew."""
    what = f"the {made.kind} as it is: {state}"
    before, items = made.read(), [world.read_item(key) for key in made.items]
    for body in (made.body, made.otherwise()):
        again = world.call(made.create, body=body)
        if evidence.answered("IDM-009", again, 200, f"and {what}"):
            evidence.unchanged("IDM-009", before, again, what)
        evidence.unchanged("IDM-009", before, made.read(), f"{what}, after it was created again")
    for item in items:
        after = world.read_item(world.id_of(item))
        evidence.unchanged("IDM-009", item, after, f"an item of {what}, after that was created again")


def _listed_by_every_filter(made, state, world, evidence):
    """By each filter that matches, and not by those that do not."""
    kind, resource = made.kind, world.granted(made.read())
    tenant = {"tenantId": world.bed.tenant_id} if world.bed.tenant_id else {}
    if kind == "process":
        asked = [("findProcesses", {**tenant, "sort": "createdAt,desc", "size": 200})]
    else:
        of_process = {"processId": made.process, "size": 200}
        exact = {**of_process, **tenant, "type": kind.upper()}
        if kind == "task":
            code = resource.at("task.taskDefinition.code")
            exact |= {"taskState": resource.at("task.state"), "taskDefinitionCode": code}
        asked = [("findProcessItems", of_process), ("findProcessItems", exact)]
    for find, query in asked:
        _listed(world, evidence, find, query, resource, f"the {kind} {made.key}, {state}, for {shown(query)}")
    if kind == "task":
        others = [other for other in STATES if other != resource.at("task.state")]
        query, key = {"processId": made.process, "taskState": others}, made.key.lower()
        listed = world.call_until(lambda listed: key not in listed.keys, "findProcessItems", query=query)
        if evidence.accepted("FLT-002", listed, f"a list for {others}"):
            inside = {key}.intersection(listed.keys)
            expected = f"a list for {others} without a task that is {resource.at('task.state')}"
            evidence.nothing("FLT-001", listed, inside, expected)


def _listed(world, evidence, find, query, resource, what):
    """The resource is in the list, as it is, or will be in a moment."""

    def row_of(listed):
        return next((row for row in listed.rows if same_id(row.get("id"), resource.at("id"))), None)

    def shows_it(listed):
        row = row_of(listed)
        return row is not None and not disagreements(row, resource.object)

    listed = world.call_until(shows_it, find, query=query)
    if not evidence.accepted("FLT-002", listed, what):
        return
    row = row_of(listed)
    if evidence.check("RED-009", listed, row is not None, expected=what, seen=f"{len(listed.rows)} other rows"):
        evidence.nothing("RED-002", listed, disagreements(row, resource.object), f"{what}, as it was read")


@pytest.mark.requirement("PRC-008", "PRC-009")
@pytest.mark.parametrize("end", ENDS)
def test_ended_again_with_items(end, world, evidence):
    """A process that has ended takes no action on its items either."""
    made = Made(world, "process")
    made.go("items")
    made.go(end)
    operation_id, requirement = ENDS[end]
    before, items = made.read(), [world.read_item(key) for key in made.items]
    again = world.call(operation_id, id=made.key)
    if evidence.accepted(requirement, again, "success, as no action is taken"):
        evidence.unchanged(requirement, before, again, "the same process as after the first time")
        for item in items:
            after = world.read_item(world.id_of(item))
            evidence.unchanged(requirement, item, after, "the items as after the first time")


@pytest.mark.requirement("DOC-011")
@pytest.mark.parametrize("end", ["running", *ENDS])
def test_documents_of_a_process(end, world, evidence):
    """Documents that metadata, entity and the data of tasks refer to."""
    made = Made(world, "process")
    contents = {}
    for place in ("metadata", "entity", "data"):
        contents[place] = f"conformance, kept in the {place}".encode()
        reference = world.document(made.process, contents[place], f"{place}.txt").at("documentUri")
        value = {"value": {"conformance": reference}}
        if place == "data":
            task = {"taskDefinitionCode": world.bed.task.code, "data": value}
            linked = world.call("createProcessItem", body=world.task_body(made.process, task=task))
        else:
            linked = world.call(f"updateProcess{place.capitalize()}", id=made.key, body={place: value})
        if linked.ok:
            contents[place] = reference, contents[place]
        else:
            del contents[place]
    if end in ENDS:
        made.go(end)
    for place, (reference, content) in contents.items():
        exchange = world.call("downloadProcessDocument", id=made.key, query={"documentUri": reference})
        expected = f"the document that the {place} of a process that is {end} refer to"
        evidence.check("DOC-011", exchange, exchange.ok and exchange.body == content, expected=expected)
