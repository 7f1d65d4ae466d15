from tests.runtime import cct, runtime, sandbox

__all__ = ["cct", "runtime", "sandbox"]
