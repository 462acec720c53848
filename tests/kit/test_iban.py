"""IBANs: only right ones pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from but_gateway.kit.iban import LENGTHS, mask_iban, parse_iban

# Published examples of the countries' own registries.
EXAMPLES = [
    "DE89370400440532013000",
    "DE02120300000000202051",
    "AT611904300234573201",
    "BE68539007547034",
    "CH9300762011623852957",
    "FR1420041010050500013M02606",
    "GB29NWBK60161331926819",
    "MT84MALT011000012345MTLCAST001S",
    "NL91ABNA0417164300",
    "NO9386011117947",
    "PL61109010140000071219812874",
]
ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@pytest.mark.parametrize("iban", EXAMPLES)
def test_published_examples_pass_however_they_are_written(iban: str) -> None:
    assert parse_iban(iban) == iban
    in_groups = " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))
    assert parse_iban(in_groups.lower()) == iban


@given(some.sampled_from(EXAMPLES), some.data())
def test_one_wrong_character_is_always_noticed(iban: str, data: some.DataObject) -> None:
    place = data.draw(some.integers(2, len(iban) - 1))
    other = data.draw(some.sampled_from([c for c in ("0123456789" if iban[place].isdigit() else ALPHANUMERIC[10:]) if c != iban[place]]))
    with pytest.raises(ValueError, match="check digits"):
        parse_iban(iban[:place] + other + iban[place + 1 :])


@given(some.sampled_from(EXAMPLES), some.data())
def test_two_neighbours_that_changed_places_are_always_noticed(iban: str, data: some.DataObject) -> None:
    place = data.draw(
        some.sampled_from([i for i in range(4, len(iban) - 1) if iban[i] != iban[i + 1] and iban[i].isdigit() == iban[i + 1].isdigit()])
    )
    with pytest.raises(ValueError, match="check digits"):
        parse_iban(iban[:place] + iban[place + 1] + iban[place] + iban[place + 2 :])


@given(some.sampled_from(sorted(LENGTHS)), some.data())
def test_for_each_account_just_one_pair_of_check_digits_is_right(country: str, data: some.DataObject) -> None:
    size = LENGTHS[country] - 4
    account = data.draw(some.text(alphabet=ALPHANUMERIC, min_size=size, max_size=size))
    right = []
    for check in range(100):
        try:
            right.append(parse_iban(f"{country}{check:02d}{account}"))
        except ValueError:
            continue
    assert len(right) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "DE",
        "DE8937040044053201300",
        "DE893704004405320130000",
        "US89370400440532013000",
        "XX89370400440532013000",
        "D189370400440532013000",
        "DEA9370400440532013000",
        "DE89-3704-0044-0532-0130-00",
        "DE8937040044053201300٠",
        "DE89370400440532013000\n",
        "ＤＥ89370400440532013000",
    ],
)
def test_what_has_not_the_shape_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="SEPA area"):
        parse_iban(text)


def test_the_twins_of_right_check_digits_are_refused() -> None:
    # 00, 01 and 99 leave the same remainder as 97, 98 and 02.
    twins = {"97": "00", "98": "01", "02": "99"}
    found = set()
    for account in range(600):
        for check, twin in twins.items():
            text = f"DE{check}{account:018d}"
            try:
                parse_iban(text)
            except ValueError:
                continue
            found.add(check)
            with pytest.raises(ValueError, match="check digits"):
                parse_iban(f"DE{twin}{account:018d}")
    assert found == set(twins)


@given(some.text(max_size=40))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        parsed = parse_iban(text)
    except ValueError:
        return
    assert len(parsed) == LENGTHS[parsed[:2]]


def test_a_masked_iban_hides_the_account() -> None:
    assert mask_iban("DE89370400440532013000") == "DE89…3000"
