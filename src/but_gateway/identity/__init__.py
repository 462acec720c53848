"""Who calls: towns, accounts, clients, tokens, and what a call may do."""
