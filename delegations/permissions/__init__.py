"""ERC-7715: permissions that a dapp asks for and a wallet grants, both sides."""
