"""The tamper-evident log of receipts: nothing in it can be dropped or reordered unseen."""
