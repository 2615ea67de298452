"""How many bugs the witness sees in the traffic of the official client, and how often it complains of a right server.

    python benchmarks/traffic.py faults        one fault at a time, through the proxy
    python benchmarks/traffic.py variations    one legal choice at a time, through the proxy
    python benchmarks/traffic.py clients       five clients at once, on the same resources

A fault counts as one that the traffic can show when an answer to the client differs from that of the honest server,
ids and moments aside. `--only ID` takes one; `--record FOLDER` keeps the traffic as NDJSON, for `check`.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import dataclasses
import io
import json
import multiprocessing
import random
import re
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import uvicorn
from azure.core.exceptions import AzureError
from kuflow_rest import KuFlowRestClient, models

from kuflow_conformance.description import openapi
from kuflow_conformance.reference import faults, variations
from kuflow_conformance.reference.app import PREFIX, ReferenceServer
from kuflow_conformance.reference.serve import free_port
from kuflow_conformance.target.target_file import Target
from kuflow_conformance.traffic.proxy import Proxy
from kuflow_conformance.traffic.seen import Seen
from kuflow_conformance.traffic.traffic import Traffic

PATIENCE = 300
"""Seconds that one measurement may take."""

TOKENS = {"acme": "token-of-acme-123", "globex": "token-of-globex-123"}


class Served:
    """An application served by a thread."""

    def __init__(self, application: Any, **options: Any) -> None:
        self.port = free_port()
        config = uvicorn.Config(
            application, host="127.0.0.1", port=self.port, log_level="critical", access_log=False, **options
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started and time.monotonic() < deadline:
            time.sleep(0.01)

    def stop(self) -> None:
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(5)


def client_of(url: str, server: ReferenceServer) -> KuFlowRestClient:
    return KuFlowRestClient(
        client_id=server.tenants[0].identifier,
        client_secret=TOKENS["acme"],
        endpoint=url,
        allow_insecure_connection=True,
        retry_total=0,
    )


class Script:
    """What a program does with the official client: every operation, in orders that make sense, a few mistakes too."""

    def __init__(self, client: KuFlowRestClient, server: ReferenceServer) -> None:
        self.client = client
        tenant = server.tenants[0]
        self.definition, self.groups, self.robot = tenant.definition.id, tenant.groups, tenant.robot
        self.user_action = tenant.user_action_process, tenant.user_action_value
        self.email = tenant.user.email
        self.random = random.Random(7)
        self.shared_task = str(uuid.UUID(int=2, version=4))
        self.user = self.other = server.platform.principals.visible(tenant.application)[0]
        self.failures: collections.Counter[str] = collections.Counter()

    def new_id(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def run_together(self) -> None:
        """What several programs do at once on the same resources: the ids are those of all of them."""
        for part in (self.shared, self.repetition, self.tasks, self.shared):
            self.attempt(part)
        time.sleep(2.1)
        for sort in (["id"], ["createdAt,desc", "id"]):
            self.page_through(self.client.process_item.find_process_items, sort, 20)
            self.page_through(self.client.process.find_processes, sort, 20)

    def shared(self) -> None:
        items, process_key, key = self.client.process_item, str(uuid.UUID(int=1, version=4)), self.shared_task
        self.attempt(self.make_process, id=process_key)
        self.attempt(
            items.create_process_item, self.task_params(process_key, "PAY", {"amount": 1, "notes": []}, id=key)
        )
        task = self.attempt(items.retrieve_process_item, key)
        for number in range(15):
            self.attempt(self.patch, task, {"op": "add", "path": "/notes/0", "value": number})
            self.attempt(self.read, task)
            self.attempt(self.save, task, {"amount": number, "notes": ["a"]})
            self.attempt(self.read, task)
            log = models.ProcessItemTaskAppendLogParams(message=f"entry {number}", level="INFO")
            self.attempt(items.append_process_item_task_log, key, log)
            self.attempt(self.entity, SimpleNamespace(id=process_key), {"customer": {"name": f"Ann {number}"}})
            self.attempt(self.client.process.retrieve_process, process_key)
            if number == 8:
                self.attempt(items.claim_process_item_task, key)
                self.attempt(items.find_process_items, process_id=[process_key])

    def run(self) -> None:
        for part in (
            self.people, self.robots, self.workers, self.engine, self.process, self.tasks, self.patches,
            self.values, self.documents, self.logs, self.repetition, self.mistakes, self.cancel, self.lists,
        ):  # fmt: skip
            self.attempt(part)

    def attempt(self, part: Any, *arguments: Any, **named: Any) -> Any:
        """What `part` returns; None when the server, or the client, does not like it."""
        try:
            return part(*arguments, **named)
        except (AzureError, AttributeError, ValueError, TypeError, StopIteration, IndexError, KeyError) as error:
            self.failures[f"{getattr(part, '__name__', part)}: {type(error).__name__}"] += 1
            return None

    # Making things

    def make_process(self, value: Any = None, **named: Any) -> Any:
        metadata = models.JsonValue(value=value or {"reference": "REF-1"})
        params = models.ProcessCreateParams(process_definition_id=self.definition, metadata=metadata, **named)
        return self.client.process.create_process(params)

    def task_params(self, process: str, code: str = "REVIEW", value: Any = None, **named: Any) -> Any:
        data = models.JsonValue(value=value) if value is not None else None
        task = models.ProcessItemTaskCreateParams(task_definition_code=code, data=data)
        return models.ProcessItemCreateParams(type="TASK", process_id=process, task=task, **named)

    def make_task(self, process: str, code: str = "REVIEW", value: Any = None, **named: Any) -> Any:
        return self.client.process_item.create_process_item(self.task_params(process, code, value, **named))

    def read(self, item: Any) -> Any:
        return self.client.process_item.retrieve_process_item(item.id)

    def save(self, item: Any, value: Any) -> Any:
        params = models.ProcessItemTaskDataUpdateParams(data=models.JsonValue(value=value))
        return self.client.process_item.update_process_item_task_data(item.id, params)

    def patch(self, item: Any, *steps: dict[str, Any]) -> Any:
        operations = [
            models.JsonPatchOperation(op=s["op"], path=s["path"], from_property=s.get("from"), value=s.get("value"))
            for s in steps
        ]
        return self.client.process_item.patch_process_item_task_data(item.id, operations)

    def entity(self, process: Any, value: Any) -> Any:
        params = models.ProcessEntityUpdateParams(entity=models.JsonValue(value=value))
        return self.client.process.update_process_entity(process.id, params)

    # The parts

    def people(self) -> None:
        self.page_through(self.client.principal.find_principals, ["name", "id"], 10)
        whole = self.client.principal.find_principals(size=1000, sort=["id"]).content
        for type_ in ("USER", "APPLICATION", "SYSTEM"):
            self.attempt(self.client.principal.find_principals, type=type_, size=100)
        for row in [*whole[:3], *[r for r in whole if r.type != "USER"]]:
            self.attempt(self.client.principal.retrieve_principal, row.id)
        for group in self.groups:
            self.attempt(self.client.principal.find_principals, group_id=[group], size=100)
            self.attempt(self.client.principal.find_principals, group_id=[group], type="USER", size=100)
            self.attempt(self.client.tenant_user.find_tenant_users, group_id=[group], size=100)
        self.page_through(self.client.tenant_user.find_tenant_users, ["createdAt", "id"], 7)
        users = self.client.tenant_user.find_tenant_users(size=1000, sort=["id"]).content
        known = [self.attempt(self.client.tenant_user.retrieve_tenant_user, row.id) for row in users[:6]]
        for user in [user for user in known if user][:2]:
            self.attempt(self.client.tenant_user.find_tenant_users, email=[user.principal.user.email])
        emails = [user.principal.user.email for user in known[2:5]]
        self.attempt(self.client.tenant_user.find_tenant_users, email=emails)
        self.user = self.client.principal.retrieve_principal(known[0].principal.id)
        self.other = self.client.principal.retrieve_principal(known[1].principal.id)
        self.application = next(row for row in whole if row.type == "APPLICATION")

    def page_through(self, find: Any, sort: list[str], size: int, **filters: Any) -> None:
        """All pages, the list in one piece, a page beyond the end, and again."""
        self.attempt(find, **filters)
        for number in range(12):
            page = self.attempt(find, sort=sort, size=size, page=number, **filters)
            if page is None or not page.content or number + 1 >= page.metadata.total_pages:
                break
        self.attempt(find, sort=sort, size=1000, **filters)
        self.attempt(find, sort=sort, size=size, page=500, **filters)
        self.attempt(find, sort=sort, size=size, **filters)

    def robots(self) -> None:
        self.page_through(self.client.robot.find_robots, ["createdAt"], 5)
        for context in ("READY", "DEFAULT"):
            self.attempt(self.client.robot.find_robots, filter_context=context)
        for row in self.client.robot.find_robots(size=4).content:
            self.attempt(self.client.robot.retrieve_robot, row.id)
            self.attempt(lambda row=row: b"".join(self.client.robot.download_robot_source_code(row.id)))
            self.attempt(self.client.robot.retrieve_robot, row.id)
        asset = {"type": "PYTHON", "version": "3.12", "platform": "LINUX", "architecture": "X86_64"}
        for _ in range(3):
            self.attempt(lambda: b"".join(self.client.robot.download_robot_asset(self.robot, **asset)))
        self.attempt(lambda: b"".join(self.client.robot.download_robot_asset(self.robot, **asset | {"version": "0"})))

    def workers(self) -> None:
        robots = [row.id for row in self.client.robot.find_robots(size=2).content]
        base = {"task_queue": "queue", "hostname": "host-1", "ip": "127.0.0.1", "activity_types": ["a", "b"]}
        changes: list[dict[str, Any]] = [
            {}, {"hostname": "host-2"}, {"activity_types": ["c"]}, {"robot_ids": robots}, {"hostname": "h" * 255},
            {"ip": "1" * 40}, {"task_queue": "q" * 256}, {"activity_types": ["a" * 256]},
        ]  # fmt: skip
        for identity in ("worker-1", "worker-2"):
            for change in changes:
                params = {**base, **change, "identity": identity}
                self.attempt(lambda p=params: self.client.worker.create_worker(models.WorkerCreateParams(**p)))

    def engine(self) -> None:
        for type_ in ("ENGINE_TOKEN", "ENGINE_CERTIFICATE"):
            params = models.AuthenticationCreateParams(type=type_)
            made = self.attempt(self.client.authentication.create_authentication, params)
            if made is not None and made.tenant_id:
                params = models.AuthenticationCreateParams(type=type_, tenant_id=made.tenant_id)
                self.attempt(self.client.authentication.create_authentication, params)

    def process(self) -> None:
        process = self.client.process
        for _ in range(2):
            first = self.make_process()
            process.retrieve_process(first.id)
            process.retrieve_process(first.id)
            named = self.attempt(self.make_process, initiator_email=self.user.user.email)
            self.attempt(self.make_process, initiator_id=self.other.id)
            self.attempt(self.make_process, initiator_email="nobody@nowhere.example.com")
            change = models.ProcessChangeInitiatorParams
            for who in (
                {"initiator_id": self.user.id}, {"initiator_email": self.other.user.email},
                {"initiator_id": self.application.id}, {},
            ):  # fmt: skip
                self.attempt(process.change_process_initiator, first.id, change(**who))
                process.retrieve_process(first.id)
            for value in ({"reference": "R"}, {"reference": "REF-2", "priority": 2}, {"reference": "REF-3"}):
                params = models.ProcessMetadataUpdateParams(metadata=models.JsonValue(value=value, valid=True))
                self.attempt(process.update_process_metadata, first.id, params)
                process.retrieve_process(first.id)
            steps = [models.JsonPatchOperation(op="add", path="/priority", value=99)]
            self.attempt(process.patch_process_metadata, first.id, steps)
            process.retrieve_process(first.id)
            steps = [models.JsonPatchOperation(op="replace", path="/priority", value=3)]
            self.attempt(process.patch_process_metadata, first.id, steps)
            process.retrieve_process(first.id)
            for value in (
                {"customer": {"name": "Bob"}}, {"customer": {"name": "Ann"}, "lines": [{"sku": "A", "quantity": 1}]},
                {"customer": {}}, {"customer": {"name": "Bob"}},
            ):  # fmt: skip
                self.attempt(self.entity, first, value)
                process.retrieve_process(first.id)
            for step in ({"op": "add", "path": "/note", "value": "x"}, {"op": "add", "path": "/more", "value": "y"}):
                self.attempt(process.patch_process_entity, first.id, [models.JsonPatchOperation(**step)])
                process.retrieve_process(first.id)
            step = models.JsonPatchOperation(op="test", path="/note", value="z")
            self.attempt(process.patch_process_entity, first.id, [step])
            process.retrieve_process(first.id)
            task = self.attempt(self.make_task, first.id)
            if task:
                self.attempt(self.client.process_item.claim_process_item_task, task.id)
                self.attempt(self.client.process_item.complete_process_item_task, task.id)
            for _ in range(3):
                self.attempt(process.complete_process, first.id)
                process.retrieve_process(first.id)
            if named:
                self.attempt(process.cancel_process, named.id)
                process.retrieve_process(named.id)
                self.attempt(process.cancel_process, named.id)
                self.attempt(process.complete_process, named.id)
                process.retrieve_process(named.id)

    def tasks(self) -> None:
        items = self.client.process_item
        for _ in range(2):
            process = self.make_process()
            task = self.make_task(process.id, value={"decision": "NO"})
            self.read(task)
            self.attempt(items.complete_process_item_task, task.id)  # which is not claimed yet
            self.read(task)
            items.append_process_item_task_log(
                task.id, models.ProcessItemTaskAppendLogParams(message="a", level="INFO")
            )
            self.read(task)
            self.attempt(items.claim_process_item_task, task.id)
            self.read(task)
            self.attempt(items.find_process_items, process_id=[process.id])
            self.attempt(self.save, task, {"decision": "YES"})
            self.read(task)
            for who in ({"owner_id": self.user.id}, {"owner_email": self.other.user.email}, {}):
                assign = models.ProcessItemTaskAssignParams(**who)
                self.attempt(items.assign_process_item_task, task.id, assign)
                self.read(task)
            second = self.make_task(process.id, "PAY", value={"amount": 1.23456789})
            self.attempt(items.claim_process_item_task, second.id)
            self.attempt(items.complete_process_item_task, second.id)
            self.read(second)
            self.attempt(items.claim_process_item_task, second.id)
            self.read(second)
            owned = self.attempt(self.make_task, process.id, owner_email=self.user.user.email)
            if owned:
                self.read(owned)
            text = models.ProcessItemMessageCreateParams(text="one\ntwo  three", data=models.JsonValue(value={"a": 1}))
            message = self.attempt(
                lambda t=text, p=process: items.create_process_item(
                    models.ProcessItemCreateParams(type="MESSAGE", process_id=p.id, message=t, id=self.new_id())
                )
            )
            if message:
                self.read(message)
                self.attempt(items.claim_process_item_task, message.id)
            self.attempt(items.find_process_items, process_id=[process.id])
            self.attempt(self.client.process.cancel_process, process.id)
            for item in (task, second, owned):
                if item:
                    self.read(item)
            self.attempt(items.find_process_items, process_id=[process.id])

    def patches(self) -> None:
        for _ in range(2):
            process = self.make_process()
            task = self.make_task(process.id, "PAY", value={"amount": 1, "notes": ["a", "b"]})
            many = [{"op": "add", "path": f"/extra{n}", "value": n} for n in range(12)]
            for steps in (
                many,
                [{"op": "add", "path": "/notes/-", "value": "c"}],
                [{"op": "add", "path": "/notes/1", "value": "d"}],
                [{"op": "copy", "from": "/notes/2", "path": "/notes/0"}],
                [{"op": "move", "from": "/extra1", "path": "/moved"}],
                [{"op": "add", "path": "/a~1b", "value": "slash"}],
                [{"op": "test", "path": "/amount", "value": 2}],
                [{"op": "test", "path": "/amount", "value": True}],
                [{"op": "add", "path": "/list", "value": ["x", "y"]}],
                [{"op": "test", "path": "/list", "value": ["y", "x"]}],
                [{"op": "remove", "path": "/missing"}],
                [{"op": "replace", "path": "/amount", "value": 7}, {"op": "test", "path": "/amount", "value": 8}],
                [{"op": "replace", "path": "/extra2", "value": None}],
                [],
            ):
                self.attempt(self.patch, task, *steps)
                self.read(task)

    def values(self) -> None:
        process = self.make_process()
        for value in (
            {"amount": 1.23456789, "text": "  spaces  ", "markup": "<b>", "empty": None, "list": [None, {}]},
            {"amount": 2, "text": "e\u0301 decomposed", "deep": {"a": {"b": {"c": [1, [2, [3]]]}}}},
            {},
        ):
            task = self.make_task(process.id, "PAY", value={"amount": 0})
            self.attempt(self.save, task, value)
            self.read(task)
            self.attempt(self.entity, process, {"customer": {"name": "Ann"}, **value})
            self.client.process.retrieve_process(process.id)

    def documents(self) -> None:
        process, other = self.make_process(), self.make_process()
        contents = [b"hello\r\nworld\x00", b"second", b"", bytes(range(256)) * 20 * 1024]
        references = []
        for number, content in enumerate(contents):
            name = "a+b c.txt" if number < 2 else f"file-{number}.bin"
            made = self.attempt(
                lambda c=content, n=name: self.client.process.upload_process_document(
                    process.id, file=io.BytesIO(c), file_content_type="text/plain", file_name=n
                )
            )
            if made:
                references.append(made.document_uri)
        for reference in [*references, *references[:1]]:
            for id_ in (process.id, other.id):
                self.attempt(
                    lambda i=id_, r=reference: b"".join(
                        self.client.process.download_process_document(i, document_uri=r)
                    )
                )
        self.attempt(
            lambda: b"".join(
                self.client.process.download_process_document(process.id, document_uri="kuflow-file:uri=none;")
            )
        )
        task = self.make_task(process.id, "SHIP", value={"address": "1 Main Street"})
        if references:
            self.attempt(self.save, task, {"address": "x", "document": references[0]})
            self.attempt(
                lambda: b"".join(self.client.process.download_process_document(process.id, document_uri=references[0]))
            )
        form = self.make_task(process.id, value={"decision": "YES", "form": {"name": "Ann"}})
        self.attempt(
            lambda: b"".join(
                self.client.process_item.download_process_item_task_data_webforms_as_document(
                    form.id, property_path="/form"
                )
            )
        )
        process_id, value_id = self.user_action
        for content, value in ((b"one", value_id), (b"one", value_id), (b"two", value_id), (b"x", self.new_id())):
            self.attempt(
                lambda c=content, v=value: self.client.process.upload_process_user_action_document(
                    process_id, models.Document("u.txt", "text/plain", io.BytesIO(c)), v
                )
            )

    def logs(self) -> None:
        process = self.make_process()
        task = self.make_task(process.id)
        levels = ("INFO", "WARN", "ERROR")
        for number in range(104):
            message = f"entry {number}" if number != 3 else "long " * 100
            log = models.ProcessItemTaskAppendLogParams(message=message, level=levels[number % 3])
            self.attempt(self.client.process_item.append_process_item_task_log, task.id, log)
            if number % 20 == 0:
                time.sleep(0.025)
        self.read(task)
        self.attempt(self.client.process_item.claim_process_item_task, task.id)
        self.read(task)

    def repetition(self) -> None:
        items = self.client.process_item
        for _ in range(2):
            key = self.new_id()
            made = [self.attempt(self.make_process, {"reference": "REF-1"}, id=key) for _ in range(4)]
            if not made[0]:
                return
            self.attempt(self.make_process, {"reference": "OTHER"}, id=key)
            self.attempt(self.make_process, {"reference": "OTHER"}, id=key.upper())
            self.attempt(self.client.process.retrieve_process, key)
            self.attempt(self.client.process.retrieve_process, key.upper())
            self.attempt(self.client.process.retrieve_process, key)
            process = made[0]
            params = self.task_params(process.id, value={"decision": "YES"}, id=self.new_id())
            for _ in range(2):
                self.attempt(items.create_process_item, params)
            other = self.task_params(process.id, value={"decision": "NO"}, id=params.id)
            self.attempt(items.create_process_item, other)
            self.attempt(items.retrieve_process_item, params.id)
            for _ in range(2):
                self.attempt(self.make_task, process.id, "SHIP")
            self.attempt(items.find_process_items, process_id=[process.id])
            key = self.new_id()
            threads = [
                threading.Thread(target=self.attempt, args=(self.make_process,), kwargs={"id": key}) for _ in range(4)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def mistakes(self) -> None:
        unknown = self.new_id()
        for find in (
            self.client.process.retrieve_process, self.client.process_item.retrieve_process_item,
            self.client.principal.retrieve_principal, self.client.robot.retrieve_robot,
        ):  # fmt: skip
            self.attempt(find, unknown)
        self.attempt(self.client.process.find_processes, size=1001)
        self.attempt(self.client.process_item.find_process_items, process_id=[unknown])
        self.attempt(self.client.tenant_user.find_tenant_users, group_id=["no-uuid"])
        self.attempt(self.client.principal.find_principals, tenant_id=[unknown])
        self.attempt(self.client.process.find_processes, page=2**31)
        self.attempt(self.client.robot.find_robots, page=2**31)
        process = self.make_process()
        self.attempt(self.make_task, process.id, "CONFORMANCE-NONE")
        self.attempt(self.make_task, process.id, owner_email="nobody@nowhere.example.com")

    def lists(self) -> None:
        items = self.client.process_item
        time.sleep(2.1)
        self.page_through(self.client.process.find_processes, ["createdAt", "id"], 10)
        self.page_through(self.client.process.find_processes, ["lastModifiedAt,desc"], 25)
        self.page_through(items.find_process_items, ["createdAt,desc", "id"], 30)
        self.page_through(items.find_process_items, ["createdAt", "id"], 4)
        self.attempt(self.client.principal.find_principals, type="SYSTEM", size=100)
        for context in (None, "DEFAULT", None):
            self.attempt(self.client.robot.find_robots, size=100, **({"filter_context": context} if context else {}))
        self.page_through(items.find_process_items, ["completedAt,desc", "id"], 100, type=["TASK"])
        self.page_through(items.find_process_items, ["id"], 20, type=["TASK"])
        for filters in (
            {"type": ["TASK", "MESSAGE"]}, {"type": ["MESSAGE"]}, {"task_definition_code": ["REVIEW", "PAY"]},
            {"task_definition_code": ["SHIP"]}, {"task_state": ["READY", "CLAIMED"]},
        ):  # fmt: skip
            self.attempt(items.find_process_items, size=1000, **filters)
        for name in ("completedAt", "claimedAt", "cancelledAt"):
            self.attempt(items.find_process_items, sort=[name], size=200)
        rows = self.client.process.find_processes(size=12, sort=["createdAt,desc"]).content
        keys = [row.id for row in rows]
        for chosen in (keys, keys[:1], [*keys[:2], self.new_id()]):
            self.attempt(items.find_process_items, process_id=chosen, size=1000)
        for key in keys[:4]:
            self.attempt(items.find_process_items, process_id=[key], task_state=["READY", "CLAIMED"], size=1000)
            self.attempt(items.find_process_items, process_id=[key], size=1000)

    def cancel(self) -> None:
        process = self.make_process()
        tasks = [self.make_task(process.id) for _ in range(28)]
        self.attempt(self.client.process_item.claim_process_item_task, tasks[0].id)
        assign = models.ProcessItemTaskAssignParams(owner_id=self.user.id)
        self.attempt(self.client.process_item.assign_process_item_task, tasks[1].id, assign)
        self.read(tasks[1])
        for _ in range(3):
            self.attempt(self.client.process.cancel_process, process.id)
            self.attempt(self.client.process.retrieve_process, process.id)
        for task in tasks:
            self.attempt(self.read, task)


# Measuring


def observe(kind: str, switch: str, clients: int = 1, outside: int = 0, keep: Path | None = None) -> dict[str, Any]:
    """What the witness says of the traffic of clients through the proxy, and that traffic, without ids and moments."""
    server = ReferenceServer(TOKENS)
    if switch:
        (faults.BANK if kind == "fault" else variations.BANK)[switch].install(server)
    served = Served(server.asgi, interface="asgi3", **server.http_options)
    direct = f"http://127.0.0.1:{served.port}{PREFIX}"
    target = Target.model_validate({"target": {"base-url": direct}, "auth": {"type": "none"}})
    seen: list[Seen] = []
    with tempfile.TemporaryDirectory() as folder:
        traffic = Traffic("benchmark", direct, openapi.load(), Path(folder))
        judge = traffic.see
        traffic.see = lambda one, token=None: (seen.append(one), judge(one, token))  # type: ignore[assignment,misc]
        proxy = Proxy(target, traffic.description, traffic, lambda: "")
        through = Served(proxy.asgi, date_header=False, server_header=False)
        url = f"http://127.0.0.1:{through.port}{PREFIX}"
        began = time.perf_counter()
        scripts = [Script(client_of(url, server), server) for _ in range(clients)]
        scripts += [Script(client_of(direct, server), server) for _ in range(outside)]
        runs = [script.run if len(scripts) == 1 else script.run_together for script in scripts]
        threads = [threading.Thread(target=run) for run in runs[1:]]
        for thread in threads:
            thread.start()
        runs[0]()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - began
        proxy.close()
        record = traffic.finish()
        through.stop()
        served.stop()
    if keep is not None:
        import pickle

        keep.mkdir(parents=True, exist_ok=True)
        (keep / f"{switch or 'honest'}.pickle").write_bytes(
            pickle.dumps(
                [dataclasses.replace(s, exchange=dataclasses.replace(s.exchange, operation=None)) for s in seen]
            )
        )
    broken = {
        r["id"]: [f"{f['operation']}: {f['expected']} / {f['seen']}" for f in r["failures"]]
        for r in record["requirements"]
        if r["outcome"] in ("fail", "warn")
    }
    return {
        "id": switch,
        "broken": broken,
        "requests": record["traffic"]["requests"],
        "seconds": round(seconds, 1),
        "witness": record["witness"],
        "failures": dict(scripts[0].failures),
        "shape": shape(seen),
    }


_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-f]{32}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)?")
_SECRET = re.compile(rb'"(token|clientPrivateKey|clientCertificate|caTlsCertificate|[a-zA-Z]*Certificate)":"[^"]*"')


def shape(seen: list[Seen]) -> list[str]:
    """The exchanges without what differs from one honest server to the next."""
    names: dict[str, str] = {}

    def name(match: re.Match[str]) -> str:
        text = match.group()
        kind = "moment" if "T" in text and ":" in text else "id"
        key = text.lower() if kind == "id" else text
        return names.setdefault(key, f"<{kind} {len(names)}>")

    lines = []
    for one in sorted(seen, key=lambda s: s.exchange.started):
        exchange = one.exchange
        body = _SECRET.sub(b'"\\1":"secret"', exchange.body).decode("utf-8", "replace")
        text = f"{exchange.operation_id} {exchange.status} {exchange.media_type} {exchange.failure} {body}"
        text = re.sub(r"1970-01-01T[^\"]*", "epoch", text)
        lines.append(_MOMENT.sub(name, _ID.sub(name, text))[:3000])
    return lines


def _in_child(job: tuple[str, str, int, int, Path | None], queue: Any) -> None:
    try:
        queue.put(observe(*job))
    except Exception as error:
        queue.put({"id": job[1], "error": f"{type(error).__name__}: {error}"})


def measure(jobs: list[tuple[str, str, int, int, Path | None]], at_once: int) -> Any:
    """The outcome of each job, from a process of its own: faults and variations change the code of the server."""
    context = multiprocessing.get_context("fork")
    waiting, running = collections.deque(jobs), []
    while waiting or running:
        while waiting and len(running) < at_once:
            job = waiting.popleft()
            queue = context.SimpleQueue()
            process = context.Process(target=_in_child, args=(job, queue), daemon=True)
            process.start()
            running.append((process, queue, job, time.monotonic()))
        for entry in list(running):
            process, queue, job, began = entry
            if not queue.empty():
                yield queue.get()
            elif process.is_alive() and time.monotonic() - began < PATIENCE:
                continue
            else:
                yield {"id": job[1], "error": "did not end"}
            process.kill()
            process.join()
            running.remove(entry)
        time.sleep(0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("faults", "variations", "clients"))
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--out", type=Path, help="All outcomes, as JSON.")
    chosen = parser.parse_args()
    if chosen.what == "clients":
        jobs = [("", "", 5, 0, None), ("", "", 1, 4, None), ("", "", 3, 2, None)]
    else:
        kind = chosen.what[:-1]
        bank = faults.BANK if kind == "fault" else variations.BANK
        ids = chosen.only or [switch.id for switch in bank]
        jobs = [(kind, key, 1, 0, chosen.record) for key in ["", *ids]]
    outcomes = []
    for outcome in measure(jobs, chosen.jobs):
        outcomes.append(outcome)
        print(outcome["id"] or "(honest)", outcome.get("error") or sorted(outcome["broken"]), flush=True)
        for key, failures in outcome.get("broken", {}).items() if chosen.only or chosen.what != "faults" else ():
            print(f"    {key} {failures[0][:300]}", flush=True)
    if chosen.what == "faults":
        report(outcomes)
    if chosen.out:
        for outcome in outcomes:
            outcome.pop("shape", None)
        chosen.out.write_text(json.dumps(outcomes, indent=1))


def report(outcomes: list[dict[str, Any]]) -> None:
    honest = next(outcome for outcome in outcomes if not outcome["id"])
    requirement = {fault.id: fault.requirement for fault in faults.BANK}
    shows, seen, under = [], [], []
    for outcome in outcomes:
        if not outcome["id"] or outcome.get("error"):
            continue
        if outcome["shape"] != honest["shape"] or outcome["broken"]:
            shows.append(outcome["id"])
        if outcome["broken"]:
            seen.append(outcome["id"])
        if requirement[outcome["id"]] in outcome["broken"]:
            under.append(outcome["id"])
    print(
        f"{len(outcomes) - 1} faults; the traffic can show {len(shows)}; "
        f"seen {len(seen)}, under its requirement {len(under)}"
    )
    print("missed:", ", ".join(key for key in shows if key not in seen))
    print("elsewhere:", ", ".join(f"{key} ({requirement[key]})" for key in seen if key not in under))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
