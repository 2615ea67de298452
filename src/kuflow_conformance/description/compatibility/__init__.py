"""Whether a new description breaks clients of an old one: by rules on structure, and by messages that show it."""

from kuflow_conformance.description.compatibility.entries import Entry, Place
from kuflow_conformance.description.compatibility.findings import LEVELS, Level
from kuflow_conformance.description.compatibility.judgement import Judgement, judge, load_accepted
from kuflow_conformance.description.compatibility.operations import Change
from kuflow_conformance.description.compatibility.used import Recorded

__all__ = ["LEVELS", "Change", "Entry", "Judgement", "Level", "Place", "Recorded", "judge", "load_accepted"]
