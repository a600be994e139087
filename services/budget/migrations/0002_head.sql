-- One row: what every batch of money compares and moves on, so that its writer knows whether anybody else has written since.
CREATE TABLE budget_head (
    id BIGINT NOT NULL PRIMARY KEY,
    -- Counts the batches.
    seq BIGINT NOT NULL,
    -- Counts the changes of definitions.
    definitions BIGINT NOT NULL,
    -- The last event.
    events BIGINT NOT NULL
);

INSERT INTO budget_head (id, seq, definitions, events)
    SELECT 1, 0, 0, value FROM budget_counters WHERE name = 'events';

DROP TABLE budget_counters;

-- What the account was last said to be; empty until it is anything but what it began as.
ALTER TABLE budget_accounts ADD COLUMN state TEXT NOT NULL DEFAULT '';

-- How a charge ended stands beside its body, which is never written again.
ALTER TABLE budget_reservations ADD COLUMN actual_micros BIGINT NOT NULL DEFAULT 0;

ALTER TABLE budget_reservations ADD COLUMN estimated BIGINT NOT NULL DEFAULT 0;

UPDATE budget_reservations SET
    actual_micros = COALESCE((SELECT MAX(amount_micros) FROM budget_ledger l WHERE l.charge = budget_reservations.charge), 0),
    estimated = COALESCE((SELECT MAX(l.estimated) FROM budget_ledger l WHERE l.charge = budget_reservations.charge), 0)
    WHERE state = 'settled';

DROP INDEX budget_reservations_open;

CREATE INDEX budget_reservations_due ON budget_reservations (expires_ms) WHERE state = 'open';

-- One row: up to which event the webhook was told, and from when on the next may be tried.
CREATE TABLE budget_mail (
    id BIGINT NOT NULL PRIMARY KEY,
    delivered BIGINT NOT NULL,
    due_ms BIGINT NOT NULL
);

INSERT INTO budget_mail (id, delivered, due_ms) SELECT 1, events, 0 FROM budget_head;
