"""The pure core: values and functions, no network, disk, clock or terminal."""
