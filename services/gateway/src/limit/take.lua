-- Takes a token from each bucket in order, up to the first that has none. A bucket is "<missing> <at_ms>" as in
-- bucket.rs; one that is full again has expired. ARGV: max and window_ms of each bucket.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local answer = {string.format('%.0f', now)}
for i, key in ipairs(KEYS) do
  local max = tonumber(ARGV[2 * i - 1])
  local window = tonumber(ARGV[2 * i])
  local missing, at = 0, now
  local stored = redis.call('GET', key)
  if stored then
    local left, right = string.match(stored, '^(%d+) (%d+)$')
    missing, at = tonumber(left), tonumber(right)
  end
  local elapsed = math.min(math.max(now - at, 0), window)
  missing = math.max(missing - elapsed * max, 0)
  at = math.max(at, now)
  local allowed = missing + window <= max * window
  if allowed then missing = missing + window end
  if missing > 0 then
    local ttl = at - now + math.ceil(missing / max)
    redis.call('SET', key, string.format('%.0f %.0f', missing, at), 'PX', string.format('%.0f', ttl))
  end
  answer[#answer + 1] = allowed and '1' or '0'
  answer[#answer + 1] = string.format('%.0f', missing)
  if not allowed then break end
end
return answer
