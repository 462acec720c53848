"""Charts as plain SVG: columns beside or upon each other, drawn in whole numbers. No script, no style, no reference to anywhere.

Written by hand because the usual library puts a script element, a style sheet, addresses and the present day into every picture. Here the
same figures make the same bytes, a strict content security policy has nothing to complain about, and a screen reader finds title, text and
the value of each column.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

WIDTH: Final = 960
HEIGHT: Final = 520
_LEFT, _RIGHT, _TOP, _BOTTOM = 120, 24, 96, 112
_TICKS_MAX: Final = 6
_GAP_SHARE: Final = 4  # a quarter of a label's width stays empty
_LABEL_LENGTH_MAX: Final = 18
_STRAIGHT_LABELS_MAX: Final = 12  # more are written at an angle, and so are long ones
_ROOM_PER_LETTER: Final = 8
# Told apart with every kind of colour blindness and on grey paper, three to one against white at least (after Okabe and Ito, darkened).
COLOURS: Final = ("#005a8c", "#b34700", "#00735c", "#8c4b7a", "#6b6b00", "#3d3d3d", "#a3195b")


@dataclass(frozen=True, slots=True)
class Series:
    """Values of one kind, one for each label; None: there is none to show."""

    name: str
    values: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn. ``spell`` says a value as people read it; the description is what somebody is told who cannot see the picture."""

    title: str
    description: str
    labels: tuple[str, ...]
    series: tuple[Series, ...]
    spell: Callable[[int], str] = str
    stacked: bool = False


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to heights on the page."""

    low: int
    high: int
    step: int

    def y(self, value: int) -> int:
        """Where a value lies, counted from the top of the page."""
        room = HEIGHT - _TOP - _BOTTOM
        return _TOP + (self.high - value) * room // (self.high - self.low)


def draw(chart: Chart) -> bytes:
    """The picture."""
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img"'
            ' aria-labelledby="title description" font-family="Arial, Helvetica, sans-serif" font-size="13" fill="#1a1a1a">'
        ),
        f'<title id="title">{escape(chart.title)}</title><desc id="description">{escape(chart.description)}</desc>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="32" font-size="18" font-weight="bold">{escape(chart.title)}</text>',
        *_legend(chart.series),
    ]
    if any(value is not None for series in chart.series for value in series.values):
        scale = _scale(chart)
        parts += [*_axis(chart, scale), *_columns(chart, scale), *_labels(chart.labels)]
    else:
        parts.append(f'<text x="{WIDTH // 2}" y="{HEIGHT // 2}" text-anchor="middle">Keine Werte</text>')
    return "".join([*parts, "</svg>\n"]).encode()


def _scale(chart: Chart) -> _Scale:
    """From zero, or the lowest column, to the highest, in round steps: 1, 2 or 5 times a power of ten."""
    if chart.stacked:
        columns = [[s.values[i] or 0 for s in chart.series] for i in range(len(chart.labels))]
        ends = [end for values in columns for end in (sum(v for v in values if v > 0), sum(v for v in values if v < 0))]
    else:
        ends = [value or 0 for series in chart.series for value in series.values]
    low, high = min(0, *ends), max(1, *ends)
    step, nicer = 1, (2, 5, 10)
    while (high - low) // step >= _TICKS_MAX:
        unit = 10 ** (len(str(step)) - 1)
        step = next(n * unit for n in nicer if n * unit > step)
    return _Scale(low // step * step, -(-high // step) * step, step)


def _axis(chart: Chart, scale: _Scale) -> Iterator[str]:
    for value in range(scale.low, scale.high + 1, scale.step):
        y = scale.y(value)
        colour = "#1a1a1a" if value == 0 else "#c8c8c8"
        yield f'<line x1="{_LEFT}" y1="{y}" x2="{WIDTH - _RIGHT}" y2="{y}" stroke="{colour}"/>'
        yield f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{escape(chart.spell(value))}</text>'


def _columns(chart: Chart, scale: _Scale) -> Iterator[str]:
    for place, label in enumerate(chart.labels):
        left, right = _span(place, len(chart.labels))
        above = below = 0
        for number, series in enumerate(chart.series):
            value = series.values[place]
            if not value:
                continue
            if chart.stacked:
                begin, first, last = (above if value > 0 else below), left, right
                above, below = above + max(value, 0), below + min(value, 0)
            else:
                width = (right - left) // len(chart.series)
                begin, first, last = 0, left + number * width, left + (number + 1) * width
            top, bottom = sorted((scale.y(begin), scale.y(begin + value)))
            yield (
                f'<rect x="{first}" y="{top}" width="{max(last - first, 1)}" height="{max(bottom - top, 1)}" fill="{_colour(number)}"'
                f' stroke="#ffffff"><title>{escape(f"{label}, {series.name}: {chart.spell(value)}")}</title></rect>'
            )


def _labels(labels: Sequence[str]) -> Iterator[str]:
    y, room = HEIGHT - _BOTTOM + 20, (WIDTH - _LEFT - _RIGHT) // (len(labels) * _ROOM_PER_LETTER)
    straight = len(labels) <= _STRAIGHT_LABELS_MAX and all(len(label) <= room for label in labels)
    for place, label in enumerate(labels):
        left, right = _span(place, len(labels))
        x = (left + right) // 2
        if straight:
            yield f'<text x="{x}" y="{y}" text-anchor="middle">{escape(label)}</text>'
        else:
            yield f'<text x="{x}" y="{y}" text-anchor="end" transform="rotate(-40 {x} {y})">{escape(_cut(label))}</text>'


def _legend(series: Sequence[Series]) -> Iterator[str]:
    x = _LEFT
    for number, one in enumerate(series):
        yield f'<rect x="{x}" y="52" width="14" height="14" fill="{_colour(number)}"/>'
        yield f'<text x="{x + 20}" y="64">{escape(one.name)}</text>'
        x += 44 + 8 * len(one.name)


def _span(place: int, count: int) -> tuple[int, int]:
    """Left and right end of what stands over a label."""
    room = WIDTH - _LEFT - _RIGHT
    left, right = _LEFT + place * room // count, _LEFT + (place + 1) * room // count
    gap = (right - left) // (2 * _GAP_SHARE)
    return left + gap, right - gap


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _cut(label: str) -> str:
    return label if len(label) <= _LABEL_LENGTH_MAX else f"{label[: _LABEL_LENGTH_MAX - 1]}…"
