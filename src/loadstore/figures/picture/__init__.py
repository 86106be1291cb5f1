"""The picture of a circuit or a listing: tokens in a row, layers above, an arc a load."""
