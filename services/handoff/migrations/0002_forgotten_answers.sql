-- Some time after a transfer has ended its answer is emptied; this finds those that are due.
CREATE INDEX handoffs_by_end ON handoffs (updated_ms) WHERE answer <> '';
