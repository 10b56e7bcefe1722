"""Pages for people who have a link and no account: rendered here, without scripts, in French and English."""
