"""Pure functions of a snapshot: it goes in, text or rows come out; nothing here touches the machine."""
