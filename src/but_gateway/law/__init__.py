"""Floor 1: federal and state law by date. What a town or an agreement sets is register data and never stands here."""
