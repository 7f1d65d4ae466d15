from __future__ import annotations

from collections.abc import Iterator

import pytest

from cct_cloudflare.sandbox.local import LocalWorker, local_worker
from cct_cloudflare.sandbox.toolchain import LocalRuntime
from cct_cloudflare.scripted import ScriptedModel
from tests.runtime import KEY, TOKEN, runtime

__all__ = ["runtime"]


@pytest.fixture(scope="module")
def worker(runtime: LocalRuntime) -> Iterator[LocalWorker]:
    """The local Worker on a port, with the scripted model; its token is `tests.runtime.TOKEN`.

    It ends with its module: other modules count the processes of this one.
    """
    with (
        ScriptedModel() as model,
        local_worker(
            runtime,
            environment={"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": model.url},
            listen="127.0.0.1:0",
            token=TOKEN,
        ) as started,
    ):
        yield started
