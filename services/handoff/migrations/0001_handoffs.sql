CREATE TABLE handoffs (
    handoff_id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    state TEXT NOT NULL,
    from_agent TEXT NOT NULL,
    to_agent TEXT NOT NULL,
    trigger_type TEXT NOT NULL,
    reason TEXT NOT NULL,
    order_json TEXT NOT NULL,
    tried_json TEXT NOT NULL,
    -- The answer of Transfer as a message in base64: decision, brief and refusals.
    answer TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    lease_until_ms BIGINT NOT NULL,
    version BIGINT NOT NULL
);

CREATE INDEX handoffs_by_state ON handoffs (state, lease_until_ms);
CREATE INDEX handoffs_by_session ON handoffs (session_id, created_ms);

-- One row a state change, written with it, gone once it was delivered.
CREATE TABLE handoff_outbox (
    handoff_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    event_type TEXT NOT NULL,
    payload_json TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (handoff_id, version)
);

CREATE INDEX handoff_outbox_by_time ON handoff_outbox (created_ms);
