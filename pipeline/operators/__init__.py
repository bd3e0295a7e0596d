"""What a stage does to the records of a batch: one operator for each shape of stage."""
