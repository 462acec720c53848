"""The rule book: every rule and every parameter of the law as staff read them. Generated from the rules themselves."""
