from tests.container.runner import runner, script
from tests.runtime import runtime

__all__ = ["runner", "runtime", "script"]
