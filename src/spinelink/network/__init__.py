"""What a network is: frozen values, no arrays of cases, no files, no inference."""
