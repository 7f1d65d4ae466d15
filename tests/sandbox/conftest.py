from tests.runtime import runtime

__all__ = ["runtime"]
