"""What the desk reads beside the list itself: how much there is, and what nobody looks after."""
