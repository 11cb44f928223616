"""What people and programs are shown, made of values alone: nothing here reads or writes."""
