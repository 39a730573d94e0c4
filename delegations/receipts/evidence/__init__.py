"""Evidence: what the chain itself says for a receipt, in one file that is checked offline against a block hash."""
