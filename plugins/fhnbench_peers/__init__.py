"""The libraries that people use, as contenders: each as its own documentation would write this work."""
