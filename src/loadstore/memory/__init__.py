"""Memory over depth: regions of writers, lifetimes of what they store, and how far back readers reach."""
