"""The version of this package, which pages name."""

VERSION = "0.2.0"
