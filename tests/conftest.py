"""This file puts its folder on the path, so that tests of every layer can import ``crash``."""
