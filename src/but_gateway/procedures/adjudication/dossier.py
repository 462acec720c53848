"""The facts a decision was made from, as they are stored: shared parts once by content, the situation with the decision.

``decision.facts`` is ``{"c": hash, "s": situation}``; the part ``c`` names the hashes of town, provider, agreement, facility, claim
and grants. ``read_facts`` puts the same Facts together again, so that ``evaluate`` gives the same decision for ever.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from but_gateway.rules.document import Document, Part, part_document, part_from_document, situation_document, situation_from_document
from but_gateway.rules.facts import Agreement, Claim, Facility, Facts, Grant, Provider, Town

_Part = TypeVar("_Part", Agreement, Claim, Facility, Provider, Town)

_HASH_BYTES: Final = 16
_SINGLE: Final = ("claim", "town", "provider", "agreement", "facility")


# One encoder for all: json.dumps with options makes a new one for each document.
_dump: Final = json.JSONEncoder(separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode


@dataclass(slots=True)
class Dossier:
    """Collects the parts of the decisions of one transaction."""

    bodies: dict[bytes, str] = field(default_factory=dict)
    _parts: dict[int, tuple[Part, str]] = field(default_factory=dict)  # the object is kept so that its id stays its own
    _contexts: dict[tuple[int, ...], tuple[Facts, str]] = field(default_factory=dict)

    def text(self, facts: Facts, situation: Document | None = None) -> str:
        """What stands in decision.facts; the parts go into ``bodies``. ``situation``: its document, where it is made already."""
        return f'{{"c":"{self._context(facts)}","s":{_dump(situation_document(facts.situation) if situation is None else situation)}}}'

    def _context(self, facts: Facts) -> str:
        key = (id(facts.claim), id(facts.town), id(facts.provider), id(facts.agreement), id(facts.facility), id(facts.grants))
        known = self._contexts.get(key)
        if known is None:
            names: dict[str, Any] = {name: self._part(part) for name in _SINGLE if (part := getattr(facts, name)) is not None}
            if facts.grants:
                names["grants"] = [self._part(grant) for grant in facts.grants]
            if facts.other_benefits:
                names["other_benefits"] = True
            known = self._contexts[key] = (facts, self._store(_dump(names)))
        return known[1]

    def _part(self, part: Part) -> str:
        known = self._parts.get(id(part))
        if known is None:
            known = self._parts[id(part)] = (part, self._store(_dump(part_document(part))))
        return known[1]

    def _store(self, body: str) -> str:
        digest = hashlib.sha256(body.encode()).digest()[:_HASH_BYTES]
        self.bodies[digest] = body
        return digest.hex()


def part_hashes(stored: Mapping[str, Any], context: Mapping[str, Any] | None = None) -> list[bytes]:
    """The parts a stored document needs: first only its context, then (with it) the rest."""
    if context is None:
        return [bytes.fromhex(stored["c"])]
    return [bytes.fromhex(h) for h in (*(context[name] for name in _SINGLE if name in context), *context.get("grants", ()))]


def read_facts(stored: Mapping[str, Any], parts: Mapping[bytes, Mapping[str, Any]]) -> Facts:
    """The facts of a stored decision; ``parts`` holds the bodies by hash. Refuses when a part is missing (KeyError)."""
    context = parts[bytes.fromhex(stored["c"])]

    def part(kind: type[_Part], name: str) -> _Part:
        return part_from_document(kind, dict(parts[bytes.fromhex(context[name])]))

    return Facts(
        situation=situation_from_document(dict(stored["s"])),
        claim=part(Claim, "claim"),
        town=part(Town, "town"),
        provider=part(Provider, "provider"),
        agreement=part(Agreement, "agreement") if "agreement" in context else None,
        facility=part(Facility, "facility") if "facility" in context else None,
        grants=tuple(part_from_document(Grant, dict(parts[bytes.fromhex(h)])) for h in context.get("grants", ())),
        other_benefits=bool(context.get("other_benefits")),
    )
