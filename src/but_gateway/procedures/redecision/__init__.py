"""What follows from a changed register: the open positions it touches are decided again, chunk by chunk."""
