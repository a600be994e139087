-- One step of one breaker. The same machine as breaker.rs, and a test holds the two together.
-- What stands before this text sets `now`, in milliseconds.
local agent, event, subject = ARGV[1], ARGV[2], ARGV[3]
local number, expires, outcome = ARGV[4], tonumber(ARGV[5]), ARGV[6]
local mode, measure, min_calls, failure_rate = ARGV[7], tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
local reset_timeout, max_backoff = tonumber(ARGV[11]), tonumber(ARGV[12])
local probes, probe_timeout = tonumber(ARGV[13]), tonumber(ARGV[14])

local NOTED, GRANTED, REFUSED = 0, 1, 2
local before = redis.call('HGET', KEYS[1], agent) or ''
local breaker = {generation = 0, failures = 0, phase = {closed = {window = {}}}}
if before ~= '' then
  breaker = cjson.decode(before)
end
local changed = false

local function enter(name, phase)
  breaker.generation = breaker.generation + 1
  breaker.phase = {[name] = phase}
  changed = true
end

local function open(multiplier, at)
  enter('open', {retry_at_ms = at + reset_timeout * multiplier, multiplier = multiplier})
end

local function age()
  local half = breaker.phase.half_open
  if not half then
    return
  end
  local ends = half.since_ms + probe_timeout
  if ends <= now then
    return open(half.multiplier, ends)
  end
  for probe, at in pairs(half.outstanding) do
    if at <= now then
      half.outstanding[probe] = nil
      changed = true
    end
  end
end

local function remember(window, ok)
  local bucket = math.floor(now / math.max(math.floor(measure / 10), 1))
  for index in pairs(window) do
    if tonumber(index) <= bucket - 10 then
      window[index] = nil
    end
  end
  local tally = window[tostring(bucket)] or {0, 0}
  window[tostring(bucket)] = {tally[1] + 1, tally[2] + (ok and 0 or 1)}
  changed = true
end

local function is_too_much(window)
  if mode == 'consecutive' then
    return measure <= breaker.failures
  end
  local finished, failed = 0, 0
  for _, tally in pairs(window) do
    finished, failed = finished + tally[1], failed + tally[2]
  end
  return 0 < failed and min_calls <= finished and failure_rate * finished <= failed
end

local function count(ok)
  local closed, half = breaker.phase.closed, breaker.phase.half_open
  if not (closed or half) then
    return
  end
  if not ok then
    breaker.failures, breaker.last_failure_ms, changed = breaker.failures + 1, now, true
  elseif breaker.failures ~= 0 then
    breaker.failures, changed = 0, true
  end
  if closed then
    if mode == 'window' then
      remember(closed.window, ok)
    end
    if is_too_much(closed.window) then
      open(1, now)
    end
  elseif not ok then
    open(math.min(half.multiplier * 2, max_backoff), now)
  else
    half.successes, changed = half.successes + 1, true
    if probes <= half.successes then
      enter('closed', {window = {}})
    end
  end
end

local function refusal()
  local phase, at = breaker.phase, nil
  if phase.closed or phase.forced_closed then
    return nil
  elseif phase.forced_open then
    at = now + reset_timeout
  elseif phase.open then
    at = phase.open.retry_at_ms
  else
    local half, outstanding = phase.half_open, 0
    at = half.since_ms + probe_timeout + reset_timeout * half.multiplier
    for _, frees_at in pairs(half.outstanding) do
      outstanding, at = outstanding + 1, math.min(at, frees_at)
    end
    if outstanding + half.successes < probes then
      return nil
    end
  end
  return now < at and at - now or nil
end

local function acquire()
  local wait = refusal()
  if wait then
    return {REFUSED, wait, 0, 0}
  end
  if breaker.phase.open then
    local multiplier = breaker.phase.open.multiplier
    enter('half_open', {since_ms = now, multiplier = multiplier, successes = 0, granted = 0, outstanding = {}})
  end
  local half, probe, until_ms = breaker.phase.half_open, 0, now + tonumber(subject)
  if half then
    probe = half.granted + 1
    half.granted, half.outstanding[tostring(probe)], changed = probe, until_ms, true
  end
  return {GRANTED, breaker.generation, probe, until_ms}
end

local function report()
  if tonumber(subject) ~= breaker.generation or expires <= now then
    return
  end
  local half = breaker.phase.half_open
  if half then
    if not half.outstanding[number] then
      return
    end
    half.outstanding[number], changed = nil, true
  end
  if outcome ~= 'neither' then
    count(outcome == 'success')
  end
end

local function set()
  if subject == 'reset' then
    breaker.failures = 0
    enter('closed', {window = {}})
  else
    enter(subject, {})
  end
end

age()
local answer = {NOTED, 0, 0, 0}
if event == 'acquire' then
  answer = acquire()
elseif event == 'report' then
  report()
elseif event == 'record' then
  count(subject == 'success')
else
  set()
end
local after = before
if changed then
  after = cjson.encode(breaker)
  redis.call('HSET', KEYS[1], agent, after)
end
return {now, before, after, answer[1], answer[2], answer[3], answer[4]}
