"""Pooled connections to a target: TLS, proxy, headers, and patience with a target that asks for it."""

from __future__ import annotations

import requests
from urllib3.util.retry import Retry

from kuflow_conformance import __version__
from kuflow_conformance.target.target_file import Target, secret
from kuflow_conformance.target.transport import CarefulAdapter

MAXIMUM_RETRY_AFTER = 60
"""Seconds that a 429 or 503 may ask the run to wait."""

PATIENCE = 8
"""How often a request is sent again after 429, or after 503 with Retry-After."""


def connect(target: Target, patience: int = PATIENCE) -> requests.Session:
    """Pooled connections to a target, as its file says; `patience` is how often a request is sent again after 429."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(target.http.ca_bundle) if target.http.ca_bundle else target.http.verify
    if target.http.proxy:
        session.proxies = {"http": target.http.proxy, "https": target.http.proxy}
    # Only answers that ask for patience are asked for again; a lost connection is handled below.
    retries = Retry(
        total=patience,  # none of the others is left out of this count
        connect=0,
        read=0,
        redirect=0,
        status=patience,
        other=0,
        status_forcelist=(429,) if patience else (),
        allowed_methods=None,
        respect_retry_after_header=True,
        retry_after_max=MAXIMUM_RETRY_AFTER,
        backoff_factor=0.2,
        backoff_max=5,
        raise_on_status=False,
        raise_on_redirect=False,
    )
    adapter = CarefulAdapter(target.http.answer_timeout, max_retries=retries, pool_maxsize=32)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    session.headers.update({"User-Agent": f"kuflow-conformance/{__version__}", "Accept-Encoding": "gzip, deflate"})
    session.headers.update(target.http.headers)
    session.headers.update({name: secret(variable) for name, variable in target.http.headers_env.items()})
    return session
