"""Results as versioned JSON view models, and the page that draws them."""
