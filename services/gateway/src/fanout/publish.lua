-- Keeps events and tells them to all replicas, as one step. KEYS: the list of each event's session.
-- ARGV: channel, time to keep in ms (0 = not at all), events kept of a session, then each event.
local channel, ttl, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
for i, key in ipairs(KEYS) do
  local event = ARGV[3 + i]
  if ttl > 0 then
    redis.call('RPUSH', key, event)
    redis.call('LTRIM', key, -most, -1)
    redis.call('PEXPIRE', key, ttl)
  end
  redis.call('PUBLISH', channel, event)
end
return #KEYS
