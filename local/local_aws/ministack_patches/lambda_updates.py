"""Make MiniStack update functions as Lambda does.

An update or deletion of a function ends its execution environments. The gaps:

- MiniStack ends them during an invocation. In AWS a running invocation finishes in its environment,
  and later invocations get new ones;
- an update of the configuration ends the environments of functions with the same name in every
  account.
"""

from __future__ import annotations

import weakref
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.responses import get_account_id, get_region
from ministack.services import lambda_svc

from local_aws.ministack_patches.requirements import require


def install() -> None:
    """Let running invocations finish when their function changes."""
    require(lambda_runtime, ["_lock", "_workers", "kill_workers"])
    require(lambda_svc, ["invalidate_worker", "release_worker"])
    stock_invalidate = lambda_svc.invalidate_worker
    stock_release = lambda_svc.release_worker
    outdated: weakref.WeakSet[Any] = weakref.WeakSet()

    def invalidate_worker(
        name: str,
        qualifier: str | None = None,
        account: str | None = None,
        region: str | None = None,
    ) -> None:
        account, region = account or get_account_id(), region or get_region()
        with lambda_runtime._lock:
            for key, workers in lambda_runtime._workers.items():
                if key.startswith(f"{account}:{region}:{name}:"):
                    outdated.update(worker for worker in workers if worker.in_use)
                    workers[:] = [worker for worker in workers if not worker.in_use]
        stock_invalidate(name, qualifier=qualifier, account=account, region=region)

    def release_worker(worker: Any) -> None:
        stock_release(worker)
        if worker in outdated:
            outdated.discard(worker)
            lambda_runtime.kill_workers([worker])

    lambda_svc.invalidate_worker = invalidate_worker
    lambda_svc.release_worker = release_worker
