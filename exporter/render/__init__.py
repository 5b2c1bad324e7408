"""Pure functions that turn a snapshot into text or rows; nothing here touches the machine."""
