"""Memory over depth: regions of writers, lifetimes of their stores, and how far back readers reach."""
