"""The worklist: who must be looked at now and why, by earliest possible harm."""
