"""Writing an agreement: who may bill which benefit, where, when and at which prices."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Final

from but_gateway.audit import record
from but_gateway.db.session import UnitOfWork
from but_gateway.identity.call import Call
from but_gateway.kit.ids import new_id
from but_gateway.kit.period import DayRange
from but_gateway.registers.facilities.store import FacilityRecord, find_facilities
from but_gateway.registers.municipalities.redecision_store import ask_redecision
from but_gateway.registers.municipalities.store import lock_register
from but_gateway.registers.providers import store
from but_gateway.registers.providers.agreement_schemas import AgreementIn, AgreementOut
from but_gateway.registers.providers.model import AgreementRecord, ProviderRecord
from but_gateway.registers.providers.touched_by_provider import touched_by_agreement
from but_gateway.rules.facts import DatedPrice
from but_gateway.web.answers import Answer
from but_gateway.web.conditional import demand_match, stored
from but_gateway.web.problems import Fault, Invalid, Text

# What can be agreed per benefit. Drinks, breakfast and pocket money are never paid (M-12, M-13, X-06), so no price can be agreed.
# Cash benefits may be agreed about, but nothing is ever paid to a provider: a line says X-01, a check does not confirm.
_ITEMS: Final = {
    "lunch": {"lunch"},
    "tutoring": {"individual", "group", "material"},
    "participation": {"fee", "equipment", "material"},
    "day_trip": {"fee", "material"},
    "class_trip": {"fee", "material"},
    "school_supplies": {"fee", "material"},
    "school_transport": {"fee"},
}
_UNKNOWN_PROVIDER = Text("Es gibt keinen Anbieter mit diesem Schlüssel.", "There is no provider with this key.")
_UNKNOWN_FACILITY = Text("Es gibt keine Einrichtung mit diesem Schlüssel.", "There is no facility with this key.")
_TWICE = Text("Dieser Eintrag steht doppelt in der Liste.", "This entry is in the list twice.")
_BACKWARDS = Text("Der letzte Tag liegt vor dem ersten.", "The last day lies before the first.")
_LUNCH_ONLY = Text("Das gibt es nur beim Mittagessen.", "This exists for lunch only.")
_PRICE_NEEDED = Text("Hier muss mindestens ein Preis vereinbart sein.", "At least one price must be agreed here.")
_PRICE_LATE = Text(
    "Der erste Preis muss spätestens am ersten Tag der Vereinbarung gelten.",
    "The first price must hold from the first day of the agreement.",
)
_ITEM_WRONG = Text("Diesen Posten gibt es bei dieser Leistungsart nicht.", "This item does not exist for this benefit.")
_TERMS_NEEDED = Text("Bei Lernförderung sind diese Angaben nötig.", "For tutoring these terms are needed.")
_TERMS_WRONG = Text("Diese Angaben gibt es nur bei Lernförderung.", "These terms exist for tutoring only.")


async def put_agreement(unit: UnitOfWork, call: Call, key: str, body: AgreementIn, if_match: str | None) -> Answer:
    """Makes or replaces the agreement of a key. The same agreement again keeps its version.

    Refuses when another version is there (PreconditionFailed); provider or a facility is unknown; days are backwards; prices, mode or
    tutoring terms do not fit the benefit; or another agreement of the provider covers the same benefit, facility and day, because
    the service date must choose one (Invalid).
    """
    await lock_register(unit, "agreement")
    present = await store.find_agreement(unit, key)
    demand_match(if_match, present.version if present else 0)
    provider = await store.find_provider(unit, body.provider)
    facilities = await find_facilities(unit, body.facilities)
    faults = [*_key_faults(body, provider, facilities), *_term_faults(body), *_price_faults(body)]
    if faults or provider is None:
        raise Invalid(faults=faults)
    new = _record(key, body, provider, facilities, present)
    faults = list(_overlaps(new, await store.load_agreements(unit, provider.id)))
    if faults:
        raise Invalid(faults=faults)
    if new != present:
        new = replace(new, version=present.version + 1 if present else 1)
        await store.write_agreement(unit, new)
        await ask_redecision(unit, "agreement", touched_by_agreement(present, new), call.now())
        await record.record(
            unit,
            at=call.now(),
            actor=call.principal.actor,
            action="agreement.changed" if present else "agreement.created",
            object_type="agreement",
            object_id=new.id,
            payload={"key": key, "version": new.version, "agreement": body.model_dump(mode="json")},
        )
    keys = {facility.id: facility.key for facility in facilities.values()}
    location = f"/v1/municipalities/{call.town.key}/agreements/{key}"
    return stored(AgreementOut.of(new, keys, provider.key), new.version, created=present is None, location=location)


def _record(
    key: str, body: AgreementIn, provider: ProviderRecord, facilities: Mapping[str, FacilityRecord], present: AgreementRecord | None
) -> AgreementRecord:
    ids = tuple(facilities[facility].id for facility in body.facilities)
    prices = sorted((DatedPrice(p.item, p.valid_from, p.unit_price) for p in body.prices), key=lambda p: (p.item, p.valid_from))
    return AgreementRecord(
        id=present.id if present else new_id(),
        key=key,
        provider_id=provider.id,
        benefit=body.benefit,
        facilities=ids,
        facility_ids=frozenset(ids),
        valid=DayRange(body.valid_from, body.valid_to),
        mode=body.mode,
        evidence=body.evidence,
        prices=tuple(prices),
        vat_treatment=body.vat_treatment,
        drink_included=body.drink_included,
        late_cancellation_share=body.late_cancellation_share,
        absence_threshold_days=body.absence_threshold_days,
        min_period_months=body.min_period_months,
        submission_months=body.submission_months,
        late_effect=body.late_effect,
        tutoring=body.tutoring.terms() if body.tutoring else None,
        version=present.version if present else 1,
    )


def _key_faults(body: AgreementIn, provider: ProviderRecord | None, facilities: Collection[str]) -> Iterator[Fault]:
    if provider is None:
        yield Fault("/provider", "unknown_key", _UNKNOWN_PROVIDER)
    for i, facility in enumerate(body.facilities):
        if facility not in facilities:
            yield Fault(f"/facilities/{i}", "unknown_key", _UNKNOWN_FACILITY)
        elif facility in body.facilities[:i]:
            yield Fault(f"/facilities/{i}", "duplicate", _TWICE)


def _term_faults(body: AgreementIn) -> Iterator[Fault]:
    if body.valid_to < body.valid_from:
        yield Fault("/valid_to", "backwards", _BACKWARDS)
    if body.benefit != "lunch":
        if body.mode != "per_use":
            yield Fault("/mode", "lunch_only", _LUNCH_ONLY)
        if body.evidence != "dates":
            yield Fault("/evidence", "lunch_only", _LUNCH_ONLY)
    if body.benefit == "tutoring" and body.tutoring is None:
        yield Fault("/tutoring", "missing", _TERMS_NEEDED)
    if body.benefit != "tutoring" and body.tutoring is not None:
        yield Fault("/tutoring", "tutoring_only", _TERMS_WRONG)


def _price_faults(body: AgreementIn) -> Iterator[Fault]:
    seen: set[object] = set()
    for i, price in enumerate(body.prices):
        if price.item not in _ITEMS[body.benefit]:
            yield Fault(f"/prices/{i}/item", "wrong_item", _ITEM_WRONG)
        if (price.item, price.valid_from) in seen:
            yield Fault(f"/prices/{i}/valid_from", "duplicate", _TWICE)
        seen.add((price.item, price.valid_from))
    if body.prices and min(price.valid_from for price in body.prices) > body.valid_from:
        yield Fault("/prices/0/valid_from", "price_late", _PRICE_LATE)
    # A month or a lesson is worth what was agreed; only single meals, fees and trips can be paid at actual cost.
    if not body.prices and (body.mode == "flat" or body.benefit == "tutoring"):
        yield Fault("/prices", "missing", _PRICE_NEEDED)


def _overlaps(new: AgreementRecord, others: Collection[AgreementRecord]) -> Iterator[Fault]:
    for other in others:
        if other.id != new.id and new.overlaps(other):
            yield Fault(
                "/valid_from",
                "overlapping_agreement",
                Text(
                    f"Die Vereinbarung „{other.key}“ gilt schon für dieselbe Leistungsart und Einrichtung an denselben Tagen. "
                    "Beenden Sie diese zuerst.",
                    f"Agreement “{other.key}” holds for the same benefit and facility on the same days already. End that one first.",
                ),
            )
