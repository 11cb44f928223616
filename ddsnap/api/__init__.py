"""HTTP: sessions, retries, pages and the gateway that the declarations drive."""
