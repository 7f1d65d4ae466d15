from tests.runtime import cct, runtime

__all__ = ["cct", "runtime"]
