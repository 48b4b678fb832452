"""Does it work if something is changed: plans, replays, proofs."""

from sinchtools.replays.comparing import compare
from sinchtools.replays.planning import plan, replay
from sinchtools.replays.proof import prove, smallest_change

__all__ = ["compare", "plan", "prove", "replay", "smallest_change"]
