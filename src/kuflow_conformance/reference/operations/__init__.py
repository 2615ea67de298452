"""The rules of KuFlow, without HTTP: one method per operation of the API, by resource.

Every method takes the calling `Principal` and the request's parts, and returns an `Answer` or raises `Refused`.
Where the documentation is silent, the choice made here is one of several legal ones; the suite must not rely on it.
"""

from kuflow_conformance.reference.operations.access import Access
from kuflow_conformance.reference.operations.documents import Documents
from kuflow_conformance.reference.operations.processes import Processes
from kuflow_conformance.reference.operations.state import Answer, Refused, Store
from kuflow_conformance.reference.operations.workers import Workers


class Platform(Access, Processes, Documents, Workers):
    """The state of the server and all operations on it."""


__all__ = ["Answer", "Platform", "Refused", "Store"]
