"""Training of surrogates: what every family has in common; a family adds its network and its objective."""
