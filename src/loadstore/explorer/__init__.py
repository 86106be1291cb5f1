"""The web explorer: a loopback server that computes view models, and the page that draws them (docs/explorer.md)."""
