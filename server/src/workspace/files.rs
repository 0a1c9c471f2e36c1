//! The real file system behind the matchers' [`Files`](crate::matcher::Files) port, with a small cache.
