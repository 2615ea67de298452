"""The bundled reference server: a stateful KuFlow in one process, with its faults and variations.

It knows no suite and no run; only commands and tests know it.
"""
