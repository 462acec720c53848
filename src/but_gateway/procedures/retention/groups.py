"""What hangs together is deleted together."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from uuid import UUID


def groups_of(start: Iterable[UUID], links: Iterable[tuple[UUID, UUID]]) -> Iterator[list[UUID]]:
    """Those that name each other, directly or through others, also such as are not among the first."""
    near: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for one, other in links:
        near[one].append(other)
        near[other].append(one)
    seen: set[UUID] = set()
    for first in start:
        if first in seen:
            continue
        seen.add(first)
        group = [first]
        for one in group:  # grows while it is walked
            for other in near[one]:
                if other not in seen:
                    seen.add(other)
                    group.append(other)
        yield group
