"""How long something took, for people."""

_MINUTE = 60
_HOUR = 3600


def duration(seconds: float) -> str:
    """`4.2 s`, `3 min 05 s` or `1 h 07 min`."""
    if seconds < _MINUTE:
        return f"{seconds:.1f} s"
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE):02} s"
    return f"{int(seconds // _HOUR)} h {int(seconds % _HOUR // _MINUTE):02} min"
