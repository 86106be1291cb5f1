"""What heads do: patterns and roles."""
