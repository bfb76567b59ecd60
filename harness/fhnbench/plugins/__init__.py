"""What a plugin implements, how it is declared, and how it is found."""
