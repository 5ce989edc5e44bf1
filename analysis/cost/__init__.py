"""What a design point costs: area, frequency and energy, each labelled with where its numbers come from."""
