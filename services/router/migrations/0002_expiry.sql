-- A session is looked for by its owner among the active ones. As long as there are no statistics, an index that holds nothing but
-- active sessions looks as good for that as the owner's own, and would be read from end to end.
DROP INDEX sessions_by_expiry;
CREATE INDEX sessions_by_expiry ON sessions (expires_ms) WHERE closed_ms IS NULL;
