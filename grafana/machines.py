"""What a machine is called: its hostname, with its address beside it if two machines share a name."""

from __future__ import annotations

from grafana.style import SOME

SEEN_AT = "instance:host_seen:timestamp_seconds"
NAMED = 'hostname!=""'


def names(matchers: str) -> str:
    """Return the query for the machines of the time range, whose label ``hostname`` is what each is called.

    A machine that has never reported a name goes by its address. ``matchers`` select the machines.
    """

    def seen(*more: str) -> str:
        chosen = ", ".join((matchers, *more))
        return f"topk by (job, instance) (1, last_over_time({SEEN_AT}{{{chosen}}}[$__range] @ end()))"

    clear = f"on (job, hostname) (count by (job, hostname) ({seen(NAMED)}) == 1)"
    addressed = f'label_join({seen()} unless {clear}, "hostname", " ", "hostname", "instance")'
    return f"({seen()} and {clear} or {addressed})"


# A machine is selected by name, and its series are found by the address it is scraped at. Machines that are down stay
# in the list as long as they are targets, because Fleet links to them, but at its end: the dashboard opens on the first
# of the list. The arrow tells them apart, and Grafana sorts it behind all letters.
DOWN = "\N{DOWNWARDS ARROW}"
_ALL = names('job="$job"')
_UP = 'on (job, instance) (up{job="$job"} == 1)'
VARIABLE = (
    f"query_result({_ALL} and {_UP} or "
    f'label_replace({_ALL} unless {_UP}, "hostname", "{DOWN} $1", "hostname", " ?(.+)"))'
)
BY_NAME = r'/hostname=" ?(?<text>[^"]+)|instance="(?<value>[^"]+)/g'

NAMES = f"({names(', '.join(SOME))} > bool 0)"
"""The query for 1 for each machine, with the label ``hostname``: what it is called."""
