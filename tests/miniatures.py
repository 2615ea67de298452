"""Small wrong servers, each wrong in one plain way that people really meet: what does a run say of them?

`python tests/miniatures.py NAME --write-target FILE` serves one by itself.
"""

from __future__ import annotations

import itertools
import random
import sys
from pathlib import Path
from typing import Any

from starlette.responses import Response

from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import Switch, around, on_answer, on_call
from kuflow_conformance.reference.operations import Answer, Refused
from kuflow_conformance.reference.serve import serve

MINIATURES: dict[str, Switch] = {}


def miniature(name: str, summary: str) -> Any:
    def register(install: Any) -> Any:
        MINIATURES[name] = Switch(name, summary, install)
        return install

    return register


@miniature("one-alternative", "500 to every initiatorEmail and every change of initiator")
def _(server: ReferenceServer) -> None:
    def create(original: Any, caller: Any, body: Any) -> Answer:
        if "initiatorEmail" in body:
            raise Refused(500, "NullPointerException")
        answer: Answer = original()
        return answer

    def change(original: Any, caller: Any, **arguments: Any) -> Answer:
        raise Refused(500, "NullPointerException")

    on_call(server, "createProcess", create)
    on_call(server, "changeProcessInitiator", change)


BUILT = ("findPrincipals", "retrievePrincipal", "findProcesses", "retrieveProcess", "createProcess", "completeProcess")


@miniature("half-built", "six operations work, the others answer 501")
def _(server: ReferenceServer) -> None:
    def execute(original: Any, operation: Any, caller: Any, arguments: Any) -> Answer:
        if operation.id not in BUILT:
            raise Refused(501, "Not implemented")
        answer: Answer = original(operation, caller, arguments)
        return answer

    around(server, "execute", execute)


ROBOTS = ("findRobots", "retrieveRobot", "downloadRobotSourceCode", "downloadRobotAsset")


@miniature("robots-only", "robots work, all else answers 501, the list that credentials are tried with among it")
def _(server: ReferenceServer) -> None:
    def execute(original: Any, operation: Any, caller: Any, arguments: Any) -> Answer:
        if operation.id not in ROBOTS:
            raise Refused(501, "Not implemented")
        answer: Answer = original(operation, caller, arguments)
        return answer

    around(server, "execute", execute)


@miniature("cold", "the first forty pages of robots say another size than was asked for")
def _(server: ReferenceServer) -> None:
    shown = itertools.count()

    def change(body: Any) -> Any:
        if next(shown) >= 40:
            return body
        return {**body, "metadata": {**body["metadata"], "size": body["metadata"]["size"] + 1}}

    on_answer(server, ["findRobots"], change)


@miniature("one-bad-gateway", "a single request of thousands, the fourth that reads a robot, gets a 502")
def _(server: ReferenceServer) -> None:
    asked = itertools.count(1)

    def read(original: Any, caller: Any, id: str) -> Answer:
        if next(asked) == 4:
            raise Refused(502, "Bad gateway")
        answer: Answer = original()
        return answer

    on_call(server, "retrieveRobot", read)


@miniature("any-id", "a mock: whatever id is read, there is an example of it")
def _(server: ReferenceServer) -> None:
    platform = server.platform
    kept = {
        "principal": platform.principals,
        "tenant-user": platform.tenant_users,
        "process": platform.processes,
        "process-item": platform.items,
        "robot": platform.robots,
    }

    def execute(original: Any, operation: Any, caller: Any, arguments: Any) -> Answer:
        try:
            answer: Answer = original(operation, caller, arguments)
        except Refused as refusal:
            if refusal.status != 404 or not operation.is_read_only:
                raise
            example = kept[operation.tag].visible(caller.principal)[0]
            answer = original(operation, caller, {**arguments, "id": example.id})
        return answer

    around(server, "execute", execute)


@miniature("random", "each answer about a resource is made up anew")
def _(server: ReferenceServer) -> None:
    def change(body: Any) -> Any:
        return {
            **body,
            "state": random.choice(["RUNNING", "COMPLETED", "CANCELLED"]),
            "initiatorId": server.platform.new_id(),
        }

    on_answer(server, ["retrieveProcess", "createProcess"], change)
    on_answer(server, ["retrievePrincipal"], lambda body: {**body, "name": str(random.random())})
    on_answer(server, ["retrieveRobot"], lambda body: {**body, "name": str(random.random())})
    on_answer(
        server,
        ["retrieveTenantUser"],
        lambda body: {**body, "createdAt": f"20{random.randrange(10, 99)}-01-01T00:00:00Z"},
    )
    on_answer(server, ["retrieveProcessItem"], lambda body: {**body, "ownerId": server.platform.new_id()})


@miniature("polite-errors", "errors come with status 200")
def _(server: ReferenceServer) -> None:
    def refuse(original: Any, operation: Any, refusal: Refused) -> Response:
        response: Response = original(operation, refusal)
        response.status_code = 200
        return response

    around(server, "refuse", refuse)


@miniature("open-door", "no credentials are checked")
def _(server: ReferenceServer) -> None:
    around(
        server,
        "application",
        lambda original, identifier, token: original(identifier, token) or server.tenants[0].application,
    )


@miniature("totals-as-text", "totalElements is a text")
def _(server: ReferenceServer) -> None:
    lists = ["findPrincipals", "findTenantUsers", "findProcesses", "findProcessItems", "findRobots"]

    def change(body: Any) -> Any:
        return {**body, "metadata": {**body["metadata"], "totalElements": str(body["metadata"]["totalElements"])}}

    on_answer(server, lists, change)


@miniature("words-for-emails", 'every email address is "string"')
def _(server: ReferenceServer) -> None:
    def change(body: Any) -> Any:
        return {**body, "user": {**body["user"], "email": "string"}} if isinstance(body.get("user"), dict) else body

    on_answer(server, ["retrievePrincipal"], change)


@miniature("forgetful", "what is created is answered, and not kept")
def _(server: ReferenceServer) -> None:
    def forget(kept: Any) -> Any:
        def create(original: Any, caller: Any, body: Any) -> Answer:
            answer: Answer = original()
            assert answer.json is not None
            kept().remove(answer.json["id"])
            return answer

        return create

    on_call(server, "createProcess", forget(lambda: server.platform.processes))
    on_call(server, "createProcessItem", forget(lambda: server.platform.items))


if __name__ == "__main__":
    serve(0, [MINIATURES[sys.argv[1]]], (), Path(sys.argv[3]))
