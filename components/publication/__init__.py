"""Publication: the proof over HTTP, and the comparison with the champion."""
