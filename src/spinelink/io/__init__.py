"""How a network is written down."""
