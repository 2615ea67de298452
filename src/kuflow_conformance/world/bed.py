"""The test bed: what a run may use on the target, from the target file or found in the target's own lists."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pydantic import BaseModel, Field

from kuflow_conformance.oracles import NotTested
from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.target.session import Session
from kuflow_conformance.target.target_file import (
    JsonObject,
    JsonSample,
    RobotAsset,
    Target,
    TaskSample,
    UserAction,
    Webforms,
)

ROWS_READ = 200
"""Rows of each list that discovery looks at."""

CANDIDATES_TRIED = 6
"""Definitions, tasks and samples of a kind that discovery tries before it gives up."""


class TestBed(BaseModel):
    """What the tests may use. A part that is None was not found; `missing` says why and what to add."""

    __test__ = False

    tenant_id: str | None = None
    caller_id: str | None = None
    definition_id: str | None = None
    principal_id: str | None = None
    principal_email: str | None = None
    application_id: str | None = None
    group_ids: list[str] = Field(default_factory=list)
    robot_id: str | None = None
    robot_asset: RobotAsset | None = None
    user_action: UserAction | None = None
    webforms: Webforms | None = None
    webhook_listen: str | None = None
    metadata: JsonSample = JsonSample()
    entity: JsonSample = JsonSample()
    tasks: list[TaskSample] = Field(default_factory=list)
    claimable: bool = True
    process_id: str | None = None
    """A process that was there before the run; read, never changed."""
    process_item_id: str | None = None
    """A process item that was there before the run; read, never changed."""
    tenant_user_id: str | None = None
    notes: dict[str, str] = Field(default_factory=dict)

    def need(self, name: str) -> Any:
        """The part `name`. Raises NotTested, with what to add to the target file, when it is missing."""
        value = getattr(self, name)
        if value in (None, []):
            raise NotTested(self.missing(name))
        return value

    def missing(self, name: str) -> str:
        note = self.notes.get(name, "")
        advice = f"set test-bed.{name.replace('_', '-')}" if " answers " in note else PARTS[name].advice
        return f"the test bed has no {name.replace('_', ' ')}{f' ({note})' if note else ''}; {advice}"

    @property
    def task(self) -> TaskSample:
        """The task definition to create tasks of. Raises NotTested when none is known."""
        tasks: list[TaskSample] = self.need("tasks")
        return tasks[0]


class Part(NamedTuple):
    """A part of the test bed: how to provide it, and what is not tested without it (as far as that is all of it)."""

    advice: str
    requirements: tuple[str, ...] = ()
    by_trying: bool = False
    """Whether it takes writing to the target to find it."""


PARTS = {
    "definition_id": Part(
        "set test-bed.process-definition-id to a definition that the credentials may start",
        ("everything that needs a new process",),
        by_trying=True,
    ),
    "tasks": Part(
        "add [[test-bed.tasks]] with a task definition code of the process definition",
        ("everything that needs a task",),
        by_trying=True,
    ),
    "claimable": Part(
        "name a task definition in test-bed.tasks whose candidate the credentials are",
        ("ITM-006", "ITM-008"),
        by_trying=True,
    ),
    "tenant_id": Part("set test-bed.tenant-id"),
    "caller_id": Part("it shows once a process can be created: set test-bed.process-definition-id", (), by_trying=True),
    "principal_id": Part("set test-bed.principal-id", ("PRC-003", "PRC-013", "ITM-005")),
    "principal_email": Part("set test-bed.principal-email"),
    "application_id": Part("set test-bed.application-id"),
    "group_ids": Part("set test-bed.group-ids; no list of the API shows groups", ("FLT-006",)),
    "robot_id": Part("set test-bed.robot-id, or create a robot", ("ROB-001", "ROB-002", "ROB-003")),
    "robot_asset": Part("set test-bed.robot-asset; no list of the API shows assets", ("ROB-004", "ROB-005", "ROB-006")),
    "user_action": Part("set test-bed.user-action; no list of the API shows user actions", ("DOC-008", "DOC-009")),
    "webforms": Part("set test-bed.webforms, if web forms are switched on", ("DOC-010",)),
    "webhook_listen": Part(
        "set test-bed.webhook-listen to the host:port that the target sends its webhooks to",
        ("WEB-001", "WEB-002", "WEB-003", "WEB-004", "WEB-005", "WEB-006"),
    ),
    "process_id": Part("create a process on the target"),
    "process_item_id": Part("create a process item on the target"),
    "tenant_user_id": Part("add a user to the tenant"),
}


_ADDRESS = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)*")


def is_address(value: object) -> bool:
    """Whether `value` looks like an email address: mocks show words in their place."""
    return isinstance(value, str) and _ADDRESS.fullmatch(value) is not None


def discover(target: Target, session: Session, run_id: str, *, writing: bool) -> TestBed:
    """The test bed of `target`: its file first, the rest from its lists; with `writing`, also by trying."""
    return _Discovery(target, session, run_id).run(writing)


class _Discovery:
    def __init__(self, target: Target, session: Session, run_id: str) -> None:
        file = target.test_bed
        self.session = session
        self.operations = session.description.operations
        self.run_id = run_id
        self.unlisted: dict[str, str] = {}
        """Lists that do not work, and what they answer."""
        self.bed = TestBed.model_validate(
            {
                **file.model_dump(include=set(TestBed.model_fields) - {"claimable", "notes"}),
                "definition_id": file.process_definition_id,
            }
        )

    def call(self, operation_id: str, **arguments: Any) -> Exchange:
        operation = self.operations[operation_id]
        try:
            return self.session.call(operation, **arguments)
        except NotTested as error:  # nothing is to be sent to it
            nothing: dict[str, str] = {}
            now = datetime.now(UTC)
            return Exchange(
                operation, operation.method, "", nothing, b"", 0, nothing, b"", 0.0, now, failure=str(error)
            )

    def rows(self, operation_id: str) -> list[dict[str, Any]]:
        answer = self.call(operation_id, query={"size": ROWS_READ})
        if not answer.ok:
            self.unlisted[operation_id] = f"{operation_id} answers {answer.failure or answer.status}"
        return answer.rows

    def read(self, operation_id: str, key: str) -> dict[str, Any]:
        return self.call(operation_id, id=key).object

    def run(self, writing: bool) -> TestBed:
        processes = self.rows("findProcesses")
        items = self.rows("findProcessItems")
        self._principals(self.rows("findPrincipals"), processes)
        robots = [row.get("id") for row in self.rows("findRobots")]
        self._drop_unknown("robot_id", robots, "retrieveRobot")
        self._fill("robot_id", robots, "findRobots shows none")
        tenant_users = [row.get("id") for row in self.rows("findTenantUsers")]
        self._fill("tenant_user_id", tenant_users, "findTenantUsers shows none")
        self._fill("process_id", (row.get("id") for row in processes), "findProcesses shows none")
        self._fill("process_item_id", (row.get("id") for row in items), "findProcessItems shows none")
        self._fill("tenant_id", (row.get("tenantId") for row in (*processes, *items)), "no row shows one")
        if writing:
            self._by_trying(processes, items)
        return self.bed

    def _drop_unknown(self, name: str, listed: list[Any], read: str) -> None:
        """Forget a part of the target file that the target neither lists nor shows."""
        key = getattr(self.bed, name)
        if key is not None and key not in listed and not (answer := self.call(read, id=key)).ok:
            setattr(self.bed, name, None)
            self.bed.robot_asset = None
            self.bed.notes[name] = f"{key} of the target file is unknown to the target: {read} answers {answer.status}"

    def _fill(self, name: str, values: Iterable[Any], note: str) -> None:
        """Set a part that the target file leaves out to the first value there is."""
        if getattr(self.bed, name) is None:
            setattr(self.bed, name, next((value for value in values if isinstance(value, str)), None))
            self.bed.notes.setdefault(name, self.unlisted.get(note.partition(" ")[0], note))

    def _principals(self, rows: list[dict[str, Any]], processes: list[dict[str, Any]]) -> None:
        """Prefer principals that are initiators already: not everybody has to be allowed to be one."""
        initiators = Counter(row.get("initiatorId") for row in processes)
        ranked = sorted(rows, key=lambda row: -initiators[row.get("id")])
        users = [row.get("id") for row in ranked if row.get("type") == "USER"]
        applications = [row.get("id") for row in ranked if row.get("type") == "APPLICATION"]
        self._fill("principal_id", users, "findPrincipals shows no user")
        self._fill("application_id", applications, "findPrincipals shows no application")
        if self.bed.principal_email is None and self.bed.principal_id:
            user = self.read("retrievePrincipal", self.bed.principal_id).get("user")
            shown = user.get("email") if isinstance(user, dict) else None
            note = f"the user shows {shown!r}, which is no address" if shown else "the user shows none"
            self._fill("principal_email", [shown] if is_address(shown) else [], note)

    def _by_trying(self, processes: list[dict[str, Any]], items: list[dict[str, Any]]) -> None:
        """Find a definition that can be started and its tasks, with samples of their data."""
        definitions = Counter(
            row["processDefinition"].get("id") for row in processes if isinstance(row.get("processDefinition"), dict)
        )
        candidates = (
            [self.bed.definition_id] if self.bed.definition_id else [key for key, _ in definitions.most_common()]
        )
        trial: Exchange | None = None
        for definition in candidates[:CANDIDATES_TRIED]:
            same = [row for row in processes if _definition_of(row) == definition]
            samples = [self.read("retrieveProcess", row["id"]) for row in same[:CANDIDATES_TRIED] if "id" in row]
            metadata = self._sample(self.bed.metadata, samples, "metadata")
            body: JsonObject = {"processDefinitionId": definition}
            for extra in ({"metadata": {"value": metadata.valid}} if metadata.valid else {}, {}):
                trial = self.call("createProcess", body=body | extra)
                if trial.ok and isinstance(trial.object.get("id"), str):
                    break
            if trial is not None and trial.ok and isinstance(trial.object.get("id"), str):
                self.bed.definition_id = definition
                self.bed.metadata = metadata
                self.bed.entity = self._sample(self.bed.entity, samples, "entity")
                self._try_out(trial, processes, items)
                return
        note = f"createProcess answers {trial.describe()[:120]}" if trial else "findProcesses shows none"
        self.bed.notes["definition_id"] = note
        if self.bed.definition_id is None:
            self.bed.notes["tasks"] = "no process definition"

    def _sample(self, known: JsonSample, resources: list[dict[str, Any]], name: str) -> JsonSample:
        """Valid and invalid data that the target itself already holds."""
        found = {True: known.valid, False: known.invalid}
        for resource in resources:
            value = resource.get(name)
            if (
                isinstance(value, dict)
                and isinstance(value.get("value"), dict)
                and isinstance(value.get("valid"), bool)
            ):
                verdict = value["valid"]
                if found[verdict] is None and (value["value"] or not verdict):
                    found[verdict] = value["value"]
        return JsonSample(valid=found[True], invalid=found[False])

    def _try_out(self, trial: Exchange, processes: list[dict[str, Any]], items: list[dict[str, Any]]) -> None:
        process = str(trial.object["id"])
        self.bed.caller_id = trial.object.get("createdBy")
        self.bed.tenant_id = self.bed.tenant_id or trial.object.get("tenantId")
        try:
            for name in ("metadata", "entity"):
                operation = f"updateProcess{name.capitalize()}"
                sample = getattr(self.bed, name)
                setattr(self.bed, name, self._probe_sample(operation, process, name, sample, trial.object.get(name)))
            self._tasks(process, processes, items)
        finally:
            self.call("cancelProcess", id=process)

    def _probe_sample(self, operation: str, key: str, name: str, sample: JsonSample, current: Any) -> JsonSample:
        """Ask the target what it makes of likely values, where no sample is known."""
        known = {True: sample.valid, False: sample.invalid}
        for value in _likely_values(sample, current):
            if None not in known.values():
                break
            answer = self.call(operation, id=key, body={name: {"value": value}}).object
            data = answer.get("task", {}).get("data") if name == "data" else answer.get(name)
            verdict = data.get("valid") if isinstance(data, dict) else None
            if isinstance(verdict, bool) and known[verdict] is None:
                known[verdict] = value
        return JsonSample(valid=known[True], invalid=known[False])

    def _tasks(self, process: str, processes: list[dict[str, Any]], items: list[dict[str, Any]]) -> None:
        """The task definitions that work, those first whose tasks the caller may claim."""
        usable: list[tuple[bool, TaskSample]] = []
        for sample in list(self._task_candidates(processes, items))[:CANDIDATES_TRIED]:
            body: JsonObject = {"type": "TASK", "processId": process, "task": {"taskDefinitionCode": sample.code}}
            created = self.call("createProcessItem", body=body)
            key = created.object.get("id")
            if not created.ok or not isinstance(key, str):
                self.bed.notes["tasks"] = f"createProcessItem answers {created.describe()[:120]}"
                continue
            data = self._probe_sample("updateProcessItemTaskData", key, "data", sample, None)
            claimed = self.call("claimProcessItemTask", id=key)
            if not claimed.ok:
                self.bed.notes["claimable"] = f"claimProcessItemTask answers {claimed.describe()[:120]}"
            usable.append((claimed.ok, TaskSample(code=sample.code, valid=data.valid, invalid=data.invalid)))
        usable.sort(key=lambda pair: not pair[0])
        # Whoever names tasks in the target file vouches for them: that none can be made is for the tests to say.
        self.bed.tasks = [sample for _, sample in usable] or self.bed.tasks
        self.bed.claimable = any(claimable for claimable, _ in usable)

    def _task_candidates(self, processes: list[dict[str, Any]], items: list[dict[str, Any]]) -> Iterator[TaskSample]:
        if self.bed.tasks:
            yield from self.bed.tasks
            return
        definition_of = {row.get("id"): _definition_of(row) for row in processes}
        by_code: dict[str, list[dict[str, Any]]] = {}
        for row in items:
            task = row.get("task")
            definition = task.get("taskDefinition") if isinstance(task, dict) else None
            known = definition_of.get(row.get("processId"), self.bed.definition_id)
            if isinstance(definition, dict) and known == self.bed.definition_id:
                by_code.setdefault(str(definition.get("code")), []).append(row)
        if not by_code:
            self.bed.notes["tasks"] = "findProcessItems shows no task of this process definition"
        for code, rows in by_code.items():
            tasks = [self.read("retrieveProcessItem", row["id"]).get("task", {}) for row in rows[:3] if "id" in row]
            sample = self._sample(JsonSample(), [task for task in tasks if isinstance(task, dict)], "data")
            yield TaskSample(code=code, valid=sample.valid, invalid=sample.invalid)


def _definition_of(row: dict[str, Any]) -> str | None:
    definition = row.get("processDefinition")
    return definition.get("id") if isinstance(definition, dict) else None


def _likely_values(sample: JsonSample, current: Any) -> Iterator[JsonObject]:
    """Values that a schema probably refuses or accepts: nothing, and the known value with one part spoilt."""
    yield {}
    if isinstance(current, dict) and isinstance(current.get("value"), dict):
        yield current["value"]
    valid = sample.valid or {}
    for name in valid:
        yield {key: value for key, value in valid.items() if key != name}
    for name, value in valid.items():
        yield valid | {name: 7 if isinstance(value, str) else "seven"}
    yield {"kuflow-conformance": True}
