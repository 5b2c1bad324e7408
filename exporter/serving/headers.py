"""The headers of one request."""


class Headers(dict[bytes, bytes]):
    """cheroot takes the last of several Host headers, and the last line of a folded one; both are refused instead."""

    def __setitem__(self, name: bytes, value: bytes) -> None:
        """Set a header. Raises ValueError for a second Host (RFC 9112, 3.2)."""
        if name == b"Host" and name in self:
            raise ValueError("more than one Host header")
        super().__setitem__(name, value)
