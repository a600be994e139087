CREATE TABLE visits (
    reference    TEXT   PRIMARY KEY,
    service      TEXT   NOT NULL,
    place        TEXT   NOT NULL,
    seat         BIGINT NOT NULL,
    start_ms     BIGINT NOT NULL,
    minutes      BIGINT NOT NULL,
    name         TEXT   NOT NULL,
    customer     TEXT   NOT NULL,
    made_ms      BIGINT NOT NULL,
    is_cancelled BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX visits_of_customer ON visits (customer, start_ms);

-- One row for each quarter of an hour of a visit: its key is what makes a double booking impossible.
CREATE TABLE taken (
    place     TEXT   NOT NULL,
    seat      BIGINT NOT NULL,
    cell      BIGINT NOT NULL,
    reference TEXT   NOT NULL REFERENCES visits (reference),
    PRIMARY KEY (place, seat, cell)
);

CREATE INDEX taken_by_cell ON taken (cell);
CREATE INDEX taken_of_visit ON taken (reference);

-- What was answered when the diary changed, so that the same call again gets the same answer.
CREATE TABLE replies (
    session_id TEXT   NOT NULL,
    request_id TEXT   NOT NULL,
    reply      TEXT   NOT NULL,
    made_ms    BIGINT NOT NULL,
    PRIMARY KEY (session_id, request_id)
);

CREATE INDEX replies_by_age ON replies (made_ms);
