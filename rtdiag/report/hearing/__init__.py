"""The picture of what a server heard of a clip: what is drawn, and how as characters and as HTML."""
