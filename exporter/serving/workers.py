"""The threads that answer requests."""

from __future__ import annotations

from cheroot.workers.threadpool import ThreadPool, WorkerThread

from exporter.threads import launch


class Workers(ThreadPool):
    """cheroot's pool, whose threads do not keep the program from ending if one of them could not be started."""

    def _spawn_worker(self) -> WorkerThread:
        """Start a worker. Raises ThreadError."""
        worker = WorkerThread(self.server)  # type: ignore[no-untyped-call]
        worker.name, worker.daemon = "worker", True
        launch(worker)
        return worker
