"""Turn a prompt into a running program inside a Cloudflare sandbox."""

__version__ = "0.1.0"
