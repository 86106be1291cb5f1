"""The version of this package, which pages display."""

VERSION = "0.2.0"
