"""What the office wants to know over many invoices: spending, what is owed and how late, how fast, how many children are reached."""
