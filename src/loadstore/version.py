"""The version of this package, which pages name."""

VERSION = "0.1.0"
