"""The picture of a circuit or a listing: tokens in a row, layers above, and one arc per load."""
