"""The fitted family: Runge-Kutta steps whose coefficients are trained."""
