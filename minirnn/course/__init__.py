"""What the chapters in ``tutorials`` need: helpers to show things, a made-up hand, and the cells of chapter 17."""
