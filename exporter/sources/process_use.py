"""What processes have used since an earlier scan: CPU time, and pages that they waited for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.sources.processes import ProcessSample


def use(
    scanned: Mapping[int, ProcessSample], then: Mapping[int, ProcessSample], elapsed: float
) -> tuple[dict[int, float], dict[str, float]]:
    """Return CPU use in cores by PID, and major faults a second by name, of the processes that had any."""
    elapsed = max(elapsed, 0.01)
    cores: dict[int, float] = {}
    faults: dict[str, float] = {}
    for pid, process in scanned.items():
        known = then.get(pid)
        if known is process:  # unchanged since the baseline: it did not run
            continue
        spent = process.cpu_seconds
        if known is not None and known.started == process.started:
            spent -= known.cpu_seconds
            # Not those of a process that is new: if it is older and has only now become visible, they are its past.
            if process.major_faults > known.major_faults:
                more = (process.major_faults - known.major_faults) / elapsed
                faults[process.name] = faults.get(process.name, 0.0) + more
        elif known is None:
            # Started since the baseline, so all its CPU time falls into this window. If it is older and has only
            # now become visible, its past must not count: no thread can use more time than has elapsed.
            spent = min(spent, elapsed * (process.threads or 1))
        if spent > 0:
            cores[pid] = spent / elapsed
    return cores, faults
