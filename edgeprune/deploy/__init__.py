"""The host's side of measuring and deploying; called, `edgeprune.deploy(run, request)` deploys.

The package and the function of the public interface have one name, so the package can be called.
"""

from __future__ import annotations

import os
import sys
import types
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeprune.deploy.agent import Listener
    from edgeprune.deploy.deployment import Deployment
    from edgeprune.deploy.request import DeployRequest


class _Deploy(types.ModuleType):
    """This package, which can be called."""

    def __call__(
        self,
        run: str | os.PathLike[str],
        request: DeployRequest | None = None,
        listener: Listener | None = None,
    ) -> Deployment:
        """See `edgeprune.deploy.deploy.deploy`."""
        from edgeprune.deploy.deploy import deploy

        return deploy(run, request, listener)


sys.modules[__name__].__class__ = _Deploy
