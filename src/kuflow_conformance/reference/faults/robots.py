"""Faults of robots and engine credentials."""

from __future__ import annotations

from typing import Any

from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import on_answer, on_call
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Json, Principal
from kuflow_conformance.reference.operations import Answer


@fault("token-expired", "ATH-001", "an engine token has expired already")
def _(server: ReferenceServer) -> None:
    def change(body: Json) -> None:
        if "engineToken" in body:
            body["engineToken"]["expiredAt"] = body["createdAt"]

    on_answer(server, ["createAuthentication"], change)


@fault("certificate-bare", "ATH-002", "the client certificate comes without its PEM frame")
def _(server: ReferenceServer) -> None:
    def change(body: Json) -> None:
        if "engineCertificate" in body:
            tls = body["engineCertificate"]["tls"]
            body["engineCertificate"]["tls"] = {
                **tls,
                "clientCertificate": "".join(tls["clientCertificate"].split("\n")[1:-2]),
            }

    on_answer(server, ["createAuthentication"], change)


@fault("authentication-type", "ATH-003", "an engine certificate says that it is a token")
def _(server: ReferenceServer) -> None:
    on_answer(server, ["createAuthentication"], lambda body: {**body, "type": "ENGINE_TOKEN"})


@fault("source-cut", "ROB-001", "the last byte of a robot's source code is lost")
def _(server: ReferenceServer) -> None:
    def download(original: Any, caller: Principal, id: str) -> Answer:
        answer: Answer = original()
        answer.content = (answer.content or b"")[:-1]
        return answer

    on_call(server, "downloadRobotSourceCode", download)


@fault("hash-of-another", "ROB-002", "one robot in two shows a hash that is not its own")
def _(server: ReferenceServer) -> None:
    robots = list(server.platform.robots.rows.values())
    for robot, other in zip(robots[::2], robots[1::2], strict=False):
        robot.source_hash = other.source_hash


@fault("asset-random", "ROB-004", "an asset differs from one download to the next")
def _(server: ReferenceServer) -> None:
    def download(original: Any, caller: Principal, id: str, query: Json) -> Answer:
        answer: Answer = original()
        answer.content = (answer.content or b"") + server.platform.new_id().encode()
        return answer

    on_call(server, "downloadRobotAsset", download)


@fault("asset-any-version", "ROB-005", "an unknown version of an asset is answered with the newest")
def _(server: ReferenceServer) -> None:
    on_call(
        server,
        "downloadRobotAsset",
        lambda original, caller, id, query: original(query={**query, "type": "PYTHON", "version": "3.12"}),
    )
