"""Makes EROFS root images for the Linux personality from Debian arm64 packages and mix releases (README.md)."""
