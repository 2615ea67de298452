"""The bundled reference server: a stateful KuFlow in one process, for local use and for proving the suite."""
