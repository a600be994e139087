-- What a scope may spend. The key '*' stands for every key of the type that has no definition of its own.
CREATE TABLE budget_definitions (
    tenant TEXT NOT NULL,
    scope_type TEXT NOT NULL,
    scope_key TEXT NOT NULL,
    limit_micros BIGINT NOT NULL,
    period TEXT NOT NULL,
    policy TEXT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (tenant, scope_type, scope_key)
);

-- One row a scope, named tenant/type/key: locked by whoever changes its money, and counting its resets.
CREATE TABLE budget_scopes (
    scope TEXT NOT NULL PRIMARY KEY,
    resets BIGINT NOT NULL
);

-- One row a scope and period.
CREATE TABLE budget_accounts (
    scope TEXT NOT NULL,
    period_id TEXT NOT NULL,
    spent_micros BIGINT NOT NULL,
    reserved_micros BIGINT NOT NULL,
    -- The events that were told already, as a JSON list.
    told TEXT NOT NULL,
    PRIMARY KEY (scope, period_id)
);

-- One row a charge, named tenant/charge id; body is the reservation as JSON.
CREATE TABLE budget_reservations (
    charge TEXT NOT NULL PRIMARY KEY,
    state TEXT NOT NULL,
    expires_ms BIGINT NOT NULL,
    body TEXT NOT NULL
);

CREATE INDEX budget_reservations_open ON budget_reservations (state, expires_ms);

-- Append only: one row a charge and scope.
CREATE TABLE budget_ledger (
    charge TEXT NOT NULL,
    scope TEXT NOT NULL,
    tenant TEXT NOT NULL,
    charge_id TEXT NOT NULL,
    scope_type TEXT NOT NULL,
    scope_key TEXT NOT NULL,
    period_id TEXT NOT NULL,
    amount_micros BIGINT NOT NULL,
    estimated BIGINT NOT NULL,
    model TEXT NOT NULL,
    input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    user_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    timestamp_ms BIGINT NOT NULL,
    PRIMARY KEY (charge, scope)
);

CREATE INDEX budget_ledger_scope ON budget_ledger (scope, timestamp_ms);
CREATE INDEX budget_ledger_time ON budget_ledger (tenant, timestamp_ms);

-- What happened to accounts, in the order of commits.
CREATE TABLE budget_events (
    id BIGINT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    tenant TEXT NOT NULL,
    scope_type TEXT NOT NULL,
    scope_key TEXT NOT NULL,
    period_id TEXT NOT NULL,
    payload TEXT NOT NULL,
    timestamp_ms BIGINT NOT NULL
);

CREATE TABLE budget_counters (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);

INSERT INTO budget_counters (name, value) VALUES ('events', 0);
