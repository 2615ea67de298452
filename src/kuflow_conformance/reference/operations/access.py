"""Authentications, principals and tenant users."""

from __future__ import annotations

import secrets
from datetime import timedelta

from kuflow_conformance.reference.certificates import engine_certificate
from kuflow_conformance.reference.model import Json, Principal, timestamp
from kuflow_conformance.reference.operations.state import Answer, Refused, State


class Access(State):
    def create_authentication(self, caller: Principal, body: Json, oauth: bool = False) -> Answer:
        tenant = body.get("tenantId")
        if oauth and tenant is None:
            raise Refused(400, "tenantId is required with OAuth2", [self.detail("tenantId", "REQUIRED")])
        if tenant is not None and tenant.lower() != caller.tenant_id:
            raise Refused(403, f"No access to tenant {tenant}")
        answer = {
            **self.audit(caller).render(),
            "id": self.new_id(),
            "type": body["type"],
            "tenantId": caller.tenant_id,
        }
        if body["type"] == "ENGINE_TOKEN":
            answer["engineToken"] = {
                "token": secrets.token_urlsafe(32),
                "expiredAt": timestamp(self.now() + timedelta(hours=1)),
            }
        else:
            answer["engineCertificate"] = {"namespace": caller.tenant_id, "tls": engine_certificate()}
        return Answer(json=answer)

    def find_principals(self, caller: Principal, query: Json) -> Answer:
        rows = self.listed(self.principals, caller, query)
        rows = [row for row in rows if query.get("type", row.type) == row.type]
        rows = self.having(rows, query, "groupId", lambda row: row.groups)
        return self.page(rows, query, {"id": lambda row: row.id, "name": lambda row: row.name})

    def retrieve_principal(self, caller: Principal, id: str) -> Answer:
        return Answer(json=self.find(self.principals, caller, id, "principal").render())

    def find_tenant_users(self, caller: Principal, query: Json) -> Answer:
        rows = self.listed(self.tenant_users, caller, query)
        rows = self.having(rows, query, "groupId", lambda row: row.principal.groups)
        rows = self.having(rows, query, "email", lambda row: [row.principal.email])
        return self.page(rows, query, self.audit_sorting(id=lambda row: row.id))

    def retrieve_tenant_user(self, caller: Principal, id: str) -> Answer:
        return Answer(json=self.find(self.tenant_users, caller, id, "tenant user").render())
