"""All ways to die, and the alerts that need none."""

from __future__ import annotations

from tests.tools.ways import disks, hardware, kernel, memory, storage, usual

WAYS = (*storage.WAYS, *disks.WAYS, *memory.WAYS, *kernel.WAYS, *hardware.WAYS, *usual.WAYS)

NOT_A_WAY: dict[str, str] = {
    "HostFilesystemFillingUp": "needs hours of growth; the filesystem that is full is here",
    "HostFilesystemError": "a mount that hangs: see Faults in docs/reliability.md",
    "HostTargetGone": "it says that somebody has removed a target: see Deaths in docs/reliability.md",
    "HostNotAnExporter": "it is about the monitoring: see Deaths in docs/reliability.md",
    "HostExporterFlapping": "it is about the monitoring: see Deaths in docs/reliability.md",
    "HostCollectorFailing": "it is about the exporter: see Faults in docs/reliability.md",
    "HostSlowCollection": "it is about the exporter: see Faults in docs/reliability.md",
    "HostRebooted": "says that a machine is back, not that it is ill",
}
"""Host alerts without a way, and why."""
