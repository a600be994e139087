-- An empty text stands for "none" wherever a column may have nothing to say.
CREATE TABLE sessions (
    session_id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    external_key TEXT NOT NULL,
    employee_id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    status TEXT NOT NULL,
    active_agent TEXT NOT NULL,
    language TEXT NOT NULL,
    -- The agent of the last classification, and what that classification said.
    intent TEXT NOT NULL,
    intent_summary TEXT NOT NULL,
    entry_count BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    -- How many turns wait or run.
    open_turns BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL,
    expires_ms BIGINT,
    closed_ms BIGINT,
    prior_session_id TEXT NOT NULL,
    carried BIGINT NOT NULL,
    summary TEXT NOT NULL,
    metadata_json TEXT NOT NULL,
    pending_json TEXT NOT NULL,
    -- What the active agent was told when it took over, and from where on it reads the history itself.
    brief_json TEXT NOT NULL,
    history_from BIGINT NOT NULL
);

CREATE UNIQUE INDEX sessions_one_active ON sessions (tenant, user_id, external_key) WHERE status = 'active';
CREATE INDEX sessions_by_owner ON sessions (tenant, user_id, created_ms);
CREATE INDEX sessions_by_expiry ON sessions (expires_ms) WHERE status = 'active';
CREATE INDEX sessions_by_closing ON sessions (closed_ms) WHERE status <> 'active';

CREATE TABLE turns (
    turn_id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    user_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    is_anonymous BIGINT NOT NULL,
    session_new BIGINT NOT NULL,
    fingerprint TEXT NOT NULL,
    seq BIGINT NOT NULL,
    -- queued, running or done.
    state TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    lease_until_ms BIGINT NOT NULL,
    is_cancelled BIGINT NOT NULL,
    -- How the turn ends should its router die now.
    provisional_json TEXT NOT NULL,
    ending_json TEXT NOT NULL,
    record_json TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    finished_ms BIGINT
);

CREATE UNIQUE INDEX turns_by_request ON turns (tenant, user_id, request_id);
CREATE INDEX turns_by_session ON turns (session_id, seq);
CREATE INDEX turns_open ON turns (session_id, seq) WHERE state <> 'done';
CREATE INDEX turns_cancelled ON turns (turn_id) WHERE is_cancelled = 1 AND state <> 'done';
CREATE INDEX turns_by_lease ON turns (lease_until_ms) WHERE state <> 'done';
CREATE INDEX turns_anonymous ON turns (created_ms) WHERE is_anonymous = 1;

CREATE TABLE session_entries (
    session_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    turn_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    role TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    content TEXT NOT NULL,
    intent_summary TEXT NOT NULL,
    timestamp_ms BIGINT NOT NULL,
    PRIMARY KEY (session_id, position)
);

CREATE INDEX session_entries_by_turn ON session_entries (turn_id);

CREATE TABLE session_states (
    session_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    state_json TEXT NOT NULL,
    PRIMARY KEY (session_id, agent_id)
);

-- The handoffs whose switch of the active agent was committed.
CREATE TABLE session_switches (
    handoff_id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    to_agent TEXT NOT NULL,
    switched_ms BIGINT NOT NULL
);

CREATE INDEX session_switches_by_session ON session_switches (session_id);

-- Charges that the budget service has not confirmed.
CREATE TABLE turn_settlements (
    charge_id TEXT PRIMARY KEY,
    turn_id TEXT NOT NULL,
    order_json TEXT NOT NULL,
    due_ms BIGINT NOT NULL,
    tries BIGINT NOT NULL
);

CREATE INDEX turn_settlements_by_time ON turn_settlements (due_ms);

-- What happened to sessions and was not delivered yet.
CREATE TABLE session_outbox (
    event_id TEXT PRIMARY KEY,
    session_id TEXT NOT NULL,
    event_type TEXT NOT NULL,
    payload_json TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    due_ms BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    is_streamed BIGINT NOT NULL
);

CREATE INDEX session_outbox_by_time ON session_outbox (due_ms);
