"""The variation bank: legal choices that differ from the reference server's own, to prove that the suite allows them.

Each names the reason why the documentation allows it. They are kept by kind.
"""

from kuflow_conformance.reference.variations import answers, lists, rules, stacks, tasks, workflow
from kuflow_conformance.reference.variations.table import BANK, Variation

__all__ = ["BANK", "Variation", "answers", "lists", "rules", "stacks", "tasks", "workflow"]
