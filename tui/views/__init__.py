"""Pure views: a snapshot, the room and the look in; lines of exactly that width out."""
